/** The same quantities by chance: each sampler gives a mean and its standard error, for any seed the same again. */
import { Stream } from "../kernel/random.ts";
import type { Delay } from "../scenario/types.ts";
import { type FailoverQuestion, needed, RANGE_MS } from "./closed.ts";
import type { RepairQuestion } from "./repair.ts";

export type Sampled = { readonly mean: number; readonly sigma: number; readonly samples: number };

const PURPOSE = 100;

export function sample(seed: number, which: number, samples: number, draw: (chance: Stream) => number): Sampled {
  const chance = new Stream(seed, PURPOSE, which);
  let mean = 0;
  let squares = 0;
  for (let n = 1; n <= samples; n++) {
    const x = draw(chance);
    const off = x - mean;
    mean += off / n;
    squares += off * (x - mean);
  }
  return { mean, sigma: Math.sqrt(squares / Math.max(1, samples - 1) / Math.max(1, samples)), samples };
}

/** Whether a closed form lies within three standard errors. */
export function agrees(exact: number, { mean, sigma }: Sampled): boolean {
  return Math.abs(mean - exact) <= 3 * sigma + 1e-12;
}

/**
 * Share of time without quorum. Failures are drawn more often than they come, and weighed accordingly (importance
 * sampling): states that are rare in truth are seen thousands of times.
 */
export function sampledUnavailability(
  options: {
    readonly zones: readonly number[];
    readonly availability: number;
    readonly zoneAvailability: number;
    readonly ghosts: number;
  },
  samples: number,
  seed: number,
): Sampled {
  const { zones, availability, zoneAvailability, ghosts } = options;
  const members = zones.reduce((total, size) => total + size, 0);
  const quorum = needed(members, ghosts);
  const [down, zoneDown] = [1 - availability, 1 - zoneAvailability];
  const [often, zoneOften] = [Math.max(down, 0.4), zoneDown === 0 ? 0 : Math.max(zoneDown, 0.3)];
  return sample(seed, 1, samples, (chance) => {
    let running = 0;
    let weight = 1;
    for (const size of zones) {
      const isZoneDown = chance.unit() < zoneOften;
      weight *= isZoneDown ? zoneDown / zoneOften : (1 - zoneDown) / (1 - zoneOften);
      for (let i = 0; i < size; i++) {
        const isDown = chance.unit() < often;
        weight *= isDown ? down / often : (1 - down) / (1 - often);
        if (!isDown && !isZoneDown) running++;
      }
    }
    return running < quorum ? weight : 0;
  });
}

/** Servers that fail and are repaired in time: one sample is the time from all running to the first loss of quorum, in hours. */
export function sampledFirstLoss(question: RepairQuestion, samples: number, seed: number): Sampled {
  const { members, ghosts = 0, mtbfHours, mttrHours } = question;
  const quorum = needed(members, ghosts);
  return sample(seed, 2, samples, (chance) => {
    const wait = (meanHours: number): number => -Math.log(1 - chance.unit()) * meanHours;
    const next = Array.from({ length: members }, () => wait(mtbfHours));
    const isUp = next.map(() => true);
    let running = members;
    for (let steps = 0; steps < 10_000_000; steps++) {
      let first = 0;
      for (let i = 1; i < members; i++) if (next[i]! < next[first]!) first = i;
      const atHours = next[first]!;
      isUp[first] = !isUp[first];
      running += isUp[first] ? 1 : -1;
      if (running < quorum) return atHours;
      next[first] = atHours + wait(isUp[first] ? mtbfHours : mttrHours);
    }
    return Number.NaN;
  });
}

/** Whether a vote splits: timeouts are drawn, and counted within the gap behind the first. */
export function sampledSplit(members: number, up: number, gapMs: number, samples: number, seed: number): Sampled {
  return sample(seed, 3, samples, (chance) => (splits(members, timeouts(up, chance), gapMs) ? 1 : 0));
}

export function sampledFirstTimeout(up: number, samples: number, seed: number): Sampled {
  return sample(seed, 4, samples, (chance) => Math.min(...timeouts(up, chance)));
}

export function sampledFailover(question: FailoverQuestion, samples: number, seed: number): Sampled {
  const { members, up, electionTimerMs, latencyMs, fsyncMs, prevote } = question;
  const gapMs = latencyMs + (prevote ? 0 : fsyncMs);
  const talkMs = (prevote ? 4 : 2) * latencyMs + 2 * fsyncMs;
  return sample(seed, 5, samples, (chance) => {
    let ms = talkMs - (chance.unit() * electionTimerMs) / 3;
    for (let round = 0; round < 1000; round++) {
      const drawn = timeouts(up, chance);
      ms += electionTimerMs + Math.min(...drawn);
      if (!splits(members, drawn, gapMs)) break;
    }
    return ms;
  });
}

export function sampledOverlap(down: Delay, waitMs: number, restarts: number, samples: number, seed: number): Sampled {
  return sample(seed, 6, samples, (chance) => {
    for (let i = 1; i < restarts; i++) if (chance.delayUs(down) > waitMs * 1000) return 1;
    return 0;
  });
}

function timeouts(servers: number, chance: Stream): number[] {
  return Array.from({ length: servers }, () => chance.unit() * RANGE_MS);
}

/** The voters that are left are those that are no candidates when the first asks. */
function splits(members: number, timeoutsMs: readonly number[], gapMs: number): boolean {
  const firstMs = Math.min(...timeoutsMs);
  const candidates = timeoutsMs.filter((ms) => ms - firstMs <= gapMs).length;
  return timeoutsMs.length - candidates + 1 < needed(members);
}
