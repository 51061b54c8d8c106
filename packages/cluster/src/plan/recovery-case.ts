/** What the choice of a recovery is made from. */
import type { FileFacts } from "../judge/checks/files.ts";
import type { Finding, Voter } from "../judge/types.ts";
import type { Observation } from "../observe/types.ts";
import { type Judged, type JudgeOptions, silenceMs } from "./conditions.ts";
import type { RankedFile } from "./rank.ts";
import { stampOf, statusLook, type Where } from "./rejoin.ts";
import { appctl, type Site } from "./site.ts";
import { type Blocker, makePlan, type Plan, type PlanStep } from "./types.ts";

export type RecoveryDecision =
  | "none"
  | "wait"
  | "look"
  | "start"
  | "restart"
  | "kick"
  | "rejoin"
  | "stop"
  | "timer"
  | "rebuild";

export type RecoveryOptions = JudgeOptions & {
  readonly database: string;
  readonly site?: Site | undefined;
  /** What `@ovnha/dbfile` says of the members' files, by member. */
  readonly files?: Readonly<Record<string, FileFacts>> | undefined;
  readonly serverIds?: Readonly<Record<string, string>> | undefined;
  /** Members whose files are gone for good. */
  readonly lost?: readonly string[] | undefined;
  /** How long a member may take to join or to catch up, in ms; 120,000 unless told. */
  readonly withinMs?: number | undefined;
};

export type Case = {
  readonly judged: Judged;
  readonly observation: Observation;
  readonly options: RecoveryOptions;
  readonly findings: readonly Finding[];
  readonly files: readonly RankedFile[];
};

export type Choice = { readonly decision: RecoveryDecision; readonly because: readonly Finding[]; readonly plan: Plan };

export function simple(
  { judged }: Case,
  title: string,
  steps: readonly Omit<PlanStep, "number">[],
  isDone = false,
  blockers: readonly Blocker[] = [],
  witnesses: readonly string[] = [],
): Plan {
  const { database } = judged.verdict;
  return makePlan({
    kind: "recovery",
    title: `${database}: ${title}`,
    databases: [database],
    blockers,
    warnings: [],
    steps,
    isDone,
    witnesses,
  });
}

export function at({ judged, observation, options }: Case, member: string): Where {
  return {
    database: judged.verdict.database,
    member,
    site: options.site ?? {},
    observation,
    stamp: stampOf(options.nowMs ?? observation.endedMs),
  };
}

export function looks(one: Case): Omit<PlanStep, "number">[] {
  return one.judged.view.members.map(({ member }) => statusLook(at(one, member)));
}

/** The removal of an id whose server does not run, through any member that does: it passes it on to the leader. */
export function forgetStep(
  { judged, observation, options }: Case,
  through: string,
  { key, address }: Voter,
  serverId: string,
  title: string,
): Omit<PlanStep, "number"> {
  const { database } = judged.verdict;
  return {
    title,
    kind: "act",
    database,
    member: through,
    command: appctl(options.site ?? {}, observation, through, database, "cluster/kick", database, serverId),
    text: `${address}. Whoever is asked passes it on to the leader; it is done when nobody lists it.`,
    before: [
      { type: "one-leader", database },
      { type: "no-change-under-way", database },
      { type: "silent", database, server: key },
      { type: "quorum-without", database, server: key },
    ],
    after: [{ type: "absent", database, server: key }],
    patienceMs: silenceMs(judged.view),
    withinMs: options.withinMs ?? 60_000,
    isDestructive: true,
    isIrreversible: true,
    undo: "None: an id that was removed never comes back. The server joins anew, with a fresh file and a new id.",
  };
}
