import { ValueError } from "../error.ts";
import type { Json, JsonObject } from "../json.ts";
import { isNamedUuid, isUuid } from "../uuid.ts";
import type { OperationEncoder as Encoder } from "../operation.ts";
import type { LaidOperation, OperationRole } from "./layout.ts";
import { recordMutations, type RowRecorder } from "./mutations.ts";
import { type RowExpectationLike, rowExpectation } from "./rows.ts";
import { InsertedRow, PendingCount, PendingRows } from "./symbols.ts";

/** How many operations one transaction may have; ovsdb-server itself has no limit but its memory. */
export const OPERATIONS_MAX = 1_000_000;

export type InsertOptions = {
  /** A uuid chosen by the caller instead of the server; servers since 2.13 take it (ovsdb-server(7) §5.2.1). */
  readonly uuid?: string;
};

/** The answer of an operation that touches rows, with `expect` to say how many it must touch. */
export class RowsTouched extends PendingCount {
  readonly #builder: TransactionBuilder;
  readonly #operation: LaidOperation;
  readonly #where: Json[];
  constructor(builder: TransactionBuilder, operation: LaidOperation, where: Json[]) {
    super(operation);
    this.#builder = builder;
    this.#operation = operation;
    this.#where = where;
  }

  /**
   * `transact` rejects with `ExpectationError` unless this many rows are touched. Where the server can hold it (at least
   * one row, or none at all), a `wait` goes with it, so that nothing is committed; an exact count or an upper bound can
   * only be read off the reply, when the transaction stands (`error.committed` says which).
   */
  expect(rows: RowExpectationLike): this {
    const expectation = rowExpectation(rows);
    this.#operation.expectation = expectation;
    const table = this.#operation.table;
    if (table !== undefined && (expectation.min >= 1 || expectation.max === 0)) {
      const until = expectation.min >= 1 ? "!=" : "==";
      this.#builder.add(
        "expect",
        "wait",
        table,
        { timeout: 0, where: this.#where, columns: ["_uuid"], until, rows: [] },
        { expectation, before: this.#operation },
      );
    }
    return this;
  }
}

/** Rows picked by a `where`; each verb is one operation. */
export class Selection {
  readonly #builder: TransactionBuilder;
  readonly #encoder: Encoder;
  readonly #table: string;
  readonly #where: Json[];
  constructor(builder: TransactionBuilder, encoder: Encoder, table: string, where: Json[]) {
    this.#builder = builder;
    this.#encoder = encoder;
    this.#table = table;
    this.#where = where;
  }

  /** Sets columns. A member that is `undefined` clears an optional column; a missing member leaves its column alone. */
  update(row: object): RowsTouched {
    const encoded = this.#encoder.updateRow(this.#table, row);
    if (Object.keys(encoded).length === 0) {
      throw new ValueError(
        this.#table,
        undefined,
        "an update without columns changes nothing; name at least one column",
      );
    }
    return this.#touch("update", { row: encoded });
  }

