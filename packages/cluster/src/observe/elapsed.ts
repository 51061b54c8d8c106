/** Time that passed between two looks, whatever was done to the wall clock in between. */
import type { Observation } from "./types.ts";

/** One moment on the asker's machine, in ms: by its wall clock, and since it was started. */
export type Moment = {
  readonly atMs: number;
  /** The wall clock itself, where `atMs` is the time that has been counted. */
  readonly wallMs?: number | undefined;
  readonly monotonicMs?: number | undefined;
  /** Which start of which machine the monotonic time is of. */
  readonly boot?: string | undefined;
};

/**
 * The ms from one moment to a later one, never negative. By the monotonic clock where both have it; the wall clock only
 * shortens it, for after a reboot the monotonic one starts anew.
 */
export function elapsedMs(from: Moment, to: Moment): number {
  const wall = (to.wallMs ?? to.atMs) - (from.wallMs ?? from.atMs);
  // A history may have been written on another machine.
  if (from.monotonicMs === undefined || to.monotonicMs === undefined || from.boot !== to.boot) return Math.max(0, wall);
  const monotonic = to.monotonicMs - from.monotonicMs;
  if (monotonic < 0) return Math.max(0, wall);
  return wall < 0 ? monotonic : Math.min(wall, monotonic);
}

/** The ms between the end of one observation and the beginning of the next one; 0 if they overlap. */
export function elapsedBetween(before: Observation, after: Observation): number {
  return elapsedMs(
    { atMs: before.endedMs, monotonicMs: before.monotonic?.endedMs, boot: before.monotonic?.boot },
    { atMs: after.startedMs, monotonicMs: after.monotonic?.startedMs, boot: after.monotonic?.boot },
  );
}

/** The same if nobody can have set the clock by which it is told; else undefined. */
export function soundElapsedBetween(before: Observation, after: Observation): number | undefined {
  const [from, to] = [before.monotonic, after.monotonic];
  if (from === undefined || to === undefined || from.boot !== to.boot || to.endedMs < from.startedMs) return undefined;
  return elapsedBetween(before, after);
}

/** The time of a look as the looks before count it: a clock that was set makes nothing last longer, or shorter. */
export function judgeTime(last: Moment | undefined, now: Moment): number {
  return last === undefined ? now.atMs : last.atMs + elapsedMs(last, now);
}

/** The end of an observation; `atMs` is what is taken for the wall clock then. */
export function momentOf({ endedMs, monotonic }: Observation, atMs: number = endedMs): Moment {
  return { atMs, monotonicMs: monotonic?.endedMs, boot: monotonic?.boot };
}
