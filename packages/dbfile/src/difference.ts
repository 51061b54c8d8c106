/** What differs between the contents of two files, row by row. */
import type { AnyRow, Value } from "@ovnha/ovsdb/core";
import type { DatabaseContent } from "./rows/database-content.ts";
import type { TableRows } from "./rows/table-rows.ts";

export type RowDifference = {
  readonly table: string;
  readonly uuid: string;
  /** Where the row is. */
  readonly kind: "left" | "right" | "both";
  /** Columns that differ, for a row in both; empty otherwise. */
  readonly columns: { readonly [column: string]: { readonly left: Value; readonly right: Value } };
};

/** Counts of one table. Tables that are the same in both are left out. */
export type TableDifference = {
  readonly table: string;
  readonly onlyLeft: number;
  readonly onlyRight: number;
  readonly changed: number;
};

/** Rows that are in one of the two, or differ; table by table. Columns that only one schema has are passed over. */
export function* differences(left: DatabaseContent, right: DatabaseContent): Generator<RowDifference, void> {
  for (const name of new Set([...left.tables.keys(), ...right.tables.keys()])) {
    const [a, b] = [left.tables.get(name), right.tables.get(name)];
    if (a !== undefined) yield* fromLeft(name, a, b);
    for (const uuid of b?.uuids() ?? [])
      if (a?.has(uuid) !== true) yield { table: name, uuid, kind: "right", columns: {} };
  }
}

function* fromLeft(table: string, left: TableRows, right: TableRows | undefined): Generator<RowDifference, void> {
  for (const [uuid, bytes] of left.entries()) {
    const other = right?.bytesOf(uuid);
    if (other === undefined || right === undefined) {
      yield { table, uuid, kind: "left", columns: {} };
    } else if (!sameBytes(bytes, other)) {
      const columns = differentColumns(left, right, left.get(uuid) as AnyRow, right.get(uuid) as AnyRow);
      if (Object.keys(columns).length > 0) yield { table, uuid, kind: "both", columns };
    }
  }
}

/** The same bytes are the same row, whatever order a server writes columns in; other bytes have to be decoded. */
function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let at = 0; at < a.length; at++) if (a[at] !== b[at]) return false;
  return true;
}

function differentColumns(
  left: TableRows,
  right: TableRows,
  a: AnyRow,
  b: AnyRow,
): Record<string, { readonly left: Value; readonly right: Value }> {
  const columns: Record<string, { readonly left: Value; readonly right: Value }> = {};
  for (const name of left.codec.columns) {
    const codec = left.codec.codec(name);
    if (codec === undefined || right.codec.codec(name) === undefined) continue;
    if (!isSame(codec, a[name], b[name])) columns[name] = { left: a[name], right: b[name] };
  }
  return columns;
}

function isSame(codec: { equal(a: Value, b: Value): boolean }, a: Value, b: Value): boolean {
  const collectionOf = (value: Value): string => (value instanceof Set ? "set" : value instanceof Map ? "map" : "atom");
  return collectionOf(a) === collectionOf(b) && codec.equal(a, b);
}

/** How many rows differ, for each table where any does. */
export function summarize(rows: Iterable<RowDifference>): TableDifference[] {
  const tables = new Map<string, { onlyLeft: number; onlyRight: number; changed: number }>();
  for (const { table, kind } of rows) {
    const counts = tables.get(table) ?? { onlyLeft: 0, onlyRight: 0, changed: 0 };
    if (kind === "left") counts.onlyLeft++;
    else if (kind === "right") counts.onlyRight++;
    else counts.changed++;
    tables.set(table, counts);
  }
  return [...tables].map(([table, counts]) => ({ table, ...counts }));
}