  /** Changes columns relative to their value on the server, whatever it is by then. */
  mutate(write: (row: RowRecorder) => unknown): RowsTouched {
    const mutations = recordMutations(this.#table, this.#encoder, write);
    if (mutations.length === 0) {
      throw new ValueError(
        this.#table,
        undefined,
        "the mutate function asked for no change; call a verb such as m.column.insert(…)",
      );
    }
    return this.#touch("mutate", { mutations });
  }

  delete(): RowsTouched {
    return this.#touch("delete", {});
  }

  select(columns?: readonly string[]): PendingRows<Record<string, unknown>> {
    const members: Record<string, Json> = { where: this.#where };
    if (columns !== undefined) members["columns"] = this.#encoder.columns(this.#table, columns);
    return new PendingRows(this.#builder.add("caller", "select", this.#table, members));
  }

  #touch(op: string, members: JsonObject): RowsTouched {
    return new RowsTouched(
      this.#builder,
      this.#builder.add("caller", op, this.#table, { where: this.#where, ...members }),
      this.#where,
    );
  }
}

/**
 * Collects the operations of one transaction (RFC 7047 §5.2) and checks each at the call. Pure: nothing is sent.
 * The typed face of it is `Transaction<Schema>`.
 */
export class TransactionBuilder {
  readonly operations: LaidOperation[] = [];
  readonly #encoder: Encoder;
  readonly #inserted: InsertedRow[] = [];
  #closed = false;
  #nextId = 0;

  constructor(encoder: Encoder) {
    this.#encoder = encoder;
  }

  insert(table: string, row: object, options: InsertOptions = {}): InsertedRow {
    const namedUuid = `row${this.#nextId}`;
    const members: Record<string, Json> = { row: this.#encoder.insertRow(table, row), "uuid-name": namedUuid };
    if (options.uuid !== undefined) {
      if (!isUuid(options.uuid))
        throw new ValueError(
          table,
          "_uuid",
          `"${options.uuid}" is not a uuid; give 36 characters such as 550e8400-e29b-41d4-a716-446655440000`,
        );
      members["uuid"] = options.uuid;
    }
    const inserted = new InsertedRow(this.add("caller", "insert", table, members), table, namedUuid);
    this.#inserted.push(inserted);
    return inserted;
  }

  /** `where` is an object of equal columns, a list of `[column, function, value]`, or `true` for every row. */
  where(table: string, where: unknown): Selection {
    return new Selection(this, this.#encoder, table, this.#encoder.where(table, where));
  }

  /** One row by its uuid; `table` is a name or a replica's table. */
  row(table: string | { readonly name: string }, uuid: unknown): Selection {
    const name = typeof table === "string" ? table : table.name;
    if (!isUuid(uuid) && !isNamedUuid(uuid))
      throw new ValueError(name, "_uuid", `${JSON.stringify(uuid)} is not a uuid`);
    return this.where(name, [["_uuid", "==", uuid]]);
  }

  select(
    table: string,
    options: { readonly where?: unknown; readonly columns?: readonly string[] } = {},
  ): PendingRows<Record<string, unknown>> {
    return this.where(table, options.where ?? true).select(options.columns);
  }

  /**
   * The transaction goes on only once the rows picked by `where` are (`==`) or are not (`!=`) these rows, compared in
   * `columns` (RFC 7047 §5.2.6). `timeout` is in milliseconds and has no default, since on the wire leaving it out means
   * for ever; 0 means now or never.
   */
  waitUntil(
    table: string,
    wait: {
      readonly where: unknown;
      readonly columns?: readonly string[];
      readonly until: "==" | "!=";
      readonly rows: readonly object[];
      readonly timeout: number;
    },
  ): void {
    if (!Number.isSafeInteger(wait.timeout) || wait.timeout < 0) {
      throw new ValueError(
        table,
        undefined,
        `the timeout of a wait is a whole number of milliseconds from 0 on, not ${wait.timeout}`,
      );
    }
    this.add("caller", "wait", table, {
      timeout: wait.timeout,
      where: this.#encoder.where(table, wait.where),
      columns: this.#encoder.columns(table, wait.columns ?? Object.keys(wait.rows[0] ?? {})),
      until: wait.until,
      rows: wait.rows.map((row) => this.#encoder.compareRow(table, row)),
    });
  }

  /** Goes into the database's log beside the transaction (RFC 7047 §5.2.9). */
  comment(text: string): void {
    this.add("caller", "comment", undefined, { comment: text });
  }

  /** Fails the transaction unless this client holds the lock (RFC 7047 §5.2.10); `transact(…, { lock })` does it for you. */
  assertLock(name: string): void {
    this.add("lock", "assert", undefined, { lock: name });
  }

  /** Makes the transaction fail on purpose (RFC 7047 §5.2.8): a dry run. */
  abort(): void {
    this.add("caller", "abort", undefined, {});
  }

  /** With `durable`, the reply comes only when the change is on disk (RFC 7047 §5.2.7); clusters always do that. */
  commit(durable: boolean): void {
    this.add("caller", "commit", undefined, { durable });
  }

  /** @internal */
  add(
    role: OperationRole,
    op: string,
    table: string | undefined,
    members: JsonObject,
    more: { readonly expectation?: LaidOperation["expectation"]; readonly before?: LaidOperation } = {},
  ): LaidOperation {
    if (this.#closed)
      throw new ValueError(
        table,
        undefined,
        "the transaction was sent already; operations belong inside the function given to transact",
      );
    if (this.operations.length >= OPERATIONS_MAX)
      throw new ValueError(table, undefined, `a transaction has at most ${OPERATIONS_MAX} operations; split it`);
    const json: JsonObject = table === undefined ? { op, ...members } : { op, table, ...members };
    const operation: LaidOperation = { id: this.#nextId++, role, op, table, json, expectation: more.expectation };
    // What is expected of an operation holds right before it: earlier ones may have made the rows.
    const position = more.before === undefined ? this.operations.length : this.operations.indexOf(more.before);
    this.operations.splice(position, 0, operation);
    return operation;
  }

  /** @internal Nothing may be added any more: what follows would be lost. */
  close(): void {
    this.#closed = true;
  }

  /** Inserted rows of non-root tables that nothing in this transaction refers to: the server would collect them at once. */
  unreferenced(): InsertedRow[] {
    const suspects = this.#inserted.filter((row) => !this.#encoder.isRoot(row.table));
    if (suspects.length === 0) return [];
    const text = JSON.stringify(
      this.operations.map(({ json }) => json),
      (_key, value: unknown) => (typeof value === "bigint" ? `${value}` : value),
    );
    const uuidOf = (row: InsertedRow): Json | undefined =>
      this.operations.find(({ id }) => id === row.operation.id)?.json["uuid"];
    return suspects.filter((row) => {
      const uuid = uuidOf(row);
      const named = text.includes(`["named-uuid","${row.namedUuid}"]`);
      return !named && (typeof uuid !== "string" || !text.includes(`["uuid","${uuid}"]`));
    });
  }
}
