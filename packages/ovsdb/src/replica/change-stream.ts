/** The changes of one table, row by row. */
import { LimitError } from "../error.ts";
import type { Row } from "../value.ts";
import type { Batch, TableChanges } from "./batch.ts";
import { RowChange } from "./change.ts";
import type { Hub, Subscription } from "./hub.ts";
import { PendingTable } from "./pending.ts";
import { PullStream } from "./pull-stream.ts";
import { sameColumns } from "./same-value.ts";
import { type ChangesOptions, WAITING_CHANGES_MAX } from "./stream-options.ts";
import type { TableStore } from "./table-store.ts";

/**
 * First the rows that were there when the stream was made (or, before the first snapshot, that snapshot's), from a list
 * of references taken at that moment; then what changed since. The rest is {@link PendingTable} or a plain queue.
 */
export class ChangeStream extends PullStream<RowChange> {
  readonly #hub: Hub;
  readonly #table: string;
  readonly #columns: readonly string[];
  readonly #where: ((row: Row) => boolean) | undefined;
  readonly #limit: number;
  readonly #pending: PendingTable;
  /** Only for overflow "error"; read from `#head` on. */
  #queue: RowChange[] | undefined;
  #head = 0;
  #initial: Iterator<Row> | undefined;
  #subscription: Subscription | undefined;

  constructor(store: TableStore, hub: Hub, options: ChangesOptions) {
    super(hub.breathe, options.signal);
    this.#hub = hub;
    this.#table = store.spec.name;
    this.#columns = options.columns ?? store.spec.columns;
    this.#where = options.where;
    this.#limit = options.limit ?? WAITING_CHANGES_MAX;
    this.#pending = new PendingTable(this.#table, this.#columns);
    if (options.overflow === "error") this.#queue = [];
    if (!this.isOpen) return;
    if (options.initial !== false) this.#initial = [...store.values()].values();
    this.#subscription = hub.onTable(this.#table, (changes, batch) =>
      this.#receive(changes, batch, options.initial !== false),
    );
    hub.hold(this);
  }

  protected override take(): RowChange | undefined {
    while (this.#initial !== undefined) {
      const { value: row, done } = this.#initial.next();
      if (done === true) this.#initial = undefined;
      else if (this.#where === undefined || this.#where(row))
        return new RowChange("initial", this.#table, row, undefined, this.#columns);
    }
    if (this.#queue === undefined) return this.#pending.take();
    const change = this.#queue[this.#head];
    this.#head++;
    if (this.#head < this.#queue.length) return change;
    this.#queue = [];
    this.#head = 0;
    return change;
  }

  protected override release(): void {
    this.#subscription?.();
    this.#hub.drop(this);
    this.#initial = undefined;
    this.#pending.clear();
    if (this.#queue !== undefined) this.#queue = [];
  }

  #receive(changes: TableChanges, { cause }: Batch, initial: boolean): void {
    if (!this.isOpen) return;
    const first = cause === "snapshot";
    if (first && !initial) return;
    try {
      if (first && this.#initial === undefined && this.#waiting === 0) this.#initial = changes.inserted.values();
      else for (const row of changes.inserted) this.#note(undefined, row, first);
      for (const { before, row } of changes.updated) this.#note(before, row, false);
      for (const row of changes.deleted) this.#note(row, undefined, false);
    } catch (error) {
      this.fail(error);
    }
    this.wake();
  }

  get #waiting(): number {
    return this.#queue === undefined ? this.#pending.size : this.#queue.length - this.#head;
  }

  #note(oldRow: Row | undefined, newRow: Row | undefined, initial: boolean): void {
    const where = this.#where;
    const before = oldRow !== undefined && (where === undefined || where(oldRow)) ? oldRow : undefined;
    const after = newRow !== undefined && (where === undefined || where(newRow)) ? newRow : undefined;
    if (before === undefined && after === undefined) return;
    if (before !== undefined && after !== undefined && sameColumns(before, after, this.#columns)) return;
    if (this.#queue === undefined) {
      this.#pending.note(before, after, initial);
      return;
    }
    const kind = after === undefined ? "delete" : before !== undefined ? "update" : initial ? "initial" : "insert";
    this.#queue.push(
      new RowChange(kind, this.#table, (after ?? before) as Row, kind === "update" ? before : undefined, this.#columns),
    );
    if (this.#waiting > this.#limit) {
      throw new LimitError(
        "limit",
        `${this.#table}: more than ${this.#limit} changes wait to be read; read faster, raise "limit", or let the stream coalesce`,
      );
    }
  }
}
