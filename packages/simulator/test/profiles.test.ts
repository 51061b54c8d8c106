/** What changed between releases shows in the same schedule (simulator.md, section 6; measured rows M12, M13, M21). */
import { expect, test } from "vitest";
import { findScenario, parseScenario, simulate } from "../src/index.ts";

const SEEDS = Array.from({ length: 40 }, (_, i) => i + 1);
const changes = (scenario: ReturnType<typeof findScenario>, profile: string): number[] =>
  SEEDS.map((seed) => simulate(scenario, { seed, profile, trace: "none" }).leaderChanges);
const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

test("a follower that was muted deposes the leader before 3.3, and never from 3.7.1 on", () => {
  const scenario = findScenario("s12");
  expect(Math.min(...changes(scenario, "3.1.0"))).toBeGreaterThan(0);
  expect(changes(scenario, "3.7.1").every((count) => count === 0)).toBe(true);
});

test("a healed link costs one election before 3.3, and none from 3.7.1 on", () => {
  const scenario = findScenario("s10");
  expect(mean(changes(scenario, "3.1.0"))).toBeGreaterThan(0.9);
  expect(changes(scenario, "3.7.1").every((count) => count === 0)).toBe(true);
});

test("a leader that compacts stops everything before 2.16, and hands over since", () => {
  const scenario = findScenario("s13");
  const longest = (profile: string): number =>
    Math.max(...SEEDS.map((seed) => simulate(scenario, { seed, profile, trace: "none" }).longestOutageUs));
  expect(longest("2.15.0")).toBeGreaterThan(1_000_000);
  expect(longest("3.7.1")).toBeLessThan(1_000_000);
});

/** The newest member at the higher term comes back to a lone candidate that retries (M21). */
const HEAL = parseScenario(`
version: 1
name: heal
cluster: { members: 3, timer: 1s }
clients: [{ kind: writer, rate: 20/s, to: any }]
schedule:
  - { at: 1s, stop: m3, how: kill }
  - { at: 3s, stop: m1, how: kill }
  - { at: 20s, start: m1, boot: same-disk }
run: { for: 1m }
`);

test("the heal after a lone candidate is a coin toss from 3.3 on, and one round with the proposed change", () => {
  const heal = (flags: Record<string, boolean>, profile: string): number[] =>
    SEEDS.map((seed) => {
      const scenario = { ...HEAL, cluster: { ...HEAL.cluster, flags } };
      const run = simulate(scenario, { seed, profile, trace: "none" });
      return Math.max(...run.outages.map(({ toUs }) => toUs)) / 1e6 - 20;
    });
  const now = mean(heal({}, "3.7.1"));
  const proposed = mean(heal({ suppressesOnlyAfterLeader: true }, "3.7.1"));
  expect(proposed).toBeLessThan(now);
  expect(proposed).toBeLessThan(2.5);
});
