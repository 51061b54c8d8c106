/** Who changed this row, when, and to what: every change of one row that a file still holds. */
import type { AnyRow, JsonObject, Value } from "@ovnha/ovsdb/core";
import { readSchema } from "./content.ts";
import { DbFileError } from "./error.ts";
import type { RecordPlace } from "./record.ts";
import type { RecordReader } from "./record-reader.ts";
import { refuseJoining, type Reread, type Step, steps } from "./replay.ts";
import { convertRow } from "./rows/database-content.ts";
import { scanRows } from "./rows/row-scanner.ts";
import { TableRows } from "./rows/table-rows.ts";
import { readUuidText } from "./rows/uuid-bytes.ts";
import { parseBytes, parseRow } from "./scan/text.ts";
import type { Survey } from "./survey.ts";

export type RowPlace = { readonly table: string; readonly uuid: string };

/** A column before and after; `undefined` also stands for an empty optional. */
export type ColumnChange = { readonly before: Value; readonly after: Value };

export type RowChange = {
  /**
   * `snapshot`: the row was in the snapshot already, so that this is how it was at `dateMs`, not who made it; `convert`: a
   * change of the schema changed it.
   */
  readonly kind: "snapshot" | "insert" | "modify" | "delete" | "convert";
  readonly place: RecordPlace;
  /** Of the entry; in a standalone file, the number of the transaction, counted from 1. */
  readonly index: number;
  readonly term: number | undefined;
  /** The transaction's id, as monitors report it. */
  readonly eid: string | undefined;
  /** Milliseconds since 1970. */
  readonly dateMs: number | undefined;
  /** What the client said: `ovn-nbctl: run lsp-set-addresses …` for example. */
  readonly comment: string | undefined;
  /** False if the file does not say that the change was committed. */
  readonly isCommitted: boolean;
  /** What changed; all columns with another value than their default for a row that comes or goes. */
  readonly columns: { readonly [column: string]: ColumnChange };
};

/**
 * The changes of one row, oldest first. Overwritten entries do not count.
 *
 * @throws DbFileError `ARGUMENT` for what is no UUID, `NOT_FOUND` if the table never was in the schema, `JOINING`.
 */
export function* history(survey: Survey, reread: Reread, place: RowPlace): Generator<RowChange | undefined, void> {
  refuseJoining(survey);
  const follower = new RowFollower(place);
  for (const item of steps(survey, reread)) {
    if (item === undefined) yield undefined;
    else
      yield* follower.take(
        item.step,
        item.reader,
        survey.format === "clustered" && item.step.index === survey.logStart - 1,
      );
  }
  follower.finish();
}

class RowFollower {
  readonly #place: RowPlace;
  readonly #uuid = new Uint32Array(4);
  /** The table by the schema of the moment; undefined while the schema has none of the name. */
  #table: TableRows | undefined;
  #tables: readonly string[] = [];
  #wasThere = false;
  #row: JsonObject | undefined;

