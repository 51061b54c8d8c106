/** What an index holds: which rows have which key. Two of these exist while a snapshot is being built. */

import type { Uuid } from "../uuid.ts";
import type { Row } from "../value.ts";
import { isAbsent, type KeyReader } from "./index-definition.ts";
import { compareParts, compareWhole, hashKey, isCompound, type Key, type KeyPart } from "./key.ts";
import { SortedKeys } from "./sorted-keys.ts";

/** One row is stored bare, a few in an array, many in a set: an index of 200,000 distinct keys has no 200,000 arrays. */
type Bucket = Uuid | Uuid[] | Set<Uuid>;
const ARRAY_ROWS_MAX = 16;

/**
 * Rows are held by uuid and read from the table, so a row whose key did not change costs an index nothing when it is
 * replaced.
 */
export class IndexContent {
  readonly #reader: KeyReader;
  readonly #buckets = new Map<KeyPart, Bucket>();
  /** Every key as a list of parts; undefined for an index without order. */
  readonly sorted: SortedKeys<readonly KeyPart[]> | undefined;

  constructor(reader: KeyReader) {
    this.#reader = reader;
    this.sorted = reader.options.ordered === true ? new SortedKeys(compareWhole, compareParts) : undefined;
  }

  /** Count of distinct keys. */
  get size(): number {
    return this.#buckets.size;
  }

  add(row: Row): void {
    const { keyOf, keysOf } = this.#reader;
    if (keysOf === undefined) this.#add(keyOf(row), row._uuid);
    else for (const key of keysOf(row)) this.#add(key, row._uuid);
  }

  delete(row: Row): void {
    const { keyOf, keysOf } = this.#reader;
    if (keysOf === undefined) this.#delete(keyOf(row), row._uuid);
    else for (const key of keysOf(row)) this.#delete(key, row._uuid);
  }

  replace(before: Row, after: Row): void {
    if (this.#reader.sameKeys(before, after)) return;
    this.delete(before);
    this.add(after);
  }

  has(key: Key): boolean {
    return this.#buckets.has(hashKey(key));
  }

  /** One row that has the key. */
  first(key: Key): Uuid | undefined {
    const bucket = this.#buckets.get(hashKey(key));
    if (bucket === undefined || typeof bucket === "string") return bucket;
    for (const uuid of bucket) return uuid;
    return undefined;
  }

  /** All rows that have the key. */
  all(key: Key): Iterable<Uuid> {
    const bucket = this.#buckets.get(hashKey(key));
    if (bucket === undefined) return [];
    return typeof bucket === "string" ? [bucket] : bucket;
  }

  #add(key: Key, uuid: Uuid): void {
    if (this.#reader.options.sparse === true && isAbsent(key)) return;
    const hash = hashKey(key);
    const bucket = this.#buckets.get(hash);
    if (bucket === undefined) {
      this.#buckets.set(hash, uuid);
      this.sorted?.add(isCompound(key) ? key : [key]);
    } else if (typeof bucket === "string") this.#buckets.set(hash, [bucket, uuid]);
    else if (!Array.isArray(bucket)) (bucket as Set<Uuid>).add(uuid);
    else if (bucket.length < ARRAY_ROWS_MAX) bucket.push(uuid);
    else this.#buckets.set(hash, new Set(bucket).add(uuid));
  }

  #delete(key: Key, uuid: Uuid): void {
    const hash = hashKey(key);
    const bucket = this.#buckets.get(hash);
    if (bucket === undefined) return;
    if (Array.isArray(bucket)) {
      const index = bucket.indexOf(uuid);
      if (index >= 0) bucket.splice(index, 1);
      if (bucket.length === 1) this.#buckets.set(hash, bucket[0] as Uuid);
      return;
    }
    if (typeof bucket !== "string") {
      (bucket as Set<Uuid>).delete(uuid);
      if ((bucket as Set<Uuid>).size > 0) return;
    } else if (bucket !== uuid) return;
    this.#buckets.delete(hash);
    this.sorted?.delete(isCompound(key) ? key : [key]);
  }
}
