/** The content of a new file: a schema, and the rows as the one transaction that inserts them. */
import {
  type ColumnSchema,
  type ColumnCodec,
  columnCodec,
  type DatabaseSchema,
  formatSchema,
  isUuid,
  type Json,
  type JsonObject,
  OvsdbError,
  parseSchema,
  stringifyJson,
  type TableSchema,
} from "@ovnha/ovsdb/core";
import { ContentRules, type LeftOut } from "./content-rules.ts";
import { DbFileError } from "./error.ts";

/** One row. Columns that are not named have their default. */
export type FileRow = {
  readonly table: string;
  /** Kept as it is. */
  readonly uuid: string;
  /** Values in the notation of RFC 7047 §5.1, such as `["set",[1,2]]`; `_uuid` and `_version` are passed over. */
  readonly columns: JsonObject;
};

/** Rows of one table one after the other; a table whose rows come in two runs is refused. */
export type RowSource = Iterable<FileRow> | AsyncIterable<FileRow>;

export type Content = {
  /** As JSON or parsed. Which of the two makes no difference: what is written is what ovsdb-server would write. */
  readonly schema: DatabaseSchema | Json;
  readonly rows?: RowSource | undefined;
  /** Becomes the comment of the transaction. */
  readonly comment?: string | undefined;
  /** Time of the transaction, milliseconds since 1970. Without it, the time of writing. */
  readonly dateMs?: number | undefined;
  readonly check?: ContentCheck | undefined;
};

/**
 * What is held against the rows together, besides types and number. `server`, unless told: what makes ovsdb-server start
 * without any of them is refused (a strong reference to no row, two rows with one index), what it leaves out by itself is
 * counted. `strict`: the latter is refused too. `none`: neither is looked at, and nothing of a row is kept in memory; for
 * rows that are known to be consistent, such as those of one read of a database.
 */
export type ContentCheck = "server" | "strict" | "none";

/** @throws DbFileError `BAD_SCHEMA` */
export function readSchema(schema: DatabaseSchema | Json): DatabaseSchema {
  if (isParsed(schema)) return schema;
  try {
    return parseSchema(schema);
  } catch (cause) {
    if (!(cause instanceof OvsdbError)) throw cause;
    throw new DbFileError("BAD_SCHEMA", `the schema is not valid: ${cause.message}`, { cause });
  }
}

function isParsed(schema: DatabaseSchema | Json): schema is DatabaseSchema {
  return typeof schema === "object" && schema !== null && (schema as DatabaseSchema).tables instanceof Map;
}

/** A cluster writes every change to its log, so that no column of it can be ephemeral (ovsdb(7), "Clustered Database"). */
export function withoutEphemeral(schema: DatabaseSchema): DatabaseSchema {
  const tables = [...schema.tables].map(([name, table]): [string, TableSchema] => {
    const columns = [...table.columns].map(([column, of]): [string, ColumnSchema] => [
      column,
      { ...of, ephemeral: false },
    ]);
    return [name, { ...table, columns: new Map(columns) }];
  });
  return { ...schema, tables: new Map(tables) };
}

export function schemaText(schema: DatabaseSchema): string {
  return stringifyJson(formatSchema(schema));
}

/** What is known when all rows are written. */
export class RowCounts extends Map<string, number> {
  /** Of `check`; undefined where it was not asked for. */
  leftOut: LeftOut | undefined;
}

export type Annotations = { readonly comment: string | undefined; readonly dateMs: number };

/**
 * The text of the transaction that inserts all rows, in pieces. Every value is checked against the schema; columns at their
 * defaults and ephemeral columns are left out, as ovsdb-server does; no table gets more rows than its schema allows.
 *
 * @param counts is filled as rows pass.
 * @throws DbFileError `BAD_TRANSACTION` naming row and column.
 */
