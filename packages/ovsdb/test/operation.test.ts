import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ValueError } from "../src/error.ts";
import type { Json, JsonObject } from "../src/json.ts";
import { OperationEncoder } from "../src/operation.ts";
import { formatSchema, parseSchema } from "../src/schema.ts";
import { columnType, fittingValue, nearValue, wire } from "./support/arbitrary.ts";
import { RawServer, withOvs } from "./support/raw-server.ts";

const U1 = "00000000-0000-4000-8000-000000000001";
const schema = parseSchema({
  name: "Lab",
  tables: {
    T: {
      isRoot: true,
      columns: {
        name: { type: "string" },
        kind: { type: { key: { type: "string", enum: ["set", ["a", "b"]] } } },
        n: { type: { key: { type: "integer", minInteger: 0, maxInteger: 9 } } },
        maybe: { type: { key: "integer", min: 0 } },
        real: { type: "real" },
        ports: { type: { key: { type: "uuid", refTable: "P" }, min: 0, max: "unlimited" } },
        two: { type: { key: "integer", min: 1, max: 2 } },
        ids: { type: { key: "string", value: "string", min: 0, max: "unlimited" } },
        fixed: { type: "string", mutable: false },
      },
    },
    P: { columns: { owner: { type: { key: { type: "uuid", refTable: "T" } } } } },
  },
});
const encoder = new OperationEncoder(schema);

describe("operations on the wire", () => {
  test.each<[string, () => JsonObject, JsonObject]>([
    [
      "insert",
      () => encoder.insert("T", { name: "x", kind: "a", maybe: undefined }),
      { op: "insert", table: "T", row: { name: "x", kind: "a", maybe: ["set", []] } },
    ],
    [
      "insert with uuid and name",
      () => encoder.insert("T", { _uuid: U1, kind: "b" }, { uuidName: "row1" }),
      { op: "insert", table: "T", uuid: U1, "uuid-name": "row1", row: { kind: "b" } },
    ],
    [
      "insert with a reference to come",
      () => encoder.insert("T", { kind: "a", ports: [{ namedUuid: "row2" }] }),
      { op: "insert", table: "T", row: { kind: "a", ports: ["named-uuid", "row2"] } },
    ],
    [
      "select",
      () => encoder.select("T", { where: true, columns: ["name", "_uuid"] }),
      { op: "select", table: "T", where: [], columns: ["name", "_uuid"] },
    ],
    [
      "update",
      () => encoder.update("T", { where: { name: "x" }, row: { ids: {}, n: 3n } }),
      { op: "update", table: "T", where: [["name", "==", "x"]], row: { ids: ["map", []], n: 3 } },
    ],
    [
      "mutate",
      () => encoder.mutate("T", { where: [["_uuid", "==", U1]], mutations: [["n", "+=", 1]] }),
      { op: "mutate", table: "T", where: [["_uuid", "==", ["uuid", U1]]], mutations: [["n", "+=", 1]] },
    ],
    ["delete", () => encoder.delete("T", { where: false }), { op: "delete", table: "T", where: [false] }],
    [
      "wait",
      () => encoder.wait("T", { where: { name: "x" }, until: "==", rows: [{ n: 1 }], timeout: 0 }),
      {
        op: "wait",
        table: "T",
        timeout: 0,
        where: [["name", "==", "x"]],
        columns: ["n"],
        until: "==",
        rows: [{ n: 1 }],
      },
    ],
    ["commit", () => encoder.commit(true), { op: "commit", durable: true }],
    ["abort", () => encoder.abort(), { op: "abort" }],
    ["comment", () => encoder.comment("why"), { op: "comment", comment: "why" }],
    ["assert", () => encoder.assert("lock"), { op: "assert", lock: "lock" }],
  ])("%s", (_title, encode, json) => {
    expect(encode()).toEqual(json);
  });

  test.each<[string, () => unknown, RegExp]>([
    ["unknown table", () => encoder.insert("X", {}), /^X: is not a table of Lab; it has T, P/],
    ["unknown column", () => encoder.insert("T", { kind: "a", nmae: "x" }), /^T\.nmae: is not a column/],
    ["column without an allowed default left out", () => encoder.insert("T", {}), /^T\.kind: must be given/],
    ["strong reference left out", () => encoder.insert("P", {}), /^P\.owner: must be given/],
    ["bad uuid", () => encoder.insert("T", { kind: "a" }, { uuid: "x" }), /^T\._uuid: "x" is not a UUID/],
    ["bad uuid-name", () => encoder.insert("T", { kind: "a" }, { uuidName: "1x" }), /is not an <id>/],
    [
      "writing _version",
      () => encoder.update("T", { where: true, row: { _version: U1 } }),
      /^T\._version: cannot be written/,
    ],
    ["immutable column", () => encoder.update("T", { where: true, row: { fixed: "x" } }), /^T\.fixed: is immutable/],
    ["column twice", () => encoder.select("T", { where: true, columns: ["n", "n"] }), /names a column twice/],
    ["missing where", () => encoder.delete("T", { where: undefined }), /^T: undefined is not a condition/],
    ["empty where object", () => encoder.delete("T", { where: {} }), /^T: .*write true if that is meant/],
    [
      "no timeout",
      () => encoder.wait("T", { where: true, until: "==", rows: [], timeout: undefined as unknown as number }),
      /timeout of a wait/,
    ],
    [
      "negative timeout",
      () => encoder.wait("T", { where: true, until: "==", rows: [], timeout: -1 }),
      /timeout of a wait/,
    ],
    ["until", () => encoder.wait("T", { where: true, until: "<" as "==", rows: [], timeout: 0 }), /until is/],
    ["lock name", () => encoder.assert("a b"), /lock name "a b"/],
    ["comment with NUL", () => encoder.comment("\u0000"), /^comment: .*NUL/],
  ])("refused at the call: %s", (_title, encode, message) => {
    expect(encode).toThrow(ValueError);
    expect(encode).toThrow(message);
  });
});

