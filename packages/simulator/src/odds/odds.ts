/** How available is a cluster of so many members, in so many zones, with so many ghosts: exactly, and by chance beside it. */
import { ScenarioError } from "../scenario/error.ts";
import { failoverMs, minutesPerYear, needed, splitVote, unavailability, zonedUnavailability } from "./closed.ts";
import { quorumLosses, YEAR_HOURS, zonedLosses } from "./repair.ts";
import { agrees, sampledUnavailability } from "./sampled.ts";

export type OddsQuestion = {
  /** Members that run on machines of their own. */
  readonly members: number;
  /** Configured server ids that nobody has any more; default 0. */
  readonly ghosts?: number | undefined;
  /** Mean time between two failures of one machine, in hours. */
  readonly mtbfHours: number;
  /** Mean time until a failed machine serves again, in hours. */
  readonly mttrHours: number;
  /** How the members are spread, such as [2, 1]; default: all in one zone that does not fail. */
  readonly zones?: readonly number[] | undefined;
  /** Share of time in which a zone is up; default 1. */
  readonly zoneAvailability?: number | undefined;
  /** Mean time until a zone that failed is up again, in hours; default 4. */
  readonly zoneMttrHours?: number | undefined;
  /** Default 1000. */
  readonly electionTimerMs?: number | undefined;
  /** One way between two members; default 0.5. */
  readonly latencyMs?: number | undefined;
  /** Default 2. */
  readonly fsyncMs?: number | undefined;
  /** Default 200,000. */
  readonly samples?: number | undefined;
  readonly seed?: number | undefined;
};

export type Odds = {
  readonly members: number;
  readonly ghosts: number;
  readonly zones: readonly number[];
  /** How many members have to run. */
  readonly needed: number;
  /** Of one machine. */
  readonly machineAvailability: number;
  readonly availability: number;
  readonly minutesDownPerYear: number;
  /** The same by Monte Carlo, with its standard error; `agrees`: within three of them. */
  readonly sampled: { readonly minutesDownPerYear: number; readonly sigma: number; readonly agrees: boolean };
  /** Share of time in which a zone is up; 1 where zones were taken as never failing. */
  readonly zoneAvailability: number;
  /** Zones (from 1) without which quorum is gone, whatever else runs. */
  readonly decisiveZones: readonly number[];
  /**
   * How often quorum is lost, for how long, and after how long for the first time (where zones fail: how long from the end
   * of one loss to the next).
   */
  readonly losses: { readonly perYear: number; readonly meanMinutes: number; readonly firstAfterYears: number };
  /** A leader that fails, or its zone, costs an election even if quorum stays. */
  readonly failovers: {
    readonly meanMs: number;
    readonly perYear: number;
    readonly minutesPerYear: number;
    readonly splitVote: number;
  };
};

/** Throws `ScenarioError` for numbers that make no cluster. */
export function odds(question: OddsQuestion): Odds {
  const { members, ghosts = 0, mtbfHours, mttrHours, zoneAvailability = 1, zoneMttrHours = 4 } = question;
  const { electionTimerMs = 1000, latencyMs = 0.5, fsyncMs = 2, samples = 200_000, seed = 1 } = question;
  const zones = question.zones ?? [members];
  checkWhole("members", members, 1, 99);
  checkWhole("ghosts", ghosts, 0, 99);
  checkWhole("samples", samples, 100, 100_000_000);
  if (!(mtbfHours > 0) || !(mttrHours > 0) || !Number.isFinite(mtbfHours + mttrHours))
    throw new ScenarioError("mtbf and mttr are times greater than nothing");
  if (!(zoneAvailability >= 0 && zoneAvailability <= 1))
    throw new ScenarioError("the availability of a zone is a share from 0 to 1");
  if (!(zoneMttrHours > 0) || !Number.isFinite(zoneMttrHours))
    throw new ScenarioError("the mean time until a zone is up again is a time greater than nothing");
  const inZones = zones.reduce((total, size) => total + size, 0);
  if (inZones !== members)
    throw new ScenarioError(`the zones ${zones.join("+")} hold ${inZones} members, and there are ${members}`);
  const machine = mtbfHours / (mtbfHours + mttrHours);
  const share =
    zoneAvailability === 1
      ? unavailability(members, machine, ghosts)
      : zonedUnavailability(zones, machine, zoneAvailability, ghosts);
  const sampled = sampledUnavailability({ zones, availability: machine, zoneAvailability, ghosts }, samples, seed);
  const losses =
    zoneAvailability === 1
      ? quorumLosses({ members, ghosts, mtbfHours, mttrHours })
      : zonedLosses({ zones, ghosts, mtbfHours, mttrHours, zoneAvailability, zoneMttrHours });
  const quorum = needed(members, ghosts);
  const up = members - 1;
  const hasHeir = up >= quorum;
  // Whoever leads, its machine fails, or its zone: each member leads for the same share of time.
  const zoneFails = ((1 - zoneAvailability) / zoneMttrHours) * YEAR_HOURS;
  const causes = [
    { left: up, perYear: YEAR_HOURS / mtbfHours },
    ...zones.map((size) => ({ left: members - size, perYear: (size / members) * zoneFails })),
  ].filter(({ left }) => left >= quorum);
  const perYear = causes.reduce((total, each) => total + each.perYear, 0);
  const election = { members: members + ghosts, electionTimerMs, latencyMs, fsyncMs, prevote: true };
  const meanMs = causes.reduce(
    (total, each) => total + (each.perYear / perYear) * failoverMs({ ...election, up: each.left }),
    0,
  );
  return {
    members,
    ghosts,
    zones,
    needed: quorum,
    machineAvailability: machine,
    zoneAvailability,
    decisiveZones: zones.flatMap((size, i) => (members - size < quorum ? [i + 1] : [])),
    availability: 1 - share,
    minutesDownPerYear: minutesPerYear(share),
    sampled: {
      minutesDownPerYear: minutesPerYear(sampled.mean),
      sigma: minutesPerYear(sampled.sigma),
      agrees: agrees(share, sampled),
    },
    losses: {
      perYear: losses.perYear,
      meanMinutes: losses.meanHours * 60,
      firstAfterYears: losses.firstAfterHours / YEAR_HOURS,
    },
    failovers: {
      meanMs,
      perYear,
      minutesPerYear: (perYear * meanMs) / 60_000,
      splitVote: hasHeir ? splitVote(members + ghosts, up, latencyMs) : 0,
    },
  };
}

function checkWhole(what: string, value: number, least: number, most: number): void {
  if (Number.isInteger(value) && value >= least && value <= most) return;
  throw new ScenarioError(`${what}: a whole number from ${least} to ${most}, not ${value}`);
}
