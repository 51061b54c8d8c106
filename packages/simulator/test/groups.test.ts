/** Two databases on the same hosts: the same faults, chance of their own, and a service that needs both. */
import { describe, expect, test } from "vitest";
import { findScenario, parseScenario, report, ScenarioError, simulate, timeline, withSettings } from "../src/index.ts";
import { scenarioOf, union } from "../src/groups.ts";

const BOTH = findScenario("s21");
const alone = (i: number): ReturnType<typeof simulate> =>
  simulate(scenarioOf(BOTH, BOTH.groups[i]!), { seed: 4 + i * 1_000_003 });

test("each group is the world that it would be alone, and the outages are the union of theirs", () => {
  const run = simulate(BOTH, { seed: 4 });
  const [nb, sb] = [alone(0), alone(1)];
  expect(run.acked).toBe(nb.acked + sb.acked);
  expect(run.members.map(({ name }) => name)).toEqual(["nb-m1", "nb-m2", "nb-m3", "sb-m1", "sb-m2", "sb-m3"]);
  expect(run.leader).toBe(`nb-${nb.leader}, sb-${sb.leader}`);
  expect(run.longestOutageUs).toBeGreaterThanOrEqual(Math.max(nb.longestOutageUs, sb.longestOutageUs));
  // The dumb twin of the union: every millisecond is looked at.
  const downMs = (runs: readonly (typeof nb)[]): number => {
    let count = 0;
    for (let ms = 0; ms < 300_000; ms++)
      if (runs.some(({ outages }) => outages.some(({ fromUs, toUs }) => fromUs <= ms * 1000 && ms * 1000 < toUs)))
        count++;
    return count;
  };
  expect(Math.abs(run.unavailableUs / 1000 - downMs([nb, sb]))).toBeLessThan(300);
  const faults = run.trace.filter(({ type }) => type === "fault");
  expect(faults).toHaveLength(nb.trace.filter(({ type }) => type === "fault").length);
  for (let i = 1; i < run.trace.length; i++) expect(run.trace[i]!.atUs).toBeGreaterThanOrEqual(run.trace[i - 1]!.atUs);
});

test("the same again for the same seed, and another for another", () => {
  const hash = (seed: number): string => simulate(BOTH, { seed, trace: "none" }).traceHash;
  expect(hash(1)).toBe(hash(1));
  expect(hash(1)).toMatch(/^[0-9a-f]{16}$/);
  expect(hash(2)).not.toBe(hash(1));
});

test("the union is longer than either gap in the middle", () => {
  const longest = (scenario: typeof BOTH): number => {
    const all = Array.from({ length: 15 }, (_, i) => simulate(scenario, { seed: i + 1, trace: "none" }).unavailableUs);
    return all.sort((a, b) => a - b)[7]!;
  };
  const both = longest(BOTH);
  for (const group of BOTH.groups) expect(both).toBeGreaterThan(longest(scenarioOf(BOTH, group)));
});

test("a gate opens when it does in every group: a ghost in one of two holds up all", () => {
  const text = (timer: string): string => `version: 1
name: gate
cluster: { members: 3 }
groups: [{ name: nb }, { name: sb, timer: ${timer} }]
schedule: [{ at: 5s, restart: m3, how: kill, down: 12s }, { when: healthy, after: 1s, restart: m2, how: exit, down: 1s }]
run: { for: 60s }
`;
  // At once all is well, so the second step must be asked to wait: after the fault.
  const slow = simulate(parseScenario(text("8s").replace("after: 1s", "after: 1s, within: 50s")), { seed: 1 });
  const restarts = slow.trace.filter((event) => event.type === "fault" && event.members.includes("m2"));
  expect(restarts.length).toBe(1);
  expect(slow.gaveUp).toBe(false);
});

describe("what cannot be meant is refused with its line", () => {
  const text = (step: string): string =>
    `version: 1\nname: g\ncluster: { members: 3 }\ngroups: [{ name: nb }, { name: sb }]\nschedule:\n  - { at: 1s, ${step} }\n`;
  test.each([
    ["stop: leader", 'x.yaml:6:1: with groups a step names its members: who is "leader"'],
    ["cut: [m1, random]", 'who is "random"'],
    ["swizzle: all, every: 1s", "swizzle is by chance"],
  ])("%s", (step, complaint) => {
    expect(() => parseScenario(text(step), "x.yaml")).toThrow(ScenarioError);
    expect(() => parseScenario(text(step), "x.yaml")).toThrow(complaint);
  });
  test("two of one name", () => {
    expect(() => parseScenario(text("stop: m1").replace("name: sb", "name: nb"))).toThrow("the same name: nb, nb");
  });
});

test("outages that touch are one, and heal when the last does", () => {
  const o = (fromUs: number, toUs: number, healed = true): Parameters<typeof union>[0][number] => ({
    fromUs,
    toUs,
    healed,
    cause: String(fromUs),
  });
  expect(union([o(5e6, 6e6), o(0, 2e6), o(1e6, 3e6)])).toEqual([o(0, 3e6), o(5e6, 6e6)]);
  expect(union([o(0, 9e6, false), o(1e6, 2e6)])).toEqual([o(0, 9e6, false)]);
});

test("pictures have a lane for each member of each group", () => {
  const run = simulate(BOTH, { seed: 1, trace: "full" });
  expect(
    timeline(run, 40)
      .slice(0, 6)
      .map((line) => line.split(" ")[0]),
  ).toEqual(run.members.map(({ name }) => name));
  expect(report(run, BOTH).length).toBeLessThan(1_000_000);
  expect(withSettings(BOTH, "2.17.0").cluster.profile).toBe("2.17.0");
});
