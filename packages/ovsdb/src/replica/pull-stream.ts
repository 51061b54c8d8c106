/** An async iterator that is fed from outside and read at its reader's own speed. */

/** Lets the event loop run; brought by the edge, which alone may touch timers. */
export type Breathe = () => Promise<void>;

export type StreamOptions = {
  /** Ends the stream, as `return()` does: what has not been read is dropped, a pending `next()` gives `done`. */
  readonly signal?: AbortSignal | undefined;
};

/** After so many items handed out without a pause the event loop gets a turn, so that a long backlog stalls nobody. */
const ITEMS_PER_TURN_MAX = 256;

type Waiter<T> = {
  readonly resolve: (result: IteratorResult<T, undefined>) => void;
  readonly reject: (error: unknown) => void;
};
const DONE: IteratorReturnResult<undefined> = { done: true, value: undefined };

/**
 * Base of the streams. A subclass keeps the backlog: `take` gives its next item, `wake` tells readers that there is one.
 * Unlike a generator, it is subscribed when it is made, not when it is first read.
 */
export abstract class PullStream<T> implements AsyncIterableIterator<T> {
  #waiters: Waiter<T>[] = [];
  /** "open": more may come; "ending": the backlog is still handed out; "ended": nothing more, or just the error. */
  #state: "open" | "ending" | "ended" = "open";
  #failure: { readonly error: unknown } | undefined;
  #sinceTurn = 0;
  #turn: Promise<void> | undefined;
  readonly #breathe: Breathe | undefined;
  readonly #signal: AbortSignal | undefined;
  readonly #onAbort = (): void => this.#end();

  constructor(breathe: Breathe | undefined, signal: AbortSignal | undefined) {
    this.#breathe = breathe;
    this.#signal = signal;
    if (signal?.aborted === true) this.#state = "ended";
    else signal?.addEventListener("abort", this.#onAbort);
  }

  protected get isOpen(): boolean {
    return this.#state === "open";
  }

  /** The next item of the backlog. */
  protected abstract take(): T | undefined;
  /** Called once, when the stream has ended: unsubscribe, drop the backlog. */
  protected abstract release(): void;

  next(): Promise<IteratorResult<T, undefined>> {
    if (this.#turn !== undefined) return this.#turn.then(() => this.next());
    if (this.#sinceTurn >= ITEMS_PER_TURN_MAX && this.#breathe !== undefined && this.#state !== "ended") {
      this.#turn = this.#breathe().then(() => {
        this.#turn = undefined;
        this.#sinceTurn = 0;
      });
      return this.next();
    }
    return new Promise((resolve, reject) => {
      this.#waiters.push({ resolve, reject });
      this.wake();
    });
  }

  /** Hands items to waiting readers. */
  protected wake(): void {
    while (this.#waiters.length > 0) {
      if (this.#state !== "ended") {
        let item: T | undefined;
        try {
          item = this.take();
        } catch (error) {
          this.fail(error);
          continue;
        }
        if (item !== undefined) {
          this.#sinceTurn++;
          this.#waiters.shift()?.resolve({ done: false, value: item });
        } else if (this.#state === "open") {
          this.#sinceTurn = 0;
          return;
        } else this.#end();
        continue;
      }
      const waiter = this.#waiters.shift();
      if (this.#failure === undefined) waiter?.resolve(DONE);
      else {
        waiter?.reject(this.#failure.error);
        this.#failure = undefined;
      }
    }
  }

  /** Ends the stream with an error; its backlog is dropped, and the next read rejects. */
  protected fail(error: unknown): void {
    if (this.#state === "ended") return;
    this.#failure = { error };
    this.#end();
  }

  /** No more will come: readers still get the backlog, then the end. */
  finish(): void {
    if (this.#state === "open") this.#state = "ending";
    this.wake();
  }

  return(): Promise<IteratorReturnResult<undefined>> {
    this.#end();
    return Promise.resolve(DONE);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end();
  }

  #end(): void {
    if (this.#state === "ended") return;
    this.#state = "ended";
    this.#signal?.removeEventListener("abort", this.#onAbort);
    this.release();
    this.wake();
  }
}
