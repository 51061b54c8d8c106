/** The rows of one table, as JSON until somebody asks for one. */
import {
  type AnyRow,
  type Json,
  type JsonObject,
  OvsdbError,
  RowCodec,
  stringifyJson,
  type TableSchema,
} from "@ovnha/ovsdb/core";
import { DbFileError } from "../error.ts";
import { isObject } from "../members.ts";
import { decodeText, parseRow } from "../scan/text.ts";
import { RowMap } from "./row-map.ts";
import { uuidText } from "./uuid-bytes.ts";

const ENCODER = new TextEncoder();

export class TableRows {
  readonly schema: TableSchema;
  readonly codec: RowCodec;
  readonly #rows = new RowMap();
  /** Rows that this transaction has deleted. */
  readonly #deleted = new Set<string>();

  constructor(schema: TableSchema) {
    this.schema = schema;
    this.codec = new RowCodec(schema, [...schema.columns.keys()], () => "auto");
  }

  get name(): string {
    return this.schema.name;
  }

  get size(): number {
    return this.#rows.size;
  }

  /** Of the rows' JSON. */
  get bytes(): number {
    return this.#rows.bytes;
  }

  has(uuid: string): boolean {
    return this.#rows.getText(uuid) !== undefined;
  }

  /** The row with every column decoded, integers by the policy `auto`. @throws DbFileError `BAD_TRANSACTION` */
  get(uuid: string): AnyRow | undefined {
    const bytes = this.#rows.getText(uuid);
    return bytes === undefined ? undefined : this.#decode(uuid, bytes);
  }

  /** The row's columns in the notation of RFC 7047 §5.1; columns that are not there have their default. */
  json(uuid: string): JsonObject | undefined {
    const bytes = this.#rows.getText(uuid);
    return bytes === undefined ? undefined : this.#parse(uuid, bytes);
  }

  /** The same as bytes of UTF-8 that must not be changed; good until the next change of the table. */
  bytesOf(uuid: string): Uint8Array | undefined {
    return this.#rows.getText(uuid);
  }

  /** In the order in which rows were first written, lower-case. */
  uuids(): IterableIterator<string> {
    return this.#rows.keys();
  }

  /** Row uuid and the bytes of its JSON, for whoever copies rows or compares them. */
  entries(): IterableIterator<readonly [string, Uint8Array]> {
    return this.#rows.entries();
  }

  *[Symbol.iterator](): Generator<AnyRow> {
    for (const [uuid, bytes] of this.#rows.entries()) yield this.#decode(uuid, bytes);
  }

  /** Begins a transaction, which names each row once. */
  begin(): void {
    this.#rows.nextTurn();
    this.#deleted.clear();
  }

  /** Applies one member of a `<table-txn>` (ovsdb(5)). @throws DbFileError `BAD_TRANSACTION` */
  apply(uuid: Uint32Array, row: Uint8Array, isDiff: boolean): void {
    const old = this.#rows.get(uuid);
    if (row.length === 4 && decodeText(row) === "null") {
      const text = wordsText(uuid);
      if (this.#rows.isSetNow(uuid) || this.#deleted.has(text)) throw this.#error(text, TWICE);
      if (!this.#rows.delete(uuid)) throw this.#error(text, "is deleted, but is not there");
      this.#deleted.add(text);
      return;
    }
    if (row[0] !== OPEN_BRACE) throw this.#error(wordsText(uuid), "is neither an object nor null");
    const bytes = old === undefined ? row : ENCODER.encode(this.#changed(wordsText(uuid), old, row, isDiff));
    const isFirst = this.#rows.set(uuid, bytes);
    if (!isFirst || (this.#deleted.size > 0 && this.#deleted.has(wordsText(uuid))))
      throw this.#error(wordsText(uuid), TWICE);
  }

  /** Puts a row of columns in the notation of RFC 7047 §5.1. */
  put(uuid: Uint32Array, columns: JsonObject): void {
    this.#rows.set(uuid, ENCODER.encode(stringifyJson(columns)));
  }

  #changed(uuid: string, old: Uint8Array, change: Uint8Array, isDiff: boolean): string {
    const columns = this.#parse(uuid, old);
    return stringifyJson({ ...columns, ...this.newValues(uuid, columns, this.#parse(uuid, change), isDiff) });
  }

  /** The new values of the columns that a change names. */
  newValues(uuid: string, old: JsonObject, change: Json, isDiff: boolean): JsonObject {
    if (!isObject(change)) throw this.#error(uuid, "is neither an object nor null");
    if (!isDiff) return change;
    const values: Record<string, Json> = {};
    for (const [name, diff] of Object.entries(change)) {
      const codec = this.codec.codec(name);
      if (codec === undefined) throw this.#error(uuid, `has no column ${JSON.stringify(name)}`);
      try {
        const before = old[name] === undefined ? codec.defaultValue : codec.decode(old[name] as Json);
        values[name] = codec.encode(codec.applyDiff(before, diff));
      } catch (cause) {
        if (!(cause instanceof OvsdbError)) throw cause;
        throw this.#error(uuid, `column ${name}: ${cause.message}`, cause);
      }
    }
    return values;
  }

  #decode(uuid: string, bytes: Uint8Array): AnyRow {
    return this.decode(uuid, this.#parse(uuid, bytes));
  }

  #parse(uuid: string, bytes: Uint8Array): JsonObject {
    try {
      return parseRow(bytes) as JsonObject;
    } catch (cause) {
      if (!(cause instanceof DbFileError)) throw cause;
      throw this.#error(uuid, cause.message, cause);
    }
  }

  /** @throws DbFileError `BAD_TRANSACTION` for a column that the table does not have, or a value out of its type. */
  decode(uuid: string, json: JsonObject): AnyRow {
    for (const name in json)
      if (!this.schema.columns.has(name)) throw this.#error(uuid, `has no column ${JSON.stringify(name)}`);
    try {
      return this.codec.decodeFull(uuid, json);
    } catch (cause) {
      if (!(cause instanceof OvsdbError)) throw cause;
      throw this.#error(uuid, cause.message, cause);
    }
  }

  #error(uuid: string, what: string, cause?: unknown): DbFileError {
    return new DbFileError("BAD_TRANSACTION", `row ${uuid} of table ${this.name} ${what}`, { cause });
  }
}

const OPEN_BRACE = 0x7b;
/** Of two members with one name, ovsdb-server takes the last one, but never writes them. */
const TWICE = "is named twice in one transaction, which no ovsdb-server writes";

function wordsText(uuid: Uint32Array): string {
  return uuidText(uuid[0] as number, uuid[1] as number, uuid[2] as number, uuid[3] as number);
}
