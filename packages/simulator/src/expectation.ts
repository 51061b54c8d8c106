/** Whether runs ended as their scenario says that they must. */
import type { Expectation } from "./scenario/types.ts";
import type { Run } from "./trace.ts";

/** What is otherwise than expected, in words; nothing if all is as it should be. */
export function disappointments(expected: Expectation, run: Run): string[] {
  const found: string[] = [];
  const { verdict, ackedLost, leader, configured, ghosts, clusters } = expected;
  if (verdict !== undefined && !verdict.includes(run.verdict.word))
    found.push(`the verdict is ${run.verdict.word} (${run.verdict.text}), not ${verdict.join(" or ")}`);
  if (ackedLost === "some") {
    if (run.ackedLost === 0) found.push("no acknowledged write is lost");
  } else if (ackedLost !== undefined && run.ackedLost !== ackedLost)
    found.push(`${run.ackedLost} acknowledged writes are lost, not ${ackedLost}`);
  if (leader !== undefined && (run.leader !== undefined) !== leader)
    found.push(run.leader === undefined ? "nobody leads at the end" : `${run.leader} leads at the end`);
  if (configured !== undefined && run.quorum.configured !== configured)
    found.push(`${run.quorum.configured} servers are configured, not ${configured}`);
  if (ghosts !== undefined && run.quorum.ghosts !== ghosts) found.push(`${run.quorum.ghosts} ghosts, not ${ghosts}`);
  if (clusters !== undefined && run.clusters !== clusters) found.push(`${run.clusters} clusters, not ${clusters}`);
  for (const { failed, atUs, line } of run.checkpoints)
    for (const what of failed) found.push(`at ${atUs / 1e6} s${line === undefined ? "" : ` (line ${line})`}: ${what}`);
  if (run.gaveUp) found.push("the schedule waited in vain for a condition");
  return found;
}

/** The same over all seeds of a sweep: quantiles of the longest outage. */
export function outageDisappointments(expected: Expectation, longestMs: readonly number[]): string[] {
  const { outageMs } = expected;
  if (outageMs === undefined || longestMs.length === 0) return [];
  const found: string[] = [];
  const at = quantile(longestMs, outageMs.quantile);
  if (outageMs.atMost !== undefined && at > outageMs.atMost)
    found.push(`the longest outage is ${at / 1000} s, more than ${outageMs.atMost / 1000} s`);
  const least = Math.min(...longestMs);
  if (outageMs.atLeast !== undefined && least < outageMs.atLeast)
    found.push(`the shortest of the longest outages is ${least / 1000} s, less than ${outageMs.atLeast / 1000} s`);
  return found;
}

export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN;
}

/** What no schedule may lead to: a broken rule, a lost write, or no leader though a majority is whole again. */
export function broken(run: Run): string[] {
  const found = run.violations.map(({ checker, text }) => `${checker}: ${text}`);
  if (run.ackedLost > 0) found.push(`${run.ackedLost} acknowledged writes are lost`);
  if (run.leader === undefined && run.verdict.word === "outage")
    found.push("liveness: everything is healed, and nobody leads");
  return found;
}
