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

/**
 * Seed 1 of what happens to real clusters, under three releases. Node.js 20, 22 and 24 print these alike: `npm run bench --
 * simulator` asks all three, and whatever runs this test asks itself. A change of meaning changes them; a faster way to the
 * same must not.
 */
test.each([
  ["s1", "2.13.0", "be6a758d3f2bb571"],
  ["s1", "3.1.0", "d87c344c988813a1"],
  ["s1", "3.7.1", "b308fb115bb549fd"],
  ["s5", "2.13.0", "64a06641da80c66e"],
  ["s5", "3.1.0", "6337023d902714d5"],
  ["s5", "3.7.1", "34ed6f5ff67107fe"],
  ["s7", "2.13.0", "ce4f8e59578dee1a"],
  ["s7", "3.1.0", "633c48f51bbc1df7"],
  ["s7", "3.7.1", "27a7b8dcac7fb06f"],
  ["s12", "2.13.0", "69aa9d2abc306021"],
  ["s12", "3.1.0", "04e085e85e7140de"],
  ["s12", "3.7.1", "3616f0d36001f5fa"],
  ["s18", "2.13.0", "335298f12c223b85"],
  ["s18", "3.1.0", "271056b7f4f7fee6"],
  ["s18", "3.7.1", "cc7f569ce3473711"],
  ["s19", "2.13.0", "f47d99e373e26750"],
  ["s19", "3.1.0", "a78f61868f7d56fe"],
  ["s19", "3.7.1", "f480aa399e6eb019"],
  ["s25", "2.13.0", "a728dc8183e99505"],
  ["s25", "3.1.0", "4465b0ad143523a0"],
  ["s25", "3.7.1", "b4562923be051aa7"],
])("%s under %s leaves the trace that it left before", (name, profile, traceHash) => {
  expect(simulate(findScenario(name), { seed: 1, profile, trace: "none" }).traceHash).toBe(traceHash);
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
