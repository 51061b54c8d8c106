/** How far a run on real servers has come: told while it goes on, and where it was interrupted. */
import { formatDuration } from "../../scenario/duration.ts";
import type { Scenario, Step } from "../../scenario/types.ts";

export type Interruption = {
  readonly during: "forming" | "schedule" | "settling";
  /** Since the schedule began, in milliseconds. */
  readonly atMs: number;
  readonly stepsDone: number;
  readonly steps: number;
  /** The last step that was begun, such as "stop m1". */
  readonly last: string | undefined;
};

export class Diary {
  readonly #scenario: Scenario;
  readonly #tell: (text: string) => void;
  #during: Interruption["during"] = "forming";
  #now = (): number => 0;
  #done = 0;
  #last: string | undefined;

  constructor(scenario: Scenario, tell: (text: string) => void = () => {}) {
    this.#scenario = scenario;
    this.#tell = tell;
    tell("forms its cluster");
  }

  get nowMs(): number {
    return this.#now();
  }

  /** `now`: milliseconds since the schedule began. */
  begin(now: () => number): void {
    this.#now = now;
    this.#during = "schedule";
  }

  note({ action }: Step): void {
    const target = "target" in action ? ` ${action.target}` : "";
    this.#last = `${action.do}${target}`;
    this.#done++;
    this.#tell(`${(this.#now() / 1000).toFixed(1)} s ${this.#last}`);
  }

  settle(): void {
    this.#during = "settling";
    this.#tell("waits until writes flow");
  }

  interruption(): Interruption {
    return {
      during: this.#during,
      atMs: Math.round(this.#now()),
      stepsDone: this.#done,
      steps: this.#scenario.steps.length,
      last: this.#last,
    };
  }
}

/** In a sentence: where it was, and what it had seen by then. */
export function tellInterruption({ during, atMs, stepsDone, steps, last }: Interruption): string {
  if (during === "forming") return "interrupted while its cluster was formed: nothing to compare yet";
  const where = `interrupted ${formatDuration(atMs)} into its schedule, ${stepsDone} of ${steps} steps begun`;
  if (during === "settling") return `${where}, while it waited for writes to flow`;
  return last === undefined ? where : `${where}, the last "${last}"`;
}
