/** A schedule that goes wrong is made small, saved, and found again, also when the code has changed. */
import { expect, test } from "vitest";
import { failuresOf, findScenario, formatScenario, parseScenario, replay, shrink, simulate } from "../../src/index.ts";

/** s7 among steps that have nothing to do with it, and with nothing said about what it should come to. */
const NOISY = (() => {
  const s7 = findScenario("s7");
  const noise = [1000, 3000, 5000, 61_234].map((ms) => ({
    at: { ms },
    action: { do: "burst" as const, count: 3 },
    line: undefined,
  }));
  return { ...s7, steps: [...noise, ...s7.steps], expect: {} };
})();

const bad = (): number => {
  for (let seed = 1; seed < 50; seed++)
    if (failuresOf(simulate(NOISY, { seed, trace: "none" })).includes("lost-writes")) return seed;
  throw new Error("no seed loses a write");
};

test("what is not needed goes, and the failure stays", async () => {
  const small = (await shrink(NOISY, bad()))!;
  expect(small.failures).toContain("lost-writes");
  expect(small.scenario.steps.length).toBeLessThanOrEqual(8);
  expect(small.scenario.steps.some(({ action }) => action.do === "burst")).toBe(false);
  // One step less, and it is gone: it is as small as leaving out can make it.
  for (let i = 0; i < small.scenario.steps.length; i++) {
    const steps = small.scenario.steps.filter((_, k) => k !== i);
    expect(failuresOf(simulate({ ...small.scenario, steps }, { seed: small.run.seed, trace: "none" }))).not.toEqual(
      small.failures,
    );
  }
  const saved = parseScenario(formatScenario(small.scenario));
  expect(saved.found).toEqual(small.scenario.found);
  expect(await replay(saved)).toMatchObject({ outcome: "same", tried: 1 });
});

test("a loss that is expected is no failure, and what leads to it is found when it is asked for", async () => {
  const s5 = findScenario("s5");
  expect(await shrink(s5, 1)).toBeUndefined();
  expect(await shrink(s5, 1, { towards: "lost-writes" })).toBeUndefined();
  const small = (await shrink(s5, 1, { towards: "permanent" }))!;
  expect(small.run.verdict.word).toBe("permanent");
  expect(small.scenario.steps.length).toBeLessThan(s5.steps.length);
  // Saved, it is a failure like any other.
  expect(small.failures).toEqual(["verdict-permanent"]);
  expect(await replay(parseScenario(formatScenario(small.scenario)))).toMatchObject({ outcome: "same" });
  const broken = (await shrink(findScenario("s7"), 1, { towards: "state-machine-safety" }))!;
  expect(broken.failures).toContain("state-machine-safety");
});

test("after a change of the code the file still finds it: by its own seed, by another, or it says that it is gone", async () => {
  const small = (await shrink(NOISY, bad()))!;
  const found = small.scenario.found!;
  const moved = { ...small.scenario, found: { ...found, traceHash: "0000000000000000" } };
  expect((await replay(moved)).outcome).toBe("moved");
  // Another scenario with other latencies is what a changed simulator is.
  const other = { ...moved, models: { ...moved.models, latency: { dist: "uniform" as const, fromMs: 0.5, toMs: 2 } } };
  expect(["moved", "other-seed"]).toContain((await replay(other)).outcome);
  const fixed = { ...moved, steps: moved.steps.slice(0, 1) };
  expect(await replay(fixed, { seeds: 3 })).toMatchObject({
    outcome: "gone",
    failures: [],
    tried: found.seed <= 3 ? 3 : 4,
  });
});

test("what is expected is no failure, and nothing is made smaller that does not go wrong", async () => {
  for (const name of ["s1", "s5", "s7", "s8"]) {
    const scenario = findScenario(name);
    expect(failuresOf(simulate(scenario, { seed: 1 }), scenario.expect)).toEqual([]);
    expect(await shrink(scenario, 1)).toBeUndefined();
  }
});
