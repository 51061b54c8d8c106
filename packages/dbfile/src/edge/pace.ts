/** Long work in slices, so that timers and sockets of the same process go on living. */
import { setImmediate } from "node:timers/promises";
import { DbFileError } from "../error.ts";

/** Milliseconds of work before others get their turn. */
const SLICE_MS = 8;

/** Gives way to others when its slice is used up. */
export class Pace {
  readonly #signal: AbortSignal | undefined;
  #sliceEndMs = performance.now() + SLICE_MS;

  constructor(signal: AbortSignal | undefined) {
    this.#signal = signal;
    this.check();
  }

  /** True if it is time to wait for {@link rest}. */
  get isDue(): boolean {
    return performance.now() >= this.#sliceEndMs;
  }

  async rest(): Promise<void> {
    await setImmediate();
    this.check();
    this.#sliceEndMs = performance.now() + SLICE_MS;
  }

  /** @throws DbFileError `ABORTED` */
  check(): void {
    if (this.#signal?.aborted !== true) return;
    throw new DbFileError("ABORTED", "the work was called off", { cause: this.#signal.reason });
  }
}

/** Runs a generator to its end. @throws DbFileError `ABORTED` between two of its steps if the signal says so. */
export async function runPaced<T>(work: Generator<unknown, T>, signal?: AbortSignal): Promise<T> {
  const pace = new Pace(signal);
  for (;;) {
    const { done, value } = work.next();
    if (done === true) return value as T;
    if (pace.isDue) await pace.rest();
  }
}
