import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseColumnType } from "../src/column-type.ts";
import { IntegerRangeError, ProtocolError, ValueError } from "../src/error.ts";
import type { Json } from "../src/json.ts";
import { type ColumnType, columnKind, formatSchema, parseSchema } from "../src/schema.ts";
import { type AtomValue, columnCodec, EMPTY_MAP, EMPTY_SET, type Value } from "../src/value.ts";
import { column, columnType, fittingValue, nearValue, wire } from "./support/arbitrary.ts";
import { RawServer, withOvs } from "./support/raw-server.ts";

const U1 = "00000000-0000-4000-8000-000000000001";
const U2 = "00000000-0000-4000-8000-000000000002";
const codecOf = (type: Json, policy: "checked" | "bigint" | "auto" = "checked") =>
  columnCodec("T", column(parseColumnType(type, "type")), policy);
const STRINGS: Json = { key: "string", min: 0, max: "unlimited" };
const MAP: Json = { key: "string", value: "string", min: 0, max: "unlimited" };

describe("fixtures, both ways", () => {
  test.each<[string, Json, Json, Value]>([
    ["string", "string", "x", "x"],
    ["string that looks like a set", STRINGS, "set", new Set(["set"])],
    ["integer", "integer", -5, -5],
    ["real", "real", 1.5, 1.5],
    ["boolean", "boolean", true, true],
    ["uuid", "uuid", ["uuid", U1], U1],
    ["optional absent", { key: "integer", min: 0 }, ["set", []], undefined],
    ["optional present", { key: "integer", min: 0 }, 7, 7],
    ["optional uuid", { key: "uuid", min: 0 }, ["uuid", U1], U1],
    ["empty set", STRINGS, ["set", []], new Set()],
    ["set of one is bare", STRINGS, "a", new Set(["a"])],
    ["set of one uuid is bare", { key: "uuid", min: 0, max: 9 }, ["uuid", U1], new Set([U1])],
    [
      "set",
      { key: "uuid", min: 0, max: 9 },
      [
        "set",
        [
          ["uuid", U1],
          ["uuid", U2],
        ],
      ],
      new Set([U1, U2]),
    ],
    ["empty map", MAP, ["map", []], new Map()],
    ["map", { key: "integer", value: "uuid", min: 0, max: 9 }, ["map", [[1, ["uuid", U1]]]], new Map([[1, U1]])],
    ["map of one pair", { key: "string", value: "real" }, ["map", [["a", 1]]], new Map([["a", 1]])],
  ])("%s", (_title, type, json, value) => {
    const codec = codecOf(type);
    expect(codec.decode(json)).toEqual(value);
    expect(codec.encode(value)).toEqual(json);
    expect(codec.equal(codec.decode(json), value)).toBe(true);
  });

  test("a set of one may come wrapped, for scalars too", () => {
    expect(codecOf("string").decode(["set", ["a"]])).toBe("a");
    expect(codecOf({ key: "string", min: 0 }).decode(["set", ["a"]])).toBe("a");
    expect(codecOf(STRINGS).decode(["set", ["a"]])).toEqual(new Set(["a"]));
  });

  test("-0 is 0", () => {
    expect(Object.is(codecOf("real").decode(-0), 0)).toBe(true);
    expect(Object.is(codecOf("integer").decode(-0), 0)).toBe(true);
    expect(Object.is(codecOf("real").encode(-0), 0)).toBe(true);
  });

  test("empty sets and maps are shared, and cannot be changed", () => {
    expect(codecOf(STRINGS).decode(["set", []])).toBe(EMPTY_SET);
    expect(codecOf(MAP).defaultValue).toBe(EMPTY_MAP);
    expect(() => (EMPTY_SET as unknown as Set<unknown>).add(1)).toThrow(TypeError);
    expect(() => (EMPTY_MAP as unknown as Map<unknown, unknown>).set(1, 1)).toThrow(TypeError);
    expect(EMPTY_SET.size + EMPTY_MAP.size).toBe(0);
  });

  test("defaults follow RFC 7047 §5.2.1", () => {
    expect(codecOf("integer").defaultValue).toBe(0);
    expect(codecOf("integer", "bigint").defaultValue).toBe(0n);
    expect(codecOf({ key: "boolean", min: 1, max: 3 }).defaultValue).toEqual(new Set([false]));
    expect(codecOf({ key: "string", value: "real", min: 1, max: 3 }).defaultValue).toEqual(new Map([["", 0]]));
    expect(codecOf({ key: "string", min: 0 }).defaultValue).toBeUndefined();
  });
});

