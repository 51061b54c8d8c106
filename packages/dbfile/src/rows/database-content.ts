/** All rows of a database at one moment, in memory, as close to their bytes as it goes. */
import { type DatabaseSchema, type Json, type JsonObject, OvsdbError } from "@ovnha/ovsdb/core";
import { readSchema } from "../content.ts";
import { DbFileError } from "../error.ts";
import type { TransactionPlace } from "../file-record.ts";
import { parseRow } from "../scan/text.ts";
import type { Window } from "../scan/window.ts";
import { scanRows } from "./row-scanner.ts";
import { TableRows } from "./table-rows.ts";
import { readUuidText } from "./uuid-bytes.ts";

export class DatabaseContent {
  readonly schema: DatabaseSchema;
  /** As it stands in the file. */
  readonly schemaJson: Json;
  /** Every table of the schema, in its order. */
  readonly tables: ReadonlyMap<string, TableRows>;

  /** @throws DbFileError `BAD_SCHEMA` */
  constructor(schemaJson: Json) {
    this.schemaJson = schemaJson;
    this.schema = readSchema(schemaJson);
    this.tables = new Map([...this.schema.tables].map(([name, table]) => [name, new TableRows(table)]));
  }

  /** Rows of all tables. */
  get size(): number {
    let size = 0;
    for (const table of this.tables.values()) size += table.size;
    return size;
  }

  /** Rows of each table that has any. */
  counts(): Record<string, number> {
    return Object.fromEntries(
      [...this.tables].filter(([, table]) => table.size > 0).map(([name, { size }]) => [name, size]),
    );
  }

  /**
   * Applies a transaction that lies in a file. Yields between windows.
   *
   * @throws DbFileError `BAD_TRANSACTION`; the content is then between two states.
   */
  *apply(transaction: TransactionPlace, window: Window): Generator<undefined, void> {
    for (const { name, span } of transaction.tables) {
      const table = this.tables.get(name);
      if (table === undefined)
        throw new DbFileError("BAD_TRANSACTION", `the schema has no table ${JSON.stringify(name)}`, {
          offset: span.start,
        });
      table.begin();
      yield* scanRows(window, name, span, (uuid, row) => table.apply(uuid, row, transaction.isDiff));
    }
  }

  /**
   * The content under another schema, as ovsdb-server converts it: tables and columns that are gone are dropped, values go
   * over as the JSON that they are written as, and new columns have their defaults.
   *
   * @throws DbFileError `BAD_TRANSACTION` for a value that does not fit its new type.
   */
  *convert(schemaJson: Json): Generator<undefined, DatabaseContent> {
    const converted = new DatabaseContent(schemaJson);
    const uuid = new Uint32Array(4);
    for (const [name, target] of converted.tables) {
      const source = this.tables.get(name);
      if (source === undefined) continue;
      let count = 0;
      for (const [text, bytes] of source.entries()) {
        readUuidText(text, uuid);
        target.put(uuid, convertRow(text, parseRow(bytes) as JsonObject, source, target));
        if (++count % 1024 === 0) yield undefined;
      }
    }
    return converted;
  }
}

/** One row under another schema of its table; see {@link DatabaseContent.convert}. */
export function convertRow(uuid: string, row: JsonObject, source: TableRows, target: TableRows): JsonObject {
  const columns: Record<string, Json> = {};
  for (const [name, column] of target.schema.columns) {
    const before = source.schema.columns.get(name);
    if (before === undefined) continue;
    const value = row[name];
    if (value !== undefined && sameType(before, column)) columns[name] = value;
    else if (!sameType(before, column)) columns[name] = convertValue(uuid, name, value, source, target);
  }
  return columns;
}

function convertValue(uuid: string, name: string, value: Json | undefined, source: TableRows, target: TableRows): Json {
  const from = source.codec.codec(name);
  const to = target.codec.codec(name);
  if (from === undefined || to === undefined) throw new DbFileError("NOT_FOUND", `no column ${name}`);
  try {
    return to.encode(to.decode(from.encode(value === undefined ? from.defaultValue : from.decode(value))));
  } catch (cause) {
    if (!(cause instanceof OvsdbError)) throw cause;
    const what = `row ${uuid} of table ${target.name}, column ${name} does not fit its new type: ${cause.message}`;
    throw new DbFileError("BAD_TRANSACTION", what, { cause });
  }
}

function sameType(a: { readonly type: unknown }, b: { readonly type: unknown }): boolean {
  return describeType(a.type) === describeType(b.type);
}

function describeType(type: unknown): string {
  return JSON.stringify(type, (_name, value) => {
    if (typeof value === "bigint") return value.toString();
    return value === Number.POSITIVE_INFINITY ? "unlimited" : value;
  });
}
