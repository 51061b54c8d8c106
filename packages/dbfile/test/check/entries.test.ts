import { expect, test } from "vitest";
import { EntryTable } from "../../src/check/entries.ts";

test("a table of entries has a bound", () => {
  const table = new EntryTable(3000);
  const push = (): void => table.push(1, table.length, 0, "0".repeat(40), false);
  for (let count = 0; count < 3000; count++) push();
  expect(push).toThrow(expect.objectContaining({ code: "LIMIT" }));
  expect(table.length).toBe(3000);
  table.truncate(2999);
  push();
  expect(table.record(2999)).toBe(2999);
});
