/** A small schema with every kind of column, a later version of it, and random transactions on it. */
import fc from "fast-check";
import type { RawJson } from "@ovnha/testkit";

const unlimited = { min: 0, max: "unlimited" } as const;

const PORT_COLUMNS = {
  name: { type: "string" },
  addresses: { type: { key: "string", ...unlimited } },
  peer: { type: { key: { type: "uuid", refTable: "Port", refType: "weak" }, min: 0, max: 1 } },
};
const NODE_COLUMNS = {
  name: { type: "string" },
  kind: { type: { key: { type: "string", enum: ["set", ["leaf", "spine"]] }, min: 0, max: 1 } },
  weight: { type: "real" },
  serial: { type: "integer" },
  up: { type: "boolean" },
  tag: { type: "uuid" },
  levels: { type: { key: "integer", ...unlimited } },
  reals: { type: { key: "real", ...unlimited } },
  labels: { type: { key: "string", value: "string", ...unlimited } },
  counts: { type: { key: "integer", value: "real", ...unlimited } },
  parent: { type: { key: { type: "uuid", refTable: "Node", refType: "weak" }, min: 0, max: 1 } },
  ports: { type: { key: { type: "uuid", refTable: "Port" }, ...unlimited } },
  scratch: { type: "string", ephemeral: true },
};

export const LAB = {
  name: "Lab",
  version: "1.0.0",
  tables: {
    Node: { isRoot: true, indexes: [["name"]], columns: NODE_COLUMNS },
    Port: { columns: { ...PORT_COLUMNS, rate: { type: { key: "real", min: 0, max: 1 } } } },
  },
};

/** What a conversion leads to: a column and a table more, a column less. */
export const LAB_2 = {
  name: "Lab",
  version: "2.0.0",
  tables: {
    Node: { isRoot: true, indexes: [["name"]], columns: { ...NODE_COLUMNS, note: { type: "string" } } },
    Port: { columns: PORT_COLUMNS },
    Extra: { isRoot: true, columns: { text: { type: "string" } } },
  },
};

export type Operations = readonly RawJson[];

const set = (values: readonly RawJson[]): RawJson => ["set", values];
const text: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom("", "a", "ü", "\n", '"', "\\", "\u0001", "{}[],:", "日本", "𝄞"),
  fc.string({ maxLength: 12 }),
);
const integer: fc.Arbitrary<number> = fc.oneof(fc.integer({ min: -3, max: 3 }), fc.maxSafeInteger());
const real: fc.Arbitrary<number> = fc.oneof(
  fc.constantFrom(0, 0.5, -2.25, 1e300, 1e-9),
  fc.integer({ min: -40, max: 40 }).map((quarter) => quarter / 4),
);
const name: fc.Arbitrary<string> = fc.nat({ max: 7 }).map((number) => `n${number}`);
const uuid: fc.Arbitrary<RawJson> = fc.uuid().map((value) => ["uuid", value]);
const map = (key: fc.Arbitrary<string | number>, value: fc.Arbitrary<RawJson>): fc.Arbitrary<RawJson> =>
  fc.uniqueArray(fc.tuple(key, value), { selector: ([at]) => at, maxLength: 4 }).map((pairs) => ["map", pairs]);

const values: fc.Arbitrary<Record<string, RawJson>> = fc.record(
  {
    kind: fc.constantFrom<RawJson>(set([]), "leaf", "spine"),
    weight: real,
    serial: integer,
    up: fc.boolean(),
    tag: uuid,
    levels: fc.uniqueArray(integer, { maxLength: 4 }).map(set),
    reals: fc.uniqueArray(real, { maxLength: 3 }).map(set),
    labels: map(text, text),
    counts: map(fc.nat({ max: 5 }), real),
    scratch: text,
  },
  { requiredKeys: [] },
);

const where = (node: string): RawJson => [["name", "==", node]];
const without = (node: string): RawJson => ({ op: "delete", table: "Node", where: where(node) });

const port = fc.record(
  { name: text, addresses: fc.uniqueArray(text, { maxLength: 3 }).map(set), peer: fc.constant(set([])) },
  { requiredKeys: ["name"] },
);

const change: fc.Arbitrary<Operations> = fc.oneof(
  fc
    .tuple(name, values)
    .map(([node, row]) => [without(node), { op: "insert", table: "Node", row: { name: node, ...row } }]),
  fc.tuple(name, values).map(([node, row]) => [{ op: "update", table: "Node", where: where(node), row }]),
  name.map((node) => [without(node)]),
  // Two nodes of which one is the other's parent; the weak reference goes away with the parent.
  fc.tuple(name, name, values).map(([child, parent, row]) => [
    without(child),
    ...(child === parent
      ? []
      : [without(parent), { op: "insert", table: "Node", "uuid-name": "up", row: { name: parent } }]),
    {
      op: "insert",
      table: "Node",
      row: { name: child, ...row, ...(child === parent ? {} : { parent: ["named-uuid", "up"] }) },
    },
  ]),
  // A port lives as long as a node holds it.
  fc.tuple(name, port).map(([node, row]) => [
    { op: "insert", table: "Port", "uuid-name": "new", row },
    { op: "mutate", table: "Node", where: where(node), mutations: [["ports", "insert", set([["named-uuid", "new"]])]] },
  ]),
  name.map((node) => [{ op: "update", table: "Node", where: where(node), row: { ports: set([]) } }]),
  fc
    .tuple(name, fc.uniqueArray(integer, { minLength: 1, maxLength: 3 }), fc.constantFrom("insert", "delete"))
    .map(([node, levels, how]) => [
      { op: "mutate", table: "Node", where: where(node), mutations: [["levels", how, set(levels)]] },
    ]),
  fc
    .tuple(name, map(text, text))
    .map(([node, labels]) => [
      { op: "mutate", table: "Node", where: where(node), mutations: [["labels", "insert", labels]] },
    ]),
);

/** The operations of one transaction, perhaps with a comment. Some change nothing, and write no record. */
export const operations: fc.Arbitrary<Operations> = fc
  .tuple(change, fc.option(text, { nil: undefined }))
  .map(([list, comment]) => (comment === undefined ? list : [...list, { op: "comment", comment }]));
