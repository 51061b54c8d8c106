/** A run is a function of (profile, scenario, seed), and what is looked at changes nothing. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { findScenario, shippedScenarios, simulate } from "../src/index.ts";

test("the same seed gives the same trace, whatever is traced; another seed another one", () => {
  for (const name of ["s1", "s6", "s18", "s25"]) {
    const scenario = findScenario(name);
    const hashes = (["none", "story", "full"] as const).map(
      (trace) => simulate(scenario, { seed: 5, trace }).traceHash,
    );
    expect(new Set(hashes).size).toBe(1);
    expect(simulate(scenario, { seed: 6, trace: "none" }).traceHash).not.toBe(hashes[0]);
  }
});

/** Printed by `quorum-sim run s1 --seed 1 --json` on Node.js 20, 22 and 24 alike. */
test("the trace of a known run is what it was", () => {
  const { traceHash } = simulate(findScenario("s1"), { seed: 1, trace: "none" });
  expect(traceHash).toMatchInlineSnapshot(`"b308fb115bb549fd"`);
});

test("a step that does nothing changes nothing but itself", () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...shippedScenarios().filter(({ name }) => !name.includes("swizzle"))),
      fc.nat(50),
      (scenario, seed) => {
        const marked = {
          ...scenario,
          steps: [
            ...scenario.steps,
            { at: { ms: 1e12 }, action: { do: "mark" as const, text: "never" }, line: undefined },
          ],
        };
        const [a, b] = [scenario, marked].map((each) => simulate(each, { seed, trace: "none" }));
        expect(b?.traceHash).toBe(a?.traceHash);
      },
    ),
    { numRuns: 20 },
  );
});
