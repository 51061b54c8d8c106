/** Rows of one index: texts are equal just where values are. */
import { parseSchema } from "@ovnha/ovsdb/core";
import fc from "fast-check";
import { expect, test } from "vitest";
import { columnReferences, indexKey, referredUuids } from "../src/core.ts";

const many = (base: object) => ({ type: { ...base, min: 0, max: "unlimited" } });
const SCHEMA = parseSchema({
  name: "Zoo",
  tables: {
    Cage: {
      isRoot: true,
      columns: {
        name: { type: "string" },
        number: { type: "integer" },
        motto: { type: { key: "string", min: 0, max: 1 } },
        words: many({ key: "string" }),
        labels: many({ key: "string", value: "string" }),
        guests: many({ key: { type: "uuid", refTable: "Cage", refType: "weak" } }),
        keeper: { type: { key: { type: "uuid", refTable: "Cage", refType: "weak" } } },
        plan: many({
          key: { type: "uuid", refTable: "Cage" },
          value: { type: "uuid", refTable: "Cage", refType: "weak" },
        }),
      },
    },
  },
});
const columns = SCHEMA.tables.get("Cage")!.columns;

type Row = { readonly [column: string]: unknown };
const INDEX = ["name", "number", "motto", "words", "labels"];
const key = (row: Row, index = INDEX): string => indexKey(columns, index, (name) => row[name]);

/** Few texts, so that rows are often alike; among them all that a separator might be. */
const text = fc.constantFrom("", "a", "b", "a,b", '"', "\u0001", "a\u0001b", "\u0002", "[]");
const row: fc.Arbitrary<Row> = fc.record({
  name: text,
  number: fc.constantFrom<number | bigint>(0, 1, 2n ** 62n),
  motto: fc.constantFrom<string | undefined>(undefined, "undefined", "null", ""),
  words: fc.uniqueArray(text, { maxLength: 2 }).map((list) => new Set(list)),
  labels: fc.uniqueArray(fc.tuple(text, text), { selector: ([at]) => at, maxLength: 2 }).map((list) => new Map(list)),
});

/** Element by element. */
function same(left: Row, right: Row, index: readonly string[]): boolean {
  const isEqual = (name: string, of: () => boolean): boolean => !index.includes(name) || of();
  const [words, others] = [left["words"] as Set<string>, right["words"] as Set<string>];
  const [labels, theirs] = [left["labels"] as Map<string, string>, right["labels"] as Map<string, string>];
  return (
    isEqual("name", () => left["name"] === right["name"]) &&
    isEqual("number", () => left["number"] === right["number"]) &&
    isEqual("motto", () => left["motto"] === right["motto"]) &&
    isEqual("words", () => words.size === others.size && [...words].every((word) => others.has(word))) &&
    isEqual("labels", () => labels.size === theirs.size && [...labels].every(([at, of]) => theirs.get(at) === of))
  );
}

test("two rows have one key just where they have the same values, in whatever order", () => {
  fc.assert(
    fc.property(fc.subarray(INDEX, { minLength: 1 }), row, row, (index, left, right) => {
      expect(key(left, index) === key(right, index)).toBe(same(left, right, index));
    }),
    { numRuns: 2_000 },
  );
  const whole = {
    name: "a",
    number: 1,
    words: new Set(["a", "b"]),
    labels: new Map([
      ["a", "x"],
      ["b", "y"],
    ]),
  };
  const turned = {
    ...whole,
    words: new Set(["b", "a"]),
    labels: new Map([
      ["b", "y"],
      ["a", "x"],
    ]),
  };
  expect(key(turned)).toBe(key(whole));
});

test.each<[string, Row, Row]>([
  ["no element and an empty one", { words: new Set() }, { words: new Set([""]) }],
  [
    "a separator in a key and in a value",
    { labels: new Map([["a\u0001b", "c"]]) },
    { labels: new Map([["a", "b\u0001c"]]) },
  ],
  ["two elements and one that looks like both", { words: new Set(["a", "b"]) }, { words: new Set(["a\u0000b"]) }],
  ["nothing and its name", { motto: undefined }, { motto: "undefined" }],
  ["a column's end", { name: "a\u0002", words: new Set() }, { name: "a", words: new Set(["\u0002"]) }],
])("%s are told apart", (_what, left, right) => {
  const base = { name: "", number: 0, words: new Set(), labels: new Map() };
  expect(key({ ...base, ...left })).not.toBe(key({ ...base, ...right }));
});

test("references: keys and values, strong or weak, and which of them break the transaction", () => {
  const told = (name: string): unknown[] =>
    columnReferences(columns.get(name)!).map(({ place, isStrong, isFatal }) => [place, isStrong, isFatal]);
  expect(told("guests")).toEqual([["key", false, false]]);
  expect(told("keeper")).toEqual([["key", false, true]]);
  expect(told("plan")).toEqual([
    ["key", true, true],
    ["value", false, false],
  ]);
  expect(told("words")).toEqual([]);
  const plan = new Map([["k", "v"]]);
  expect([...referredUuids(plan, "key"), ...referredUuids(plan, "value"), ...referredUuids("s", "key")]).toEqual([
    "k",
    "v",
    "s",
  ]);
  expect([...referredUuids(new Set(["a", "b"]), "key"), ...referredUuids(undefined, "key")]).toEqual(["a", "b"]);
});
