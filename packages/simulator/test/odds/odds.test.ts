/** The closed forms say what the tables of the design say, what chance says, and what the simulator says. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  failoverMs,
  firstTimeoutMs,
  healMs,
  odds,
  overlap,
  overlapInARow,
  parseScenario,
  quorumLosses,
  ScenarioError,
  simulate,
  splitVote,
  staleLeaderMs,
  unavailability,
  zonedUnavailability,
} from "../../src/index.ts";
import { Stream } from "../../src/kernel/random.ts";
import { YEAR_HOURS, zonedLosses } from "../../src/odds/repair.ts";
import { choose, healRound, minutesPerYear, normalTail } from "../../src/odds/closed.ts";
import {
  agrees,
  sampledFailover,
  sampledFirstLoss,
  sampledFirstTimeout,
  sampledOverlap,
  sampledSplit,
  sampledUnavailability,
} from "../../src/odds/sampled.ts";

describe("golden tables", () => {
  test.each([
    [0.99, [5260, 10467, 157, 311, 5.2], 15_622],
    [0.999, [526, 1051, 1.6, 3.2, 0.01], 1576],
  ] as const)(
    "minutes a year without quorum, machines up %d of the time: one to five, and three with a ghost",
    (a, table, ghost) => {
      table.forEach((minutes, i) => {
        const got = minutesPerYear(unavailability(i + 1, a));
        expect(Math.abs(got - minutes)).toBeLessThanOrEqual(minutes >= 100 ? 0.5 : minutes >= 1 ? 0.05 : 0.006);
      });
      expect(Math.abs(minutesPerYear(unavailability(3, a, 1)) - ghost)).toBeLessThanOrEqual(0.5);
    },
  );

  test.each([
    [[3], 527],
    [[2, 1], 529],
    [[1, 1, 1], 6.3],
    [[2, 2, 1], 4.7],
    [[5], 526],
  ] as const)("zones and machines up 99.9 %%: %j is %d minutes a year", (zones, minutes) => {
    const got = minutesPerYear(zonedUnavailability(zones, 0.999, 0.999));
    expect(Math.abs(got - minutes)).toBeLessThanOrEqual(minutes > 100 ? 0.6 : 0.05);
  });

  test.each([
    [3, 2, 1, 0.2],
    [3, 2, 10, 2.0],
    [3, 2, 100, 19],
    [5, 4, 100, 5.2],
    [5, 4, 10, 0.059],
    [5, 4, 200, 18.08],
  ])("%d members, %d up, %d ms: %d %% of the votes split", (members, up, gapMs, percent) => {
    expect(splitVote(members, up, gapMs) * 100).toBeCloseTo(
      percent,
      percent < 0.1 ? 3 : percent > 18.05 && percent < 18.1 ? 1 : 0,
    );
  });

  test("fail-over, stale leaders and the heal, as measured: M1, M2, M3, M21", () => {
    const still = { latencyMs: 0, fsyncMs: 0, prevote: true } as const;
    expect(failoverMs({ ...still, members: 3, up: 2, electionTimerMs: 1000 })).toBeCloseTo(1167, 0);
    expect(failoverMs({ ...still, members: 3, up: 2, electionTimerMs: 5000 })).toBeCloseTo(4500, 0);
    expect(failoverMs({ ...still, members: 5, up: 4, electionTimerMs: 1000 })).toBeCloseTo(1033, 0);
    expect(staleLeaderMs(1000)).toBe(4000);
    for (const [timerMs, ms] of [
      [1000, 4500],
      [5000, 16_500],
      [16_000, 49_500],
    ] as const)
      expect(healMs(timerMs)).toBeCloseTo(ms, 6);
    // The mean round of M21's thirty trials.
    expect(healMs(1000, (15 + 2 * 8 + 3 * 4 + 4 * 3) / 30) / 1000).toBeCloseTo(4.22, 1);
    let [total, rounds] = [0, 0];
    for (let k = 1; k < 60; k++) {
      total += healRound(k);
      rounds += k * healRound(k);
    }
    expect(total).toBeCloseTo(1, 12);
    expect(rounds).toBeCloseTo(2, 12);
  });
});

describe("chance agrees with the closed form, within three standard errors", () => {
  const grid = [
    ...[1, 2, 3, 4, 5, 7].map((n) => ({ zones: [n], availability: 0.99, zoneAvailability: 1, ghosts: 0 })),
    ...[3, 5].map((n) => ({ zones: [n], availability: 0.999, zoneAvailability: 1, ghosts: 0 })),
    ...[1, 2].map((ghosts) => ({ zones: [3], availability: 0.99, zoneAvailability: 1, ghosts })),
    ...[[3], [2, 1], [1, 1, 1], [2, 2, 1]].map((zones) => ({
      zones,
      availability: 0.999,
      zoneAvailability: 0.999,
      ghosts: 0,
    })),
  ];
  test.each(grid)("availability: $zones, $availability, zones $zoneAvailability, $ghosts ghosts", (each) => {
    const got = sampledUnavailability(each, 100_000, 7);
    const exact = zonedUnavailability(each.zones, each.availability, each.zoneAvailability, each.ghosts);
    expect(agrees(exact, got), `${exact} against ${got.mean} ± ${got.sigma}`).toBe(true);
    // Rare as it may be, it was seen: the error is a small part of it.
    expect(got.sigma).toBeLessThan(0.1 * exact);
  });

  test.each([
    [3, 2, 10],
    [3, 2, 100],
    [5, 4, 100],
    [5, 3, 100],
    [7, 6, 200],
  ])("split votes: %d members, %d up, %d ms", (members, up, gapMs) => {
    expect(agrees(splitVote(members, up, gapMs), sampledSplit(members, up, gapMs, 100_000, 3))).toBe(true);
  });

  test.each([1, 2, 4])("the first timeout of %d", (servers) => {
    expect(agrees(firstTimeoutMs(servers), sampledFirstTimeout(servers, 50_000, 5))).toBe(true);
  });

  test.each([
    { members: 3, up: 2, electionTimerMs: 1000, latencyMs: 1, fsyncMs: 2, prevote: true },
    { members: 3, up: 2, electionTimerMs: 5000, latencyMs: 50, fsyncMs: 10, prevote: false },
    { members: 5, up: 3, electionTimerMs: 1000, latencyMs: 100, fsyncMs: 5, prevote: true },
  ])("fail-over: %j", (question) => {
    expect(agrees(failoverMs(question), sampledFailover(question, 50_000, 11))).toBe(true);
  });

  test.each([
    { members: 3, mtbfHours: 100, mttrHours: 5 },
    { members: 5, mtbfHours: 50, mttrHours: 5 },
    { members: 3, ghosts: 1, mtbfHours: 100, mttrHours: 5 },
  ])("the first loss of quorum: %j", (question) => {
    expect(agrees(quorumLosses(question).firstAfterHours, sampledFirstLoss(question, 3000, 13))).toBe(true);
  });

  test.each([
    { dist: "exponential", baseMs: 10_000, meanMs: 20_000 },
    { dist: "lognormal", p50Ms: 30_000, p99Ms: 120_000 },
    { dist: "uniform", fromMs: 20_000, toMs: 60_000 },
  ] as const)("restarts that run into the next one: $dist", (down) => {
    expect(agrees(overlapInARow(down, 40_000, 3), sampledOverlap(down, 40_000, 3, 50_000, 17))).toBe(true);
  });

  test("and it notices a form that is wrong", () => {
    expect(agrees(splitVote(3, 2, 110), sampledSplit(3, 2, 100, 100_000, 3))).toBe(false);
    expect(
      agrees(
        unavailability(3, 0.98),
        sampledUnavailability({ zones: [3], availability: 0.99, zoneAvailability: 1, ghosts: 0 }, 100_000, 7),
      ),
    ).toBe(false);
  });
});

test("unavailability is the share of time that the chain of failures and repairs gives", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 9 }),
      fc.integer({ min: 0, max: 3 }),
      fc.double({ min: 10, max: 1e4, noNaN: true }),
      (members, ghosts, mtbfHours) => {
        const losses = quorumLosses({ members, ghosts, mtbfHours, mttrHours: 2 });
        expect(losses.unavailability).toBeCloseTo(unavailability(members, mtbfHours / (mtbfHours + 2), ghosts), 12);
      },
    ),
  );
});

/** The dumb twin: every state of every machine. */
test("the binomial is the sum over all states", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 9 }),
      fc.integer({ min: 0, max: 4 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (members, ghosts, a) => {
        let bad = 0;
        for (let state = 0; state < 2 ** members; state++) {
          const up = state.toString(2).replaceAll("0", "").length;
          if (up * 2 <= members + ghosts) bad += a ** up * (1 - a) ** (members - up);
        }
        expect(unavailability(members, a, ghosts)).toBeCloseTo(bad, 10);
      },
    ),
  );
});

