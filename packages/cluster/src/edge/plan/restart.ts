/** Drives a rolling restart: the gate opens, one goes down, it comes back, the gate opens again. */
import { setTimeout as pause } from "node:timers/promises";
import { ClusterError } from "../../error.ts";
import { assess } from "../../judge/assess.ts";
import { emptyHistory, type History } from "../../judge/history.ts";
import { remember } from "../../judge/track.ts";
import type { Expected, Observation } from "../../observe/types.ts";
import { checkCondition } from "../../plan/conditions.ts";
import { gate, type GateVerdict } from "../../plan/gate.ts";
import { nextMember, RECOVER_MS, type RestartPlan } from "../../plan/restart.ts";
import type { Command } from "../../plan/types.ts";
import { type ExecuteOptions, runnerFor } from "./execute.ts";

export type RollingOptions = {
  readonly runners: ExecuteOptions["runners"];
  readonly observe: () => Promise<Observation>;
  /** Nothing is done without it. */
  readonly confirm: true;
  readonly expected?: Expected | undefined;
  /** How long all must have been well before the next goes down, in ms; two election timers unless told. */
  readonly settleMs?: number | undefined;
  /** How long the gate may stay shut, and a member away, in ms; 120,000 unless told. Then it stops, for good. */
  readonly recoverMs?: number | undefined;
  readonly pollMs?: number | undefined;
  readonly commandMs?: number | undefined;
  readonly onEvent?: ((event: RollingEvent) => void) | undefined;
  /** Such as that of the operation lock. */
  readonly signal?: AbortSignal | undefined;
};

export type RollingEvent =
  | { readonly type: "waiting"; readonly member: string; readonly gate: GateVerdict }
  | { readonly type: "restarting"; readonly member: string }
  | { readonly type: "back"; readonly member: string; readonly afterMs: number };

export type RollingReport = {
  readonly isComplete: boolean;
  readonly restarted: readonly { readonly member: string; readonly recoveredMs: number }[];
  readonly remaining: readonly string[];
  /** Why it stopped. */
  readonly abortedBecause: string | undefined;
};

/**
 * Restarts the members of the plan, whoever is no leader first; who leads is asked anew each time. If the gate does not
 * open again, or more is wrong than the one member that is down, nobody else is touched and the report says why.
 *
 * @throws ClusterError PRECONDITION if the plan has blockers; ABORTED or LOCKED by the signal.
 */
export async function runRollingRestart(plan: RestartPlan, options: RollingOptions): Promise<RollingReport> {
  if (plan.blockers.length > 0)
    throw new ClusterError(
      "PRECONDITION",
      `${plan.title}: ${plan.blockers.map(({ text }) => text).join("; ")}; nothing was done`,
    );
  const commands = new Map(
    plan.steps.flatMap(({ kind, member, command }) =>
      kind === "act" && member !== undefined && command !== undefined ? [[member, command] as const] : [],
    ),
  );
  const remaining = plan.order.map(({ member }) => member);
  const restarted: { member: string; recoveredMs: number }[] = [];
  const watch = new Watch(options);
  const report = (abortedBecause?: string): RollingReport => ({
    isComplete: remaining.length === 0,
    restarted,
    remaining,
    abortedBecause,
  });
  while (remaining.length > 0) {
    const opened = await watch.untilOpen(remaining);
    if (typeof opened !== "string")
      return report(
        `the gate did not open: ${opened.reasons.map(({ database, text }) => `${database}: ${text}`).join("; ")}`,
      );
    const member = opened;
    const command = commands.get(member);
    if (command === undefined) return report(`there is no command to restart ${member}`);
    options.onEvent?.({ type: "restarting", member });
    const startedMs = performance.now();
    remaining.splice(remaining.indexOf(member), 1);
    const failure = await restart(command, options);
    if (failure !== undefined) return report(`${member}: ${failure}`);
    const away = await watch.untilBack(member, plan.databases);
    const recoveredMs = performance.now() - startedMs;
    restarted.push({ member, recoveredMs });
    if (away !== undefined) return report(`${member} did not come back: ${away}`);
    options.onEvent?.({ type: "back", member, afterMs: recoveredMs });
  }
  return report();
}

async function restart(
  command: Command,
  { runners, commandMs = 60_000, signal }: RollingOptions,
): Promise<string | undefined> {
  const { exitCode, stdout, stderr } = await runnerFor(runners, command.at).run(command.program, command.args, {
    timeoutMs: commandMs,
    ...(signal === undefined ? {} : { signal }),
  });
  return exitCode === 0 ? undefined : `the restart ended with ${exitCode}: ${`${stdout}${stderr}`.trim().slice(-500)}`;
}

/** Looks, and remembers. */
class Watch {
  readonly #options: RollingOptions;
  #history: History = emptyHistory();
  #previous: Observation[] = [];

  constructor(options: RollingOptions) {
    this.#options = options;
  }

  async #look(): Promise<Observation> {
    const { signal, observe } = this.#options;
    if (signal?.aborted)
      throw signal.reason instanceof ClusterError
        ? signal.reason
        : new ClusterError("ABORTED", "the restart was aborted between two members");
    return observe();
  }

  #remember(observation: Observation): void {
    const { expected } = this.#options;
    this.#history = remember(this.#history, observation, assess(observation, { expected, history: this.#history }));
    // A settle time's worth of looks, and never more than a hundred.
    this.#previous = [...this.#previous, observation].slice(-100);
  }

  /** Who may go down now; the last verdict of the gate if none may in time. */
  async untilOpen(remaining: readonly string[]): Promise<string | GateVerdict> {
    const { expected, settleMs = 2_000, recoverMs = RECOVER_MS, pollMs = 500, signal, onEvent } = this.#options;
    const deadlineMs = performance.now() + recoverMs;
    this.#previous = [];
    for (;;) {
      const observation = await this.#look();
      const member = nextMember(remaining, observation, { expected }) ?? "";
      const previous = this.#previous.findLast(({ endedMs }) => observation.startedMs - endedMs >= settleMs);
      const verdict = gate(observation, { member, previous, settleMs, expected, history: this.#history });
      if (verdict.isOpen) return member;
      onEvent?.({ type: "waiting", member, gate: verdict });
      this.#remember(observation);
      if (performance.now() >= deadlineMs) return verdict;
      await pause(pollMs, undefined, { signal }).catch(() => {});
    }
  }

  /** Why it is not back yet; undefined once it is. */
  async untilBack(member: string, databases: readonly string[]): Promise<string | undefined> {
    const { expected, recoverMs = RECOVER_MS, pollMs = 500, signal } = this.#options;
    const deadlineMs = performance.now() + recoverMs;
    for (;;) {
      const observation = await this.#look();
      const missing = databases
        .flatMap((database) => [
          checkCondition({ type: "caught-up", database, member }, observation, { expected }),
          checkCondition({ type: "others-live", database, except: [member] }, observation, { expected }),
        ])
        .find(({ isHeld }) => !isHeld);
      if (missing === undefined) return undefined;
      if (performance.now() >= deadlineMs) return missing.why;
      await pause(pollMs, undefined, { signal }).catch(() => {});
    }
  }
}
