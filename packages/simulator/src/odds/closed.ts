/**
 * Closed forms: what can be said of a cluster's availability and of its elections without running anything. Each has a
 * Monte Carlo beside it (sampled.ts) that must agree. Availabilities are shares of time, times are milliseconds.
 */
import { majority } from "@ovnha/raft";
import type { Delay } from "../scenario/types.ts";

/** Minutes of a mean year, 365.25 days. */
export const YEAR_MINUTES = 525_960;
/** The random part of an election timeout is uniform over one second, whatever the timer is (raft.c). */
export const RANGE_MS = 1000;

/** Binomial coefficient; exact for what clusters need. */
export function choose(n: number, k: number): number {
  let result = 1;
  for (let i = 1; i <= k; i++) result = (result * (n - k + i)) / i;
  return result;
}

/** How many servers must run: a majority of the configured ids, ghosts among them. */
export function needed(members: number, ghosts = 0): number {
  return majority(members + ghosts);
}

/** P(exactly k of n are up), k from 0 to n. */
export function binomial(n: number, a: number): number[] {
  return Array.from({ length: n + 1 }, (_, k) => choose(n, k) * a ** k * (1 - a) ** (n - k));
}

/**
 * P(fewer than a majority runs). `ghosts` are configured ids that nobody has; members fail one by one. Summed over the bad
 * states, so that small numbers keep their digits.
 */
export function unavailability(members: number, a: number, ghosts = 0): number {
  return sum(binomial(members, a).slice(0, needed(members, ghosts)));
}

/** The same when a zone takes all its members with it: per zone a binomial, mixed with the zone's own failure, convolved. */
export function zonedUnavailability(zones: readonly number[], a: number, zoneA: number, ghosts = 0): number {
  const members = zones.reduce((total, size) => total + size, 0);
  return sum(zonedBinomial(zones, a, zoneA).slice(0, needed(members, ghosts)));
}

/** P(exactly k members run) where each also needs its zone, k from 0 to all. */
export function zonedBinomial(zones: readonly number[], a: number, zoneA: number): number[] {
  let up = [1];
  for (const size of zones)
    up = convolve(
      up,
      binomial(size, a).map((p, k) => p * zoneA + (k === 0 ? 1 - zoneA : 0)),
    );
  return up;
}

export const minutesPerYear = (share: number): number => share * YEAR_MINUTES;

/** Of `servers` that time out, the first does after this long on average (Raft dissertation, §9.1). */
export function firstTimeoutMs(servers: number, rangeMs: number = RANGE_MS): number {
  return rangeMs / (servers + 1);
}

/**
 * P(split vote): so many servers become candidates within `gapMs` of the first that nobody can win (dissertation, §9.2).
 * `gapMs` is what a vote request takes: one way, processing, and before 3.3 an fsync.
 */
export function splitVote(members: number, up: number, gapMs: number, rangeMs: number = RANGE_MS): number {
  const share = Math.min(1, gapMs / rangeMs);
  const others = up - Math.floor(members / 2);
  let total = 0;
  for (let k = Math.max(0, others); k <= up; k++) total += choose(up, k) * share ** k * (1 - share) ** (up - k);
  return total;
}

export type FailoverQuestion = {
  readonly members: number;
  /** Configured servers that run once the leader is gone. */
  readonly up: number;
  readonly electionTimerMs: number;
  readonly latencyMs: number;
  readonly fsyncMs: number;
  /** 3.3 and later ask before they vote: one round trip more, and no fsync in the race. */
  readonly prevote: boolean;
};

/** From the death of a leader to the next one, on average. A split costs one more timeout. */
export function failoverMs(question: FailoverQuestion): number {
  const { members, up, electionTimerMs, latencyMs, fsyncMs, prevote } = question;
  const split = splitVote(members, up, latencyMs + (prevote ? 0 : fsyncMs));
  const round = electionTimerMs + firstTimeoutMs(up);
  const talk = (prevote ? 4 : 2) * latencyMs + 2 * fsyncMs;
  // The heartbeat before the death was up to a third of a timer old.
  return split >= 1 ? Number.POSITIVE_INFINITY : round - electionTimerMs / 6 + (split / (1 - split)) * round + talk;
}

/** A leader that is cut off may believe in itself for this long: two of its windows. */
export function staleLeaderMs(electionTimerMs: number): number {
  return 2 * (electionTimerMs + RANGE_MS);
}

/** P(the k-th round of a heal wins): a coin toss each, from 3.3 on, when terms are unequal. */
export function healRound(k: number): number {
  return 2 ** -k;
}

/** How long a heal takes that wins in its `rounds`-th round; on average two rounds, 3 T + 1.5 s. */
export function healMs(electionTimerMs: number, rounds = 2): number {
  return (
    electionTimerMs +
    RANGE_MS / 2 +
    (rounds - 1) * (electionTimerMs + (2 * RANGE_MS) / 3) +
    electionTimerMs +
    RANGE_MS / 3
  );
}

/** P(a restart takes longer than the wait before the next one): then two are down at once. */
export function overlap(down: Delay, waitMs: number): number {
  switch (down.dist) {
    case "constant":
      return down.ms > waitMs ? 1 : 0;
    case "uniform":
      if (down.toMs === down.fromMs) return down.toMs > waitMs ? 1 : 0;
      return Math.min(1, Math.max(0, (down.toMs - waitMs) / (down.toMs - down.fromMs)));
    case "exponential":
      return waitMs <= down.baseMs ? 1 : Math.exp(-(waitMs - down.baseMs) / down.meanMs);
    case "lognormal": {
      if (waitMs <= 0) return 1;
      const sigma = Math.log(Math.max(1, down.p99Ms / down.p50Ms)) / 2.3263;
      if (sigma === 0) return down.p50Ms > waitMs ? 1 : 0;
      return normalTail(Math.log(waitMs / down.p50Ms) / sigma);
    }
  }
}

/** P(at least one of `restarts` runs into the next). The last has nobody behind it. */
export function overlapInARow(down: Delay, waitMs: number, restarts: number): number {
  return 1 - (1 - overlap(down, waitMs)) ** Math.max(0, restarts - 1);
}

/** P(Z > z) of the normal distribution; Numerical Recipes' erfc, good to 1.2e-7 of its value. */
export function normalTail(z: number): number {
  const x = Math.abs(z) / Math.SQRT2;
  const t = 1 / (1 + 0.5 * x);
  const c = [
    -1.26551223, 1.00002368, 0.37409196, 0.09678418, -0.18628806, 0.27886807, -1.13520398, 1.48851587, -0.82215223,
    0.17087277,
  ];
  const poly = c.reduceRight((total, each) => total * t + each, 0);
  const tail = 0.5 * t * Math.exp(-x * x + poly);
  return z >= 0 ? tail : 1 - tail;
}

function convolve(a: readonly number[], b: readonly number[]): number[] {
  const out = new Array<number>(a.length + b.length - 1).fill(0);
  for (const [i, x] of a.entries()) for (const [j, y] of b.entries()) out[i + j] = (out[i + j] ?? 0) + x * y;
  return out;
}

const sum = (values: readonly number[]): number => values.reduce((total, each) => total + each, 0);