test("the normal tail, the binomial coefficient and constants are right", () => {
  expect(normalTail(0)).toBeCloseTo(0.5, 7);
  expect(normalTail(2.3263)).toBeCloseTo(0.01, 5);
  expect(normalTail(-1.96)).toBeCloseTo(0.975, 3);
  expect(choose(9, 4)).toBe(126);
  expect(overlap({ dist: "constant", ms: 5 }, 5)).toBe(0);
  expect(overlap({ dist: "constant", ms: 5 }, 4)).toBe(1);
});

test("the simulator's fail-over has the mean of the formula", () => {
  const scenario = parseScenario(`version: 1
name: f
cluster: { members: 5, timer: 1s }
models: { latency: { dist: constant, ms: 1 }, fsync: { dist: constant, ms: 2 } }
clients: [{ kind: writer, rate: 1/m }]
schedule: [{ at: 10s, stop: m1, how: kill }]
run: { for: 30s }
`);
  const times = Array.from({ length: 400 }, (_, i) => {
    // The death comes at any moment between two heartbeats.
    const ms = 10_000 + ((i * 37) % 1000);
    const steps = scenario.steps.map((step) => ({ ...step, at: { ms } }));
    const { trace } = simulate({ ...scenario, steps } as typeof scenario, { seed: i + 1 });
    const lead = trace.find((event) => event.type === "role" && event.role === "leader" && event.atUs > ms * 1000);
    return (lead?.atUs ?? Number.NaN) / 1000 - ms;
  });
  const mean = times.reduce((sum, each) => sum + each, 0) / times.length;
  const formula = failoverMs({ members: 5, up: 4, electionTimerMs: 1000, latencyMs: 1, fsyncMs: 2, prevote: true });
  expect(Math.abs(mean / formula - 1)).toBeLessThan(0.03);
});

