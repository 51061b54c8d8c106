import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { planRotation, type RotationPolicy, type RotationSet } from "../src/store/rotation.ts";

const HOUR_MS = 3_600_000;
const NOW_MS = Date.UTC(2026, 10, 25, 12);

const sets: fc.Arbitrary<RotationSet[]> = fc
  .uniqueArray(fc.integer({ min: 0, max: 24 * 800 }), { maxLength: 25 })
  .chain((hours) =>
    fc.tuple(
      ...hours.map((hour, index) =>
        fc.record({
          id: fc.constant(`set${index}`),
          createdMs: fc.constant(NOW_MS - hour * HOUR_MS),
          bytes: fc.integer({ min: 1, max: 100 }),
          databases: fc.constantFrom<string[]>(["N"], ["N", "S"], ["S"]),
          isVerified: fc.constantFrom<string[]>([], ["N"], ["S"], ["N", "S"]),
        }),
      ),
    ),
  )
  .map((made) =>
    made.map(({ isVerified, ...set }) => ({
      ...set,
      verified: isVerified.filter((name) => set.databases.includes(name)),
    })),
  );

const count = fc.option(fc.integer({ min: 0, max: 6 }), { nil: undefined });
const policies: fc.Arbitrary<RotationPolicy> = fc
  .record({
    last: count,
    hourly: count,
    daily: count,
    weekly: count,
    monthly: count,
    yearly: count,
    withinMs: fc.option(
      fc.integer({ min: 0, max: 24 * 60 }).map((hours) => hours * HOUR_MS),
      { nil: undefined },
    ),
    bytesMax: fc.option(fc.integer({ min: 0, max: 800 }), { nil: undefined }),
    allowUnverified: fc.boolean(),
  })
  .filter(({ allowUnverified: _unused, ...rules }) => Object.values(rules).some((rule) => rule !== undefined));

/** Monday 00:00 UTC of the week that an instant lies in, found by walking back. */
function monday(ms: number): number {
  const day = new Date(ms);
  day.setUTCHours(0, 0, 0, 0);
  while (day.getUTCDay() !== 1) day.setUTCDate(day.getUTCDate() - 1);
  return day.getTime();
}

function period(rule: string, ms: number): string {
  const date = new Date(ms);
  const year = `${date.getUTCFullYear()}`;
  const month = `${year}-${date.getUTCMonth()}`;
  const day = `${month}-${date.getUTCDate()}`;
  if (rule === "weekly") return String(monday(ms));
  return (
    { last: String(ms), hourly: `${day} ${date.getUTCHours()}`, daily: day, monthly: month, yearly: year }[rule] ?? ""
  );
}

/** The sentences of the policy's documentation, executed one by one. */
function keptByDefinition(all: readonly RotationSet[], policy: RotationPolicy): Set<string> {
  const newer = (a: RotationSet, b: RotationSet): boolean => a.createdMs > b.createdMs;
  const kept = new Set<RotationSet>();
  const rules = ["last", "hourly", "daily", "weekly", "monthly", "yearly"] as const;
  for (const rule of rules) {
    const of = (set: RotationSet): string => period(rule, set.createdMs);
    for (const set of all) {
      const isNewestOfPeriod = !all.some((other) => of(other) === of(set) && newer(other, set));
      const newerPeriods = new Set(all.filter((other) => of(other) !== of(set) && newer(other, set)).map(of));
      if (isNewestOfPeriod && newerPeriods.size < (policy[rule] ?? 0)) kept.add(set);
    }
  }
  for (const set of all) if (policy.withinMs !== undefined && NOW_MS - set.createdMs <= policy.withinMs) kept.add(set);
  if (rules.every((rule) => policy[rule] === undefined) && policy.withinMs === undefined)
    for (const set of all) kept.add(set);
  const { bytesMax } = policy;
  if (bytesMax !== undefined) {
    const before = [...kept];
    for (const set of before) {
      const upToHere = before.filter((other) => !newer(set, other));
      if (upToHere.reduce((sum, { bytes }) => sum + bytes, 0) > bytesMax) kept.delete(set);
    }
  }
  for (const database of ["N", "S"]) {
    const verified = all.filter((set) => set.verified.includes(database));
    const newest = verified.find((set) => verified.every((other) => !newer(other, set)));
    if (newest !== undefined) kept.add(newest);
    else if (policy.allowUnverified !== true)
      for (const set of all) if (set.databases.includes(database)) kept.add(set);
  }
  return new Set([...kept].map(({ id }) => id));
}

describe("a rotation", () => {
  test("keeps what the definition keeps, and every set is either kept or removed", () => {
    fc.assert(
      fc.property(sets, policies, (all, policy) => {
        const { keep, remove, freedBytes } = planRotation(all, policy, NOW_MS);
        const ids = keep.map(({ set }) => set.id);
        expect(new Set(ids)).toEqual(keptByDefinition(all, policy));
        expect([...ids, ...remove.map(({ id }) => id)].sort()).toEqual(all.map(({ id }) => id).sort());
        expect(freedBytes).toBe(remove.reduce((sum, { bytes }) => sum + bytes, 0));
        expect(keep.every(({ reasons }) => reasons.length > 0)).toBe(true);
      }),
      { numRuns: 1_000 },
    );
  });

  test("never removes the last verified backup of a database, whatever the policy", () => {
    fc.assert(
      fc.property(sets, policies, (all, policy) => {
        const { remove } = planRotation(all, policy, NOW_MS);
        for (const database of ["N", "S"]) {
          const verified = all.filter((set) => set.verified.includes(database));
          if (verified.length > 0) expect(verified.every((set) => remove.includes(set))).toBe(false);
        }
      }),
    );
  });

  test("is stable: what it keeps, it keeps again", () => {
    fc.assert(
      fc.property(sets, policies, (all, policy) => {
        const rules = { last: 0, ...policy, bytesMax: undefined };
        const once = planRotation(all, rules, NOW_MS).keep.map(({ set }) => set);
        expect(planRotation(once, rules, NOW_MS).remove).toEqual([]);
      }),
    );
  });

  test("keeps grandfather, father and son", () => {
    const daily = Array.from({ length: 400 }, (_none, index) => ({
      id: `day${index}`,
      createdMs: NOW_MS - index * 24 * HOUR_MS,
      bytes: 1,
      databases: ["N"],
      verified: index === 0 ? ["N"] : [],
    }));
    const { keep } = planRotation(daily, { daily: 7, weekly: 4, monthly: 12 }, NOW_MS);
    const of = (rule: string): string[] =>
      keep.filter(({ reasons }) => reasons.includes(rule)).map(({ set }) => set.id);
    expect(of("daily")).toEqual(["day0", "day1", "day2", "day3", "day4", "day5", "day6"]);
    // 25 November 2026 is a Wednesday: the newest of each week are that day and the Sundays before.
    expect(of("weekly")).toEqual(["day0", "day3", "day10", "day17"]);
    expect(of("monthly").slice(0, 3)).toEqual(["day0", "day25", "day56"]);
    expect(of("monthly")).toHaveLength(12);
  });

  test.each([{}, { last: -1 }, { daily: 1.5 }, { withinMs: Number.NaN }])("refuses the policy %o", (policy) => {
    expect(() => planRotation([], policy, NOW_MS)).toThrow(expect.objectContaining({ code: "ARGUMENT" }));
  });
});
