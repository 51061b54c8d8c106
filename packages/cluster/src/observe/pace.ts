/** When a watch tells: after things have been quiet for a moment, or have gone on for long enough, or at a beat. */

export type PaceOptions = {
  /** Quiet after the last change, ms. */
  readonly debounceMs: number;
  /** From the first change that was not told yet, ms: what changes all the time is told all the same. */
  readonly delayMaxMs: number;
  /** Tells at least this often, ms; Infinity: only changes. */
  readonly everyMs: number;
};

export type Pace = {
  /** When the first and the last change came that are not told yet. */
  readonly firstMs: number | undefined;
  readonly lastMs: number | undefined;
  readonly toldMs: number;
};

/** Nothing to tell, and just told. */
export function newPace(nowMs: number): Pace {
  return { firstMs: undefined, lastMs: undefined, toldMs: nowMs };
}

export function changed(pace: Pace, nowMs: number): Pace {
  return { ...pace, firstMs: pace.firstMs ?? nowMs, lastMs: nowMs };
}

/** When it is time to tell; Infinity if there is nothing to. */
export function dueMs({ firstMs, lastMs, toldMs }: Pace, options: PaceOptions): number {
  const beat = toldMs + options.everyMs;
  if (firstMs === undefined || lastMs === undefined) return beat;
  return Math.min(lastMs + options.debounceMs, firstMs + options.delayMaxMs, beat);
}
