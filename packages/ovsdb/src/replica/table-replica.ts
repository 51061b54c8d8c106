/** One table of a replica, as its users see it. */
import type { Uuid } from "../uuid.ts";
import type { Row, Value } from "../value.ts";
import { changesOfTable } from "./batch.ts";
import type { Change, ChangeKind } from "./change.ts";
import { ChangeStream } from "./change-stream.ts";
import type { Hub, Subscription } from "./hub.ts";
import type { IndexDefinition } from "./index-definition.ts";
import type { ChangesOptions } from "./stream-options.ts";
import type { KeyLike, MultiIndex, TableIndex, UniqueIndex } from "./table-index.ts";
import type { TableStore } from "./table-store.ts";
import { type UntilOptions, until } from "./until.ts";

/** A stream of changes. It is subscribed from the moment it is made; `return()`, its signal or `await using` end it. */
export type ChangesOf<R = Row> = AsyncIterableIterator<Change<R>> & AsyncDisposable;

/** The uuids of these rows, tagged with their table if that is known. */
export type UuidOf<R> = R extends { readonly _uuid: infer U extends Uuid } ? U : Uuid;

/** A unique index as a function: the row that has these values, in the order of the index's columns. */
export type Lookup<R = Row, K extends readonly unknown[] = readonly Value[]> = (...key: K) => R | undefined;

/** What a key of an index is: the column's value, a tuple for several columns, a member, or whatever the function gives. */
export type KeyOf<R, D> = D extends { readonly columns: infer C extends readonly (keyof R)[] }
  ? { readonly [I in keyof C]?: R[C[I] & keyof R] }
  : D extends { readonly each: infer C extends keyof R }
    ? R[C] extends ReadonlySet<infer M>
      ? M
      : R[C] extends ReadonlyMap<infer K, unknown>
        ? K
        : never
    : D extends { readonly column: infer C extends keyof R; readonly key: unknown }
      ? (R[C] extends ReadonlyMap<unknown, infer V> ? V : never) | undefined
      : D extends { readonly column: infer C extends keyof R }
        ? R[C]
        : D extends { readonly key: (row: never) => infer K }
          ? K
          : never;

/** The index that a definition makes. */
export type IndexOf<R, D> = D extends { readonly unique: true }
  ? UniqueIndex<R, KeyOf<R, D>>
  : MultiIndex<R, KeyOf<R, D>>;

/**
 * A table that follows the server. It changes in whole server updates only, never while your code runs without `await`;
 * rows are immutable and a changed row is a new object.
 *
 * `R` is the type of a row, `I` maps names of indexes to the columns' values.
 */
export class TableReplica<R = Row, I = Record<string, readonly Value[]>> implements Iterable<R> {
  readonly #store: TableStore;
  readonly #hub: Hub;
  #byIndex: { [name: string]: Lookup } | undefined;

  constructor(store: TableStore, hub: Hub) {
    this.#store = store;
    this.#hub = hub;
  }

  get name(): string {
    return this.#store.spec.name;
  }

  /** The replicated columns, without `_uuid`. */
  get columns(): readonly string[] {
    return this.#store.spec.columns;
  }

  /** Count of rows. */
  get size(): number {
    return this.#store.size;
  }

  /** The replica's `version` when this table last changed; 0 if it never did. */
  get version(): number {
    return this.#store.version;
  }

  get(uuid: UuidOf<R>): R | undefined {
    return this.#store.get(uuid) as R | undefined;
  }

  has(uuid: UuidOf<R>): boolean {
    return this.#store.get(uuid) !== undefined;
  }

  /**
   * All rows, in no particular order. A loop that awaits in between sees the changes made meanwhile; {@link rows} is one
   * moment.
   */
  [Symbol.iterator](): IterableIterator<R> {
    return this.#store.values() as IterableIterator<R>;
  }

  /** All rows at this moment, as an array of one's own. */
  rows(): R[] {
    return [...this.#store.values()] as R[];
  }

  /** The first row found for which it holds; looks at every row, so see {@link index} for what is asked often. */
  find(predicate: (row: R) => boolean): R | undefined {
    for (const row of this) if (predicate(row)) return row;
    return undefined;
  }

  /** All rows for which it holds; looks at every row. */
  filter(predicate: (row: R) => boolean): R[] {
    const found: R[] = [];
    for (const row of this) if (predicate(row)) found.push(row);
    return found;
  }

  /**
   * Lookup by the unique indexes of the schema, named by their columns joined with "_": `byIndex.name("sw0")`,
   * `byIndex.datapath_tunnel_key(datapath, 5)`. An index is there only if all its columns are replicated.
   */
  get byIndex(): { readonly [N in keyof I]: Lookup<R, I[N] & readonly unknown[]> } {
    if (this.#byIndex === undefined || Object.keys(this.#byIndex).length !== this.#store.named.size) {
      this.#byIndex = Object.create(null) as { [name: string]: Lookup };
      for (const [name, index] of this.#store.named) this.#byIndex[name] = lookup(index);
    }
    return this.#byIndex as never;
  }

  /**
   * An index of one's own, kept up to date from now on through every change and resync, see {@link IndexDefinition}.
   * Filling it takes time once, in proportion to the rows; the same definition gives the same index again.
   *
   * @throws ValueError if a column is not replicated or not of the right kind.
   */
  index<const D extends IndexDefinition<R>>(definition: D): IndexOf<R, D> {
    return this.#store.index(definition as unknown as IndexDefinition) as unknown as IndexOf<R, D>;
  }

  /** Everything that is and that happens in this table, one row's change at a time. */
  changes(options: ChangesOptions<R> = {}): ChangesOf<R> {
    return new ChangeStream(this.#store, this.#hub, options as unknown as ChangesOptions) as unknown as ChangesOf<R>;
  }

  /**
   * Calls `listener` in the moment of each change, after the whole update is in, in the order inserted, updated, deleted.
   * "change" means every kind; "initial" rows are those of the first snapshot. What a listener throws goes to
   * `onListenerError` and harms nobody else. Call the result, or hold it with `using`, to end.
   */
  on<K extends ChangeKind | "change">(
    kind: K,
    listener: (
      row: R,
      change: K extends ChangeKind
        ? Extract<Change<R>, { kind: K | (K extends "initial" | "insert" ? "initial" | "insert" : K) }>
        : Change<R>,
    ) => void,
  ): Subscription {
    const call = listener as unknown as (row: Row, change: unknown) => void;
    return this.#hub.onTable(this.name, (changes, batch) => {
      for (const change of changesOfTable(batch.cause, changes)) {
        if (kind !== "change" && change.kind !== kind) continue;
        try {
          call(change.row, change);
        } catch (error) {
          this.#hub.report(error);
        }
      }
    });
  }

  /**
   * Resolves with a row for which it holds, now or as soon as one appears or changes so.
   *
   * @throws ClosedError when the replica closes; the signal's reason; whatever the predicate throws.
   */
  until(predicate: (row: R) => boolean, options: UntilOptions = {}): Promise<R> {
    return until<R>(
      this.#hub,
      () => this.find(predicate),
      (settle) =>
        this.#hub.onTable(this.name, ({ inserted, updated }) =>
          settle(
            () =>
              (inserted as R[]).find(predicate) ??
              (updated.find(({ row }) => predicate(row as R))?.row as R | undefined),
          ),
        ),
      options,
    );
  }
}

function lookup(index: TableIndex): Lookup {
  return (...key) => {
    const found = index.get((key.length === 1 ? key[0] : key) as KeyLike);
    return (Array.isArray(found) ? found[0] : found) as Row | undefined;
  };
}
