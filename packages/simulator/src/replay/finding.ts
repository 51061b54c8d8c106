/** What was wrong with a run, in words that stay the same when a schedule is made smaller or the code changes. */
import { broken, disappointments } from "../expectation.ts";
import type { Expectation, Finding, Scenario } from "../scenario/types.ts";
import { simulate } from "../simulate.ts";
import type { Run } from "../trace.ts";

/**
 * The names of the checkers that complained, `lost-writes`, `liveness`, and for what a scenario expects otherwise
 * `verdict-…`, `gave-up`, or `expectation`; sorted, nothing if all is well.
 */
export function failuresOf(run: Run, expected: Expectation = {}): string[] {
  const kinds = new Set(run.violations.map(({ checker }) => checker));
  const { verdict } = expected;
  const mayBreak = verdict?.includes("violation") === true;
  if (mayBreak) kinds.clear();
  if (run.ackedLost > 0 && !mayBreak && expected.ackedLost !== "some") kinds.add("lost-writes");
  if (expected.leader !== false && broken(run).some((text) => text.startsWith("liveness"))) kinds.add("liveness");
  if (verdict !== undefined && !verdict.includes(run.verdict.word)) kinds.add(`verdict-${run.verdict.word}`);
  if (run.gaveUp) kinds.add("gave-up");
  if (kinds.size === 0 && disappointments(expected, run).length > 0) kinds.add("expectation");
  return [...kinds].sort();
}

export function findingOf(run: Run, failures: readonly string[]): Finding {
  return { seed: run.seed, traceHash: run.traceHash, failures };
}

export type Replay = {
  /**
   * `same`: the trace is the one that was saved · `moved`: the code has changed since, and the seed fails as it did ·
   * `other-seed`: another seed of the same schedule does · `gone`: none that was tried does.
   */
  readonly outcome: "same" | "moved" | "other-seed" | "gone";
  readonly run: Run;
  readonly failures: readonly string[];
  readonly tried: number;
};

export type ReplayOptions = {
  /** How many other seeds are tried at most; default 1000. */
  readonly seeds?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called between two runs: a chance for whoever waits beside. */
  readonly breathe?: (() => Promise<void>) | undefined;
};

/**
 * A saved schedule again. The faults are in the file as they were, so it outlives a change of the code; the small times in
 * between come from the seed, and where those have moved, others are tried.
 */
export async function replay(scenario: Scenario, options: ReplayOptions = {}): Promise<Replay> {
  const { seeds = 1000, signal, breathe } = options;
  const found = scenario.found ?? { seed: 1, traceHash: "", failures: [] };
  const { expect } = scenario;
  const first = simulate(scenario, { seed: found.seed });
  const failures = failuresOf(first, expect);
  const isSame = (list: readonly string[]): boolean =>
    found.failures.length === 0 ? list.length > 0 : found.failures.every((each) => list.includes(each));
  if (first.traceHash === found.traceHash) return { outcome: "same", run: first, failures, tried: 1 };
  if (isSame(failures)) return { outcome: "moved", run: first, failures, tried: 1 };
  let tried = 1;
  for (let seed = 1; seed <= seeds && signal?.aborted !== true; seed++) {
    if (seed === found.seed) continue;
    tried++;
    await breathe?.();
    const run = simulate(scenario, { seed, trace: "none" });
    if (!isSame(failuresOf(run, expect))) continue;
    const told = simulate(scenario, { seed });
    return { outcome: "other-seed", run: told, failures: failuresOf(told, expect), tried };
  }
  return { outcome: "gone", run: first, failures, tried };
}
