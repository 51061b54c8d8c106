/** The same schedules on real ovsdb-servers: what must be equal is equal. Times are compared by `npm run twin`. */
import { realOvs } from "@ovnha/testkit";
import { describe, expect, test } from "vitest";
import { canNetns } from "../../src/edge/twin/networks.ts";
import { ovsVersion } from "../../src/edge/twin/commands.ts";
import { compare, simulated } from "../../src/edge/twin/compare.ts";
import { whyNot } from "../../src/edge/twin/perform.ts";
import { runReal } from "../../src/edge/twin/run.ts";
import { findScenario, parseScenario, shippedScenarios } from "../../src/index.ts";

/** Those that are over in a minute or so; `npm run twin` runs every one that processes can. */
const IN_CI = ["s1", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s12", "s14", "s15", "s22", "s23"];
/** Those that cut links or move addresses. */
const IN_NETWORKS = ["s9", "s10", "s11"];

/** s21 takes three minutes: the same in less, with a group that is slower than the other. */
const TWO_DATABASES = parseScenario(`version: 1
name: two-databases
cluster: { members: 3 }
groups: [{ name: nb, timer: 1s }, { name: sb, timer: 2s, rate: 5/s }]
schedule:
  - { at: 2s, restart: m1, how: kill, down: 12s }
  - { at: 4s, restart: m2, how: kill, down: 16s }
  - { at: 12s, expect: { leader: false } }
run: { for: 3m }
`);

describe.skipIf(realOvs() === "skip")("real servers do as the simulator says", () => {
  const scenarios = [...IN_CI, ...(canNetns() ? IN_NETWORKS : [])].map((name) => [name, findScenario(name)] as const);
  scenarios.push(["two databases on the same hosts", TWO_DATABASES]);

  test.concurrent.each(scenarios)("%s", { timeout: 400_000 }, async (_name, scenario) => {
    const real = await runReal(scenario, { keep: false });
    const rows = compare(real, await simulated(scenario, ovsVersion() ?? "", 100));
    expect(rows.filter(({ agrees, isTime }) => !agrees && !isTime)).toEqual([]);
    expect(rows.length).toBeGreaterThan(3);
  });
});

test("scenarios that processes cannot run say why", () => {
  const reasons = shippedScenarios().map((scenario) => whyNot(scenario));
  expect(reasons.filter((why) => why === undefined).length).toBeGreaterThanOrEqual(12);
  expect(whyNot(findScenario("s18"))).toContain("power");
  expect(whyNot(findScenario("s21"))).toBeUndefined();
  const cut = parseScenario(
    "version: 1\nname: g\ncluster: { members: 3 }\ngroups: [{ name: nb }, { name: sb }]\nschedule: [{ at: 1s, cut: [m1, m2] }]\n",
  );
  if (canNetns()) expect(whyNot(cut)).toContain("several groups");
  const slow = parseScenario(
    "version: 1\nname: g\ncluster: { members: 3 }\ngroups: [{ name: nb }, { name: sb, snapshot: 4s }]\nschedule: [{ at: 1s, compact: m1 }]\n",
  );
  expect(whyNot(slow)).toContain("needs a database of a size");
  if (!canNetns()) expect(whyNot(findScenario("s10"))).toContain("network namespaces");
});
