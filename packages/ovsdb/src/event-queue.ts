import { LimitError } from "./error.ts";

/**
 * Events for one reader, as an async iterator. At most `max` wait to be read; one more ends the stream with a
 * `LimitError` after those that wait, so that nothing is ever missing in the middle.
 */
export class EventQueue<Event> implements AsyncIterableIterator<Event>, AsyncDisposable {
  readonly #waiting: Event[] = [];
  readonly #max: number;
  readonly #name: string;
  readonly #onEnd: () => void;
  #readers: { resolve: (result: IteratorResult<Event>) => void; reject: (error: unknown) => void }[] = [];
  #ended = false;
  #error: unknown;

  constructor(name: string, max: number, onEnd: () => void = () => {}) {
    this.#name = name;
    this.#max = max;
    this.#onEnd = onEnd;
  }

  push(event: Event): void {
    if (this.#ended) return;
    const reader = this.#readers.shift();
    if (reader !== undefined) return reader.resolve({ done: false, value: event });
    if (this.#waiting.length < this.#max) {
      this.#waiting.push(event);
      return;
    }
    const remedy = `read ${this.#name} faster, or give it a larger limit`;
    this.end(new LimitError(this.#name, `${this.#max} events wait in ${this.#name} and another came; ${remedy}`));
  }

  /** No more events; those that wait can still be read, then the error, if any, is thrown once. */
  end(error?: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#error = error;
    const readers = this.#readers;
    this.#readers = [];
    for (const reader of readers) {
      if (this.#error === undefined) reader.resolve({ done: true, value: undefined });
      else reader.reject(this.#takeError());
    }
    this.#onEnd();
  }

  next(): Promise<IteratorResult<Event>> {
    if (this.#waiting.length > 0) return Promise.resolve({ done: false, value: this.#waiting.shift() as Event });
    if (!this.#ended) return new Promise((resolve, reject) => this.#readers.push({ resolve, reject }));
    if (this.#error !== undefined) return Promise.reject(this.#takeError());
    return Promise.resolve({ done: true, value: undefined });
  }

  return(): Promise<IteratorResult<Event>> {
    this.#waiting.length = 0;
    this.#error = undefined;
    this.end();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  #takeError(): unknown {
    const error = this.#error;
    this.#error = undefined;
    return error;
  }
}
