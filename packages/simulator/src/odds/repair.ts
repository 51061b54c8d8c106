/**
 * Servers that fail and are repaired, each by itself, at constant rates: a continuous-time Markov chain over the number of
 * running servers. It says how often quorum goes and for how long, which the share of time alone does not.
 */
import { binomial, needed, zonedBinomial, zonedUnavailability } from "./closed.ts";

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

export type ZonedRepairQuestion = Omit<RepairQuestion, "members"> & {
  /** Members in each zone. */
  readonly zones: readonly number[];
  /** Share of time in which a zone is up. */
  readonly zoneAvailability: number;
  /** Mean time until a zone is up again. */
  readonly zoneMttrHours: number;
};

/**
 * The same where zones fail too, each with all its members: quorum goes with the machine that was just enough, or with a
 * zone that leaves too few. `firstAfterHours` is the mean time from the end of a loss to the next one.
 */
export function zonedLosses(question: ZonedRepairQuestion): Losses {
  const { zones, ghosts = 0, mtbfHours, mttrHours, zoneAvailability, zoneMttrHours } = question;
  const members = zones.reduce((total, size) => total + size, 0);
  const quorum = needed(members, ghosts);
  if (quorum > members)
    return { unavailability: 1, perYear: 0, meanHours: Number.POSITIVE_INFINITY, firstAfterHours: 0 };
  const machine = mtbfHours / (mtbfHours + mttrHours);
  const unavailability = zonedUnavailability(zones, machine, zoneAvailability, ghosts);
  let perHour = ((zonedBinomial(zones, machine, zoneAvailability)[quorum] ?? 0) * quorum) / mtbfHours;
  zones.forEach((size, zone) => {
    const others = zonedBinomial(zones.toSpliced(zone, 1), machine, zoneAvailability);
    // A zone that is up A of the time and down for R on average fails (1 - A) / R times in an hour.
    const fails = (1 - zoneAvailability) / zoneMttrHours;
    binomial(size, machine).forEach((p, inIt) => {
      for (let rest = Math.max(0, quorum - inIt); rest < quorum; rest++) perHour += fails * p * (others[rest] ?? 0);
    });
  });
  return {
    unavailability,
    perYear: perHour * YEAR_HOURS,
    meanHours: perHour === 0 ? (unavailability === 0 ? 0 : Number.POSITIVE_INFINITY) : unavailability / perHour,
    firstAfterHours: perHour === 0 ? 0 : (1 - unavailability) / perHour,
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