/** The dumb twin: machines and zones that fail and are repaired, one event after the other; the losses are counted. */
test.each([
  { zones: [2, 1], ghosts: 0 },
  { zones: [1, 1, 1], ghosts: 0 },
  { zones: [2, 2, 1], ghosts: 1 },
  { zones: [3], ghosts: 0 },
])("losses where zones fail too: $zones, $ghosts ghosts", ({ zones, ghosts }) => {
  const [mtbfHours, mttrHours, zoneAvailability, zoneMttrHours] = [100, 10, 0.95, 5];
  const found = zonedLosses({ zones, ghosts, mtbfHours, mttrHours, zoneAvailability, zoneMttrHours });
  const zoneMtbfHours = (zoneMttrHours * zoneAvailability) / (1 - zoneAvailability);
  const chance = new Stream(5, 0, 0);
  const parts = zones.flatMap((size, zone) => [
    { zone, isZone: true, isUp: true, upHours: zoneMtbfHours, downHours: zoneMttrHours },
    ...Array.from({ length: size }, () => ({
      zone,
      isZone: false,
      isUp: true,
      upHours: mtbfHours,
      downHours: mttrHours,
    })),
  ]);
  const members = zones.reduce((sum, size) => sum + size, 0);
  const hasQuorum = (): boolean => {
    const isZoneUp = (zone: number): boolean => parts.some((part) => part.isZone && part.zone === zone && part.isUp);
    return parts.filter((part) => !part.isZone && part.isUp && isZoneUp(part.zone)).length * 2 > members + ghosts;
  };
  let [hours, downHours, losses, was] = [0, 0, 0, true];
  while (losses < 20_000) {
    const rates = parts.map((part) => 1 / (part.isUp ? part.upHours : part.downHours));
    const total = rates.reduce((sum, rate) => sum + rate, 0);
    const step = -Math.log(1 - chance.unit()) / total;
    hours += step;
    if (!was) downHours += step;
    let draw = chance.unit() * total;
    const part = parts.find((_, i) => {
      draw -= rates[i]!;
      return draw < 0;
    })!;
    part.isUp = !part.isUp;
    const is = hasQuorum();
    if (was && !is) losses++;
    was = is;
  }
  // 20,000 losses: their count is good to 0.7 % or so.
  expect(Math.abs(losses / (hours / YEAR_HOURS) / found.perYear - 1)).toBeLessThan(0.03);
  expect(Math.abs(downHours / losses / found.meanHours - 1)).toBeLessThan(0.03);
});

