/** Drives a rolling restart: the gate opens, one goes down, it comes back, the gate opens again. */
import { ClusterError } from "../../error.ts";
import type { Expected, Observation } from "../../observe/types.ts";
import type { GateVerdict } from "../../plan/gate.ts";
import type { RestartPlan } from "../../plan/restart.ts";
import { type CommandOptions, runCommand } from "./command.ts";
import { RestartWatch } from "./restart-watch.ts";

export type RollingOptions = CommandOptions & {
  /** A fresh look at all members; give it the extra "storage", so that the gate can judge that too. */
  readonly observe: () => Promise<Observation>;
  /** Nothing is done without it: true, or asked for each member, once the gate is open for it. */
  readonly confirm: true | ((member: string) => boolean | Promise<boolean>);
  readonly expected?: Expected | undefined;
  /** How long all must have been well before the next goes down, in ms; two election timers unless told. */
  readonly settleMs?: number | undefined;
  /** How long the gate may stay shut beyond the settle time, and a member away, in ms; 120,000 unless told. Then it stops, for good. */
  readonly recoverMs?: number | undefined;
  readonly pollMs?: number | undefined;
  readonly onEvent?: ((event: RollingEvent) => void) | undefined;
  /** Such as that of the operation lock. It ends the work between two members; a restart that runs is let finish. */
  readonly signal?: AbortSignal | undefined;
};

export type RollingEvent =
  | { readonly type: "waiting"; readonly member: string; readonly gate: GateVerdict }
  | { readonly type: "restarting"; readonly member: string }
  | { readonly type: "back"; readonly member: string; readonly afterMs: number };

export type RollingReport = {
  readonly isComplete: boolean;
  readonly restarted: readonly { readonly member: string; readonly recoveredMs: number }[];
  /** Whom nobody has touched. */
  readonly remaining: readonly string[];
  /** Why it stopped. */
  readonly abortedBecause: string | undefined;
};

/**
 * Restarts the members of the plan, whoever is no leader first; who leads is asked anew each time. If the gate does not
 * open again, or more is wrong than the one member that is down, nobody else is touched and the report says why.
 *
 * A restart command must not end before the old process has, as with `systemctl restart` and `kubectl delete pod`: the
 * member would be taken for back while it has not gone yet.
 *
 * @throws ClusterError PRECONDITION if the plan has blockers; ABORTED, LOCKED or whatever else is the signal's reason, with
 * who was restarted and who was not touched.
 */
export async function runRollingRestart(plan: RestartPlan, options: RollingOptions): Promise<RollingReport> {
  if (plan.blockers.length > 0)
    throw new ClusterError(
      "PRECONDITION",
      `${plan.title}: ${plan.blockers.map(({ text }) => text).join("; ")}; nothing was done`,
    );
  return new Rolling(plan, options).run();
}

class Rolling {
  readonly #plan: RestartPlan;
  readonly #options: RollingOptions;
  readonly #watch: RestartWatch;
  readonly #remaining: string[];
  readonly #restarted: { member: string; recoveredMs: number }[] = [];
  /** Who was told to restart and is not seen back. */
  #away: string | undefined;

  constructor(plan: RestartPlan, options: RollingOptions) {
    this.#plan = plan;
    this.#options = options;
    this.#watch = new RestartWatch(options);
    this.#remaining = plan.order.map(({ member }) => member);
  }

  async run(): Promise<RollingReport> {
    try {
      while (this.#remaining.length > 0) {
        const stopped = await this.#next();
        if (stopped !== undefined) return this.#report(stopped);
      }
      return this.#report();
    } catch (error) {
      const { signal } = this.#options;
      if (!signal?.aborted || !(error instanceof ClusterError)) throw error;
      throw new ClusterError(error.code, `${error.message}; ${this.#soFar()}`, { cause: error });
    }
  }

  /** One member more; why it stops, if it does. */
  async #next(): Promise<string | undefined> {
    const { onEvent, confirm } = this.#options;
    const opened = await this.#watch.untilOpen(this.#remaining);
    if (typeof opened !== "string")
      return `the gate did not open: ${opened.reasons.map(({ database, text }) => `${database}: ${text}`).join("; ")}`;
    let member = opened;
    if (confirm !== true) {
      if (!(await confirm(member))) return `the restart of ${member} was not wanted`;
      // Whoever was asked took his time: what was open then may be shut now, and another one may lead.
      const again = await this.#watch.untilOpen(this.#remaining);
      if (again !== member)
        return typeof again === "string"
          ? `${member} leads something now, so ${again} would be next; plan again`
          : `the gate has shut: ${again.reasons.map(({ database, text }) => `${database}: ${text}`).join("; ")}`;
      member = again;
    }
    const command = this.#plan.steps.find((step) => step.kind === "act" && step.member === member)?.command;
    if (command === undefined) return `there is no command to restart ${member}`;
    this.#watch.stopIfAborted();
    onEvent?.({ type: "restarting", member });
    const startedMs = performance.now();
    this.#remaining.splice(this.#remaining.indexOf(member), 1);
    this.#away = member;
    try {
      await runCommand(member, command, this.#options);
    } catch (error) {
      return (error as Error).message;
    }
    const missing = await this.#watch.untilBack(member, this.#plan.databases);
    const recoveredMs = performance.now() - startedMs;
    if (missing !== undefined) return `${member} did not come back: ${missing}`;
    this.#away = undefined;
    this.#restarted.push({ member, recoveredMs });
    onEvent?.({ type: "back", member, afterMs: recoveredMs });
    return undefined;
  }

  #report(abortedBecause?: string): RollingReport {
    return {
      isComplete: this.#remaining.length === 0 && abortedBecause === undefined,
      restarted: this.#restarted,
      remaining: this.#remaining,
      abortedBecause,
    };
  }

  #soFar(): string {
    const names = (members: readonly string[]): string => members.join(", ") || "nobody";
    const away = this.#away === undefined ? "" : `${this.#away} was told to restart and is not seen back; `;
    return `${away}restarted: ${names(this.#restarted.map(({ member }) => member))}; not touched: ${names(this.#remaining)}`;
  }
}
