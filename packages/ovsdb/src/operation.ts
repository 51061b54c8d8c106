/**
 * The operations of RFC 7047 §5.2 on the wire. Every argument is checked against the schema, so what comes out is what
 * ovsdb-server accepts; each method throws a {@link ValueError} that names table, column and reason.
 */

import { defaultAtom } from "./atom.ts";
import { columnOf, encodeCondition } from "./condition.ts";
import { satisfies } from "./constraint.ts";
import { valueEncoder } from "./datum.ts";
import { ValueError } from "./error.ts";
import type { Json, JsonObject } from "./json.ts";
import { encodeMutation, encodeMutations } from "./mutation.ts";
import {
  type ColumnKind,
  type ColumnSchema,
  columnKind,
  type DatabaseSchema,
  isId,
  type TableSchema,
} from "./schema.ts";
import { isUuid, type Uuid } from "./uuid.ts";
import { type IntegerPolicy, type Row, RowCodec } from "./value.ts";

/** One operation, ready to be sent. */
export type Operation = JsonObject & { readonly op: OperationName; readonly table?: string };
export type OperationName =
  | "insert"
  | "select"
  | "update"
  | "mutate"
  | "delete"
  | "wait"
  | "commit"
  | "abort"
  | "comment"
  | "assert";

type Encoders = ReadonlyMap<string, (value: unknown) => Json>;

/** Writes operations for one database. Also the pieces that a transaction builder puts together itself. */
export class OperationEncoder {
  readonly schema: DatabaseSchema;
  readonly #policy: (table: string, column: string) => IntegerPolicy;
  readonly #encoders = new Map<string, Encoders>();
  readonly #required = new Map<string, readonly string[]>();
  readonly #decoders = new Map<string, RowCodec>();

  /** `policy` decides how integers of select results are given; without one they are "checked". */
  constructor(schema: DatabaseSchema, policy: (table: string, column: string) => IntegerPolicy = () => "checked") {
    this.schema = schema;
    this.#policy = policy;
  }

  // ---- whole operations --------------------------------------------------------------------------------------------

  /** §5.2.1. `uuid` (or the row's `_uuid`) chooses the row's uuid, from 2.13 on; `uuidName` lets other operations refer to it. */
  insert(
    table: string,
    row: object,
    options: { readonly uuid?: Uuid | undefined; readonly uuidName?: string | undefined } = {},
  ): Operation {
    const uuid = options.uuid ?? (row as { readonly _uuid?: unknown })._uuid;
    if (uuid !== undefined && !isUuid(uuid))
      throw new ValueError(table, "_uuid", `${JSON.stringify(uuid)} is not a UUID; give 36 characters`);
    if (options.uuidName !== undefined && !isId(options.uuidName)) {
      throw new ValueError(
        table,
        undefined,
        `uuid-name ${JSON.stringify(options.uuidName)} is not an <id>: a letter or _, then letters, digits and _`,
      );
    }
    return {
      op: "insert",
      table,
      ...(uuid === undefined ? {} : { uuid: uuid as string }),
      ...(options.uuidName === undefined ? {} : { "uuid-name": options.uuidName }),
      row: this.insertRow(table, row),
    };
  }

  /** §5.2.2. Without `columns` the server sends all; `sort` is an extension of ovsdb-server. Equal rows come only once. */
  select(
    table: string,
    options: {
      readonly where: unknown;
      readonly columns?: readonly string[] | undefined;
      readonly sort?: readonly string[] | undefined;
    },
  ): Operation {
    return {
      op: "select",
      table,
      where: this.where(table, options.where),
      ...(options.columns === undefined ? {} : { columns: this.columns(table, options.columns) }),
      ...(options.sort === undefined ? {} : { sort: this.columns(table, options.sort) }),
    };
  }

  /** §5.2.3 */
  update(table: string, options: { readonly where: unknown; readonly row: object }): Operation {
    return { op: "update", table, where: this.where(table, options.where), row: this.updateRow(table, options.row) };
  }

  /** §5.2.4 */
  mutate(table: string, options: { readonly where: unknown; readonly mutations: readonly unknown[] }): Operation {
    return {
      op: "mutate",
      table,
      where: this.where(table, options.where),
      mutations: encodeMutations(this.table(table), options.mutations),
    };
  }

  /** §5.2.5 */
  delete(table: string, options: { readonly where: unknown }): Operation {
    return { op: "delete", table, where: this.where(table, options.where) };
  }

  /**
   * §5.2.6. `timeout` is in milliseconds and has no default here, because on the wire leaving it out means for ever; 0 means
   * now or never. Without `columns`, those of the first row are compared.
   */
  wait(
    table: string,
    options: {
      readonly where: unknown;
      readonly columns?: readonly string[] | undefined;
      readonly until: "==" | "!=";
      readonly rows: readonly object[];
      readonly timeout: number;
    },
  ): Operation {
    const { timeout, until, rows } = options;
    if (!Number.isSafeInteger(timeout) || timeout < 0) {
      throw new ValueError(
        table,
        undefined,
        `the timeout of a wait is a whole number of milliseconds from 0 on, not ${timeout}`,
      );
    }
    if (until !== "==" && until !== "!=")
      throw new ValueError(table, undefined, `until is "==" or "!=", not ${JSON.stringify(until)}`);
    return {
      op: "wait",
      table,
      timeout,
      where: this.where(table, options.where),
      columns: this.columns(table, options.columns ?? Object.keys(rows[0] ?? {})),
      until,
      rows: rows.map((row) => this.compareRow(table, row)),
    };
  }

  /** §5.2.7. With `durable` the reply waits for the disk; a cluster always does. */
  commit(durable: boolean): Operation {
    return { op: "commit", durable };
  }

