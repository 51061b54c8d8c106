import { OvsdbError } from "../error.ts";
import type { Json } from "../json.ts";
import { InconsistencyError } from "../replica/inconsistency.ts";
import type { Replica } from "../replica/replica.ts";
import type { SnapshotFeed } from "../replica/row-feed.ts";
import type { TableSpec } from "../replica/table-store.ts";

export type SnapshotArrived = {
  readonly requestId: number;
  /** The server knew our last transaction id and sent only what has changed since. */
  readonly found: boolean;
  readonly lastId: string | undefined;
  readonly updates: Json;
  readonly version: 1 | 2 | 3;
};

/** Brings what the session hears for one monitor into its replica. */
export class MonitorHost {
  readonly id: number;
  readonly replica: Replica;
  readonly #onInconsistent: (reason: string) => void;
  #specs: readonly TableSpec[] | undefined;
  #feed: { readonly requestId: number; readonly feed: SnapshotFeed; error: unknown; rows: number } | undefined;
  #first: { resolve: () => void; reject: (error: unknown) => void } | undefined;
  /** Settles with the first snapshot. */
  readonly arrived: Promise<void>;
  /** Why the replica cannot be kept: a value that its types cannot hold, a monitor that the server refuses. It is closed then. */
  failure: OvsdbError | undefined;

  constructor(id: number, replica: Replica, onInconsistent: (reason: string) => void) {
    this.id = id;
    this.replica = replica;
    this.#onInconsistent = onInconsistent;
    this.arrived = new Promise<void>((resolve, reject) => {
      this.#first = { resolve, reject };
    });
    this.arrived.catch(() => {});
  }

  /** After a schema conversion: how rows are to be read from the next snapshot on. */
  useSpecs(specs: readonly TableSpec[]): void {
    this.#specs = specs;
  }

  /** One row of a reply that is still arriving; false leaves it to {@link onSnapshot}. */
  onRow(requestId: number, head: readonly Json[], table: string, uuid: string, rowUpdate: Json): boolean {
    if (head[0] === true || this.failure !== undefined) return false;
    if (this.#feed?.requestId !== requestId) {
      this.#feed?.feed.discard();
      const isPlain = typeof rowUpdate === "object" && rowUpdate !== null && "new" in rowUpdate;
      this.#feed = { requestId, feed: this.#begin(isPlain ? 1 : 2), error: undefined, rows: 0 };
    }
    const streamed = this.#feed;
    if (streamed.error !== undefined) return true;
    try {
      streamed.feed.add(table, uuid, rowUpdate);
      streamed.rows++;
    } catch (error) {
      streamed.error = error;
    }
    return true;
  }

  onSnapshot(arrived: SnapshotArrived): void {
    const streamed = this.#feed?.requestId === arrived.requestId ? this.#feed : undefined;
    this.#feed = undefined;
    this.#attempt(() => {
      if (streamed?.error !== undefined) throw streamed.error;
      if (arrived.found) {
        this.replica.applyUpdate(arrived.version, arrived.updates, lastIdOf("resync", arrived.lastId));
      } else {
        const feed = streamed?.feed ?? this.#begin(arrived.version);
        feed.addAll(arrived.updates);
        feed.commit(arrived.lastId);
      }
      this.replica.freshness = "live";
      this.#first?.resolve();
      this.#first = undefined;
    });
  }

  onUpdate(version: 1 | 2 | 3, updates: Json, lastId: string | undefined, cause: "update" | "condition"): void {
    this.#attempt(() => this.replica.applyUpdate(version, updates, lastIdOf(cause, lastId)));
  }

  /** The link is gone: what was arriving will not be finished. */
  onLost(staleSinceMs: number): void {
    this.#feed?.feed.discard();
    this.#feed = undefined;
    if (this.replica.freshness === "live") this.replica.freshness = { staleSinceMs };
  }

  fail(error: unknown): void {
    if (error instanceof OvsdbError && error.code !== "CLOSED") this.failure ??= error;
    this.#first?.reject(error);
    this.#first = undefined;
    this.#feed?.feed.discard();
    this.#feed = undefined;
    this.replica.close();
  }

  #begin(version: 1 | 2 | 3): SnapshotFeed {
    const specs = this.#specs;
    this.#specs = undefined;
    return this.replica.beginSnapshot(version, specs);
  }

  #attempt(run: () => void): void {
    if (this.failure !== undefined) return;
    try {
      run();
    } catch (error) {
      if (error instanceof InconsistencyError) return this.#onInconsistent(error.message);
      this.fail(
        error instanceof OvsdbError
          ? error
          : new OvsdbError("PROTOCOL", `a replica could not be kept: ${String(error)}`, { cause: error }),
      );
    }
  }
}

function lastIdOf<Cause extends string>(cause: Cause, lastId: string | undefined): { cause: Cause; lastId?: string } {
  return lastId === undefined ? { cause } : { cause, lastId };
}
