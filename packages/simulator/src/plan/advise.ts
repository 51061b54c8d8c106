/**
 * Which election timer? The smallest that does not take a pause of the leader for its death more often than is bearable:
 * a small one means elections for nothing, a big one means long pauses when a leader does die.
 */
import { ScenarioError } from "../scenario/error.ts";
import { failoverMs, healMs, normalTail, RANGE_MS, splitVote, staleLeaderMs } from "../odds/closed.ts";

/** Times in which a leader does nothing: long transactions, a busy disk, a virtual machine that stands still. */
export type Stalls = {
  /** Half of them are shorter. */
  readonly p50Ms: number;
  /** One in a hundred is longer; they are taken for lognormal. */
  readonly p99Ms: number;
  readonly perDay: number;
};

export type TimerQuestion = {
  /** Default 3. */
  readonly members?: number | undefined;
  /** Between two members, there and back; default 1. */
  readonly rttMs?: number | undefined;
  /** Default 2. */
  readonly fsyncMs?: number | undefined;
  readonly stalls: Stalls;
  /** The longest piece of work that does not let raft run: before 3.3 a snapshot or a large conversion. Default 0. */
  readonly longestJobMs?: number | undefined;
  /** Elections for nothing that are bearable, a day; default 0.01, one in a hundred days. */
  readonly falsePerDay?: number | undefined;
  /** The timer now; default 1000. */
  readonly currentMs?: number | undefined;
};

export type TimerAdvice = {
  readonly electionTimerMs: number;
  readonly falsePerDay: number;
  /** What the timer of now costs. */
  readonly falsePerDayNow: number;
  readonly failoverMs: number;
  readonly staleLeaderMs: number;
  readonly splitVote: number;
  /** Mean time to a leader after restarts with unequal terms, from 3.3 on. */
  readonly healMs: number;
  /** Values for cluster/change-election-timer, one after the other: at most doubled in a step. */
  readonly ladderMs: readonly number[];
  readonly notes: readonly string[];
};

const LEAST_MS = 100;
const MOST_MS = 600_000;
const GRID_MS = 100;

/** Throws `ScenarioError` where even ten minutes, the largest timer there is, are not enough. */
export function advise(question: TimerQuestion): TimerAdvice {
  const { members = 3, rttMs = 1, fsyncMs = 2, longestJobMs = 0, falsePerDay = 0.01, currentMs = 1000 } = question;
  const { stalls } = question;
  if (!(stalls.p50Ms > 0) || stalls.p99Ms < stalls.p50Ms || stalls.perDay < 0 || !(falsePerDay > 0))
    throw new ScenarioError("stalls: 0 < p50 ≤ p99, a count per day of 0 or more, and a bearable rate above 0");
  if (!Number.isInteger(members) || members < 1 || members > 99)
    throw new ScenarioError("members: a whole number from 1 to 99");
  if (currentMs < LEAST_MS || currentMs > MOST_MS) throw new ScenarioError("an election timer is 100ms to 600s");
  const rate = (timerMs: number): number => falseElectionsPerDay(timerMs, members, rttMs / 2, stalls);
  const isEnough = (timerMs: number): boolean => timerMs >= longestJobMs && rate(timerMs) <= falsePerDay;
  if (!isEnough(MOST_MS))
    throw new ScenarioError(
      `even an election timer of 600 s means ${rate(MOST_MS).toPrecision(2)} elections for nothing a day: shorten the stalls`,
    );
  let [low, high] = [LEAST_MS / GRID_MS, MOST_MS / GRID_MS];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (isEnough(middle * GRID_MS)) high = middle;
    else low = middle + 1;
  }
  const timerMs = high * GRID_MS;
  const up = members - 1;
  const notes: string[] = [];
  if (members < 3) notes.push("fewer than three members survive no loss: no timer helps");
  const split = members < 3 ? 0 : splitVote(members, up, rttMs / 2);
  if (split > 0.05)
    notes.push(
      `one vote in ${Math.round(1 / split)} splits: the random part of a timeout is one second whatever the timer is, and does not grow with it`,
    );
  if (timerMs > 16_000)
    notes.push("a timer above 16 s makes every fail-over long: look for the cause of the stalls first");
  if (timerMs <= 2 * rttMs) notes.push("the timer is hardly longer than a round trip: heartbeats would come too late");
  return {
    electionTimerMs: timerMs,
    falsePerDay: rate(timerMs),
    falsePerDayNow: rate(currentMs),
    failoverMs:
      members < 3
        ? Number.POSITIVE_INFINITY
        : failoverMs({ members, up, electionTimerMs: timerMs, latencyMs: rttMs / 2, fsyncMs, prevote: true }),
    staleLeaderMs: staleLeaderMs(timerMs),
    splitVote: split,
    healMs: healMs(timerMs),
    ladderMs: ladder(currentMs, timerMs),
    notes,
  };
}

/** The steps of `cluster/change-election-timer`: a leader takes at most the double of its value, and any smaller one at once. */
export function ladder(fromMs: number, toMs: number): number[] {
  const steps: number[] = [];
  for (let ms = fromMs; ms !== toMs; ) {
    ms = Math.min(toMs, ms * 2);
    steps.push(ms);
  }
  return steps;
}

/** Stalls of the leader that its followers take for its death, a day. */
export function falseElectionsPerDay(timerMs: number, members: number, latencyMs: number, stalls: Stalls): number {
  if (members < 2) return 0;
  const sigma = Math.log(Math.max(1, stalls.p99Ms / stalls.p50Ms)) / 2.3263;
  if (sigma === 0) return stalls.perDay * falseElection(timerMs, members, latencyMs, stalls.p50Ms);
  // Midpoints over the normal distribution, far into the tail: rare long stalls are what matters.
  const [from, to, cells] = [-4, 9, 2600];
  const width = (to - from) / cells;
  let total = 0;
  for (let i = 0; i < cells; i++) {
    const z = from + i * width;
    const weight = normalTail(z) - normalTail(z + width);
    total += weight * falseElection(timerMs, members, latencyMs, stalls.p50Ms * Math.exp(sigma * (z + width / 2)));
  }
  return stalls.perDay * total;
}

/**
 * P(a stall of the leader makes a follower a candidate). Followers hear nothing for the stall and for as long as the last
 * heartbeat was old when it began, up to a third of the timer; the first of their timeouts is the least of `members - 1`
 * draws from one second.
 */
export function falseElection(timerMs: number, members: number, latencyMs: number, stallMs: number): number {
  const followers = members - 1;
  const beatMs = timerMs / 3;
  const cells = 64;
  let total = 0;
  for (let i = 0; i < cells; i++) {
    const silenceMs = ((i + 0.5) / cells) * beatMs + stallMs + latencyMs;
    const share = Math.min(1, Math.max(0, (silenceMs - timerMs) / RANGE_MS));
    total += 1 - (1 - share) ** followers;
  }
  return total / cells;
}
