/** A heat map on all cores. The answer does not depend on how many there are. */
import { type HeatMap, type MapQuestion, mapScenarios, summarizeMap } from "../heat-map.ts";
import type { SeedResult } from "../search/sweep.ts";
import { type Job, runJobs } from "./sweep.ts";

export type HeatMapOptions = {
  /** Processes; default as many as there are cores, at most 16. 1 runs in this one. */
  readonly workers?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((done: number, of: number) => void) | undefined;
};

/** Seeds in one message: a cell's share of one round over the whole map. */
const CHUNK = 5;

/**
 * A few seeds of every cell, then more of every cell: with an aborted signal it is a coarse map of what is done by then.
 * Throws `ScenarioError` for a plan that cannot be run, or a map that is too large.
 */
export async function heatMap(question: MapQuestion, options: HeatMapOptions = {}): Promise<HeatMap> {
  const scenarios = mapScenarios(question);
  const results: SeedResult[][] = scenarios.map(() => []);
  const of = scenarios.length * question.seeds;
  let done = 0;
  const jobs: Job[] = [];
  for (let from = 1; from <= question.seeds; from += CHUNK)
    scenarios.forEach((scenario, cell) => {
      const take = (more: readonly SeedResult[]): void => {
        results[cell]?.push(...more);
        done += more.length;
        options.onProgress?.(done, of);
      };
      const to = Math.min(question.seeds + 1, from + CHUNK);
      jobs.push({ scenario, profile: undefined, from, to, take });
    });
  await runJobs(jobs, options);
  return summarizeMap(question, results);
}
