/** One row's change, as it is told to watchers. */
import type { Uuid } from "../uuid.ts";
import type { Row } from "../value.ts";
import { changedFrom } from "./same-value.ts";

/** "initial": the row was there when the replica, or this watch of it, began. */
export type ChangeKind = "initial" | "insert" | "update" | "delete";

/** The row is new. */
export type InsertChange<R = Row> = {
  readonly kind: "initial" | "insert";
  readonly table: string;
  readonly uuid: Uuid;
  readonly row: R;
  readonly old: undefined;
};

/** The row changed: `row` is the new one, `old` has the earlier values of the columns that differ, and only those. */
export type UpdateChange<R = Row> = {
  readonly kind: "update";
  readonly table: string;
  readonly uuid: Uuid;
  readonly row: R;
  readonly old: Partial<R>;
};

/** The row is gone: `row` is how it was last. */
export type DeleteChange<R = Row> = {
  readonly kind: "delete";
  readonly table: string;
  readonly uuid: Uuid;
  readonly row: R;
  readonly old: undefined;
};

/** Rows are immutable: what a change holds stays as it was, however late it is read. */
export type Change<R = Row> = InsertChange<R> | UpdateChange<R> | DeleteChange<R>;

/** All kinds of {@link Change} in one class; `old` is worked out when it is asked for, as most readers never do. */
export class RowChange {
  readonly kind: ChangeKind;
  readonly table: string;
  readonly row: Row;
  /** The row before; undefined unless this is an update. */
  readonly before: Row | undefined;
  readonly #columns: readonly string[];
  #old: Partial<Row> | undefined;

  constructor(kind: ChangeKind, table: string, row: Row, before: Row | undefined, columns: readonly string[]) {
    this.kind = kind;
    this.table = table;
    this.row = row;
    this.before = before;
    this.#columns = columns;
  }

  get uuid(): Uuid {
    return this.row._uuid;
  }

  get old(): Partial<Row> | undefined {
    if (this.before !== undefined) this.#old ??= changedFrom(this.before, this.row, this.#columns);
    return this.#old;
  }
}
