/** An index as its users see it. The object stays the same through every change and resync of the table. */
import { ValueError } from "../error.ts";
import type { Uuid } from "../uuid.ts";
import type { Row, Value } from "../value.ts";
import { IndexContent } from "./index-content.ts";
import type { KeyReader } from "./index-definition.ts";
import { compareParts, isCompound, type Key, type KeyPart, keyPart } from "./key.ts";

/** A key to look up: a value for one column, a list of values for a compound key. Sets and maps are matched whole. */
export type KeyLike = Value | readonly Value[];

/**
 * Bounds of a range. A compound bound may be shorter than the key and then covers all that begin with it. As soon as
 * there is a bound, rows whose (first) column is empty are left out.
 */
export type RangeBounds<K = KeyLike> = {
  readonly gte?: K;
  readonly gt?: K;
  readonly lte?: K;
  readonly lt?: K;
  /** From the upper bound down. */
  readonly reverse?: boolean;
  /** Stop after so many rows. */
  readonly limit?: number;
};

/**
 * Rows by key. Every answer is an array made at that moment, so it stays as it is whatever the replica does next.
 */
export interface MultiIndex<R = Row, K = KeyLike> {
  /** The rows that have the key, in no particular order. `undefined` finds the rows whose optional column is empty. */
  get(key: K): readonly R[];
  has(key: K): boolean;
  /** Rows in the order of their keys. @throws ValueError unless the index is `ordered`. */
  range(bounds?: RangeBounds<K>): readonly R[];
  /** Rows whose string key (or the last given part of a compound key) begins with a text; in order. */
  prefix(start: K): readonly R[];
  /** Count of distinct keys. */
  readonly size: number;
}

/** An index with at most one row per key. */
export interface UniqueIndex<R = Row, K = KeyLike> extends Omit<MultiIndex<R, K>, "get"> {
  get(key: K): R | undefined;
}

export class TableIndex {
  readonly #reader: KeyReader;
  readonly #row: (uuid: Uuid) => Row | undefined;
  #live: IndexContent;
  #shadow: IndexContent | undefined;

  constructor(reader: KeyReader, row: (uuid: Uuid) => Row | undefined) {
    this.#reader = reader;
    this.#row = row;
    this.#live = new IndexContent(reader);
  }

  get size(): number {
    return this.#live.size;
  }

  get(key: KeyLike): Row | undefined | readonly Row[] {
    const wanted = normalKey(key);
    if (this.#reader.options.unique !== true)
      return Array.from(this.#live.all(wanted), (uuid) => this.#row(uuid) as Row);
    const uuid = this.#live.first(wanted);
    return uuid === undefined ? undefined : this.#row(uuid);
  }

  has(key: KeyLike): boolean {
    return this.#live.has(normalKey(key));
  }

  range(bounds: RangeBounds = {}): readonly Row[] {
    const { low, high } = readBounds(bounds);
    const keys =
      bounds.reverse === true
        ? this.#sorted().descending(high === undefined ? undefined : { key: high.parts, before: high.open })
        : this.#sorted().ascending(low === undefined ? undefined : { key: low.parts, after: low.open });
    const end = bounds.reverse === true ? low : high;
    const sign = bounds.reverse === true ? -1 : 1;
    return this.#collect(keys, bounds.limit ?? Number.POSITIVE_INFINITY, (parts) => {
      const order = end === undefined ? -1 : sign * compareParts(parts, end.parts);
      return order < 0 || (order === 0 && end?.open === false);
    });
  }

  prefix(start: KeyLike): readonly Row[] {
    const parts = partsOf(start);
    const text = parts[parts.length - 1];
    if (typeof text !== "string")
      throw new ValueError(undefined, undefined, "prefix needs a string, or a compound key that ends with one");
    const before = parts.slice(0, -1);
    const keys = this.#sorted().ascending({ key: parts, after: false });
    return this.#collect(keys, Number.POSITIVE_INFINITY, (key) => {
      const part = key[before.length];
      return (
        typeof part === "string" && part.startsWith(text) && (before.length === 0 || compareParts(key, before) === 0)
      );
    });
  }

  /** For the table: one row appeared (no `before`), went (no `after`) or was replaced. */
  change(before: Row | undefined, after: Row | undefined): void {
    if (after === undefined) this.#live.delete(before as Row);
    else if (before === undefined) this.#live.add(after);
    else this.#live.replace(before, after);
  }

  /** For the table: content for the snapshot being built, to be swapped in with it. */
  addToShadow(row: Row): void {
    this.#shadow ??= new IndexContent(this.#reader);
    this.#shadow.add(row);
  }

  /** For the table: the shadow becomes what everybody sees. */
  swap(): void {
    this.#live = this.#shadow ?? new IndexContent(this.#reader);
    this.#shadow = undefined;
  }

  dropShadow(): void {
    this.#shadow = undefined;
  }

  #sorted(): NonNullable<IndexContent["sorted"]> {
    const sorted = this.#live.sorted;
    if (sorted === undefined)
      throw new ValueError(undefined, undefined, "ranges need an ordered index: give it { ordered: true }");
    return sorted;
  }

  #collect(keys: Iterable<readonly KeyPart[]>, limit: number, inside: (parts: readonly KeyPart[]) => boolean): Row[] {
    const found: Row[] = [];
    if (limit <= 0) return found;
    for (const parts of keys) {
      if (!inside(parts)) break;
      for (const uuid of this.#live.all(parts.length === 1 ? parts[0] : parts)) {
        found.push(this.#row(uuid) as Row);
        if (found.length === limit) return found;
      }
    }
    return found;
  }
}

function normalKey(key: KeyLike): Key {
  if (!Array.isArray(key)) return keyPart(key as Value);
  return key.length === 1 ? keyPart(key[0] as Value) : key.map(keyPart);
}

function partsOf(key: KeyLike): readonly KeyPart[] {
  const normal = normalKey(key);
  return isCompound(normal) ? normal : [normal];
}

type Bound = { readonly parts: readonly KeyPart[]; readonly open: boolean };
const ABOVE_EMPTY: Bound = { parts: [undefined], open: true };

/** `gte` beside `gt`: the tighter one counts. */
function readBounds(bounds: RangeBounds): { low: Bound | undefined; high: Bound | undefined } {
  const bound = (key: KeyLike | undefined, open: boolean): Bound | undefined =>
    key === undefined ? undefined : { parts: partsOf(key), open };
  const tighter = (closed: Bound | undefined, open: Bound | undefined, sign: 1 | -1): Bound | undefined => {
    if (closed === undefined || open === undefined) return closed ?? open;
    return sign * compareParts(closed.parts, open.parts) > 0 ? closed : open;
  };
  const low = tighter(bound(bounds.gte, false), bound(bounds.gt, true), 1);
  const high = tighter(bound(bounds.lte, false), bound(bounds.lt, true), -1);
  return { low: low ?? (high === undefined ? undefined : ABOVE_EMPTY), high };
}
