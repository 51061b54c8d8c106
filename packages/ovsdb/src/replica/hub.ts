/** Who hears of a batch: synchronously, after the replica has changed whole. */
import type { Batch, TableChanges } from "./batch.ts";
import type { Breathe } from "./pull-stream.ts";

export type BatchListener = (batch: Batch) => void;
export type TableListener = (changes: TableChanges, batch: Batch) => void;
/** Something that ends with the replica. */
export type Closable = { finish(): void };

/** Unsubscribes when called, or at the end of its scope with `using`. */
export type Subscription = (() => void) & Disposable;

export type HubOptions = {
  /**
   * Hears what a listener, an index's key function, or a filter inside one of them threw. Default: thrown again from a
   * microtask, where the process treats it as an uncaught exception. Either way the replica and all others go on.
   */
  readonly onListenerError?: ((error: unknown) => void) | undefined;
  /** Lets the event loop run (`setImmediate`, brought by the edge); streams use it between portions of a backlog. */
  readonly breathe?: Breathe | undefined;
};

export class Hub {
  readonly #batchListeners = new Set<BatchListener>();
  readonly #tableListeners = new Map<string, Set<TableListener>>();
  readonly #open = new Set<Closable>();
  readonly #onListenerError: (error: unknown) => void;
  readonly breathe: Breathe | undefined;
  closed = false;

  constructor(options: HubOptions) {
    this.#onListenerError = options.onListenerError ?? rethrow;
    this.breathe = options.breathe;
  }

  /** Reports an error that belongs to somebody else's code. */
  readonly report = (error: unknown): void => {
    try {
      this.#onListenerError(error);
    } catch (second) {
      rethrow(second);
    }
  };

  onBatch(listener: BatchListener): Subscription {
    this.#batchListeners.add(listener);
    return subscription(() => this.#batchListeners.delete(listener));
  }

  onTable(table: string, listener: TableListener): Subscription {
    const listeners = this.#tableListeners.get(table) ?? new Set();
    this.#tableListeners.set(table, listeners.add(listener));
    return subscription(() => listeners.delete(listener));
  }

  /** Remembers what must end when the replica closes. */
  hold(closable: Closable): void {
    if (this.closed) closable.finish();
    else this.#open.add(closable);
  }

  drop(closable: Closable): void {
    this.#open.delete(closable);
  }

  /** Who subscribes during the delivery hears from the next batch on; who unsubscribes hears nothing more. */
  publish(batch: Batch): void {
    for (const changes of batch.lists) {
      const listeners = this.#tableListeners.get(changes.table);
      if (listeners === undefined) continue;
      for (const listener of [...listeners]) if (listeners.has(listener)) this.#call(() => listener(changes, batch));
    }
    for (const listener of [...this.#batchListeners])
      if (this.#batchListeners.has(listener)) this.#call(() => listener(batch));
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    for (const closable of this.#open) closable.finish();
    this.#open.clear();
    this.#batchListeners.clear();
    this.#tableListeners.clear();
  }

  #call(run: () => void): void {
    try {
      run();
    } catch (error) {
      this.report(error);
    }
  }
}

function rethrow(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}

export function subscription(end: () => void): Subscription {
  return Object.assign((): void => end(), { [Symbol.dispose]: (): void => end() });
}
