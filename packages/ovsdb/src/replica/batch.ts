/** What one whole server update, or one snapshot, changed. */
import type { Row } from "../value.ts";
import { type Change, RowChange, type UpdateChange } from "./change.ts";

/**
 * - "snapshot": the first content of the replica.
 * - "update": a transaction on the server.
 * - "condition": rows that came or went because the replica's own conditions changed.
 * - "resync": everything missed while away, or a reload; always the difference to what was known, never delete all and
 *   insert all.
 */
export type BatchCause = "snapshot" | "update" | "condition" | "resync";

/** Changes of one table. A row is in at most one of the lists. */
export type TableBatch<R = Row> = {
  readonly inserted: readonly R[];
  /** `row` is the new row, `old` the earlier values of the columns that changed. */
  readonly updated: readonly UpdateChange<R>[];
  /** The rows as they were last. */
  readonly deleted: readonly R[];
};

/** A table's changes as the replica collects them. */
export class TableChanges {
  readonly table: string;
  readonly columns: readonly string[];
  readonly inserted: Row[] = [];
  readonly updated: RowChange[] = [];
  readonly deleted: Row[] = [];

  constructor(table: string, columns: readonly string[]) {
    this.table = table;
    this.columns = columns;
  }

  get count(): number {
    return this.inserted.length + this.updated.length + this.deleted.length;
  }

  /** Files one row by what it was and what it is; at least one of the two is there. */
  note(before: Row | undefined, after: Row | undefined): void {
    if (before === undefined) this.inserted.push(after as Row);
    else if (after === undefined) this.deleted.push(before);
    else this.updated.push(new RowChange("update", this.table, after, before, this.columns));
  }
}

/**
 * One step of the replica. Its lists are kept as they were, so a batch can be read at any later time. `T` maps the names
 * of the tables to their row types.
 */
export class Batch<T = Record<string, Row>> {
  readonly cause: BatchCause;
  /** Only tables in which something changed. */
  readonly tables: { readonly [N in keyof T]?: TableBatch<T[N]> };
  /** The replica's `version` that this step made. */
  readonly version: number;
  /** How many steps this batch stands for; more than 1 if a slow reader had them coalesced. */
  readonly steps: number;
  readonly #lists: readonly TableChanges[];

  constructor(cause: BatchCause, lists: readonly TableChanges[], version: number, steps = 1) {
    this.cause = cause;
    this.version = version;
    this.steps = steps;
    this.#lists = lists.filter((list) => list.count > 0);
    const tables: Record<string, TableChanges> = Object.create(null);
    for (const list of this.#lists) tables[list.table] = list;
    this.tables = tables as unknown as Batch<T>["tables"];
  }

  /** Count of changes in all tables. */
  get size(): number {
    return this.#lists.reduce((sum, list) => sum + list.count, 0);
  }

  /** For the streams: the lists behind `tables`. */
  get lists(): readonly TableChanges[] {
    return this.#lists;
  }

  /** All changes, table by table: inserted, updated, deleted. Made while you read; a snapshot's rows are "initial". */
  get changes(): Iterable<Change<T[keyof T]>> {
    return { [Symbol.iterator]: () => changesOf(this.cause, this.#lists) as Iterator<Change<T[keyof T]>> };
  }
}

function* changesOf(cause: BatchCause, lists: readonly TableChanges[]): Generator<RowChange> {
  for (const list of lists) yield* changesOfTable(cause, list);
}

export function* changesOfTable(cause: BatchCause, list: TableChanges): Generator<RowChange> {
  const kind = cause === "snapshot" ? "initial" : "insert";
  for (const row of list.inserted) yield new RowChange(kind, list.table, row, undefined, list.columns);
  yield* list.updated;
  for (const row of list.deleted) yield new RowChange("delete", list.table, row, undefined, list.columns);
}
