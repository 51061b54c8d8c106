/** Waiting for a state of the replica, by its own changes and never by a timer. */
import { ClosedError } from "../error.ts";
import type { Closable, Hub, Subscription } from "./hub.ts";

export type UntilOptions = {
  /** Gives up; the promise rejects with the signal's reason. `AbortSignal.timeout(ms)` makes it a limit of time. */
  readonly signal?: AbortSignal | undefined;
};

/**
 * Resolves as soon as `look` finds something: at once, or in the delivery of the batch that brought it.
 *
 * @throws ClosedError when the replica closes first; the signal's reason; whatever `look` throws.
 */
export function until<T>(
  hub: Hub,
  now: () => T | undefined,
  subscribe: (settle: (look: () => T | undefined) => void) => Subscription,
  { signal }: UntilOptions,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    signal?.throwIfAborted();
    const found = now();
    if (found !== undefined) return resolve(found);
    if (hub.closed) return reject(closed());
    const closable: Closable = { finish: () => settle(() => reject(closed())) };
    const onAbort = (): void => settle(() => reject(signal?.reason));
    const settle = (finish: () => void): void => {
      unsubscribe();
      hub.drop(closable);
      signal?.removeEventListener("abort", onAbort);
      finish();
    };
    const unsubscribe = subscribe((look) => {
      try {
        const value = look();
        if (value !== undefined) settle(() => resolve(value));
      } catch (error) {
        settle(() => reject(error));
      }
    });
    hub.hold(closable);
    signal?.addEventListener("abort", onAbort);
  });
}

function closed(): ClosedError {
  return new ClosedError("the replica was closed while something waited for it");
}