test("zones that never fail lose quorum as often as machines alone do", () => {
  const question = { mtbfHours: 100, mttrHours: 10 };
  const zoned = zonedLosses({ ...question, zones: [2, 2, 1], zoneAvailability: 1, zoneMttrHours: 4 });
  const plain = quorumLosses({ ...question, members: 5 });
  expect(zoned.perYear).toBeCloseTo(plain.perYear, 9);
  expect(zoned.meanHours).toBeCloseTo(plain.meanHours, 9);
});

describe("odds", () => {
  test("losses and fail-overs count the outages of zones, and say which zones decide", () => {
    const machines = { mtbfHours: 720, mttrHours: 1, zoneAvailability: 0.999 };
    const two = odds({ ...machines, members: 3, zones: [2, 1] });
    expect(two.decisiveZones).toEqual([1]);
    // The larger zone fails 8766 × 0.001 / 4 times a year.
    expect(two.losses.perYear).toBeGreaterThan(2.19);
    expect(two.losses.perYear * two.losses.meanMinutes).toBeCloseTo(two.minutesDownPerYear, 6);
    const three = odds({ ...machines, members: 3, zones: [1, 1, 1] });
    expect(three.decisiveZones).toEqual([]);
    expect(three.failovers.perYear).toBeCloseTo(8766 / 720 + 2.1915, 6);
    expect(odds({ ...machines, members: 4, zones: [2, 2] }).decisiveZones).toEqual([1, 2]);
    expect(odds({ ...machines, members: 1 }).failovers).toMatchObject({ perYear: 0, meanMs: 0 });
  });

  test("says both, and what fail-overs add", () => {
    const found = odds({ members: 3, mtbfHours: 99, mttrHours: 1 });
    expect(found.minutesDownPerYear).toBeCloseTo(156.7, 0);
    expect(found.sampled.agrees).toBe(true);
    expect(found.needed).toBe(2);
    expect(found.failovers.minutesPerYear).toBeGreaterThan(1);
    expect(odds({ members: 3, mtbfHours: 99, mttrHours: 1 })).toEqual(found);
  });

  test.each([
    [{ members: 3, zones: [2, 2], mtbfHours: 1, mttrHours: 1 }, "hold 4 members"],
    [{ members: 0, mtbfHours: 1, mttrHours: 1 }, "members: a whole number"],
    [{ members: 3, mtbfHours: 0, mttrHours: 1 }, "greater than nothing"],
    [{ members: 3, mtbfHours: 1, mttrHours: 1, zoneAvailability: 2 }, "share from 0 to 1"],
    [{ members: 3, mtbfHours: 1, mttrHours: 1, zoneMttrHours: 0 }, "greater than nothing"],
  ] as const)("refuses %j", (question, complaint) => {
    expect(() => odds(question)).toThrow(ScenarioError);
    expect(() => odds(question)).toThrow(complaint);
  });
});