export async function* transactionText(
  schema: DatabaseSchema,
  rows: RowSource,
  { comment, dateMs }: Annotations,
  counts: RowCounts,
  check: ContentCheck = "server",
): AsyncGenerator<string> {
  const rules = check === "none" ? undefined : new ContentRules(schema);
  let table: TableWriter | undefined;
  let open = "{";
  // A source that is in memory is small enough for its uuids to be remembered; one that streams may not be.
  const seen = rules === undefined && Symbol.iterator in rows ? new Set<string>() : undefined;
  for await (const row of rows) {
    if (table?.name !== row.table) {
      if (table !== undefined) yield "}";
      if (counts.has(row.table))
        throw new DbFileError("ARGUMENT", `rows of table ${row.table} come in two runs; group rows by table`);
      table = new TableWriter(schema, row.table, rules);
      yield `${open}${JSON.stringify(row.table)}:{`;
      open = ",";
    }
    const written = counts.get(row.table) ?? 0;
    const text = table.text(row);
    // One uuid may stand in two tables: it is a key of its table alone.
    const key = `${row.table} ${row.uuid.toLowerCase()}`;
    if (seen?.has(key) === true)
      throw new DbFileError("BAD_TRANSACTION", `row ${row.uuid} of table ${row.table} comes twice`);
    seen?.add(key);
    if (written >= table.maxRows)
      throw new DbFileError(
        "BAD_TRANSACTION",
        `table ${row.table} may have ${table.maxRows} rows by its schema; row ${row.uuid} is one more`,
      );
    yield written === 0 ? text : `,${text}`;
    counts.set(row.table, written + 1);
  }
  if (table !== undefined) yield "}";
  counts.leftOut = rules?.finish();
  const [example] = counts.leftOut?.examples ?? [];
  if (check === "strict" && example !== undefined)
    throw new DbFileError("BAD_TRANSACTION", `${example}; ovsdb-server would leave that out`);
  const end = { ...(comment === undefined || comment === "" ? {} : { _comment: comment }), _date: dateMs };
  yield `${open}${JSON.stringify(end).slice(1)}`;
}

class TableWriter {
  readonly name: string;
  readonly maxRows: number;
  readonly #codecs: ReadonlyMap<string, ColumnCodec>;
  readonly #rules: ContentRules | undefined;
  /** Of the row at hand, columns that it names. */
  readonly #values = new Map<string, unknown>();

  constructor(schema: DatabaseSchema, name: string, rules: ContentRules | undefined) {
    this.#rules = rules;
    const table = schema.tables.get(name);
    if (table === undefined) throw new DbFileError("BAD_TRANSACTION", `${schema.name} has no table ${name}`);
    this.name = name;
    this.maxRows = table.maxRows ?? Number.POSITIVE_INFINITY;
    const codecs = [...table.columns.values()].map(
      (column) => [column.name, columnCodec(name, column, "auto")] as const,
    );
    this.#codecs = new Map(codecs);
  }

  /** `"uuid":{…}` */
  text(row: FileRow): string {
    if (!isUuid(row.uuid))
      throw new DbFileError("BAD_TRANSACTION", `table ${this.name}: ${JSON.stringify(row.uuid)} is no UUID`);
    let columns = "";
    this.#values.clear();
    for (const [name, value] of Object.entries(row.columns)) {
      if (name === "_uuid" || name === "_version") continue;
      const codec = this.#codecs.get(name);
      if (codec === undefined) throw this.#error(row, name, "is not a column of the table");
      if (codec.column.ephemeral || this.#isDefault(codec, row, value)) continue;
      columns += `${columns === "" ? "" : ","}${JSON.stringify(name)}:${stringifyJson(value)}`;
    }
    const uuid = row.uuid.toLowerCase();
    this.#rules?.take(this.name, uuid, (column) =>
      this.#values.has(column) ? this.#values.get(column) : this.#codecs.get(column)?.defaultValue,
    );
    return `"${uuid}":{${columns}}`;
  }

  #isDefault(codec: ColumnCodec, row: FileRow, value: Json): boolean {
    try {
      const decoded = codec.decode(value);
      if (this.#rules !== undefined) this.#values.set(codec.column.name, decoded);
      return codec.equal(decoded, codec.defaultValue);
    } catch (cause) {
      if (!(cause instanceof OvsdbError)) throw cause;
      throw this.#error(row, codec.column.name, cause.message, cause);
    }
  }

  #error(row: FileRow, column: string, what: string, cause?: unknown): DbFileError {
    return new DbFileError("BAD_TRANSACTION", `row ${row.uuid} of table ${this.name}, column ${column}: ${what}`, {
      cause,
    });
  }
}
