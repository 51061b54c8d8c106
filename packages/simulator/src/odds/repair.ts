/**
 * Servers that fail and are repaired, each by itself, at constant rates: a continuous-time Markov chain over the number of
 * running servers. It says how often quorum goes and for how long, which the share of time alone does not.
 */
import { binomial, needed } from "./closed.ts";

export type RepairQuestion = {
  readonly members: number;
  readonly ghosts?: number | undefined;
  /** Mean time between the failures of one server. */
  readonly mtbfHours: number;
  /** Mean time until it runs again. */
  readonly mttrHours: number;
};

export type Losses = {
  /** Share of time without quorum. */
  readonly unavailability: number;
  /** How often quorum is lost in 8766 hours. Infinity if the cluster has none to lose. */
  readonly perYear: number;
  readonly meanHours: number;
  /** From all servers running to the first loss, on average. */
  readonly firstAfterHours: number;
};

export const YEAR_HOURS = 8766;

export function quorumLosses({ members, ghosts = 0, mtbfHours, mttrHours }: RepairQuestion): Losses {
  const quorum = needed(members, ghosts);
  if (quorum > members)
    return { unavailability: 1, perYear: 0, meanHours: Number.POSITIVE_INFINITY, firstAfterHours: 0 };
  const up = binomial(members, mtbfHours / (mtbfHours + mttrHours));
  const unavailability = up.slice(0, quorum).reduce((total, p) => total + p, 0);
  // Quorum goes when exactly so many run and one of them fails.
  const perHour = ((up[quorum] ?? 0) * quorum) / mtbfHours;
  return {
    unavailability,
    perYear: perHour * YEAR_HOURS,
    meanHours: unavailability / perHour,
    firstAfterHours: firstPassage(members, quorum, mtbfHours, mttrHours),
  };
}

/** Mean time from `members` running to `quorum - 1`: the sum of the mean times of each step down. */
function firstPassage(members: number, quorum: number, mtbfHours: number, mttrHours: number): number {
  let total = 0;
  let stepUp = 0;
  for (let running = members; running >= quorum; running--) {
    const failing = running / mtbfHours;
    const repairing = (members - running) / mttrHours;
    // From `running` to one less: a failure, or a repair first and then down twice.
    const step = (1 + repairing * stepUp) / failing;
    total += step;
    stepUp = step;
  }
  return total;
}
