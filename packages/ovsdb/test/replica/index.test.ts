import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { ValueError } from "../../src/error.ts";
import { IndexContent } from "../../src/replica/index-content.ts";
import type { IndexDefinition } from "../../src/replica/index-definition.ts";
import type { Replica } from "../../src/replica/replica.ts";
import type { KeyLike, MultiIndex, RangeBounds } from "../../src/replica/table-index.ts";
import type { Row, Value } from "../../src/value.ts";
import {
  asSnapshot,
  CASES,
  content,
  EMPTY,
  emptyReplica,
  filledReplica,
  type Step,
  step,
  take,
  uuidOf,
} from "./world.ts";

/** Every shape of index, each with its meaning: the keys that a row has, as texts. */
const SHAPES: { readonly definition: IndexDefinition; readonly keys: (row: Row) => KeyLike[] }[] = [
  { definition: { column: "name", ordered: true }, keys: (row) => [row.name] },
  { definition: { column: "tag", ordered: true }, keys: (row) => [row.tag] },
  { definition: { column: "tag", sparse: true }, keys: (row) => (row.tag === undefined ? [] : [row.tag]) },
  { definition: { column: "up" }, keys: (row) => [row.up] },
  { definition: { column: "peers" }, keys: (row) => [row.peers] },
  { definition: { column: "options" }, keys: (row) => [row.options] },
  { definition: { columns: ["network", "tag"], ordered: true }, keys: (row) => [[row.network, row.tag]] },
  {
    definition: { column: "options", key: "k", ordered: true },
    keys: (row) => [(row.options as Map<string, string>).get("k")],
  },
  { definition: { each: "peers", ordered: true }, keys: (row) => [...(row.peers as Set<string>)] },
  { definition: { each: "options" }, keys: (row) => [...(row.options as Map<string, string>).keys()] },
  {
    definition: {
      key: (row: Row) => (row.up === true ? [row.name as string, row.network as string] : undefined),
      sparse: true,
    },
    keys: (row) => (row.up === true ? [[row.name, row.network]] : []),
  },
];

/** A key as a text, members of sets and maps sorted. */
function text(key: KeyLike): string {
  const plain = (value: Value | KeyLike): unknown => {
    if (value === undefined) return { empty: true };
    if (value instanceof Set) return { set: [...value].sort() };
    if (value instanceof Map) return { map: [...value].sort() };
    return Array.isArray(value) ? value.map(plain) : value;
  };
  return JSON.stringify(plain(key));
}

/** The index by definition: look at every row. */
function scan(rows: readonly Row[], keys: (row: Row) => KeyLike[]): Map<string, { key: KeyLike; uuids: Set<string> }> {
  const found = new Map<string, { key: KeyLike; uuids: Set<string> }>();
  for (const row of rows) {
    for (const key of keys(row)) {
      const entry = found.get(text(key)) ?? { key, uuids: new Set() };
      found.set(text(key), entry);
      entry.uuids.add(row._uuid);
    }
  }
  return found;
}

const uuids = (rows: readonly Row[]): Set<string> => new Set(rows.map((row) => row._uuid));
const ABSENT: KeyLike[] = ["nowhere", 99, ["nowhere", 99], new Set(["nowhere"])];

function checkIndex(replica: Replica, index: MultiIndex, keys: (row: Row) => KeyLike[]): void {
  const expected = scan(replica.table("Port").rows(), keys);
  expect(index.size).toBe(expected.size);
  for (const { key, uuids: rows } of expected.values()) {
    expect(uuids(index.get(key))).toEqual(rows);
    expect(index.has(key)).toBe(true);
  }
  for (const key of ABSENT) {
    expect(index.get(key)).toEqual([]);
    expect(index.has(key)).toBe(false);
  }
}

/** Runs the steps with all indexes made before step `from`, or while its rows are on their way. */
function checkAll(steps: readonly Step[], from: number, during: boolean): void {
  const replica = emptyReplica();
  const made: [MultiIndex, (row: Row) => KeyLike[]][] = [];
  const make = (): void => {
    for (const { definition, keys } of SHAPES) made.push([replica.table("Port").index(definition) as MultiIndex, keys]);
  };
  let now = EMPTY;
  steps.forEach((one, number) => {
    if (number === from && !during) make();
    now = take(replica, now, one, () => {
      if (number === from && during) make();
    });
    for (const [index, keys] of made) checkIndex(replica, index, keys);
  });
}

const anySteps = fc.array(step, { minLength: 1, maxLength: 6 });

