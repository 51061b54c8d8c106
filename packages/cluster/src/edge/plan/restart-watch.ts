/** What a rolling restart waits for: that the gate opens, and that a member is back. It looks, and remembers. */
import { setTimeout as pause } from "node:timers/promises";
import { assess } from "../../judge/assess.ts";
import { emptyHistory, type History } from "../../judge/history.ts";
import { remember } from "../../judge/track.ts";
import { elapsedBetween } from "../../observe/elapsed.ts";
import type { Observation } from "../../observe/types.ts";
import { statusOf } from "../../observe/types.ts";
import { checkCondition } from "../../plan/conditions.ts";
import { gate, type GateVerdict } from "../../plan/gate.ts";
import { nextMember, RECOVER_MS } from "../../plan/restart.ts";
import { interruption } from "./command.ts";
import type { RollingOptions } from "./restart.ts";

/** What ovsdb-server has if nobody says a timer, in ms. */
const TIMER_MS = 1_000;
const LOOKS_MAX = 100;

/** Two of the longest election timer that anybody says, in ms. */
export function settleTimeOf(observation: Observation): number {
  const timers = observation.databases.flatMap(({ members }) =>
    members.map((member) => statusOf(member)?.electionTimer?.ms ?? TIMER_MS),
  );
  return 2 * Math.max(TIMER_MS, ...timers);
}

export class RestartWatch {
  readonly #options: RollingOptions;
  #history: History = emptyHistory();
  #previous: readonly Observation[] = [];

  constructor(options: RollingOptions) {
    this.#options = options;
  }

  stopIfAborted(): void {
    const { signal } = this.#options;
    if (signal?.aborted) throw interruption(signal, "nobody else is taken down");
  }

  async #look(): Promise<Observation> {
    this.stopIfAborted();
    try {
      return await this.#options.observe();
    } catch (error) {
      this.stopIfAborted();
      throw error;
    }
  }

  #remember(observation: Observation, settleMs: number): void {
    const { expected } = this.#options;
    this.#history = remember(this.#history, observation, assess(observation, { expected, history: this.#history }));
    this.#previous = thinned([...this.#previous, observation], settleMs);
  }

  /** Who may go down now; the last verdict of the gate if none may in time. */
  async untilOpen(remaining: readonly string[]): Promise<string | GateVerdict> {
    const { expected, recoverMs = RECOVER_MS, pollMs = 500, signal, onEvent } = this.#options;
    const startedMs = performance.now();
    this.#previous = [];
    /** The gate has spoken only once there were two looks, however slow they are; a clock set back holds up nobody. */
    const isLate = (settleMs: number, hasSpoken: boolean): boolean =>
      performance.now() >= startedMs + settleMs + (hasSpoken ? recoverMs : 2 * recoverMs);
    for (;;) {
      const observation = await this.#look();
      const settleMs = this.#options.settleMs ?? settleTimeOf(observation);
      const member = nextMember(remaining, observation, { expected }) ?? "";
      const previous = this.#previous.findLast((look) => elapsedBetween(look, observation) >= settleMs);
      const verdict = gate(observation, { member, previous, settleMs, expected, history: this.#history });
      if (verdict.isOpen) return member;
      onEvent?.({ type: "waiting", member, gate: verdict });
      this.#remember(observation, settleMs);
      if (isLate(settleMs, previous !== undefined)) return verdict;
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

/**
 * The looks of one settle time, and one from before it; never more than a hundred, for which every second one gives way.
 */
function thinned(looks: readonly Observation[], settleMs: number): readonly Observation[] {
  const newest = looks.at(-1);
  const old = looks.findLastIndex((look) => newest !== undefined && elapsedBetween(look, newest) >= settleMs);
  const kept = looks.slice(Math.max(0, old));
  return kept.length <= LOOKS_MAX ? kept : kept.filter((_look, index) => index % 2 === 0 || index === kept.length - 1);
}
