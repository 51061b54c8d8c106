/** The simulator says what was measured on real servers of 3.1.0 and 3.7.1. */
import { expect, test, vi } from "vitest";
import { MEASURE_IDS, measure } from "../src/index.ts";
import { runQuorumSim } from "../src/edge/cli/quorum-sim.ts";

// A bound against hanging, and no measure: a machine that is busy with other things takes its time.
vi.setConfig({ testTimeout: 300_000 });

test("M1 to M21 are within what was measured", () => {
  const rows = measure(60);
  expect(rows.filter(({ agrees }) => !agrees)).toEqual([]);
  for (let i = 1; i <= 21; i++) expect(MEASURE_IDS.some((id) => id.replace(/[a-d]$/, "") === `M${i}`)).toBe(true);
});

test("a spread of few seeds blames nobody: it says that it is too narrow", async () => {
  let out = "";
  const status = await runQuorumSim(["measures", "--seeds", "20"], {
    out: (text) => {
      out += text;
    },
    err: () => {},
    isTerminal: false,
    columns: 100,
    signal: new AbortController().signal,
    writeFile: () => {},
  });
  const rows = measure(20);
  const unsure = rows.filter(({ agrees }) => !agrees);
  expect(unsure.length).toBeGreaterThan(0);
  expect(unsure.every(({ isSure }) => !isSure)).toBe(true);
  expect(out).toContain(`${unsure.length} of ${rows.length} rows cannot be judged`);
  expect(out).not.toContain("differs");
  expect(status).toBe(1);
});
