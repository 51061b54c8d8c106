/** Whether rows are what their schema asks for: types, ranges, numbers, references, indexes (RFC 7047 §3.2). */
import {
  type ColumnReference,
  columnReferences,
  type DatabaseContent,
  indexKey,
  referredUuids,
  type TableRows,
} from "@ovnha/dbfile";
import { OvsdbError } from "@ovnha/ovsdb/core";
import type { Problems } from "./problem.ts";

/** Yields now and then, so that the caller can let other work have its turn. */
export function* checkContent(content: DatabaseContent, problems: Problems): Generator<undefined, void> {
  const referred = new Map([...content.tables.keys()].map((name) => [name, new Set<string>()]));
  let count = 0;
  for (const table of content.tables.values()) {
    const references = [...table.schema.columns.values()].flatMap(columnReferences);
    const indexes = table.schema.indexes.map((columns) => ({ columns, seen: new Map<string, string>() }));
    if (table.size > table.schema.maxRows)
      problems.add("ROWS", `${table.name} has ${table.size} rows, and its schema allows ${table.schema.maxRows}`, {
        table: table.name,
      });
    for (const uuid of table.uuids()) {
      if (++count % 512 === 0) yield undefined;
      const row = checkRow(table, uuid, problems);
      if (row === undefined) continue;
      for (const reference of references) checkReference(content, table, uuid, row, reference, referred, problems);
      for (const index of indexes) checkIndex(table, uuid, row, index, problems);
    }
  }
  for (const table of content.tables.values()) {
    if (table.schema.isRoot) continue;
    for (const uuid of table.uuids())
      if (referred.get(table.name)?.has(uuid) !== true)
        problems.add("UNREFERENCED", `${table.name} ${uuid}: no row refers to it, and the table is not root`, {
          table: table.name,
          uuid,
        });
    yield undefined;
  }
}

type Row = NonNullable<ReturnType<TableRows["get"]>>;

/** The decoded row; undefined if a value can't be read at all. */
function checkRow(table: TableRows, uuid: string, problems: Problems): Row | undefined {
  let row: Row | undefined;
  try {
    row = table.get(uuid);
  } catch (error) {
    problems.add("VALUE", (error as Error).message, { table: table.name, uuid });
    return undefined;
  }
  // A column that isn't there has its default, which may lie outside of the column's own range: servers take it.
  for (const name of Object.keys(table.json(uuid) ?? {})) {
    try {
      table.codec.codec(name)?.encode(row?.[name]);
    } catch (error) {
      if (!(error instanceof OvsdbError)) throw error;
      problems.add("VALUE", `${table.name} ${uuid}: ${error.message}`, { table: table.name, uuid, column: name });
    }
  }
  return row;
}

function checkReference(
  content: DatabaseContent,
  table: TableRows,
  uuid: string,
  row: Row,
  { column, place, target, isStrong }: ColumnReference,
  referred: ReadonlyMap<string, Set<string>>,
  problems: Problems,
): void {
  for (const to of referredUuids(row[column], place)) {
    if (content.tables.get(target)?.has(to) === true) {
      if (isStrong) referred.get(target)?.add(to);
      continue;
    }
    problems.add(
      isStrong ? "REFERENCE" : "WEAK_REFERENCE",
      `${table.name} ${uuid}: ${column} refers to ${target} ${to}, which is not there`,
      { table: table.name, uuid, column },
    );
  }
}

function checkIndex(
  table: TableRows,
  uuid: string,
  row: Row,
  { columns, seen }: { readonly columns: readonly string[]; readonly seen: Map<string, string> },
  problems: Problems,
): void {
  const key = indexKey(table.schema.columns, columns, (name) => row[name]);
  const other = seen.get(key);
  if (other === undefined) {
    seen.set(key, uuid);
    return;
  }
  problems.add("INDEX", `${table.name} ${uuid} and ${other} have the same ${columns.join(", ")}`, {
    table: table.name,
    uuid,
  });
}
