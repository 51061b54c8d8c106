/** Many seeds of one scenario, and what they come to together. */
import { disappointments, outageDisappointments, quantile } from "../expectation.ts";
import type { Scenario, VerdictWord } from "../scenario/types.ts";
import { simulate } from "../simulate.ts";

/** What is kept of one seed. */
export type SeedResult = {
  readonly seed: number;
  readonly word: VerdictWord;
  readonly text: string;
  readonly recovery: string;
  readonly longestOutageMs: number;
  readonly unavailableMs: number;
  readonly elections: number;
  readonly leaderChanges: number;
  readonly acked: number;
  readonly ackedLost: number;
  readonly unknown: number;
  readonly duplicates: number;
  readonly events: number;
  readonly traceHash: string;
  readonly failures: readonly string[];
};

export type Sweep = {
  readonly scenario: string;
  readonly profile: string;
  readonly seeds: number;
  readonly words: Readonly<Record<VerdictWord, number>>;
  readonly outageMs: { readonly p50: number; readonly p90: number; readonly p99: number; readonly max: number };
  readonly unavailableMs: { readonly mean: number; readonly max: number };
  readonly ackedLost: number;
  readonly duplicates: number;
  /** The seed with the longest outage, and those that were not as expected (at most 20). */
  readonly worstSeed: number;
  readonly failed: readonly { readonly seed: number; readonly failures: readonly string[] }[];
  readonly failedCount: number;
  /** What the outages of all seeds together were not. */
  readonly failures: readonly string[];
};

export function runSeed(scenario: Scenario, seed: number, profile?: string): SeedResult {
  const run = simulate(scenario, { seed, profile, trace: "none" });
  return {
    seed,
    word: run.verdict.word,
    text: run.verdict.text,
    recovery: run.verdict.recovery,
    longestOutageMs: run.longestOutageUs / 1000,
    unavailableMs: run.unavailableUs / 1000,
    elections: run.elections,
    leaderChanges: run.leaderChanges,
    acked: run.acked,
    ackedLost: run.ackedLost,
    unknown: run.unknown,
    duplicates: run.duplicates,
    events: run.events,
    traceHash: run.traceHash,
    failures: disappointments(scenario.expect, run),
  };
}

/** The same for any order and any number of workers. */
export function summarize(scenario: Scenario, results: readonly SeedResult[], profile?: string): Sweep {
  const sorted = [...results].sort((a, b) => a.seed - b.seed);
  const longest = sorted.map(({ longestOutageMs }) => longestOutageMs);
  const down = sorted.map(({ unavailableMs }) => unavailableMs);
  const words = { safe: 0, brief: 0, outage: 0, permanent: 0, violation: 0 };
  for (const { word } of sorted) words[word]++;
  const failed = sorted.filter(({ failures }) => failures.length > 0);
  const worst = sorted.reduce<SeedResult | undefined>(
    (a, b) => (a === undefined || b.longestOutageMs > a.longestOutageMs ? b : a),
    undefined,
  );
  return {
    scenario: scenario.name,
    profile: profile ?? scenario.cluster.profile,
    seeds: sorted.length,
    words,
    outageMs: {
      p50: quantile(longest, 0.5),
      p90: quantile(longest, 0.9),
      p99: quantile(longest, 0.99),
      max: Math.max(0, ...longest),
    },
    unavailableMs: { mean: down.reduce((a, b) => a + b, 0) / Math.max(1, down.length), max: Math.max(0, ...down) },
    ackedLost: sorted.reduce((sum, { ackedLost }) => sum + ackedLost, 0),
    duplicates: sorted.reduce((sum, { duplicates }) => sum + duplicates, 0),
    worstSeed: worst?.seed ?? 0,
    failed: failed.slice(0, 20).map(({ seed, failures }) => ({ seed, failures })),
    failedCount: failed.length,
    failures: outageDisappointments(scenario.expect, longest),
  };
}
