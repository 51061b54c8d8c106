/** A schedule that goes wrong, made as small as it can be and still go wrong in the same way. */
import { CHECKERS } from "../check/check.ts";
import type { Action, Expectation, Scenario, Step, VerdictWord } from "../scenario/types.ts";
import { simulate } from "../simulate.ts";
import type { Run } from "../trace.ts";
import { failuresOf, findingOf } from "./finding.ts";

export type Shrunk = {
  readonly scenario: Scenario;
  readonly run: Run;
  readonly failures: readonly string[];
  /** Simulations that it took. */
  readonly attempts: number;
};

export type ShrinkOptions = {
  /** Default 2000. */
  readonly attempts?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly profile?: string | undefined;
  /**
   * What the small schedule has to come to, whatever the scenario expects: a verdict such as `permanent`, `lost-writes`, or
   * the name of a checker. Without it: what is wrong with the scenario, in the same way.
   */
  readonly towards?: string | undefined;
  /** Called between two runs: a chance for whoever waits beside. */
  readonly breathe?: (() => Promise<void>) | undefined;
};

type Keep = (candidate: Scenario) => Promise<boolean>;

/** Where `towards` may lead. */
export const OUTCOMES: readonly string[] = ["brief", "outage", "permanent", "violation", "lost-writes", ...CHECKERS];

const WORDS: readonly VerdictWord[] = ["safe", "brief", "outage", "permanent", "violation"];

/** Whether a run comes to an outcome. */
function comesTo({ verdict, violations, ackedLost }: Run, outcome: string): boolean {
  if (outcome === "lost-writes") return ackedLost > 0;
  return verdict.word === outcome || violations.some(({ checker }) => checker === outcome);
}

/** So that `replay` takes the outcome for what is wrong: everything but that is expected. */
function against(outcome: string): Expectation {
  const isWord = outcome !== "violation" && (WORDS as readonly string[]).includes(outcome);
  return isWord ? { verdict: WORDS.filter((word) => word !== outcome) } : {};
}

/**
 * Undefined if nothing is wrong with that seed, or it does not come to `towards`. Steps are left out, then waits shortened;
 * the result is a scenario to save.
 */
export async function shrink(
  scenario: Scenario,
  seed: number,
  options: ShrinkOptions = {},
): Promise<Shrunk | undefined> {
  const { attempts: most = 2000, signal, profile, towards, breathe } = options;
  const released = profile === undefined ? scenario : { ...scenario, cluster: { ...scenario.cluster, profile } };
  const chosen = towards === undefined ? released : { ...released, expect: against(towards) };
  const first = simulate(chosen, { seed, trace: "none" });
  const wanted = failuresOf(first, chosen.expect);
  if (towards === undefined ? wanted.length === 0 : !comesTo(first, towards)) return undefined;
  let attempts = 1;
  let best = chosen;
  const fails = (candidate: Scenario): boolean => {
    if (attempts >= most || signal?.aborted === true) return false;
    attempts++;
    const run = simulate(candidate, { seed, trace: "none" });
    if (towards !== undefined) return comesTo(run, towards);
    const failures = failuresOf(run, candidate.expect);
    return failures.length === wanted.length && wanted.every((each, i) => failures[i] === each);
  };
  const keep: Keep = async (candidate) => {
    await breathe?.();
    if (!fails(candidate)) return false;
    best = candidate;
    return true;
  };
  for (let hasChanged = true; hasChanged; ) {
    hasChanged = await dropSteps(() => best, keep);
    for (let i = 0; i < best.steps.length; i++)
      for (const step of simpler(best.steps[i]!))
        if (await keep({ ...best, steps: best.steps.map((each, k) => (k === i ? step : each)) })) hasChanged = true;
  }
  const run = simulate(best, { seed });
  const failures = failuresOf(run, best.expect);
  return { scenario: { ...best, seeds: 1, found: findingOf(run, failures) }, run, failures, attempts };
}

/** Halves, quarters, … single steps: whatever is not needed goes. */
async function dropSteps(best: () => Scenario, keep: Keep): Promise<boolean> {
  let hasChanged = false;
  for (let size = Math.ceil(best().steps.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2))
    for (let from = 0; from < best().steps.length; ) {
      const steps = best().steps.filter((_, i) => i < from || i >= from + size);
      if (await keep({ ...best(), steps })) hasChanged = true;
      else from += size;
    }
  return hasChanged;
}

/** The same step at a rounder time, or shorter. Each is strictly simpler, so that this ends. */
function simpler(step: Step): Step[] {
  const out: Step[] = [];
  if ("at" in step) {
    const { ms } = step.at;
    for (const grid of [10_000, 1000, 100]) if (ms % grid !== 0) out.push({ ...step, at: { ms: ms - (ms % grid) } });
  }
  for (const [key, ms] of Object.entries(step.action))
    if ((key === "downMs" || key === "forMs") && typeof ms === "number")
      for (const grid of [1000, 100])
        if (ms > grid && ms % grid !== 0)
          out.push({ ...step, action: { ...step.action, [key]: ms - (ms % grid) } as Action });
  return out;
}
