import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseColumnType } from "../src/column-type.ts";
import { OvsdbError } from "../src/error.ts";
import type { Json } from "../src/json.ts";
import { formatBare, formatValue, parseAtom, parseValue } from "../src/text.ts";
import type { Value } from "../src/value.ts";
import { columnType, fittingValue } from "./support/arbitrary.ts";

const U1 = "00000000-0000-4000-8000-000000000001";
const SET: Json = { key: "string", min: 0, max: "unlimited" };
const INTEGERS: Json = { key: "integer", min: 0, max: "unlimited" };
const MAP: Json = { key: "string", value: "string", min: 0, max: "unlimited" };
const type = (json: Json) => parseColumnType(json, "type");

describe("both ways", () => {
  test.each<[Json, Value, string]>([
    ["string", "eth0", "eth0"],
    ["string", "a.b-c_9", "a.b-c_9"],
    ["string", "", '""'],
    ["string", "9a", '"9a"'],
    ["string", "-a", '"-a"'],
    ["string", "true", '"true"'],
    ["string", U1, `"${U1}"`],
    ["string", 'a b\n"', '"a b\\n\\""'],
    ["string", "ü", '"ü"'],
    ["integer", -5, "-5"],
    ["integer", 9007199254740993n, "9007199254740993"],
    ["boolean", true, "true"],
    ["real", 0.1, "0.1"],
    ["real", 1e15, "1e+15"],
    ["real", 123456789012345, "123456789012345"],
    ["real", 1e-5, "1e-05"],
    ["real", 0.0001, "0.0001"],
    ["real", 10, "10"],
    ["uuid", U1, U1],
    [{ key: "integer", min: 0 }, undefined, "[]"],
    [{ key: "integer", min: 0 }, 5, "5"],
    [SET, new Set(), "[]"],
    [SET, new Set(["b", "a"]), "[a, b]"],
    [SET, new Set(["a"]), "[a]"],
    [INTEGERS, new Set([10, 9, -1]), "[-1, 9, 10]"],
    [MAP, new Map(), "{}"],
    [
      MAP,
      new Map([
        ["b", "2"],
        ["a", "x=y"],
      ]),
      '{a="x=y", b="2"}',
    ],
    [{ key: "string", value: "integer" }, new Map([["a", 1]]), "a=1"],
  ])("%o: %o as %s", (json, value, text) => {
    expect(formatValue(type(json), value)).toBe(text);
    expect(parseValue(type(json), text)).toEqual(value);
  });

  test("whatever a column holds", () => {
    const typed = columnType.chain((shape) => fc.tuple(fc.constant(shape), fittingValue(shape)));
    fc.assert(
      fc.property(typed, ([shape, value]) => {
        expect(parseValue(shape, formatValue(shape, value))).toEqual(value);
      }),
      { numRuns: 1000 },
    );
  });
});

test.each<[Json, string, Value]>([
  ["string", "has_no_quotes", "has_no_quotes"],
  ["string", "a\\,b", "a,b"],
  ["boolean", "yes", true],
  ["boolean", "off", false],
  ["boolean", "1", true],
  ["real", "1e3", 1000],
  ["real", "-0", 0],
  ["integer", "+5", 5],
  [SET, "a b, c", new Set(["a", "b", "c"])],
  [SET, " [ a , b ] ", new Set(["a", "b"])],
  [SET, '"a b" c', new Set(["a b", "c"])],
  [INTEGERS, "1-3,7", new Set([1, 2, 3, 7])],
  [INTEGERS, "[-3--1]", new Set([-3, -2, -1])],
  [INTEGERS, "5-5", new Set([5])],
  [
    MAP,
    "a=b c = d",
    new Map([
      ["a", "b"],
      ["c", "d"],
    ]),
  ],
  [MAP, "{}", new Map()],
])("%o takes %s", (json, text, value) => {
  expect(parseValue(type(json), text)).toEqual(value);
});

test.each<[Json, string, RegExp]>([
  ["string", "", /write \[\] for nothing/],
  [MAP, "", /write \{\} for nothing/],
  ["string", '"a', /does not end/],
  ["string", "a\\", /backslash at the end/],
  ["string", "[]", /at least 1/],
  ["string", "a b", /at most 1/],
  ["integer", "1.5", /not an integer/],
  ["integer", "99999999999999999999", /not an integer of 64 bits/],
  ["boolean", "maybe", /not a boolean/],
  ["real", "nan", /not a real/],
  ["uuid", "abc", /not a UUID/],
  [SET, "[a", /"\]" is missing/],
  [SET, "[a] b", /there is more after/],
  [SET, "a a", /a value twice/],
  [SET, "a,,b", /unexpected ","/],
  [MAP, "a", /expected "="/],
  [MAP, "a=b a=c", /a key twice/],
  [INTEGERS, "3-1", /ends before it starts/],
  [INTEGERS, "0-4096", /too big/],
  [{ key: { type: "integer", maxInteger: 5 }, min: 0, max: 9 }, "4-6", /6 is too big/],
  [{ key: { type: "string", enum: ["set", ["a", "b"]] } }, "c", /not one of the allowed values/],
])("%o refuses %s", (json, text, message) => {
  expect(() => parseValue(type(json), text)).toThrow(OvsdbError);
  expect(() => parseValue(type(json), text)).toThrow(message);
});

test("bare text, and a single atom", () => {
  expect(formatBare(type(SET), new Set(["b b", "a"]))).toBe("a b b");
  expect(formatBare(type(MAP), new Map([["k", "v v"]]))).toBe("k=v v");
  expect(parseAtom({ type: "integer", minInteger: 1 }, "5")).toBe(5);
  expect(() => parseAtom({ type: "integer", minInteger: 1 }, "0", { table: "T", column: "c" })).toThrow(
    /^T\.c: 0 is too small/,
  );
});