  /** §5.2.8: the transaction fails with {@link AbortedError}. */
  abort(): Operation {
    return { op: "abort" };
  }

  /** §5.2.9: goes into the log of the database, beside the transaction. */
  comment(text: string): Operation {
    return {
      op: "comment",
      comment: valueEncoder({ table: undefined, column: "comment" }, { key: { type: "string" }, min: 1, max: 1 })(text),
    };
  }

  /** §5.2.10: the transaction fails with {@link NotOwnerError} unless this session holds the lock. */
  assert(lock: string): Operation {
    if (!isId(lock))
      throw new ValueError(
        undefined,
        undefined,
        `lock name ${JSON.stringify(lock)} is not an <id>: a letter or _, then letters, digits and _`,
      );
    return { op: "assert", lock };
  }

  // ---- pieces ------------------------------------------------------------------------------------------------------

  /** @throws ValueError if the database has no such table. */
  table(name: string): TableSchema {
    const table = this.schema.tables.get(name);
    if (table === undefined)
      throw new ValueError(
        name,
        undefined,
        `is not a table of ${this.schema.name}; it has ${[...this.schema.tables.keys()].join(", ")}`,
      );
    return table;
  }

  /** The `row` of an insert. A column whose default the server would refuse must be given. `_uuid` is passed over. */
  insertRow(table: string, row: object): JsonObject {
    const json = this.#row(table, row, "insert");
    for (const column of this.#requiredColumns(this.table(table))) {
      if (json[column] === undefined)
        throw new ValueError(table, column, "must be given: its default value is not allowed in this column");
    }
    return json;
  }

  /** The `row` of an update. Immutable columns are refused. */
  updateRow(table: string, row: object): JsonObject {
    return this.#row(table, row, "update");
  }

  /** A row to compare with in a wait; `_uuid` and `_version` may be there. */
  compareRow(table: string, row: object): JsonObject {
    return this.#row(table, row, "compare");
  }

  /** See `encodeCondition`. */
  where(table: string, where: unknown): Json[] {
    return encodeCondition(this.table(table), where);
  }

  mutation(table: string, column: string, mutator: string, value: unknown): Json {
    return encodeMutation(this.table(table), column, mutator, value);
  }

  /** Checked, distinct column names; all columns of the table if none are given. */
  columns(table: string, columns: readonly string[] | undefined): string[] {
    const schema = this.table(table);
    if (columns === undefined) return [...schema.columns.keys()];
    const names = columns.map((name) => columnOf(schema, name).name);
    if (new Set(names).size < names.length)
      throw new ValueError(table, undefined, `names a column twice: ${names.join(", ")}`);
    return names;
  }

  isRoot(table: string): boolean {
    return this.table(table).isRoot;
  }

  columnKind(table: string, column: string): ColumnKind {
    return columnKind(columnOf(this.table(table), column).type);
  }

  /** A row of a select result as plain values: just the columns that are there. */
  decodeRow(table: string, row: JsonObject): Row {
    let codec = this.#decoders.get(table);
    if (codec === undefined) {
      const schema = this.table(table);
      codec = new RowCodec(schema, ["_version", ...schema.columns.keys()], (column) => this.#policy(table, column));
      this.#decoders.set(table, codec);
    }
    const values: Record<string, unknown> = {};
    for (const [name, json] of Object.entries(row)) {
      const uuid = name === "_uuid" && Array.isArray(json) ? (json[1] as Uuid) : undefined;
      values[name] = uuid ?? codec.codec(name)?.decode(json);
    }
    return values as Row;
  }

  #row(table: string, row: object, use: "insert" | "update" | "compare"): JsonObject {
    const schema = this.table(table);
    const encoders = this.#encodersOf(schema);
    const json: Record<string, Json> = {};
    for (const [name, value] of Object.entries(row)) {
      if (name === "_uuid" && use === "insert") continue;
      const column = columnOf(schema, name);
      if (use !== "compare") checkWritable(schema, column, use);
      json[name] = (encoders.get(name) as (value: unknown) => Json)(value);
    }
    return json;
  }

  #encodersOf(table: TableSchema): Encoders {
    let encoders = this.#encoders.get(table.name);
    if (encoders === undefined) {
      const columns = ["_uuid", "_version", ...table.columns.keys()].map((name) => columnOf(table, name));
      encoders = new Map(
        columns.map((column) => [column.name, valueEncoder({ table: table.name, column: column.name }, column.type)]),
      );
      this.#encoders.set(table.name, encoders);
    }
    return encoders;
  }

  #requiredColumns(table: TableSchema): readonly string[] {
    let required = this.#required.get(table.name);
    if (required === undefined) {
      required = [...table.columns.values()].filter((column) => !defaultIsAllowed(column)).map((column) => column.name);
      this.#required.set(table.name, required);
    }
    return required;
  }
}

function checkWritable(table: TableSchema, column: ColumnSchema, use: "insert" | "update"): void {
  if (column.name === "_uuid" || column.name === "_version")
    throw new ValueError(table.name, column.name, "cannot be written; the server keeps it");
  if (use === "update" && !column.mutable)
    throw new ValueError(
      table.name,
      column.name,
      "is immutable: it is set by the insert and never changes; leave it out",
    );
}

/** The server checks the defaults of columns that an insert leaves out, and no row has the zero uuid to refer to. */
function defaultIsAllowed(column: ColumnSchema): boolean {
  const { key, value, min } = column.type;
  if (min === 0) return true;
  const allowed = (base: typeof key): boolean => base.refTable === undefined && satisfies(base, defaultAtom(base.type));
  return allowed(key) && (value === undefined || allowed(value));
}
