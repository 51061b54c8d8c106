import { describe, expect, test } from "vitest";
import fc from "fast-check";
import { RowMap } from "../../src/rows/row-map.ts";
import { readUuidText, uuidText } from "../../src/rows/uuid-bytes.ts";

const words = (uuid: string): Uint32Array => {
  const into = new Uint32Array(4);
  expect(readUuidText(uuid, into)).toBe(true);
  return into;
};
const text = (bytes: Uint8Array | undefined): string | undefined => bytes && Buffer.from(bytes).toString();

const step = fc.record({ uuid: fc.nat({ max: 40 }), length: fc.nat({ max: 30 }), isDelete: fc.boolean() });
/** Close together, so that they meet in the index. */
const uuidOf = (number: number): string => `0000000${number % 2}-0000-0000-0000-${String(number).padStart(12, "0")}`;

describe("RowMap", () => {
  test("is a Map", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300, size: "max" }), (steps) => {
        const [map, twin] = [new RowMap(), new Map<string, string>()];
        for (const [at, { uuid, length, isDelete }] of steps.entries()) {
          const key = uuidOf(uuid);
          if (isDelete) expect(map.delete(words(key))).toBe(twin.delete(key));
          else {
            const value = `${at}`.padEnd(length, "x");
            map.set(words(key), Buffer.from(value));
            twin.set(key, value);
          }
          expect(map.size).toBe(twin.size);
        }
        expect([...map.entries()].map(([uuid, bytes]) => [uuid, text(bytes)])).toEqual([...twin]);
        for (let uuid = 0; uuid <= 40; uuid++) expect(text(map.getText(uuidOf(uuid)))).toBe(twin.get(uuidOf(uuid)));
        expect(map.bytes).toBe([...twin.values()].reduce((sum, value) => sum + value.length, 0));
      }),
    );
  });

  test("bytes of rows that were replaced are given back", () => {
    const map = new RowMap();
    const row = Buffer.alloc(100_000, "r");
    for (let round = 0; round < 2000; round++) map.set(words(uuidOf(round % 5)), row);
    expect(map.bytes).toBe(500_000);
    expect(process.memoryUsage().arrayBuffers).toBeLessThan(150e6);
    expect([...map.entries()].every(([, bytes]) => row.equals(bytes))).toBe(true);
  });
});

describe("uuids", () => {
  test("both ways, in lower case", () => {
    fc.assert(
      fc.property(fc.uuid({ version: [1, 2, 3, 4, 5, 6, 7, 8] }), (uuid) => {
        const [a, b, c, d] = words(uuid.toUpperCase()) as unknown as [number, number, number, number];
        expect(uuidText(a, b, c, d)).toBe(uuid);
      }),
    );
  });

  test.each([
    "",
    "0",
    `${"0".repeat(36)}`,
    "00000000-0000-0000-0000-00000000000g",
    "00000000-0000-0000-0000-00000000000",
    "00000000-0000-0000-0000-00000000000ü",
  ])("%j is none", (uuid) => {
    expect(readUuidText(uuid, new Uint32Array(4))).toBe(false);
  });
});
