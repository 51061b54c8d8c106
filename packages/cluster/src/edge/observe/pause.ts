/** Waiting that can be cut short. */

/** Until so many ms have gone by, the signal is aborted, or somebody pokes. */
export function pause(
  ms: number,
  signal: AbortSignal,
  offer: (poke: (() => void) | undefined) => void = () => {},
): Promise<void> {
  if (signal.aborted || ms <= 0) return Promise.resolve();
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      offer(undefined);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener("abort", end, { once: true });
    offer(end);
  });
}