describe("conditions", () => {
  test.each<[unknown, Json]>([
    [
      { name: "x", maybe: undefined },
      [
        ["name", "==", "x"],
        ["maybe", "==", ["set", []]],
      ],
    ],
    [
      [["n", "<", 5], ["maybe", ">=", 1n], true],
      [["n", "<", 5], ["maybe", ">=", 1], true],
    ],
    [[["ports", "includes", U1]], [["ports", "includes", ["uuid", U1]]]],
    [[["ports", "includes", [U1]]], [["ports", "includes", ["uuid", U1]]]],
    [[["ports", "excludes", new Set()]], [["ports", "excludes", ["set", []]]]],
    [[["ids", "includes", { a: "b" }]], [["ids", "includes", ["map", [["a", "b"]]]]]],
    [[["two", "excludes", [1, 2, 3]]], [["two", "excludes", ["set", [1, 2, 3]]]]],
    [[["maybe", "includes", [1]]], [["maybe", "includes", 1]]],
    [[["maybe", "includes", undefined]], [["maybe", "includes", ["set", []]]]],
    [[["_uuid", "!=", U1]], [["_uuid", "!=", ["uuid", U1]]]],
  ])("%o", (where, json) => {
    expect(encoder.where("T", where)).toEqual(json);
  });

  test.each<[unknown, RegExp]>([
    [[["name", "<", "a"]], /^T\.name: "<" does not apply to a string; orderings compare integers and reals/],
    [[["two", "<", 1]], /does not apply to a set of 1 to 2 integers/],
    [[["maybe", "<", undefined]], /undefined clears only/],
    [[["n", "==", 10]], /10 is too big/],
    [[["n", "~", 1]], /"~" is not a function/],
    [[["nn", "==", 1]], /^T\.nn: is not a column/],
    [[["n", "=="]], /is not a clause/],
    [[["two", "==", []]], /too few/],
    [[["two", "includes", [1, 2, 3]]], /3 elements are too many/],
    [[["maybe", "includes", [1, 2]]], /too many/],
    ["name", /"name" is not a condition/],
  ])("refuses %o", (where, message) => {
    expect(() => encoder.where("T", where)).toThrow(message);
  });
});

