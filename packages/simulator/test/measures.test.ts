/** The simulator says what was measured on real servers of 3.1.0 and 3.7.1. */
import { expect, test } from "vitest";
import { MEASURE_IDS, measure } from "../src/index.ts";

test("M1 to M21 are within what was measured", () => {
  const rows = measure(60);
  expect(rows.filter(({ agrees }) => !agrees)).toEqual([]);
  for (let i = 1; i <= 21; i++) expect(MEASURE_IDS.some((id) => id.replace(/[a-d]$/, "") === `M${i}`)).toBe(true);
});
