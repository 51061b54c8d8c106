/** What actions and checks are carried out with. */
import { localRunner, type Runner } from "@ovnha/runner";
import { BackupError } from "../../error.ts";
import { type FactRef, HERE, type RestorePlan } from "../../restore/types.ts";
import { Host } from "./hosts.ts";

/** One runner per member, by its name, and optionally one for `here`. */
export type Runners = Readonly<Record<string, Runner>>;

/** Takes the fresh backup at the end of a restore. @returns where it lies, for the journal. */
export type FreshBackup = (
  databases: Readonly<Record<string, readonly string[]>>,
  signal?: AbortSignal,
) => Promise<string>;

export interface Context {
  readonly plan: RestorePlan;
  readonly signal: AbortSignal | undefined;
  readonly freshBackup: FreshBackup | undefined;
  readonly host: (name: string) => Host;
  /** @throws BackupError `JOURNAL` if no step has told it. */
  readonly fact: (ref: string | FactRef) => string;
}

/** @throws BackupError `ARGUMENT` if a place of the plan has no runner. */
export function makeHosts(
  plan: RestorePlan,
  runners: Runners,
  signal: AbortSignal | undefined,
): (name: string) => Host {
  const hosts = new Map<string, Host>();
  hosts.set(HERE, new Host(HERE, runners[HERE] ?? localRunner(), signal));
  for (const { name } of plan.members) {
    const runner = Object.hasOwn(runners, name) ? runners[name] : undefined;
    if (runner !== undefined) hosts.set(name, new Host(name, runner, signal));
  }
  return (name) => {
    const host = hosts.get(name);
    if (host !== undefined) return host;
    throw new BackupError("ARGUMENT", `there is no runner for ${JSON.stringify(name)}`, {
      remedy: "give one per member",
    });
  };
}
