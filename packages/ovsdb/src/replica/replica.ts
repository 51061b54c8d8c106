/** A replica: the tables of one monitor, fed by whoever holds the connection, read and watched by everybody. */
import { ValueError } from "../error.ts";
import { isJsonObject, type Json } from "../json.ts";
import type { Row } from "../value.ts";
import { Batch, type BatchCause, type TableChanges } from "./batch.ts";
import { BatchStream } from "./batch-stream.ts";
import { type BatchListener, Hub, type HubOptions, type Subscription } from "./hub.ts";
import { type RowFeed, SnapshotFeed, UpdateFeed } from "./row-feed.ts";
import type { MonitorVersion } from "./row-update.ts";
import type { BatchesOptions } from "./stream-options.ts";
import { TableReplica } from "./table-replica.ts";
import { type TableSpec, TableStore } from "./table-store.ts";
import { type UntilOptions, until } from "./until.ts";

/** "live": follows the server. Else: the content is what was true at that time (ms, the owner's clock). */
export type Freshness = "live" | { readonly staleSinceMs: number };

export type ReplicaOptions = HubOptions;

/** A stream of batches; see {@link Replica.batches}. */
export type BatchesOf<T = Record<string, Row>> = AsyncIterableIterator<Batch<T>> & AsyncDisposable;

/**
 * Holds no connection, clock or timer: its owner feeds it and sets its freshness. All feeding is synchronous, and
 * everything is told in the order in which it came.
 */
export class Replica {
  readonly #stores = new Map<string, TableStore>();
  readonly #tables = new Map<string, TableReplica>();
  readonly #hub: Hub;
  #feed: RowFeed | undefined;
  #version = 0;
  #lastId: string | undefined;
  /** Set by the owner. */
  freshness: Freshness = { staleSinceMs: 0 };

  constructor(tables: readonly TableSpec[], options: ReplicaOptions = {}) {
    this.#hub = new Hub(options);
    for (const spec of tables) this.#addTable(spec);
  }

  get tables(): ReadonlyMap<string, TableReplica> {
    return this.#tables;
  }

  /** @throws ValueError if the table is not replicated. */
  table(name: string): TableReplica {
    const table = this.#tables.get(name);
    if (table !== undefined) return table;
    throw new ValueError(name, undefined, `is not replicated; the replica has ${[...this.#tables.keys()].join(", ")}`);
  }

  /** Count of steps taken; 0 until the first snapshot is in. */
  get version(): number {
    return this.#version;
  }

  /** The transaction id that the content belongs to, for `monitor_cond_since`; undefined if none is known. */
  get lastId(): string | undefined {
    return this.#lastId;
  }

  /** After a condition change that was never answered, or an inconsistency, no id describes the content any more. */
  forgetLastId(): void {
    this.#lastId = undefined;
  }

  /**
   * Takes the whole content anew, row by row; see `SnapshotFeed`. The cause is "snapshot" the first time and
   * "resync" afterwards. New specs (same or further tables, after a schema conversion) hold from now on, for the rows of
   * this snapshot and all later ones; the old rows are kept until the commit. A feed that was open before is discarded.
   */
  beginSnapshot(version: MonitorVersion, specs: readonly TableSpec[] = []): SnapshotFeed {
    this.#feed?.discard();
    for (const spec of specs) if (!this.#stores.has(spec.name)) this.#addTable(spec);
    const named = new Map(specs.map((spec) => [spec.name, spec]));
    for (const store of this.#stores.values()) store.openShadow(named.get(store.spec.name));
    const feed = new SnapshotFeed(this.#version === 0 ? "snapshot" : "resync", version, this.#target());
    this.#feed = feed;
    return feed;
  }

  /** Takes a large update row by row, for one commit. A feed that was open before is discarded. */
  beginUpdate(version: MonitorVersion, cause: BatchCause = "update"): UpdateFeed {
    this.#feed?.discard();
    const feed = new UpdateFeed(cause, version, this.#target());
    this.#feed = feed;
    return feed;
  }

  /**
   * Applies one whole `<table-updates>` object: all of it, or on any error nothing.
   *
   * @throws InconsistencyError if it contradicts the content (the remedy is a new snapshot); `PROTOCOL` or
   * `INTEGER_RANGE` if it cannot be read.
   */
  applyUpdate(
    version: MonitorVersion,
    updates: Json,
    { cause = "update", lastId }: { cause?: BatchCause; lastId?: string } = {},
  ): Batch {
    const feed = this.beginUpdate(version, cause);
    feed.addAll(updates);
    return feed.commit(lastId);
  }

  /**
   * The steps of the replica, whole: what one server transaction changed comes in one batch, a reload as one difference.
   * Subscribed from the moment it is made; begins with all that is there as a "snapshot", unless `initial` is false.
   */
  batches(options: BatchesOptions = {}): BatchesOf {
    return new BatchStream(this.#stores.values(), this.#hub, this.#version, options) as unknown as BatchesOf;
  }

  /** Calls `listener` in the moment of each step, after the listeners of its tables. */
  onBatch(listener: BatchListener): Subscription {
    return this.#hub.onBatch(listener);
  }

  /** Resolves when it holds; asked now and after every step. @throws as {@link TableReplica.until}. */
  async until(predicate: () => boolean, options: UntilOptions = {}): Promise<void> {
    const look = (): true | undefined => (predicate() ? true : undefined);
    await until<true>(this.#hub, look, (settle) => this.#hub.onBatch(() => settle(look)), options);
  }

  /** A row of a select in wire form as this replica would hold it; see {@link diffAgainst}. */
  decodeRow(table: string, uuid: string, columns: Json): Row {
    const spec = this.#stores.get(table)?.spec;
    if (spec === undefined || !isJsonObject(columns))
      throw new ValueError(table, undefined, "is not a row of a replicated table");
    return spec.codec.decodeFull(uuid, columns);
  }

  /** Ends all streams (their readers still get what waits), waits and listeners. The rows stay readable. */
  close(): void {
    this.#feed?.discard();
    this.#hub.close();
  }

  #addTable(spec: TableSpec): void {
    const store = new TableStore(spec, this.#hub.report);
    this.#stores.set(spec.name, store);
    this.#tables.set(spec.name, new TableReplica(store, this.#hub));
  }

  #target(): ConstructorParameters<typeof SnapshotFeed>[2] {
    return {
      stores: this.#stores,
      publish: (cause, lists, lastId) => this.#publish(cause, lists, lastId),
      forget: (feed) => {
        if (this.#feed === feed) this.#feed = undefined;
      },
    };
  }

  #publish(cause: BatchCause, lists: readonly TableChanges[], lastId: string | undefined): Batch {
    this.#version++;
    if (lastId !== undefined) this.#lastId = lastId;
    const batch = new Batch(cause, lists, this.#version);
    for (const { table } of batch.lists) (this.#stores.get(table) as TableStore).version = this.#version;
    if (batch.size > 0 || cause === "snapshot") this.#hub.publish(batch);
    return batch;
  }
}
