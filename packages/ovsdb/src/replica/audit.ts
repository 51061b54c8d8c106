/** Is the replica what the server has? Compared with the rows of a `select`, row by row and column by column. */
import { OvsdbError } from "../error.ts";
import { isJsonObject, type Json } from "../json.ts";
import type { Row, Value } from "../value.ts";
import type { Replica } from "./replica.ts";
import { changedFrom } from "./same-value.ts";

/**
 * - "missing": the server has the row, the replica has not.
 * - "extra": the other way round.
 * - "different": both have it, but some columns differ; `expected` and `actual` hold just these.
 */
export type Difference = {
  readonly kind: "missing" | "extra" | "different";
  readonly table: string;
  readonly uuid: string;
  /** The server's values. */
  readonly expected: Readonly<Record<string, Value>> | undefined;
  /** The replica's values. */
  readonly actual: Readonly<Record<string, Value>> | undefined;
};

/**
 * Compares a replica with rows in the wire form of a `select` (RFC 7047 §5.2.2), by table; each row needs its `_uuid` and
 * the replicated columns, more do no harm. Only the tables given are compared. With a replica under conditions, give the
 * rows that meet them. Both must be of one moment: select, then compare when `synced()` has resolved and nobody writes.
 *
 * @returns every difference; none means equal.
 */
export function diffAgainst(replica: Replica, rowsByTable: Readonly<Record<string, readonly Json[]>>): Difference[] {
  const differences: Difference[] = [];
  for (const [name, selected] of Object.entries(rowsByTable)) {
    const table = replica.table(name);
    const seen = new Set<string>();
    for (const wire of selected) {
      const expected = replica.decodeRow(name, uuidOf(name, wire), wire);
      seen.add(expected._uuid);
      const difference = compareRow(name, table.columns, expected, table.get(expected._uuid));
      if (difference !== undefined) differences.push(difference);
    }
    for (const row of table) {
      if (!seen.has(row._uuid))
        differences.push({ kind: "extra", table: name, uuid: row._uuid, expected: undefined, actual: row });
    }
  }
  return differences;
}

function compareRow(
  table: string,
  columns: readonly string[],
  expected: Row,
  actual: Row | undefined,
): Difference | undefined {
  const uuid = expected._uuid;
  if (actual === undefined) return { kind: "missing", table, uuid, expected, actual: undefined };
  const server = changedFrom(expected, actual, columns);
  if (Object.keys(server).length === 0) return undefined;
  return { kind: "different", table, uuid, expected: server, actual: changedFrom(actual, expected, columns) };
}

function uuidOf(table: string, row: Json): string {
  const cell = isJsonObject(row) ? row._uuid : undefined;
  if (Array.isArray(cell) && cell[0] === "uuid" && typeof cell[1] === "string") return cell[1];
  throw new OvsdbError("VALUE", `${table}: a row to compare with needs its _uuid`, { table });
}