describe("integers are exact by policy", () => {
  const big = 9007199254740993n;
  test("checked gives numbers and refuses to round", () => {
    expect(codecOf("integer").decode(9007199254740991)).toBe(9007199254740991);
    expect(() => codecOf("integer").decode(big)).toThrow(IntegerRangeError);
    expect(() => codecOf("integer").decode(big)).toThrow(/T\.c: 9007199254740993 .*"bigint" or "auto"/);
  });
  test("bigint and auto", () => {
    expect(codecOf("integer", "bigint").decode(5)).toBe(5n);
    expect(codecOf("integer", "bigint").decode(big)).toBe(big);
    expect(codecOf("integer", "auto").decode(5)).toBe(5);
    expect(codecOf("integer", "auto").decode(big)).toBe(big);
    expect(codecOf({ key: "integer", min: 0, max: 9 }, "auto").decode(["set", [1, big]])).toEqual(new Set([1, big]));
  });
  test("writing takes both, whatever the policy", () => {
    for (const policy of ["checked", "bigint", "auto"] as const) {
      expect(codecOf("integer", policy).encode(5n)).toBe(5);
      expect(codecOf("integer", policy).encode(big)).toBe(big);
    }
  });
});

describe("decode refuses what is not of the type", () => {
  test.each<[Json, Json]>([
    ["string", 1],
    ["string", null],
    ["integer", 1.5],
    ["integer", "1"],
    ["integer", 2 ** 63],
    ["boolean", 0],
    ["real", "1"],
    ["uuid", U1],
    ["uuid", ["uuid", "x"]],
    ["uuid", ["named-uuid", "x"]],
    ["string", ["set", []]],
    ["string", ["set", ["a", "b"]]],
    [{ key: "string", min: 0 }, ["set", ["a", "b"]]],
    [STRINGS, ["set", ["a", "a"]]],
    [STRINGS, ["set", "a"]],
    [STRINGS, ["set", [1]]],
    [MAP, "a"],
    [MAP, ["map", [["a"]]]],
    [
      MAP,
      [
        "map",
        [
          ["a", "b"],
          ["a", "c"],
        ],
      ],
    ],
    [MAP, ["set", []]],
  ])("%j: %j", (type, json) => {
    expect(() => codecOf(type).decode(json)).toThrow(ProtocolError);
    expect(() => codecOf(type).decode(json)).toThrow(/^T\.c: /);
  });
});

