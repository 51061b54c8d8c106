/** Waiting for a condition, with a deadline; never for a time. */
export type WaitOptions = {
  /** Milliseconds; default 20,000. */
  readonly deadlineMs?: number;
  /** For the error: what was awaited. */
  readonly what: string;
};

/** Thrown by a condition that can no longer come true: the wait ends at once with this error. */
export class Hopeless extends Error {
  override readonly name = "Hopeless";
}

/**
 * Asks until the answer is neither `undefined`, `null` nor `false`, every 5 ms at first and every 50 ms later.
 * An error counts as "not yet", unless it is {@link Hopeless}.
 */
export async function waitFor<T>(
  condition: () => T | Promise<T>,
  { deadlineMs = 20_000, what }: WaitOptions,
): Promise<NonNullable<T>> {
  const endMs = Date.now() + deadlineMs;
  let last: unknown;
  for (let pauseMs = 5; ; pauseMs = Math.min(50, pauseMs * 2)) {
    try {
      const answer = await condition();
      if (answer !== undefined && answer !== null && answer !== false) return answer as NonNullable<T>;
      last = answer;
    } catch (error) {
      if (error instanceof Hopeless) throw error;
      last = error;
    }
    if (Date.now() > endMs) throw new Error(`waited ${deadlineMs} ms in vain for ${what}`, { cause: last });
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}
