/** Every state of a small cluster: nothing breaks while ids mean what they say, and it does when a disk forgets. */
import { describe, expect, test, vi } from "vitest";
import { explore } from "../src/index.ts";

// A bound against hanging, and no measure: a machine that is busy with other things takes its time.
vi.setConfig({ testTimeout: 300_000 });

describe("no rule breaks", () => {
  test.each(["2.13.0", "3.1.0", "3.7.1"])("while disks keep what was written: %s", (profile) => {
    const { counterexample, states, seen } = explore({ profile, terms: 2, crashes: 1, states: 25_000 });
    expect(counterexample).toBeUndefined();
    expect(states).toBe(25_000);
    for (const kind of ["leader", "commit", "two candidates"] as const) expect(seen[kind]).toBeGreaterThan(0);
  });

  test("in two servers, to the last state", () => {
    const { counterexample, isComplete } = explore({ members: 2, terms: 2, writes: 1, crashes: 0, depth: 200 });
    expect(counterexample).toBeUndefined();
    expect(isComplete).toBe(true);
  });
});

test("a wiped server with its old id votes twice: the shortest way there is told", () => {
  const { counterexample } = explore({ profile: "3.1.0", terms: 2, writes: 1, crashes: 0, wipes: 1 });
  expect(counterexample?.property).toBe("election safety");
  expect(counterexample?.steps.length).toBeLessThanOrEqual(12);
  expect(counterexample?.steps.join("\n")).toContain("loses its file; its id is kept");
});