describe("encode refuses at the call, with place, value, reason and remedy", () => {
  test.each<[Json, unknown, RegExp]>([
    ["string", 1, /T\.c: 1 is not a string; .*not converted/],
    ["string", "a\u0000b", /holds a NUL character; .*remove it/],
    ["string", "\ud83d", /half of a surrogate pair/],
    ["string", undefined, /undefined clears only optional columns/],
    ["integer", 1.5, /1\.5 is not an integer; give a whole number/],
    ["integer", 2 ** 53, /9007199254740992 is beyond .*give a bigint/],
    ["integer", 2n ** 63n, /does not fit 64 bits; stay within/],
    ["integer", "1", /is not an integer/],
    ["real", Number.NaN, /NaN is not finite; OVSDB has no NaN/],
    ["real", Number.POSITIVE_INFINITY, /Infinity is not finite/],
    ["real", 5e-324, /too near the limits of a double; ovsdb-server could not read it back/],
    ["real", -Number.MAX_VALUE, /too near the limits/],
    ["real", 1n, /1n is not a real number/],
    ["boolean", 1, /1 is not a boolean/],
    ["uuid", "x", /"x" is not a UUID; give the 36 characters/],
    [{ key: { type: "integer", minInteger: 1, maxInteger: 5 } }, 6, /6 is too big; the column takes 1 to 5/],
    [{ key: { type: "integer", minInteger: 1 } }, 0n, /0 is too small; the column takes at least 1/],
    [{ key: { type: "real", maxReal: 1 } }, 1.5, /1\.5 is too big; the column takes at most 1/],
    [{ key: { type: "string", minLength: 2 } }, "😀", /too short \(1 characters\); use at least 2/],
    [{ key: { type: "string", maxLength: 1 } }, "ab", /too long \(2 characters\); use at most 1/],
    [
      { key: { type: "string", enum: ["set", ["a", "b"]] } },
      "c",
      /"c" is not one of the allowed values; use one of "a", "b"/,
    ],
    [{ key: "string", min: 1, max: 2 }, new Set(), /0 elements are too few; the column holds at least 1/],
    [{ key: "string", min: 0, max: 2 }, ["a", "b", "c"], /3 elements are too many; the column holds at most 2/],
    [STRINGS, ["a", "a"], /"a" is twice in the set/],
    [STRINGS, "a", /"a" is not a set; give a Set or an array/],
    [{ key: "uuid", min: 0, max: 9 }, [U1, U1.toUpperCase()], /is twice in the set/],
    [MAP, [["a", "b"]], /is not a map; give a Map or a plain object/],
    [MAP, undefined, /undefined is not a map/],
    [{ key: "integer", value: "string", min: 0, max: 9 }, { 1: "a" }, /is not a map; give a Map;/],
    [MAP, { a: 1 }, /1 is not a string/],
  ])("%j: %s", (type, value, message) => {
    const encode = (): Json => codecOf(type).encode(value);
    expect(encode).toThrow(ValueError);
    expect(encode).toThrow(message);
  });

  test("shapes that are taken", () => {
    expect(codecOf(STRINGS).encode(["b", "a"])).toEqual(["set", ["b", "a"]]);
    expect(codecOf(MAP).encode({ a: "b" })).toEqual(["map", [["a", "b"]]]);
    expect(codecOf({ key: "uuid", min: 0, max: 9 }).encode([{ namedUuid: "row1" }, U1.toUpperCase()])).toEqual([
      "set",
      [
        ["named-uuid", "row1"],
        ["uuid", U1],
      ],
    ]);
    expect(codecOf("uuid").encode({ namedUuid: "row1" })).toEqual(["named-uuid", "row1"]);
  });
});

test("every value survives the wire", () => {
  const typed = columnType.chain((type) => fc.tuple(fc.constant(type), fittingValue(type)));
  fc.assert(
    fc.property(typed, ([type, value]) => {
      const codec = columnCodec("T", column(type), "auto");
      expect(codec.decode(codec.encode(value))).toEqual(value);
      expect(codec.decode(wire(type, value))).toEqual(value);
    }),
    { numRuns: 2000 },
  );
});

// ---- differences ---------------------------------------------------------------------------------------------------

/** The definition: elements of exactly one side; pairs of exactly one side, and of changed pairs the new one; else the new value. */
function differenceByDefinition(type: ColumnType, a: Value, b: Value): Value {
  if (type.max === 1) return b;
  if (columnKind(type) === "set") {
    const [x, y] = [[...(a as Set<AtomValue>)], [...(b as Set<AtomValue>)]];
    return new Set([...x.filter((element) => !y.includes(element)), ...y.filter((element) => !x.includes(element))]);
  }
  const [x, y] = [[...(a as Map<AtomValue, AtomValue>)], [...(b as Map<AtomValue, AtomValue>)]];
  const removed = x.filter(([key]) => !y.some(([other]) => other === key));
  const put = y.filter(([key, value]) => !x.some(([otherKey, other]) => otherKey === key && other === value));
  return new Map([...removed, ...put]);
}

