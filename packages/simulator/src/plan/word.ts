/** What a restart plan comes to, in one word. */
import type { Sweep } from "../search/sweep.ts";

/**
 * `safe`: writes never stop · `brief`: a fail-over · `outage`: longer, and it heals · `fatal`: it does not · `blocked`: the
 * gate never opens, so that not all are restarted.
 */
export type PlanWord = "safe" | "brief" | "outage" | "fatal" | "blocked";

/** The worst of what the seeds came to; undefined without seeds. */
export function planWordOf({ words, seeds, failed }: Sweep): PlanWord | undefined {
  if (seeds === 0) return undefined;
  if (words.permanent + words.violation > 0) return "fatal";
  if (failed.some(({ failures }) => failures.some((each) => each.includes("in vain")))) return "blocked";
  return words.outage > 0 ? "outage" : words.brief > 0 ? "brief" : "safe";
}