describe("mutations", () => {
  test.each<[string, string, unknown, Json]>([
    ["n", "+=", 100, 100],
    ["maybe", "%=", 2, 2],
    ["two", "*=", 2n, 2],
    ["real", "/=", 0.5, 0.5],
    ["ports", "insert", U1, ["uuid", U1]],
    ["ports", "delete", { namedUuid: "r" }, ["named-uuid", "r"]],
    ["maybe", "insert", 5, 5],
    ["two", "delete", [1, 2, 3], ["set", [1, 2, 3]]],
    ["ids", "insert", { a: "b" }, ["map", [["a", "b"]]]],
    ["ids", "delete", ["a", "b"], ["set", ["a", "b"]]],
    ["ids", "delete", "a", ["set", ["a"]]],
    ["ids", "delete", new Map([["a", "b"]]), ["map", [["a", "b"]]]],
    ["ids", "delete", { a: "b" }, ["map", [["a", "b"]]]],
  ])("%s %s %o", (column, mutator, value, json) => {
    expect(encoder.mutation("T", column, mutator, value)).toEqual([column, mutator, json]);
  });

  test.each<[string, string, unknown, RegExp]>([
    ["name", "+=", 1, /"\+=" does not apply to a string; it needs integers or reals/],
    ["real", "%=", 1, /"%=" does not apply to a real; it needs integers/],
    ["ids", "+=", 1, /does not apply to a map/],
    ["name", "insert", "x", /"insert" does not apply to a string; .*use update/],
    ["fixed", "insert", "x", /is immutable/],
    ["_uuid", "insert", U1, /is immutable/],
    ["n", "/=", 0, /divides by zero/],
    ["n", "push", 0, /"push" is not a mutator/],
    ["n", "+=", undefined, /undefined is not an integer/],
    ["ports", "insert", undefined, /is no element/],
    ["two", "insert", [1, 2, 3], /3 elements are too many/],
    ["ids", "insert", ["a"], /is not a map/],
  ])("refuses %s %s %o", (column, mutator, value, message) => {
    expect(() => encoder.mutation("T", column, mutator, value)).toThrow(message);
  });
});

// ---- against the real server ---------------------------------------------------------------------------------------

const RELATIONS = ["==", "!=", "<", "<=", ">", ">=", "includes", "excludes"];
const MUTATORS = ["+=", "-=", "*=", "/=", "%=", "insert", "delete"];