describe("applyDiff", () => {
  test("undoes and redoes every difference, and leaves the old value alone", () => {
    const pairs = columnType.chain((type) => fc.tuple(fc.constant(type), fittingValue(type), fittingValue(type)));
    fc.assert(
      fc.property(pairs, ([type, a, b]) => {
        const codec = columnCodec("T", column(type), "auto");
        const before = wire(type, a);
        const diff = wire(type, differenceByDefinition(type, a, b));
        const result = codec.applyDiff(a, diff);
        expect(result).toEqual(b);
        expect(codec.equal(result, b)).toBe(true);
        expect(wire(type, a)).toEqual(before);
      }),
      { numRuns: 3000 },
    );
  });

  test.each<[string, Json, Value, Json, Value]>([
    ["set", STRINGS, new Set(["a", "b"]), ["set", ["a", "c"]], new Set(["b", "c"])],
    ["set, bare", STRINGS, new Set(["a", "b"]), "a", new Set(["b"])],
    [
      "map: removed",
      MAP,
      new Map([
        ["k", "v"],
        ["k2", "v2"],
      ]),
      ["map", [["k", "v"]]],
      new Map([["k2", "v2"]]),
    ],
    [
      "map: changed and added",
      MAP,
      new Map([["k2", "v2"]]),
      [
        "map",
        [
          ["k2", "changed"],
          ["k3", "new"],
        ],
      ],
      new Map([
        ["k2", "changed"],
        ["k3", "new"],
      ]),
    ],
    ["optional cleared", { key: "string", min: 0 }, "a", ["set", []], undefined],
    [
      "map of at most one is replaced",
      { key: "string", value: "string", min: 0 },
      new Map([["a", "b"]]),
      ["map", [["a", "b"]]],
      new Map([["a", "b"]]),
    ],
  ])("%s", (_title, type, old, diff, result) => {
    expect(codecOf(type).applyDiff(old, diff)).toEqual(result);
  });

  test("shares the empty set again, and refuses a result of a wrong size", () => {
    expect(codecOf(STRINGS).applyDiff(new Set(["a"]), "a")).toBe(EMPTY_SET);
    expect(() => codecOf({ key: "string", max: 2 }).applyDiff(new Set(["a"]), "a")).toThrow(ProtocolError);
    expect(() => codecOf({ key: "string", max: 2 }).applyDiff(new Set(["a"]), ["set", ["b", "c"]])).toThrow(
      /leaves 3 elements/,
    );
  });
});

// ---- against the real server ---------------------------------------------------------------------------------------

describe.skipIf(!withOvs)("against ovsdb-server", () => {
  test("what is encoded, stored and selected comes back equal; and both refuse the same values", async () => {
    const types = fc.sample(columnType, { numRuns: 60, seed: 11 });
    const schema = parseSchema(
      formatSchema({
        name: "Lab",
        tables: new Map(
          types.map((type, index) => [
            `T${index}`,
            {
              name: `T${index}`,
              columns: new Map([["c", column(type)]]),
              maxRows: Number.POSITIVE_INFINITY,
              isRoot: true,
              indexes: [],
            },
          ]),
        ),
      }),
    );
    await using server = await RawServer.start(formatSchema(schema));
    const served = parseSchema(await server.call("get_schema", ["Lab"]));
    for (const [name, table] of schema.tables) expect(served.tables.get(name)).toEqual(table);
    for (const [index, type] of types.entries()) {
      const name = `T${index}`;
      const codec = columnCodec(name, column(type), "auto");
      const values = [
        ...fc.sample(fittingValue(type), { numRuns: 8, seed: index }),
        ...fc.sample(nearValue(type), { numRuns: 8, seed: index }),
      ];
      for (const value of values) {
        const [insert, select] = (await server.call("transact", [
          "Lab",
          { op: "insert", table: name, row: { c: wire(type, value) } },
          { op: "select", table: name, where: [], columns: ["c"] },
          { op: "delete", table: name, where: [] },
        ])) as [Record<string, Json>, { rows: [{ c: Json }] } | null];
        const isTaken = insert["error"] === undefined;
        expect(
          isEncodable(codec, value),
          `${JSON.stringify(insert)} for ${String(value)} in ${JSON.stringify(type, bigints)}`,
        ).toBe(isTaken);
        if (isTaken && select !== null) {
          expect(codec.decode(select.rows[0].c)).toEqual(value);
          expect(codec.decode(codec.encode(value))).toEqual(codec.decode(select.rows[0].c));
        }
      }
    }
  }, 60_000);
});

function isEncodable(codec: ReturnType<typeof columnCodec>, value: Value): boolean {
  try {
    codec.encode(value);
    return true;
  } catch (error) {
    if (error instanceof ValueError) return false;
    throw error;
  }
}

function bigints(_name: string, value: unknown): unknown {
  return typeof value === "bigint" ? `${value}` : value;
}
