/** A random database with a dumb twin of the replica: plain maps, every rule applied by its definition. */
import fc from "fast-check";
import type { Json, JsonObject } from "../../src/json.ts";
import { Replica, type ReplicaOptions } from "../../src/replica/replica.ts";
import type { TableSpec } from "../../src/replica/table-store.ts";
import { parseSchema, type TableSchema } from "../../src/schema.ts";
import { RowCodec } from "../../src/value.ts";

/** One column of every shape, two indexes, and a second table. */
const SCHEMA: Json = {
  name: "Twin",
  version: "1.0.0",
  tables: {
    Port: {
      columns: {
        name: { type: "string" },
        tag: { type: { key: "integer", min: 0, max: 1 } },
        up: { type: "boolean" },
        peers: { type: { key: "string", min: 0, max: "unlimited" } },
        options: { type: { key: "string", value: "string", min: 0, max: "unlimited" } },
        network: { type: "string" },
      },
      indexes: [["name"], ["network", "tag"]],
    },
    Group: { columns: { label: { type: "string" }, weight: { type: "real" } } },
  },
};
const schema = parseSchema(SCHEMA);

export function specOf(name: string, columns?: readonly string[]): TableSpec {
  const table = schema.tables.get(name) as TableSchema;
  const chosen = columns ?? [...table.columns.keys()];
  return { name, schema: table, columns: chosen, codec: new RowCodec(table, chosen, () => "checked") };
}

export function emptyReplica(options?: ReplicaOptions): Replica {
  return new Replica([specOf("Port"), specOf("Group")], options);
}

/** A replica with its first, given content. */
export function filledReplica(content: Content = {}, options?: ReplicaOptions): Replica {
  const replica = emptyReplica(options);
  const feed = replica.beginSnapshot(2);
  feed.addAll(asSnapshot(content));
  feed.commit();
  return replica;
}

/** Wire rows (sets and maps sorted, all columns there) by table and uuid: the state of the twin. */
export type Content = Record<string, Record<string, JsonObject>>;

const WORDS = ["a", "b", "c", "ab", ""];
const word = fc.constantFrom(...WORDS);
const PORT: fc.Arbitrary<JsonObject> = fc.record({
  name: word,
  tag: fc.oneof(fc.integer({ min: -2, max: 3 }), fc.constant(["set", []])),
  up: fc.boolean(),
  peers: fc.uniqueArray(word, { maxLength: 3 }).map(wireSet),
  options: fc
    .uniqueArray(fc.tuple(fc.constantFrom("k", "l", "m"), word), { maxLength: 3, selector: ([key]) => key })
    .map(wireMap),
  network: word,
});
const GROUP: fc.Arbitrary<JsonObject> = fc.record({ label: word, weight: fc.constantFrom(0, 0.5, -1) });

export const DEFAULTS: Record<string, JsonObject> = {
  Port: { name: "", tag: ["set", []], up: false, peers: ["set", []], options: ["map", []], network: "" },
  Group: { label: "", weight: 0 },
};

export const uuidOf = (number: number): string => `00000000-0000-4000-8000-${String(number).padStart(12, "0")}`;
const UUIDS = Array.from({ length: 8 }, (_, number) => uuidOf(number));

/** A whole content; small, so that rows of successive contents meet. */
export const content: fc.Arbitrary<Content> = fc.record({
  Port: fc.dictionary(fc.constantFrom(...UUIDS), PORT, { maxKeys: 6, noNullPrototype: true }),
  Group: fc.dictionary(fc.constantFrom(...UUIDS), GROUP, { maxKeys: 3, noNullPrototype: true }),
});

export function wireSet(members: readonly string[]): Json {
  return members.length === 1 ? (members[0] as string) : ["set", [...members].sort()];
}

export function wireMap(pairs: readonly (readonly [string, string])[]): Json {
  return ["map", [...pairs].sort(([one], [other]) => (one < other ? -1 : 1))];
}

const same = (one: Json | undefined, other: Json | undefined): boolean => JSON.stringify(one) === JSON.stringify(other);
const members = (wire: Json): string[] => (typeof wire === "string" ? [wire] : ((wire as Json[])[1] as string[]));
const pairs = (wire: Json): [string, string][] => (wire as Json[])[1] as [string, string][];

export function asSnapshot(content: Content, member = "initial"): Json {
  return mapRows(content, (_table, _uuid, row) => ({ [member]: row }));
}

/** Without the columns that are at their default, as the server sends them. */
export function sparse(table: string, row: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(row).filter(([column, value]) => !same(value, DEFAULTS[table]?.[column])));
}