  constructor(place: RowPlace) {
    this.#place = { ...place, uuid: place.uuid.toLowerCase() };
    if (!readUuidText(place.uuid, this.#uuid))
      throw new DbFileError("ARGUMENT", `${JSON.stringify(place.uuid)} is no UUID of a row`);
  }

  *take(step: Step, reader: RecordReader, isSnapshot: boolean): Generator<RowChange | undefined, void> {
    if (step.schema !== undefined) yield* this.#takeSchema(step, reader, isSnapshot);
    else {
      const change = yield* this.#find(step, reader);
      if (change === undefined || this.#table === undefined) return;
      const before = this.#row;
      this.#row = this.#apply(before, change, step);
      const kind = this.#row === undefined ? "delete" : before === undefined ? "insert" : "modify";
      yield this.#report(kind, step, before, this.#table);
    }
  }

  /** A schema resets the database; the transaction beside it, if there is one, is the whole content. */
  *#takeSchema(step: Step, reader: RecordReader, isSnapshot: boolean): Generator<RowChange | undefined, void> {
    const [before, source] = [this.#row, this.#table];
    const isFirst = this.#tables.length === 0;
    this.#setSchema(step, reader);
    const table = this.#table;
    const isBare = !isFirst && step.transaction === undefined;
    if (isBare) {
      const isKept = before !== undefined && source !== undefined && table !== undefined;
      this.#row = isKept ? convertRow(this.#place.uuid, before, source, table) : undefined;
    } else {
      const found = yield* this.#find(step, reader);
      this.#row = found === undefined || table === undefined ? undefined : this.#apply(undefined, found, step);
    }
    if (isFirst) {
      if (this.#row !== undefined && table !== undefined)
        yield this.#report(isSnapshot ? "snapshot" : "insert", step, undefined, table);
      return;
    }
    if (before === undefined && this.#row === undefined) return;
    const report = this.#report("convert", step, before, table ?? (source as TableRows), source);
    if (Object.keys(report.columns).length > 0) yield report;
  }

  finish(): void {
    if (this.#wasThere) return;
    const { table } = this.#place;
    throw new DbFileError(
      "NOT_FOUND",
      `the schema has no table ${JSON.stringify(table)}; it has ${this.#tables.join(", ")}`,
    );
  }

  #setSchema(step: Step, reader: RecordReader): void {
    const schema = readSchema(parseBytes(reader.window.view(step.schema as { start: number; end: number })));
    this.#tables = [...schema.tables.keys()];
    const table = schema.tables.get(this.#place.table);
    this.#table = table === undefined ? undefined : new TableRows(table);
    this.#wasThere ||= table !== undefined;
  }

  /** The bytes of the row in a transaction, if it is in there. */
  *#find(step: Step, reader: RecordReader): Generator<undefined, Uint8Array | undefined> {
    let found: Uint8Array | undefined;
    const uuid = this.#uuid;
    for (const { name, span } of step.transaction?.tables ?? []) {
      if (name !== this.#place.table) continue;
      yield* scanRows(reader.window, name, span, (words, row) => {
        if (words[0] === uuid[0] && words[1] === uuid[1] && words[2] === uuid[2] && words[3] === uuid[3])
          found = Uint8Array.from(row);
      });
    }
    return found;
  }

  #apply(before: JsonObject | undefined, bytes: Uint8Array, step: Step): JsonObject | undefined {
    const change = parseRow(bytes);
    if (change === null) return undefined;
    const isDiff = before !== undefined && step.transaction?.isDiff === true;
    const table = this.#table as TableRows;
    return { ...before, ...table.newValues(this.#place.uuid, before ?? {}, change, isDiff) };
  }

  #report(
    kind: RowChange["kind"],
    step: Step,
    before: JsonObject | undefined,
    table: TableRows,
    source: TableRows = table,
  ): RowChange {
    const { place, index, term, eid, transaction, isCommitted } = step;
    const { uuid } = this.#place;
    const old = before === undefined ? undefined : source.decode(uuid, before);
    const row = this.#row === undefined ? undefined : table.decode(uuid, this.#row);
    const columns = changedColumns(table, source, old, row);
    const { dateMs, comment } = transaction ?? {};
    return { kind, place, index, term, eid, dateMs, comment, isCommitted, columns };
  }
}

function changedColumns(
  table: TableRows,
  source: TableRows,
  before: AnyRow | undefined,
  after: AnyRow | undefined,
): Record<string, ColumnChange> {
  const columns: Record<string, ColumnChange> = {};
  for (const name of new Set([...source.codec.columns, ...table.codec.columns])) {
    const codec = table.codec.codec(name) ?? source.codec.codec(name);
    if (codec === undefined) continue;
    const old = before?.[name] ?? defaultOf(source, table, name);
    const now = after?.[name] ?? defaultOf(table, source, name);
    if (!sameValue(codec, old, now)) columns[name] = { before: before?.[name], after: after?.[name] };
  }
  return columns;
}

/** A column that comes or goes with the schema is taken as if it had its default on the other side. */
function defaultOf(table: TableRows, other: TableRows, name: string): Value {
  return (table.codec.codec(name) ?? other.codec.codec(name))?.defaultValue;
}

/** Values of one type are compared by it; a column of another type has changed. */
function sameValue(codec: { equal(a: Value, b: Value): boolean }, a: Value, b: Value): boolean {
  const kindOf = (value: Value): string =>
    value instanceof Set ? "set" : value instanceof Map ? "map" : value === undefined ? "none" : typeof value;
  return kindOf(a) === kindOf(b) && codec.equal(a, b);
}
