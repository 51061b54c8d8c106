/** Every shipped scenario ends as its file says, for many seeds, and tells why. */
import { describe, expect, test } from "vitest";
import {
  disappointments,
  formatScenario,
  outageDisappointments,
  parseScenario,
  shippedScenarios,
  simulate,
} from "../src/index.ts";

const SEEDS = 25;

describe.each(shippedScenarios().map((scenario) => [scenario.name, scenario] as const))("%s", (_name, scenario) => {
  test("ends as expected", () => {
    const longest: number[] = [];
    for (let seed = 1; seed <= SEEDS; seed++) {
      const run = simulate(scenario, { seed, trace: "none" });
      expect({ seed, found: disappointments(scenario.expect, run) }).toEqual({ seed, found: [] });
      longest.push(run.longestOutageUs / 1000);
    }
    expect(outageDisappointments(scenario.expect, longest)).toEqual([]);
  });

  test("says why, and survives being written and read", () => {
    expect(scenario.title).not.toBe("");
    expect(scenario.reason).not.toBe("");
    const again = parseScenario(formatScenario(scenario));
    const bare = (value: typeof scenario): unknown => ({
      ...value,
      steps: value.steps.map((step) => ({ ...step, line: undefined })),
    });
    expect(bare(again)).toEqual(bare(scenario));
  });
});