function mapRows(content: Content, update: (table: string, uuid: string, row: JsonObject) => Json | undefined): Json {
  const tables: Record<string, Record<string, Json>> = {};
  for (const [table, rows] of Object.entries(content)) {
    const updates: Record<string, Json> = {};
    for (const [uuid, row] of Object.entries(rows)) {
      const wire = update(table, uuid, row);
      if (wire !== undefined) updates[uuid] = wire;
    }
    if (Object.keys(updates).length > 0) tables[table] = updates;
  }
  return tables;
}

/** What the server sends for the step from one content to the next (ovsdb-server(7) §4.1.13, RFC 7047 §4.1.6). */
export function asUpdate(version: 1 | 2, before: Content, after: Content): Json {
  const union: Content = {};
  for (const side of [before, after])
    for (const table of Object.keys(side)) union[table] = { ...union[table], ...side[table] };
  return mapRows(union, (table, uuid) => {
    const old = before[table]?.[uuid];
    const row = after[table]?.[uuid];
    if (old === undefined) return version === 1 ? { new: row as Json } : { insert: sparse(table, row as JsonObject) };
    if (row === undefined) return version === 1 ? { old } : { delete: null };
    const changed = Object.keys(row).filter((column) => !same(old[column], row[column]));
    if (changed.length === 0) return undefined;
    if (version === 1)
      return { old: Object.fromEntries(changed.map((column) => [column, old[column] as Json])), new: row };
    return {
      modify: Object.fromEntries(
        changed.map((column) => [column, difference(column, old[column] as Json, row[column] as Json)]),
      ),
    };
  });
}

/** Facts of the wire: sets by symmetric difference; maps by keys gone (with their value), new, or changed. */
function difference(column: string, old: Json, now: Json): Json {
  if (column === "peers") {
    const [before, after] = [members(old), members(now)];
    return wireSet([...before.filter((one) => !after.includes(one)), ...after.filter((one) => !before.includes(one))]);
  }
  if (column === "options") {
    const [before, after] = [new Map(pairs(old)), new Map(pairs(now))];
    const gone = [...before].filter(([key]) => !after.has(key));
    return wireMap([...gone, ...[...after].filter(([key, value]) => before.get(key) !== value)]);
  }
  return now;
}

/** A replica's table in the twin's form. */
export function contentOf(replica: Replica): Content {
  return Object.fromEntries(Array.from(replica.tables, ([name, table]) => [name, rowsAsWire(table)]));
}

export function rowsAsWire(rows: Iterable<unknown>): Record<string, JsonObject> {
  const wire: Record<string, JsonObject> = {};
  for (const row of rows as Iterable<Record<string, unknown> & { _uuid: string }>) wire[row._uuid] = rowAsWire(row);
  return wire;
}

export function rowAsWire(row: Readonly<Record<string, unknown>>): JsonObject {
  const cells = Object.entries(row).filter(([column]) => column !== "_uuid");
  return Object.fromEntries(cells.map(([column, value]) => [column, valueAsWire(value)]));
}

function valueAsWire(value: unknown): Json {
  if (value === undefined) return ["set", []];
  if (value instanceof Set) return wireSet([...value] as string[]);
  if (value instanceof Map) return wireMap([...value] as [string, string][]);
  return value as Json;
}

export const EMPTY: Content = { Port: {}, Group: {} };

export type Step = {
  readonly kind: "update1" | "update2" | "resync" | "abandoned" | "slow update";
  readonly to: Content;
};
export const step: fc.Arbitrary<Step> = fc.record({
  kind: fc.constantFrom("update1", "update2", "resync", "abandoned", "slow update"),
  to: content,
});

/** Takes one step; `during` runs when its rows are in but not committed. Returns the content that the twin says is there then. */
export function take(replica: Replica, now: Content, { kind, to }: Step, during = (): void => {}): Content {
  if (kind === "abandoned") {
    replica.beginSnapshot(2).addAll(asSnapshot(to));
    return now;
  }
  if (kind === "resync") {
    const feed = replica.beginSnapshot(2);
    feed.addAll(asSnapshot(to));
    during();
    feed.commit();
  } else if (kind === "slow update") {
    const feed = replica.beginUpdate(3);
    feed.addAll(asUpdate(2, now, to));
    during();
    feed.commit();
  } else if (kind === "update1") replica.applyUpdate(1, asUpdate(1, now, to));
  else replica.applyUpdate(2, asUpdate(2, now, to));
  return to;
}

export const CASES = 300;