describe("an index", () => {
  test("of every shape holds what a scan finds, whenever it was made, after every step", () => {
    fc.assert(fc.property(anySteps, fc.nat({ max: 3 }), fc.boolean(), checkAll), { numRuns: CASES });
  });

  test("planted bug: an old key that is not removed is caught", () => {
    const bug = vi.spyOn(IndexContent.prototype, "delete").mockImplementation(() => {});
    expect(() =>
      fc.assert(fc.property(anySteps, fc.constant(0), fc.constant(false), checkAll), { numRuns: CASES }),
    ).toThrow();
    bug.mockRestore();
  });

  test("planted bug: a key that changes without a move is caught", () => {
    const bug = vi.spyOn(IndexContent.prototype, "replace").mockImplementation(() => {});
    expect(() =>
      fc.assert(fc.property(anySteps, fc.constant(0), fc.constant(false), checkAll), { numRuns: CASES }),
    ).toThrow();
    bug.mockRestore();
  });

  test("the schema's own indexes answer by name", () => {
    const replica = filledReplica({
      Port: {
        [uuidOf(1)]: { name: "a", network: "n", tag: 5 },
        [uuidOf(2)]: { name: "b", network: "n", tag: ["set", []] },
      },
    });
    const { byIndex } = replica.table("Port");
    expect(byIndex.name?.("a")?._uuid).toBe(uuidOf(1));
    expect(byIndex.network_tag?.("n", 5)?._uuid).toBe(uuidOf(1));
    expect(byIndex.network_tag?.("n", undefined)?._uuid).toBe(uuidOf(2));
    expect(byIndex.name?.("c")).toBeUndefined();
    replica.applyUpdate(2, {
      Port: { [uuidOf(1)]: { modify: { name: "b" } }, [uuidOf(2)]: { modify: { name: "a" } } },
    });
    expect(byIndex.name?.("a")?._uuid).toBe(uuidOf(2));
    expect(byIndex.name?.("b")?._uuid).toBe(uuidOf(1));
  });

  test("is the same object for the same definition, and through a resync", () => {
    const replica = filledReplica({ Port: { [uuidOf(1)]: { name: "a" } } });
    const table = replica.table("Port");
    const index = table.index({ columns: ["name", "tag"], ordered: true });
    replica.beginSnapshot(2).commit();
    expect(table.index({ ordered: true, columns: ["name", "tag"] })).toBe(index);
    expect(table.index({ columns: ["name", "tag"] })).not.toBe(index);
    expect(index.size).toBe(0);
  });

  test("finds numbers and bigints by each other", () => {
    const replica = filledReplica({ Port: { [uuidOf(1)]: { name: "a", tag: 5 } } });
    expect(replica.table("Port").index({ column: "tag" }).get(5n)).toHaveLength(1);
    expect(
      replica
        .table("Port")
        .index({ column: "tag" })
        .get(2n ** 60n),
    ).toHaveLength(0);
  });

  test("refuses columns that are not there or not of the right kind, at the call", () => {
    const table = filledReplica().table("Port");
    expect(() => table.index({ column: "nothing" })).toThrow(ValueError);
    expect(() => table.index({ column: "name", key: "k" })).toThrow(ValueError);
    expect(() => table.index({ each: "name" })).toThrow(ValueError);
    expect(() => table.index({ columns: [] })).toThrow(ValueError);
    expect(() => table.index({ column: "name" }).range()).toThrow(/ordered/);
  });

  test("a key function that throws leaves its row without a key, and is reported", () => {
    const errors: unknown[] = [];
    const replica = filledReplica(
      { Port: { [uuidOf(1)]: { name: "a" }, [uuidOf(2)]: { name: "b" } } },
      { onListenerError: (error) => errors.push(error) },
    );
    const index = replica.table("Port").index({
      key: (row) => {
        if (row.name === "a") throw new Error("no a");
        return row.name as string;
      },
    });
    expect(index.size).toBe(2);
    expect((index as unknown as MultiIndex).get(undefined)).toHaveLength(1);
    expect(errors).toHaveLength(1);
  });

  test("a text that looks like a compound key is another key", () => {
    const replica = filledReplica({
      Port: { [uuidOf(1)]: { name: "a", network: "b", up: true }, [uuidOf(2)]: { name: "\u00011:a1:b" } },
    });
    const index = replica
      .table("Port")
      .index({ key: (row) => (row.up === true ? [row.name as string, row.network as string] : (row.name as string)) });
    expect(index.get(["a", "b"]).map((row) => row._uuid)).toEqual([uuidOf(1)]);
    expect(index.get("\u00011:a1:b").map((row) => row._uuid)).toEqual([uuidOf(2)]);
  });
});

/** undefined, then numbers, then texts. */
function order(one: Value, other: Value): number {
  if (one === other) return 0;
  if (one === undefined || other === undefined) return one === undefined ? -1 : 1;
  return one < other ? -1 : 1;
}

const tag = fc.integer({ min: -3, max: 4 });
const bounds = <K>(key: fc.Arbitrary<K>): fc.Arbitrary<RangeBounds<K>> =>
  fc.record(
    { gte: key, gt: key, lte: key, lt: key, reverse: fc.boolean(), limit: fc.nat({ max: 4 }) },
    { requiredKeys: [] },
  );

