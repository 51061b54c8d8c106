/** Rows: immutable objects, all of one table with one hidden class. */
import { ValueError } from "./error.ts";
import type { Json, JsonObject } from "./json.ts";
import { findColumn, type TableSchema } from "./schema.ts";
import type { Uuid } from "./uuid.ts";
import { type ColumnCodec, columnCodec, type IntegerPolicy, type Value } from "./value.ts";

/** A row as a replica or a select holds it. Never changed: a change makes a new object. */
export type Row = { readonly _uuid: Uuid; readonly [column: string]: Value };
type MutableRow = Record<string, Value>;

/** Decodes, differences and encodes rows of one table, restricted to some columns. */
export class RowCodec {
  readonly table: TableSchema;
  /** In the order of the properties of every row. */
  readonly columns: readonly string[];
  readonly #codecs: ReadonlyMap<string, ColumnCodec>;
  readonly #list: readonly ColumnCodec[];
  /** All columns at their defaults; every row starts as its copy, which is what gives all rows the same hidden class. */
  readonly #blank: MutableRow;

  /** @throws ValueError for a column that the table does not have. `_uuid` is always there and need not be named. */
  constructor(table: TableSchema, columns: readonly string[], policy: (column: string) => IntegerPolicy) {
    this.table = table;
    this.columns = [...new Set(columns)].filter((name) => name !== "_uuid");
    this.#list = this.columns.map((name) => {
      const column = findColumn(table, name);
      if (column === undefined)
        throw new ValueError(
          table.name,
          name,
          `is not a column of this table; it has ${[...table.columns.keys()].join(", ")}`,
        );
      return columnCodec(table.name, column, policy(name));
    });
    this.#codecs = new Map(this.#list.map((codec) => [codec.column.name, codec]));
    this.#blank = blankRow(this.#list);
  }

  codec(column: string): ColumnCodec | undefined {
    return this.#codecs.get(column);
  }

  /** A row of `initial`, `insert` or a select: columns that are not there have their default. */
  decodeFull(uuid: Uuid, json: JsonObject): Row {
    const row = { ...this.#blank };
    row["_uuid"] = uuid;
    for (const codec of this.#list) {
      const cell = json[codec.column.name];
      if (cell !== undefined) row[codec.column.name] = codec.decode(cell);
    }
    return row as Row;
  }

  /** The row after a `modify` of update2 or update3. Columns that this codec does not hold are passed over. */
  applyModify(old: Row, json: JsonObject): Row {
    const row: MutableRow = { ...old };
    for (const name in json) {
      const codec = this.#codecs.get(name);
      if (codec !== undefined) row[name] = codec.applyDiff(old[name], json[name] as Json);
    }
    return row as Row;
  }

  /** The row in the `new` of a plain `update` (RFC 7047 §4.1.6), which holds every monitored column. */
  replace(uuid: Uuid, json: JsonObject): Row {
    return this.decodeFull(uuid, json);
  }

  /** Names of the columns whose content differs. */
  changedColumns(a: Row, b: Row): string[] {
    const changed: string[] = [];
    for (const codec of this.#list) {
      const { name } = codec.column;
      if (!codec.equal(a[name], b[name])) changed.push(name);
    }
    return changed;
  }

  /** The `row` member of an insert. `_uuid` is left to the caller, see `insert` in operation.ts. @throws ValueError */
  encodeInsert(row: object): JsonObject {
    const json: Record<string, Json> = {};
    for (const [name, value] of Object.entries(row)) {
      if (name === "_uuid") continue;
      const codec = this.#codecs.get(name);
      if (codec === undefined || name === "_version") {
        throw new ValueError(
          this.table.name,
          name,
          `is not a column that can be written; the table has ${[...this.table.columns.keys()].join(", ")}`,
        );
      }
      json[name] = codec.encode(value);
    }
    return json;
  }
}

/**
 * An object with `_uuid` and every column, in the compact form that V8 gives to objects parsed from JSON. Adding many
 * properties one by one under computed names would end in a slow, large hash table instead.
 */
function blankRow(codecs: readonly ColumnCodec[]): MutableRow {
  const names = ["_uuid", ...codecs.map((codec) => codec.column.name)];
  const blank = JSON.parse(`{${names.map((name) => `${JSON.stringify(name)}:null`).join(",")}}`) as MutableRow;
  for (const codec of codecs) blank[codec.column.name] = codec.defaultValue;
  return blank;
}
