/** Long work in slices, so that timers and sockets of the same process go on living. */
import { setImmediate } from "node:timers/promises";
import { BackupError } from "../error.ts";

const SLICE_MS = 10;

/** Runs a generator to its end. @throws BackupError `ABORTED` */
export async function runPaced<T>(work: Generator<undefined, T>, signal?: AbortSignal): Promise<T> {
  let sinceMs = performance.now();
  for (;;) {
    const step = work.next();
    if (step.done === true) return step.value;
    if (performance.now() - sinceMs < SLICE_MS) continue;
    if (signal?.aborted) throw new BackupError("ABORTED", "the check was given up", { cause: signal.reason });
    await setImmediate();
    sinceMs = performance.now();
  }
}
