import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isJsonInteger, type Json, parseJsonExact, stringifyJson } from "../src/json.ts";

describe("parseJsonExact", () => {
  test.each<[string, Json]>([
    ["9007199254740993", 9007199254740993n],
    ["-9223372036854775808", -9223372036854775808n],
    ["9223372036854775807", 9223372036854775807n],
    ["9223372036854775808", 2 ** 63],
    ["9007199254740991", 9007199254740991],
    ["9007199254740993.0", 9007199254740993n],
    ["900719925474099300e-2", 9007199254740993n],
    ["1e3", 1000],
    ["1.5e1", 15],
    ["-0", 0],
    ["-0.0", 0],
    ["0.1", 0.1],
    ["1e-400", 0],
    ['"\\ud83d\\ude00\\n"', "😀\n"],
    ['{"__proto__":1}', JSON.parse('{"__proto__":1}')],
    [' [ 1 , { "a" : [ ] } , true , false , null ] ', [1, { a: [] }, true, false, null]],
  ])("%s", (text, value) => {
    expect(parseJsonExact(text)).toEqual(value);
    expect(Object.is(parseJsonExact(text), -0)).toBe(false);
  });

  test.each([
    "",
    "[",
    "[1,]",
    "{1:2}",
    '{"a"}',
    '{"a":1,}',
    "01",
    "+1",
    ".5",
    "1.",
    "1e",
    "tru",
    '"a',
    '"\\x"',
    '"\u0001"',
    "[1] 2",
    "1e999",
    "-",
  ])("refuses %j", (text) => {
    expect(() => parseJsonExact(text)).toThrow(/not valid at character/);
  });

  test("refuses nesting deeper than 1000", () => {
    expect(parseJsonExact("[".repeat(1000) + "]".repeat(1000))).toBeDefined();
    expect(() => parseJsonExact("[".repeat(1001) + "]".repeat(1001))).toThrow(/deeper than 1000/);
  });

  test("agrees with JSON.parse wherever that is exact", () => {
    const positive = (value: unknown): unknown =>
      JSON.parse(JSON.stringify(value), (_name, inner: unknown) => (inner === 0 ? 0 : inner));
    fc.assert(
      fc.property(fc.json({ maxDepth: 5 }), (text) => {
        const exact = parseJsonExact(text);
        const doubles = JSON.parse(stringifyJson(exact)) as unknown;
        expect(doubles).toEqual(positive(JSON.parse(text)));
      }),
      { numRuns: 500 },
    );
  });

  test("64-bit integers go through both ways", () => {
    fc.assert(
      fc.property(fc.array(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })), (integers) => {
        const json: Json = integers.map((integer) =>
          Number.isSafeInteger(Number(integer)) ? Number(integer) : integer,
        );
        expect(parseJsonExact(stringifyJson({ a: json }))).toEqual({ a: json });
      }),
    );
  });
});

test("isJsonInteger goes by value, as the server's parser does", () => {
  expect([1, -0, 1e3, 2n, -(2 ** 63)].every(isJsonInteger)).toBe(true);
  expect([0.5, 2 ** 63, 2n ** 63n, Number.NaN, Number.POSITIVE_INFINITY, "1", null].some(isJsonInteger)).toBe(false);
});
