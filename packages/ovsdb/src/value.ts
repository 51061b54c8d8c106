/**
 * Column values as plain JavaScript, and the codec that turns the wire form into them and back.
 *
 * | column type | value |
 * |---|---|
 * | scalar | `number`, `bigint`, `boolean`, `string` (a uuid is a string) |
 * | optional (min 0, max 1) | the same, or `undefined` |
 * | set | `ReadonlySet` |
 * | map | `ReadonlyMap` |
 *
 * A real keeps 15 significant digits on its way out of ovsdb-server (it prints `%.15g`), although it holds all 17 in memory:
 * a value such as 0.1 + 0.2 that was written may not compare equal with what is read back, so do not `wait` for one.
 *
 * An integer is a number or a bigint by the column's {@link IntegerPolicy}; never rounded. The wire writes a set of one as
 * its bare element, so only the schema can tell what a value is (RFC 7047 §5.1); nothing outside sees the wire form.
 */
import type { Json } from "./json.ts";
import type { ColumnSchema } from "./schema.ts";

export type AtomValue = number | bigint | boolean | string;
export type Value = AtomValue | undefined | ReadonlySet<AtomValue> | ReadonlyMap<AtomValue, AtomValue>;

/**
 * What an integer column gives: `checked` a number, and an {@link IntegerRangeError} beyond ±(2^53-1); `bigint` always a
 * bigint; `auto` a number while that is exact, else a bigint. Writing accepts both under every policy.
 */
export type IntegerPolicy = "checked" | "bigint" | "auto";

/** The one empty set and map that all empty columns share; their mutators throw. */
export const EMPTY_SET: ReadonlySet<never> = sealed(new Set<never>(), ["add", "delete", "clear"]);
export const EMPTY_MAP: ReadonlyMap<never, never> = sealed(new Map<never, never>(), ["set", "delete", "clear"]);

function sealed<Collection extends object>(collection: Collection, mutators: readonly string[]): Collection {
  const value = (): never => {
    throw new TypeError(
      "values of a replica are shared and must not be changed; make a copy with new Set(…) or new Map(…)",
    );
  };
  for (const name of mutators) Object.defineProperty(collection, name, { value });
  return Object.freeze(collection);
}

export interface ColumnCodec {
  readonly column: ColumnSchema;
  readonly policy: IntegerPolicy;
  /** What the column holds when an insert does not mention it. */
  readonly defaultValue: Value;
  /** @throws ProtocolError if the wire value is not of the column's type; IntegerRangeError by policy. */
  decode(json: Json): Value;
  /**
   * Checks a value against the schema and writes it. Sets are given as a set or an array, maps as a map or, with string
   * keys, a plain object; `undefined` clears an optional column. In uuid places a `NamedUuid` stands for a row to come.
   *
   * @throws ValueError naming table, column, value, reason and remedy.
   */
  encode(value: unknown): Json;
  /**
   * Applies the difference of a `modify` (update2, update3) or of a file record: a set takes what is in exactly one of
   * the two; a map drops pairs given unchanged and takes all others; whatever holds at most one element is replaced.
   *
   * @throws ProtocolError if the result has too few or too many elements.
   */
  applyDiff(old: Value, diff: Json): Value;
  /** Same content; the order inside sets and maps does not matter. */
  equal(a: Value, b: Value): boolean;
}

export { columnCodec } from "./datum.ts";
export { type Row, RowCodec } from "./row-codec.ts";
