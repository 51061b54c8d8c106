/** The batches of all tables. */
import { LimitError } from "../error.ts";
import { Batch, type BatchCause, TableChanges } from "./batch.ts";
import type { Hub, Subscription } from "./hub.ts";
import { PendingTable } from "./pending.ts";
import { PullStream } from "./pull-stream.ts";
import { type BatchesOptions, WAITING_CHANGES_MAX } from "./stream-options.ts";
import type { TableStore } from "./table-store.ts";

/** A merged batch has the weightiest cause of its parts. */
const WEIGHT: Record<BatchCause, number> = { update: 0, condition: 1, resync: 2, snapshot: 3 };

/** Two batches or more, merged row by row. */
class MergedBatches {
  readonly #tables = new Map<string, PendingTable>();
  #cause: BatchCause = "update";
  #version = 0;
  #steps = 0;

  add(batch: Batch): void {
    for (const { table, columns, inserted, updated, deleted } of batch.lists) {
      let pending = this.#tables.get(table);
      if (pending === undefined) {
        pending = new PendingTable(table, columns);
        this.#tables.set(table, pending);
      }
      for (const row of inserted) pending.note(undefined, row, false);
      for (const { before, row } of updated) pending.note(before, row, false);
      for (const row of deleted) pending.note(row, undefined, false);
    }
    if (WEIGHT[batch.cause] > WEIGHT[this.#cause]) this.#cause = batch.cause;
    this.#version = batch.version;
    this.#steps += batch.steps;
  }

  toBatch(): Batch {
    return new Batch(
      this.#cause,
      Array.from(this.#tables.values(), (table) => table.toChanges()),
      this.#version,
      this.#steps,
    );
  }
}

/**
 * With "coalesce" at most two batches wait: the snapshot as it is (the first content is never merged into), and one that
 * holds everything since.
 */
export class BatchStream extends PullStream<Batch> {
  readonly #hub: Hub;
  readonly #limit: number;
  readonly #coalesce: boolean;
  #waiting: (Batch | MergedBatches)[] = [];
  #waitingChanges = 0;
  #subscription: Subscription | undefined;

  constructor(stores: Iterable<TableStore>, hub: Hub, version: number, options: BatchesOptions) {
    super(hub.breathe, options.signal);
    this.#hub = hub;
    this.#coalesce = options.overflow !== "error";
    this.#limit = options.limit ?? WAITING_CHANGES_MAX;
    if (!this.isOpen) return;
    const initial = options.initial !== false;
    if (initial && version > 0) this.#waiting.push(contentOf(stores, version));
    this.#subscription = hub.onBatch((batch) => {
      if (initial || batch.cause !== "snapshot") this.#receive(batch);
    });
    hub.hold(this);
  }

  protected override take(): Batch | undefined {
    for (;;) {
      const next = this.#waiting.shift();
      if (next === undefined) return undefined;
      const batch = next instanceof Batch ? next : next.toBatch();
      // Merged changes may have cancelled each other out.
      if (next !== batch && batch.size === 0) continue;
      if (!this.#coalesce && batch.cause !== "snapshot") this.#waitingChanges -= batch.size;
      return batch;
    }
  }

  protected override release(): void {
    this.#subscription?.();
    this.#hub.drop(this);
    this.#waiting = [];
  }

  #receive(batch: Batch): void {
    const last = this.#waiting[this.#waiting.length - 1];
    if (!this.#coalesce && batch.cause !== "snapshot") this.#waitingChanges += batch.size;
    if (this.#coalesce && last !== undefined && last instanceof MergedBatches) last.add(batch);
    else if (this.#coalesce && last !== undefined && (last as Batch).cause !== "snapshot") {
      const merged = new MergedBatches();
      merged.add(last as Batch);
      merged.add(batch);
      this.#waiting[this.#waiting.length - 1] = merged;
    } else this.#waiting.push(batch);
    if (!this.#coalesce && this.#waitingChanges > this.#limit) {
      this.fail(
        new LimitError(
          "limit",
          `more than ${this.#limit} changes wait to be read; read faster, raise "limit", or let the stream coalesce`,
        ),
      );
    }
    this.wake();
  }
}

/** The whole replica as if it had just arrived. */
function contentOf(stores: Iterable<TableStore>, version: number): Batch {
  const lists = Array.from(stores, (store) => {
    const list = new TableChanges(store.spec.name, store.spec.columns);
    for (const row of store.values()) list.inserted.push(row);
    return list;
  });
  return new Batch("snapshot", lists, version);
}
