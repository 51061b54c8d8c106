/** Restart plans over two axes, the wait between two stops and how long each is down: what each pair comes to. */
import { formatDuration } from "./scenario/duration.ts";
import { ScenarioError } from "./scenario/error.ts";
import type { Scenario } from "./scenario/types.ts";
import { type PlanWord, planWordOf } from "./plan/word.ts";
import { type SeedResult, type Sweep, summarize } from "./search/sweep.ts";
import { type RestartPlan, type Wait, whatIf } from "./what-if.ts";

export type MapQuestion = Omit<RestartPlan, "downMs" | "wait" | "outageMs"> & {
  /** Rows: milliseconds between two stops, or a gate (see `RestartPlan`). */
  readonly waits: readonly Wait[];
  /** Columns, in milliseconds. */
  readonly downsMs: readonly number[];
  /** How often each cell is tried. */
  readonly seeds: number;
};

export type MapCell = {
  readonly wait: Wait;
  readonly downMs: number;
  /** The worst that any seed came to; undefined where none was run. */
  readonly word: PlanWord | undefined;
  readonly seeds: number;
  readonly words: Sweep["words"];
  /** Of the longest time without writes of each seed. */
  readonly outageMs: Sweep["outageMs"];
  /** Share of the seeds that lost quorum for good, or an acknowledged write. */
  readonly fatalShare: number;
  readonly ackedLost: number;
  readonly worstSeed: number;
};

export type HeatMap = {
  /** Gates come after times, and both axes ascend. */
  readonly waits: readonly Wait[];
  readonly downsMs: readonly number[];
  /** Row by row. */
  readonly cells: readonly MapCell[];
  /**
   * For each column the smallest wait of the rows, in milliseconds, from which on nothing is worse than a fail-over;
   * undefined where no row is.
   */
  readonly enoughMs: readonly (number | undefined)[];
  readonly members: number;
  readonly electionTimerMs: number;
  readonly order: readonly string[];
  readonly how: RestartPlan["how"];
  readonly wipe: boolean;
  readonly kick: boolean;
  readonly ghosts: number;
  readonly profile: string;
  /** How often each cell was to be tried. */
  readonly seeds: number;
};

export const MAP_LIMITS = { axis: 16, ms: 3_600_000, runs: 200_000 } as const;

/** The scenarios of all cells, row by row. Throws `ScenarioError` for what cannot be drawn or run. */
export function mapScenarios(question: MapQuestion): Scenario[] {
  const { waits, downsMs, seeds } = question;
  check("waits", waits);
  check("downs", downsMs);
  const runs = waits.length * downsMs.length * seeds;
  if (runs > MAP_LIMITS.runs)
    throw new ScenarioError(
      `${waits.length} waits by ${downsMs.length} downs of ${seeds} seeds are ${runs} runs, and ${MAP_LIMITS.runs} are the most: take fewer seeds or cells`,
    );
  return sorted(waits).flatMap((wait) => sorted(downsMs).map((downMs) => whatIf({ ...question, wait, downMs })));
}

function check(axis: "waits" | "downs", values: readonly Wait[]): void {
  if (values.length === 0 || values.length > MAP_LIMITS.axis)
    throw new ScenarioError(`${axis}: ${values.length} are given; 1 to ${MAP_LIMITS.axis} are drawn`);
  const twice = values.find((value, i) => values.indexOf(value) !== i);
  if (twice !== undefined) throw new ScenarioError(`${axis}: ${waitText(twice)} is there twice: name each once`);
  for (const value of values)
    if (typeof value === "number" && !(value >= 0 && value <= MAP_LIMITS.ms))
      throw new ScenarioError(`${axis}: ${waitText(value)} is too long; at most ${formatDuration(MAP_LIMITS.ms)}`);
}

/** Beyond all times. */
const GATES = { joined: 2 * MAP_LIMITS.ms, healthy: 3 * MAP_LIMITS.ms } as const;
const rank = (wait: Wait): number => (typeof wait === "number" ? wait : GATES[wait]);

function sorted<T extends Wait>(values: readonly T[]): T[] {
  return [...values].sort((a, b) => rank(a) - rank(b));
}

export function waitText(wait: Wait): string {
  return typeof wait === "number" ? timeText(wait) : wait;
}

/** As `formatDuration`, with 60s and 90s beside each other, not 1m and 90s. */
export function timeText(ms: number): string {
  return ms % 1000 === 0 && ms < 600_000 ? `${ms / 1000}s` : formatDuration(ms);
}

/** `results`: of each cell, in the order of `mapScenarios`; fewer seeds than asked for where it was interrupted. */
export function summarizeMap(question: MapQuestion, results: readonly (readonly SeedResult[])[]): HeatMap {
  const [waits, downsMs] = [sorted(question.waits), sorted(question.downsMs)];
  const scenarios = mapScenarios(question);
  const cells = waits.flatMap((wait, row) =>
    downsMs.map((downMs, column): MapCell => {
      const at = row * downsMs.length + column;
      const of = results[at] ?? [];
      const sum = summarize(scenarios[at] as Scenario, of);
      const { words, seeds, outageMs, ackedLost, worstSeed } = sum;
      const fatalShare = (words.permanent + words.violation) / Math.max(1, seeds);
      return { wait, downMs, word: planWordOf(sum), seeds, words, outageMs, fatalShare, ackedLost, worstSeed };
    }),
  );
  const { members, electionTimerMs, order, how, wipe, kick, profile, seeds, ghosts = 0 } = question;
  const enoughMs = downsMs.map((_, column) => enough(waits, (row) => cells[row * downsMs.length + column]));
  const about = { members, electionTimerMs, order, how, wipe, kick, ghosts, profile, seeds };
  return { waits, downsMs, cells, enoughMs, ...about };
}

const isBearable = (word: PlanWord | undefined): boolean => word === "safe" || word === "brief";

function enough(waits: readonly Wait[], cellOf: (row: number) => MapCell | undefined): number | undefined {
  let smallest: number | undefined;
  for (let row = waits.length - 1; row >= 0; row--) {
    const wait = waits[row];
    if (typeof wait !== "number") continue;
    if (!isBearable(cellOf(row)?.word)) break;
    smallest = wait;
  }
  return smallest;
}
