/** The one place where the client's clock, timers and chance come from; tests pass another. */
export interface Clock {
  /** Milliseconds of a clock that never goes back. */
  nowMs(): number;
  /** Milliseconds since 1970, for people to read. */
  wallMs(): number;
  /** Calls `run` once, `waitMs` milliseconds from now; the returned function takes that back. */
  after(waitMs: number, run: () => void): () => void;
  /** A seed for the generator inside the session machine, below 2^32. */
  seed(): number;
  /** 16 random bytes, for a row uuid (RFC 4122 version 4). */
  randomUuid(): string;
}

/** The longest wait that a Node.js timer takes; longer ones are cut into pieces by whoever asks again. */
const TIMER_MS_MAX = 2 ** 31 - 1;

export const systemClock: Clock = {
  nowMs: () => performance.now(),
  wallMs: () => Date.now(),
  after(waitMs, run) {
    const timer = setTimeout(run, Math.min(Math.max(0, Math.ceil(waitMs)), TIMER_MS_MAX));
    return () => clearTimeout(timer);
  },
  seed: () => globalThis.crypto.getRandomValues(new Uint32Array(1))[0] ?? 1,
  randomUuid: () => globalThis.crypto.randomUUID(),
};