describe.skipIf(!withOvs)("the same verdict as ovsdb-server", () => {
  const types = fc.sample(columnType, { numRuns: 40, seed: 5 });
  const columns = Object.fromEntries(
    types.map((type, index) => [`c${index}`, { name: `c${index}`, type, ephemeral: false, mutable: index % 9 !== 8 }]),
  );
  const wide = parseSchema(
    formatSchema({
      name: "Lab",
      tables: new Map([
        [
          "T",
          {
            name: "T",
            columns: new Map(Object.entries(columns)),
            maxRows: Number.POSITIVE_INFINITY,
            isRoot: true,
            indexes: [],
          },
        ],
      ]),
    }),
  );
  const wideEncoder = new OperationEncoder(wide);

  test("on conditions and mutations of random columns with random values", async () => {
    await using server = await RawServer.start(formatSchema(wide));
    const refusals = { condition: 0, mutation: 0 };
    for (const [index, type] of types.entries()) {
      const column = `c${index}`;
      for (const [round, value] of fc.sample(nearValue(type), { numRuns: 6, seed: index }).entries()) {
        for (const relation of RELATIONS) {
          const isTaken = !(await isRefused(server, {
            op: "select",
            table: "T",
            where: [[column, relation, wire(type, value)]],
          }));
          const ours = attempt(() => wideEncoder.where("T", [[column, relation, value]]));
          expect(ours, `${column} ${relation} ${String(value)} of ${JSON.stringify(type, bigints)}`).toBe(isTaken);
          if (!isTaken) refusals.condition++;
        }
        for (const mutator of MUTATORS) {
          // The server sees a division by zero only once there is a row; here it is refused at the call.
          if ((mutator === "/=" || mutator === "%=") && only(mutator, value) === 0) continue;
          const isTaken = !(await isRefused(server, {
            op: "mutate",
            table: "T",
            where: [],
            mutations: [[column, mutator, wire(type, value)]],
          }));
          const ours = attempt(() => wideEncoder.mutation("T", column, mutator, only(mutator, value)));
          expect(
            ours,
            `${column} ${mutator} ${String(value)} of ${JSON.stringify(type, bigints)}, round ${round}`,
          ).toBe(isTaken);
          if (!isTaken) refusals.mutation++;
        }
      }
    }
    expect(refusals.condition).toBeGreaterThan(100);
    expect(refusals.mutation).toBeGreaterThan(100);
  }, 120_000);

  test("on inserts that lean on defaults, column by column", async () => {
    await using server = await RawServer.start(formatSchema(wide));
    const given = Object.fromEntries(
      types.map((type, index) => [`c${index}`, fc.sample(fittingValue(type), { numRuns: 1, seed: index })[0]]),
    );
    for (const [index] of types.entries()) {
      const { [`c${index}`]: _left, ...row } = given;
      const json = {
        op: "insert",
        table: "T",
        row: Object.fromEntries(
          Object.keys(row).map((name) => [name, wire(columns[name]?.type ?? types[0]!, row[name])]),
        ),
      };
      expect(
        attempt(() => wideEncoder.insert("T", row)),
        `c${index}: ${JSON.stringify(types[index], bigints)}`,
      ).toBe(!(await isRefused(server, json)));
    }
  });

  test("the fixtures of this file run on the server, references and all", async () => {
    await using server = await RawServer.start(formatSchema(schema));
    const ports = { op: "insert", table: "P", "uuid-name": "p", row: { owner: ["named-uuid", "t"] } };
    const insert = encoder.insert(
      "T",
      { kind: "a", name: "x", n: 3, two: [1, 2], maybe: 4, ports: [{ namedUuid: "p" }], ids: { a: "1", b: "2" } },
      { uuidName: "t" },
    );
    const operations = [
      insert,
      ports,
      encoder.mutate("T", {
        where: { name: "x" },
        mutations: [
          ["n", "+=", 1],
          ["maybe", "*=", 2],
          ["two", "+=", 1],
          ["ids", "delete", "a"],
          ["ids", "insert", { b: "3", c: "4" }],
          ["ids", "delete", { c: "wrong" }],
        ],
      }),
      encoder.select("T", {
        where: [
          ["two", "includes", 2],
          ["maybe", ">", 7],
        ],
      }),
    ];
    const results = (await server.call("transact", ["Lab", ...operations])) as JsonObject[];
    expect(results.map((result) => result["error"])).toEqual([undefined, undefined, undefined, undefined]);
    const row = encoder.decodeRow("T", ((results[3] as JsonObject)["rows"] as JsonObject[])[0] as JsonObject);
    expect(row).toMatchObject({
      n: 4,
      maybe: 8,
      two: new Set([2, 3]),
      ids: new Map([
        ["b", "2"],
        ["c", "4"],
      ]),
    });
    const missing = (await server.call("transact", ["Lab", { op: "insert", table: "P", row: {} }])) as JsonObject[];
    expect(missing.some((result) => result?.["error"] === "referential integrity violation")).toBe(true);
  });
});

/** `insert` and `delete` take what the column holds; arithmetic takes one number, which the wire may wrap in a set. */
function only(mutator: string, value: unknown): unknown {
  if (mutator === "insert" || mutator === "delete") return value === undefined ? [] : value;
  return value instanceof Set && value.size === 1 ? [...value][0] : value;
}

async function isRefused(server: RawServer, operation: JsonObject): Promise<boolean> {
  const [first] = (await server.call("transact", ["Lab", operation, { op: "abort" }])) as JsonObject[];
  return first?.["error"] !== undefined;
}

function attempt(act: () => unknown): boolean {
  try {
    act();
    return true;
  } catch (error) {
    if (error instanceof ValueError) return false;
    throw error;
  }
}

function bigints(_name: string, value: unknown): unknown {
  return typeof value === "bigint" ? `${value}` : value;
}
