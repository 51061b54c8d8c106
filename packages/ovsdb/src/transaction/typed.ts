/** The transaction builder with the types of a schema. No code: {@link TransactionBuilder} does the work. */
import type { AnySchema } from "../define-schema.ts";
import type { ColumnName, InsertOf, MutatorsOf, RowOf, TableName, UpdateOf, WhereOf } from "../row-types.ts";
import type { NamedUuid, Uuid } from "../uuid.ts";
import type { InsertOptions } from "./builder.ts";
import type { RowExpectationLike } from "./rows.ts";
import type { InsertedRow, PendingCount, PendingRows } from "./symbols.ts";

/** A row that this transaction inserts: stands for its uuid inside, and becomes it in the answer. */
export type NewRow<T extends string> = InsertedRow<T> & NamedUuid<T>;

/** See `RowsTouched`. */
export interface Touched extends PendingCount {
  /** Rejects with `ExpectationError` unless so many rows are touched; `{ min: 1 }` and `0` are held by the server itself. */
  expect(rows: RowExpectationLike): this;
}

/** Rows picked by a condition; each verb is one operation of RFC 7047 §5.2. */
export interface RowsOf<S extends AnySchema, T extends TableName<S>> {
  /** A member that is `undefined` clears an optional column; a missing one leaves its column alone. */
  update(row: UpdateOf<S, T>): Touched;
  mutate(write: (row: MutatorsOf<S, T>) => unknown): Touched;
  delete(): Touched;
  select<C extends ColumnName<S, T> = ColumnName<S, T>>(columns?: readonly C[]): PendingRows<RowOf<S, T, C>>;
}

/** What the function given to `transact` works with (RFC 7047 §5.2). Every call is checked when it is made. */
export interface Transaction<S extends AnySchema = AnySchema> {
  insert<T extends TableName<S>>(table: T, row: InsertOf<S, T>, options?: InsertOptions): NewRow<T>;
  /** `true` is every row; an object is columns that must all be equal; a list is clauses that must all hold. */
  where<T extends TableName<S>>(table: T, where: WhereOf<S, T>): RowsOf<S, T>;
  /** One row by its uuid. */
  row<T extends TableName<S>>(table: T, uuid: Uuid<T> | NamedUuid<T>): RowsOf<S, T>;
  row(table: { readonly name: string }, uuid: Uuid | NamedUuid): RowsOf<AnySchema, string>;
  select<T extends TableName<S>, C extends ColumnName<S, T> = ColumnName<S, T>>(
    table: T,
    options?: { readonly where?: WhereOf<S, T>; readonly columns?: readonly C[] },
  ): PendingRows<RowOf<S, T, C>>;
  /** `timeout` in milliseconds must be given, since leaving it out means for ever; 0 means now or never (RFC 7047 §5.2.6). */
  waitUntil<T extends TableName<S>>(
    table: T,
    wait: {
      readonly where: WhereOf<S, T>;
      readonly columns?: readonly (ColumnName<S, T> | "_uuid" | "_version")[];
      readonly until: "==" | "!=";
      readonly rows: readonly Partial<RowOf<S, T>>[];
      readonly timeout: number;
    },
  ): void;
  comment(text: string): void;
  assertLock(name: string): void;
  abort(): void;
  commit(durable: boolean): void;
}

/** A transaction that reads from a replica, and is run again if what it read has changed. See `Database.edit`. */
export interface Edit<S extends AnySchema = AnySchema> extends Transaction<S> {
  read<R extends object>(
    table: { readonly name: string; get(uuid: never): R | undefined },
    uuid: string,
  ): R | undefined;
  /** Sets columns of a row that was read; what is as it was is not sent. `undefined` if nothing differs. */
  update<R extends object>(row: R, patch: { readonly [C in Exclude<keyof R, "_uuid">]?: unknown }): Touched | undefined;
  delete(row: object): Touched;
}
