/** The same schedules on real ovsdb-servers: what must be equal is equal. Times are compared by `npm run twin`. */
import { realOvs } from "@ovnha/testkit";
import { describe, expect, test } from "vitest";
import { canNetns } from "../../src/edge/twin/networks.ts";
import { ovsVersion } from "../../src/edge/twin/commands.ts";
import { compare, simulated } from "../../src/edge/twin/compare.ts";
import { whyNot } from "../../src/edge/twin/perform.ts";
import { runReal } from "../../src/edge/twin/run.ts";
import { findScenario, shippedScenarios } from "../../src/index.ts";

/** Those that are over in a minute or so; `npm run twin` runs every one that processes can. */
const IN_CI = ["s1", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s12", "s14", "s15", "s22", "s23"];
/** Those that cut links or move addresses. */
const IN_NETWORKS = ["s9", "s10", "s11"];

describe.skipIf(realOvs() === "skip")("real servers do as the simulator says", () => {
  test.concurrent.each([...IN_CI, ...(canNetns() ? IN_NETWORKS : [])])("%s", { timeout: 400_000 }, async (name) => {
    const scenario = findScenario(name);
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
  expect(whyNot(findScenario("s21"))).toContain("several databases");
  if (!canNetns()) expect(whyNot(findScenario("s10"))).toContain("network namespaces");
});
