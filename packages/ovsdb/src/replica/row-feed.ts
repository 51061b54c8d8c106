/** Ways to bring rows into a replica: a whole snapshot, or an update of what is there. Row by row in, one step out. */
import { ClosedError, OvsdbError } from "../error.ts";
import type { Json } from "../json.ts";
import type { Uuid } from "../uuid.ts";
import type { Row } from "../value.ts";
import { type Batch, type BatchCause, TableChanges } from "./batch.ts";
import { InconsistencyError } from "./inconsistency.ts";
import { type MonitorVersion, readRowUpdate, rowsOfTables, type WireRowUpdate } from "./row-update.ts";
import { sameColumns, sameValue } from "./same-value.ts";
import type { RowStep, TableStore } from "./table-store.ts";

/** What a feed needs from its replica. */
export type FeedTarget = {
  readonly stores: ReadonlyMap<string, TableStore>;
  /** Tells everybody; called once, when the replica has changed whole. */
  readonly publish: (cause: BatchCause, lists: readonly TableChanges[], lastId: string | undefined) => Batch;
  /** Forgets the feed, which is done with. */
  readonly forget: (feed: RowFeed) => void;
};

/** Rows on their way into a replica. Until `commit` nobody sees anything of them. */
export abstract class RowFeed {
  readonly cause: BatchCause;
  protected readonly version: MonitorVersion;
  protected readonly target: FeedTarget;
  #isOpen = true;

  constructor(cause: BatchCause, version: MonitorVersion, target: FeedTarget) {
    this.cause = cause;
    this.version = version;
    this.target = target;
  }

  /** False once it was committed, discarded, or ended by an error in `add` or by another feed. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /**
   * Takes one row update in the wire form of the monitor version. An error discards the feed.
   *
   * @throws InconsistencyError if it contradicts the replica; `PROTOCOL` or `INTEGER_RANGE` if it cannot be read;
   * `CLOSED` if the feed is not open.
   */
  add(table: string, uuid: string, update: Json): void {
    this.#mustBeOpen();
    try {
      const store = this.target.stores.get(table);
      if (store === undefined) throw new InconsistencyError("unknown-table", table, uuid);
      this.take(store, uuid, readRowUpdate(this.version, table, update));
    } catch (error) {
      this.discard();
      throw error;
    }
  }

  /** Takes a whole `<table-updates>` object; see {@link RowFeed.add}. */
  addAll(updates: Json): void {
    try {
      for (const [table, uuid, update] of rowsOfTables(updates)) this.add(table, uuid, update);
    } catch (error) {
      this.discard();
      throw error;
    }
  }

  /** Changes the replica in one step and tells its watchers. `lastId`: the transaction id that came with these rows. */
  commit(lastId?: string): Batch {
    this.#mustBeOpen();
    const lists = this.apply();
    this.#close();
    return this.target.publish(this.cause, lists, lastId);
  }

  /** Throws the rows away; the replica stays as it is. Nothing happens if the feed is not open. */
  discard(): void {
    if (!this.#isOpen) return;
    this.#close();
    this.drop();
  }

  #close(): void {
    this.#isOpen = false;
    this.target.forget(this);
  }

  #mustBeOpen(): void {
    if (!this.#isOpen) throw new ClosedError("these rows were committed or discarded before");
  }

  protected abstract take(store: TableStore, uuid: Uuid, update: WireRowUpdate): void;
  protected abstract apply(): TableChanges[];
  protected abstract drop(): void;
}

/**
 * The whole content of the replica anew. The difference to the old content is worked out as the rows arrive: equal rows
 * keep their objects, and commit swaps tables and indexes in time that does not depend on the count of rows, save one
 * scan of the old rows if some are gone; {@link SnapshotFeed.settle} does that scan in slices beforehand.
 */
export class SnapshotFeed extends RowFeed {
  protected override take(store: TableStore, uuid: Uuid, update: WireRowUpdate): void {
    if (update.kind !== "insert")
      throw new OvsdbError("PROTOCOL", `${store.spec.name}: a snapshot must not have "${update.kind}" rows`, {
        origin: "remote",
      });
    if (!store.addToShadow(store.spec.codec.decodeFull(uuid, update.columns)))
      throw new InconsistencyError("row-twice", store.spec.name, uuid);
  }

  /** After the last row, before commit: looks at so many old rows at most. True when there is nothing left to look at. */
  settle(rowsMax: number): boolean {
    if (!this.isOpen) return true;
    for (const store of this.target.stores.values()) if (!store.settleShadow(rowsMax)) return false;
    return true;
  }

  protected override apply(): TableChanges[] {
    this.settle(Number.POSITIVE_INFINITY);
    return Array.from(this.target.stores.values(), (store) => store.swapShadow());
  }

  protected override drop(): void {
    for (const store of this.target.stores.values()) store.dropShadow();
  }
}

/** An update of the rows that are there. Every row is checked against the replica and decoded before one is changed. */
export class UpdateFeed extends RowFeed {
  readonly #steps = new Map<TableStore, Map<Uuid, RowStep>>();

  protected override take(store: TableStore, uuid: Uuid, update: WireRowUpdate): void {
    let steps = this.#steps.get(store);
    if (steps === undefined) {
      steps = new Map();
      this.#steps.set(store, steps);
    }
    if (steps.has(uuid)) throw new InconsistencyError("row-twice", store.spec.name, uuid);
    steps.set(uuid, stepOf(store, uuid, update));
  }

  protected override apply(): TableChanges[] {
    const lists: TableChanges[] = [];
    for (const [store, steps] of this.#steps) {
      const changes = new TableChanges(store.spec.name, store.spec.columns);
      for (const [uuid, step] of steps) {
        if (step.before === step.after) continue;
        store.apply(uuid, step);
        changes.note(step.before, step.after);
      }
      lists.push(changes);
    }
    return lists;
  }

  protected override drop(): void {
    this.#steps.clear();
  }
}

/** What an update does to one row; the same row on both sides if it changes nothing. */
function stepOf(store: TableStore, uuid: Uuid, update: WireRowUpdate): RowStep {
  const { codec, columns, name } = store.spec;
  const before = store.get(uuid);
  if (update.kind === "insert") {
    if (before !== undefined) throw new InconsistencyError("insert-of-known-row", name, uuid);
    return { before, after: codec.decodeFull(uuid, update.columns) };
  }
  if (before === undefined) {
    throw new InconsistencyError(
      update.kind === "delete" ? "delete-of-unknown-row" : "modify-of-unknown-row",
      name,
      uuid,
    );
  }
  if (update.kind === "delete") return { before, after: undefined };
  if (update.kind === "replace") {
    const after = codec.replace(uuid, update.columns);
    return { before, after: sameColumns(before, after, columns) ? before : after };
  }
  const after: Row = codec.applyModify(before, update.columns);
  for (const column in update.columns) if (!sameValue(before[column], after[column])) return { before, after };
  return { before, after: before };
}
