import { existsSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { SchemaError } from "../src/error.ts";
import { type Json, parseJsonExact, stringifyJson } from "../src/json.ts";
import { formatSchema, parseSchema } from "../src/schema.ts";
import { toolVerdict, withOvs } from "./support/raw-server.ts";

const table = (columns: Json, rest: object = {}): Json => ({ name: "Lab", tables: { T: { columns, ...rest } } });
const column = (type: Json, rest: object = {}): Json => table({ c: { type, ...rest } });

/** What the server refuses, and the word our complaint must hold. */
const BAD: readonly [string, Json, string][] = [
  ["not an object", [], "object"],
  ["no name", { tables: {} }, "name"],
  ["name is no id", { name: "a b", tables: {} }, "<id>"],
  ["no tables", { name: "Lab" }, "tables"],
  ["unknown member", { name: "Lab", tables: {}, extra: 1 }, "extra"],
  ["version", { name: "Lab", version: "1.2", tables: {} }, "x.y.z"],
  ["version type", { name: "Lab", version: 1, tables: {} }, "string"],
  ["cksum type", { name: "Lab", cksum: 1, tables: {} }, "string"],
  ["reserved table", { name: "Lab", tables: { _T: { columns: { c: { type: "string" } } } } }, "reserved"],
  ["table is no id", { name: "Lab", tables: { "T-1": { columns: { c: { type: "string" } } } } }, "<id>"],
  ["no columns member", { name: "Lab", tables: { T: {} } }, "columns"],
  ["no column", table({}), "at least one column"],
  ["reserved column", table({ _c: { type: "string" } }), "reserved"],
  ["column is no id", table({ "1c": { type: "string" } }), "<id>"],
  ["maxRows 0", table({ c: { type: "string" } }, { maxRows: 0 }), "maxRows"],
  ["maxRows real", table({ c: { type: "string" } }, { maxRows: 1.5 }), "maxRows"],
  ["isRoot", table({ c: { type: "string" } }, { isRoot: 1 }), "isRoot"],
  ["table member", table({ c: { type: "string" } }, { is_root: true }), "is_root"],
  ["table mutable", table({ c: { type: "string" } }, { mutable: "no" }), "mutable"],
  ["no type", table({ c: {} }), "type"],
  ["column member", column("string", { min: 0 }), "min"],
  ["ephemeral", column("string", { ephemeral: 1 }), "ephemeral"],
  ["atomic type", column("str"), "string"],
  ["type is a list", column(["string"]), "type"],
  ["type member", column({ key: "string", type: "string" }), "type"],
  ["no key", column({ min: 0 }), "key"],
  ["min 2", column({ key: "string", min: 2, max: 3 }), "min"],
  ["min real", column({ key: "string", min: 0.5 }), "min"],
  ["min negative", column({ key: "string", min: -1 }), "min"],
  ["max 0", column({ key: "string", max: 0 }), "max"],
  ["max word", column({ key: "string", max: "many" }), "max"],
  ["max too big", column({ key: "string", max: 4294967295 }), "max"],
  ["base member", column({ key: { type: "string", min: 1 } }), "min"],
  ["integer on string", column({ key: { type: "string", minInteger: 1 } }), "minInteger"],
  ["length on integer", column({ key: { type: "integer", minLength: 1 } }), "minLength"],
  ["enum and range", column({ key: { type: "integer", enum: 1, minInteger: 0 } }), "minInteger"],
  [
    "enum and ref",
    column({ key: { type: "uuid", enum: ["uuid", "00000000-0000-0000-0000-000000000001"], refTable: "T" } }),
    "refTable",
  ],
  ["enum empty", column({ key: { type: "string", enum: ["set", []] } }), "at least one"],
  ["enum twice", column({ key: { type: "string", enum: ["set", ["a", "a"]] } }), "twice"],
  ["enum type", column({ key: { type: "string", enum: ["set", ["a", 1]] } }), "string"],
  ["enum as list", column({ key: { type: "string", enum: ["a", "b"] } }), "set"],
  ["integer range", column({ key: { type: "integer", minInteger: 2, maxInteger: 1 } }), "exceeds"],
  ["integer bound", column({ key: { type: "integer", minInteger: 0.5 } }), "minInteger"],
  ["integer bound beyond int64", column({ key: { type: "integer", maxInteger: 2 ** 63 } }), "maxInteger"],
  ["real range", column({ key: { type: "real", minReal: 2, maxReal: 1 } }), "exceeds"],
  ["length range", column({ key: { type: "string", minLength: 2, maxLength: 1 } }), "exceeds"],
  ["length negative", column({ key: { type: "string", minLength: -1 } }), "minLength"],
  ["boolean with range", column({ key: { type: "boolean", minInteger: 0 } }), "minInteger"],
  ["refTable missing", column({ key: { type: "uuid", refTable: "U" } }), "U"],
  ["refTable in value", column({ key: "string", value: { type: "uuid", refTable: "U" }, min: 0 }), "U"],
  ["refTable type", column({ key: { type: "uuid", refTable: "a b" } }), "refTable"],
  ["refType", column({ key: { type: "uuid", refTable: "T", refType: "soft" } }), "refType"],
  ["refType alone", column({ key: { type: "uuid", refType: "weak" } }), "refType"],
  ["indexes", table({ c: { type: "string" } }, { indexes: "c" }), "indexes"],
  ["index of nothing", table({ c: { type: "string" } }, { indexes: [[]] }), "at least one"],
  ["index unknown", table({ c: { type: "string" } }, { indexes: [["d"]] }), "d"],
  ["index twice", table({ c: { type: "string" } }, { indexes: [["c", "c"]] }), "twice"],
  ["index ephemeral", table({ c: { type: "string", ephemeral: true } }, { indexes: [["c"]] }), "ephemeral"],
];

const GOOD: readonly [string, Json][] = [
  ["smallest", { name: "Lab", tables: {} }],
  ["version", { name: "_Lab9", version: "10.0.1", cksum: "1 2", tables: {} }],
  ["scalar", column("string")],
  ["mutable of a table", table({ c: { type: "string" } }, { mutable: false })],
  ["map of one", column({ key: "string", value: "integer", min: 1, max: 1 })],
  ["enum of one", column({ key: { type: "integer", enum: 7 } })],
  ["enum of booleans", column({ key: { type: "boolean", enum: ["set", [true, false]] } })],
  [
    "enum of uuids",
    column({ key: { type: "uuid", enum: ["set", [["uuid", "00000000-0000-0000-0000-000000000001"]]] } }),
  ],
  [
    "wide integers",
    column({ key: { type: "integer", minInteger: -9223372036854775808n, maxInteger: 9223372036854775807n } }),
  ],
  ["real bounds as integers", column({ key: { type: "real", minReal: 1, maxReal: 2 } })],
  ["index of _uuid", table({ c: { type: "string" } }, { indexes: [["_uuid", "c"]] })],
  ["maxRows huge", table({ c: { type: "string" } }, { maxRows: 99999999999 })],
  ["integers written as reals", column({ key: "string", min: 0.0, max: 1e2 })],
];

describe("parseSchema", () => {
  test.each(BAD)("refuses: %s", (_title, json, word) => {
    expect(() => parseSchema(json)).toThrow(SchemaError);
    expect(() => parseSchema(json)).toThrow(word);
  });

  test.each(GOOD)("takes: %s, and its canonical form is a fixed point", (_title, json) => {
    const canonical = formatSchema(parseSchema(json));
    expect(formatSchema(parseSchema(canonical))).toEqual(canonical);
    expect(parseSchema(canonical)).toEqual(parseSchema(json));
  });

  test("applies the three silent rules of the server", () => {
    const lab = parseSchema({
      name: "Lab",
      tables: {
        A: {
          isRoot: true,
          columns: {
            weak: { type: { key: { type: "uuid", refTable: "B", refType: "weak" }, min: 0 }, mutable: false },
            strong: { type: { key: { type: "uuid", refTable: "B" }, min: 0 }, ephemeral: true },
            plain: { type: "string", ephemeral: true, mutable: false },
          },
        },
        B: { columns: { name: { type: "string" } } },
      },
    });
    const columns = lab.tables.get("A")?.columns;
    expect(columns?.get("weak")?.mutable).toBe(true);
    expect(columns?.get("strong")?.ephemeral).toBe(false);
    expect(columns?.get("plain")).toMatchObject({ ephemeral: true, mutable: false });
    expect(lab.tables.get("B")?.isRoot).toBe(false);
    expect(parseSchema(column("string")).tables.get("T")?.isRoot).toBe(true);
  });
});

const REAL = [
  "/usr/share/openvswitch/vswitch.ovsschema",
  "/usr/share/ovn/ovn-nb.ovsschema",
  "/usr/share/ovn/ovn-sb.ovsschema",
].filter((path) => existsSync(path));

test.skipIf(REAL.length === 0).each(REAL)("%s is taken and survives", (path) => {
  const schema = parseSchema(parseJsonExact(readFileSync(path, "utf8")));
  expect(schema.tables.size).toBeGreaterThan(10);
  expect(parseSchema(formatSchema(schema))).toEqual(schema);
});

describe.skipIf(!withOvs)("the same verdict as ovsdb-tool create", () => {
  test.each([...BAD.map(([title, json]) => [title, json] as const), ...GOOD])("%s", (_title, json) => {
    expect(isTaken(json)).toBe(toolVerdict(json) === undefined);
  });

  test("on good schemas with one thing changed at random", () => {
    const bases = GOOD.map(([, json]) => json).concat(BAD.map(([, json]) => json));
    fc.assert(
      fc.property(fc.constantFrom(...bases), fc.nat(), fc.constantFrom(...SPANNERS), (base, place, spanner) => {
        const json = thrownInto(base, place, spanner);
        expect(isTaken(json), `${stringifyJson(json)} → ${toolVerdict(json) ?? "taken"}`).toBe(
          toolVerdict(json) === undefined,
        );
      }),
      { numRuns: 300 },
    );
  }, 60_000);
});

function isTaken(json: Json): boolean {
  try {
    parseSchema(json);
    return true;
  } catch (error) {
    if (error instanceof SchemaError) return false;
    throw error;
  }
}

const SPANNERS: readonly Json[] = [
  null,
  true,
  false,
  0,
  1,
  2,
  -1,
  0.5,
  1e30,
  4294967294,
  "",
  "x",
  "_x",
  "T",
  "c",
  "unlimited",
  "string",
  "integer",
  "uuid",
  "real",
  [],
  ["set", []],
  ["set", [1, 2]],
  {},
  { type: "integer" },
  { key: "integer" },
  { type: "uuid", refTable: "T" },
];

/** Replaces the n-th value inside `json`, counted in depth-first order. */
function thrownInto(json: Json, place: number, spanner: Json): Json {
  const sites = countSites(json);
  let left = place % sites;
  const walk = (value: Json): Json => {
    if (left-- === 0) return spanner;
    if (Array.isArray(value)) return value.map((element: Json) => walk(element));
    if (typeof value === "object" && value !== null)
      return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, walk(member as Json)]));
    return value;
  };
  return walk(json);
}

function countSites(json: Json): number {
  const inner = typeof json === "object" && json !== null ? Object.values(json as object) : [];
  return 1 + inner.reduce<number>((sum, value) => sum + countSites(value as Json), 0);
}
