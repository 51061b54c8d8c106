/** A log as lines with their times, and whose they are. Lines look like `2026-11-25T20:03:03.283Z|00012|raft|INFO|text`. */
import { HOUR_MS } from "../history.ts";

/** Characters of the end of a log that are read, so that no log can hold the judge up. */
export const LOG_CHARACTERS_MAX = 1_000_000;

/** Of one line, in characters: what a pattern may look at from one place is bounded as well, so that the work grows as the log does. */
export const LINE_CHARACTERS_MAX = 2_048;

export type Line = { readonly atMs: number | undefined; readonly text: string };

const STAMP = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z)\|/;

/** The lines of the hour before `nowMs`; those without a time count as well. */
export function recentLines(logText: string, nowMs: number): Line[] {
  const lines: Line[] = [];
  for (const whole of logText.slice(-LOG_CHARACTERS_MAX).split("\n")) {
    if (whole === "") continue;
    const text = whole.slice(0, LINE_CHARACTERS_MAX);
    const stamp = STAMP.exec(text)?.[1];
    const atMs = stamp === undefined ? undefined : Date.parse(stamp);
    if (atMs === undefined || atMs > nowMs - HOUR_MS) lines.push({ atMs, text });
  }
  return lines;
}

/** The first line of every process; a log that is merely opened anew goes on counting. */
const FIRST_LINE = "|00001|vlog|INFO|opened log file";
/** The main thread's number of a line; other threads, whose name is in parentheses, count for themselves. */
const NUMBER = /^[^|]{0,40}\|(\d{1,15})\|[^|(]{1,80}\|/;

/**
 * The lines of the process that wrote last: each begins to count anew, so one begins where the number falls, also in a log
 * whose first lines were rotated away.
 */
export function ofLastProcess(lines: readonly Line[]): readonly Line[] {
  let start = 0;
  let last = 0;
  for (const [index, { text }] of lines.entries()) {
    const number = Number(NUMBER.exec(text)?.[1] ?? Number.NaN);
    if (text.includes(FIRST_LINE) || number < last) start = index;
    if (!Number.isNaN(number)) last = number;
  }
  return lines.slice(start);
}

const ELECTION = /timeout expired, starting election/;
const LEADER = /elected leader by \d|is leader for term \d/;

/**
 * The elections that a server started, each once, however often it had to begin anew: without a majority, a candidate
 * begins again and again, and no timer is to blame for that. One that nobody has won yet is not among them.
 */
export function decidedElections(lines: readonly Line[]): Line[] {
  const decided: Line[] = [];
  let started: Line | undefined;
  for (const line of lines) {
    if (ELECTION.test(line.text)) started = line;
    else if (started !== undefined && LEADER.test(line.text)) {
      decided.push(started);
      started = undefined;
    }
  }
  return decided;
}
