/**
 * Distinct keys in order, kept in chunks: a binary search for the chunk, one within it, and an insert that moves at most
 * one chunk's keys. Flatter and leaner than a tree of node objects, and quick enough for hundreds of thousands of keys.
 * (`sorted-btree` was considered: it is one CommonJS file whose default export ESM and CJS see differently.)
 */
const CHUNK_KEYS_MAX = 512;

type Compare<K> = (one: K, other: K) => number;

export class SortedKeys<K> {
  readonly #compare: Compare<K>;
  readonly #compareBound: Compare<K>;
  /** Never an empty chunk. */
  readonly #chunks: K[][] = [];

  /** `compareBound` may call more keys equal (all that begin alike), but never order two keys the other way round. */
  constructor(compare: Compare<K>, compareBound: Compare<K> = compare) {
    this.#compare = compare;
    this.#compareBound = compareBound;
  }

  /** Adds a key that is not there yet. */
  add(key: K): void {
    const at = Math.min(this.#chunkFrom(key, false, this.#compare), this.#chunks.length - 1);
    const chunk = this.#chunks[at];
    if (chunk === undefined) {
      this.#chunks.push([key]);
      return;
    }
    chunk.splice(this.#within(chunk, key, false, this.#compare), 0, key);
    if (chunk.length <= CHUNK_KEYS_MAX) return;
    // Ascending keys are the common load (a file's or a server's own order): then leave full chunks behind.
    const ascending = at === this.#chunks.length - 1 && chunk[chunk.length - 1] === key;
    this.#chunks.splice(at + 1, 0, chunk.splice(ascending ? chunk.length - 1 : CHUNK_KEYS_MAX >> 1));
  }

  /** Removes a key; nothing happens if it is not there. */
  delete(key: K): void {
    const at = this.#chunkFrom(key, false, this.#compare);
    const chunk = this.#chunks[at];
    if (chunk === undefined) return;
    const index = this.#within(chunk, key, false, this.#compare);
    if (index >= chunk.length || this.#compare(chunk[index] as K, key) !== 0) return;
    chunk.splice(index, 1);
    if (chunk.length === 0) this.#chunks.splice(at, 1);
  }

  /** Keys from the first one not below `from` (with `after`: the first one above it), or from the start. */
  *ascending(from: { readonly key: K; readonly after: boolean } | undefined): Generator<K> {
    let at = from === undefined ? 0 : this.#chunkFrom(from.key, from.after, this.#compareBound);
    let index = 0;
    if (from !== undefined && at < this.#chunks.length) {
      index = this.#within(this.#chunks[at] as K[], from.key, from.after, this.#compareBound);
    }
    for (; at < this.#chunks.length; at++, index = 0) {
      const chunk = this.#chunks[at] as K[];
      for (; index < chunk.length; index++) yield chunk[index] as K;
    }
  }

  /** Keys from the last one not above `from` (with `before`: the last one below it), or from the end; downwards. */
  *descending(from: { readonly key: K; readonly before: boolean } | undefined): Generator<K> {
    let at = from === undefined ? this.#chunks.length : this.#chunkFrom(from.key, !from.before, this.#compareBound);
    let end = 0;
    if (from !== undefined && at < this.#chunks.length) {
      end = this.#within(this.#chunks[at] as K[], from.key, !from.before, this.#compareBound);
    }
    for (;;) {
      const chunk = this.#chunks[at];
      for (let index = end - 1; index >= 0; index--) yield (chunk as K[])[index] as K;
      if (--at < 0) return;
      end = (this.#chunks[at] as K[]).length;
    }
  }

  /** The first chunk that holds a key not below (`after`: above) this one; the count of chunks if none does. */
  #chunkFrom(key: K, after: boolean, compare: Compare<K>): number {
    let low = 0;
    let high = this.#chunks.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const chunk = this.#chunks[middle] as K[];
      const order = compare(chunk[chunk.length - 1] as K, key);
      if (order < 0 || (after && order === 0)) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #within(chunk: readonly K[], key: K, after: boolean, compare: Compare<K>): number {
    let low = 0;
    let high = chunk.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const order = compare(chunk[middle] as K, key);
      if (order < 0 || (after && order === 0)) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