/** A range by definition: filter, sort, cut. Compares lists of parts as far as the bound goes. */
function rangeByDefinition(
  rows: readonly Row[],
  partsOf: (row: Row) => Value[],
  range: RangeBounds<Value[]>,
): string[][] {
  const compare = (parts: Value[], bound: Value[]): number =>
    bound.map((part, index) => order(parts[index], part)).find((found) => found !== 0) ?? 0;
  const bounded = [range.gte, range.gt, range.lte, range.lt].some((bound) => bound !== undefined);
  const inside = rows.filter((row) => {
    const parts = partsOf(row);
    if (bounded && parts[0] === undefined) return false;
    if (range.gte !== undefined && compare(parts, range.gte) < 0) return false;
    if (range.gt !== undefined && compare(parts, range.gt) <= 0) return false;
    if (range.lte !== undefined && compare(parts, range.lte) > 0) return false;
    return range.lt === undefined || compare(parts, range.lt) < 0;
  });
  const sorted = inside.map((row) => partsOf(row)).sort(compare);
  if (range.reverse === true) sorted.reverse();
  return sorted.slice(0, range.limit).map((parts) => parts.map(String));
}

describe("an ordered index", () => {
  test("gives any range of an optional column as filtering and sorting would", () => {
    fc.assert(
      fc.property(content, content, bounds(tag), (first, second, range) => {
        const replica = filledReplica(first);
        const index = replica.table("Port").index({ column: "tag", ordered: true });
        take(replica, first, { kind: "update2", to: second });
        const wrapped = Object.fromEntries(
          Object.entries(range).map(([name, value]) => [
            name,
            typeof value === "number" && name !== "limit" ? [value] : value,
          ]),
        );
        const expected = rangeByDefinition(replica.table("Port").rows(), (row) => [row.tag], wrapped);
        expect((index.range(range as never) as Row[]).map((row) => [String(row.tag)])).toEqual(expected);
      }),
      { numRuns: CASES },
    );
  });

  test("gives any range of a compound key, whole or by its beginning", () => {
    const key = fc.oneof(fc.tuple(fc.constantFrom("a", "b", "")), fc.tuple(fc.constantFrom("a", "b", ""), tag));
    fc.assert(
      fc.property(content, bounds(key as fc.Arbitrary<Value[]>), (rows, range) => {
        const replica = filledReplica(rows);
        const index = replica.table("Port").index({ columns: ["network", "tag"], ordered: true });
        const expected = rangeByDefinition(replica.table("Port").rows(), (row) => [row.network, row.tag], range);
        const found = index.range(range as never) as Row[];
        expect(found.map((row) => [String(row.network), String(row.tag)])).toEqual(expected);
      }),
      { numRuns: CASES },
    );
  });

  test("finds texts by their beginning, also in the last part of a compound key", () => {
    const port = (number: number, name: string, network = "n"): object => ({ [uuidOf(number)]: { name, network } });
    const replica = filledReplica({
      Port: { ...port(1, "ab"), ...port(2, "a"), ...port(3, "b"), ...port(4, "abc", "m"), ...port(5, "") },
    });
    const table = replica.table("Port");
    const names = (rows: readonly Row[]): Value[] => rows.map((row) => row.name);
    expect(names(table.index({ column: "name", ordered: true }).prefix("a"))).toEqual(["a", "ab", "abc"]);
    expect(names(table.index({ columns: ["network", "name"], ordered: true }).prefix(["n", "a"]))).toEqual(["a", "ab"]);
    expect(() => table.index({ column: "tag", ordered: true }).prefix(1)).toThrow(ValueError);
  });

  test("stays in order over many keys, added and removed in any order", () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.nat({ max: 5000 }), { minLength: 1500, maxLength: 1800 }),
        fc.boolean(),
        (numbers, ascending) => {
          if (ascending) numbers.sort((one, other) => one - other);
          const rows = Object.fromEntries(numbers.map((number) => [uuidOf(number), { tag: number }]));
          const replica = filledReplica({ Port: rows });
          const index = replica.table("Port").index({ column: "tag", ordered: true });
          const gone = numbers.filter((number) => number % 3 !== 0);
          replica.applyUpdate(2, {
            Port: Object.fromEntries(gone.map((number) => [uuidOf(number), { delete: null }])),
          });
          const left = numbers.filter((number) => number % 3 === 0).sort((one, other) => one - other);
          expect(index.range().map((row) => row.tag)).toEqual(left);
          expect(index.range({ gt: 1000, lte: 2000, reverse: true }).map((row) => row.tag)).toEqual(
            left.filter((number) => number > 1000 && number <= 2000).reverse(),
          );
        },
      ),
      { numRuns: 20 },
    );
  });

  test("fills its shadow while a snapshot is on its way, unseen", () => {
    const replica = filledReplica({ Port: { [uuidOf(1)]: { name: "a" } } });
    const index = replica.table("Port").index({ column: "name", ordered: true });
    const feed = replica.beginSnapshot(2);
    feed.addAll(asSnapshot({ Port: { [uuidOf(2)]: { name: "b" } } }));
    expect(index.range().map((row) => row.name)).toEqual(["a"]);
    feed.commit();
    expect(index.range().map((row) => row.name)).toEqual(["b"]);
  });
});
