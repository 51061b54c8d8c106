/** What an index is over, and how a row's keys are read. */
import { ValueError } from "../error.ts";
import { findColumn, type TableSchema } from "../schema.ts";
import type { Row, Value } from "../value.ts";
import { hashKey, isCompound, type Key, type KeyPart, keyPart } from "./key.ts";
import { sameValue } from "./same-value.ts";

export type IndexOptions = {
  /** `get` gives one row or undefined. Where several rows share a key nevertheless, it gives one of them. */
  readonly unique?: boolean;
  /** Keeps the keys in order, for `range` and `prefix`. */
  readonly ordered?: boolean;
  /** Leaves out rows without a key: the optional column empty, the map key absent, the function giving undefined. */
  readonly sparse?: boolean;
};

/**
 * - `column`: by value; a set or a map counts as a whole.
 * - `column` and `key`: by the value that a map column has under that key.
 * - `columns`: compound, in that order.
 * - `each`: by every member of a set column, or every key of a map column. A row is found under each of them, as in
 *   "which switch has this port?".
 * - `key`: by a function of the row; an array is a compound key. It must be pure: same row, same key.
 */
export type IndexDefinition<R = Row> = IndexOptions &
  (
    | { readonly column: keyof R & string }
    | { readonly column: keyof R & string; readonly key: KeyPart }
    | { readonly columns: readonly (keyof R & string)[] }
    | { readonly each: keyof R & string }
    | { readonly key: (row: R) => KeyPart | readonly KeyPart[] }
  );

/** How an index reads rows. */
export type KeyReader = {
  /** One key; undefined parts included. With `each` this is unused. */
  readonly keyOf: (row: Row) => Key;
  /** Only for `each`: all keys of the row, without repeats. */
  readonly keysOf: ((row: Row) => readonly Key[]) | undefined;
  /** True if both rows have the same keys, found without building them where that is cheap. */
  readonly sameKeys: (one: Row, other: Row) => boolean;
  readonly options: IndexOptions;
};

/**
 * `report` hears of a key function that throws; such a row counts as having no key, so that a mistake in it cannot stop
 * the replica.
 *
 * @throws ValueError if a column is unknown, or not of the kind that the definition needs.
 */
export function compileIndex(
  table: TableSchema,
  columns: readonly string[],
  definition: IndexDefinition,
  report: (error: unknown) => void,
): KeyReader {
  const options: IndexOptions = definition;
  const checked = (column: string, need?: "map" | "many"): string => {
    const type = findColumn(table, column)?.type;
    if (type === undefined || (column !== "_uuid" && !columns.includes(column))) {
      throw new ValueError(table.name, column, "an index needs a column that is replicated; add it to the selection");
    }
    if (need === "map" && type.value === undefined)
      throw new ValueError(table.name, column, "an index by map key needs a map column");
    if (need === "many" && type.value === undefined && type.max <= 1) {
      throw new ValueError(table.name, column, "an index by each member needs a set or map column");
    }
    return column;
  };
  if ("each" in definition) return { ...byEach(checked(definition.each, "many")), options };
  if ("columns" in definition) {
    const [only, ...more] = definition.columns.map((column) => checked(column));
    if (only === undefined) throw new ValueError(table.name, undefined, "an index needs at least one column");
    return { ...(more.length === 0 ? byColumn(only) : byColumns([only, ...more])), options };
  }
  if ("column" in definition) {
    if (!("key" in definition)) return { ...byColumn(checked(definition.column)), options };
    return { ...byMapKey(checked(definition.column, "map"), definition.key), options };
  }
  return { ...byFunction(definition.key, report), options };
}

type Reading = Omit<KeyReader, "options">;

function byColumn(column: string): Reading {
  const keyOf = (row: Row): Key => keyPart(row[column]);
  return {
    keyOf,
    keysOf: undefined,
    sameKeys: (one, other) => one[column] === other[column] || keyOf(one) === keyOf(other),
  };
}

function byColumns(columns: readonly string[]): Reading {
  const sameKeys = (one: Row, other: Row): boolean =>
    columns.every((column) => one[column] === other[column] || keyPart(one[column]) === keyPart(other[column]));
  return { keyOf: (row) => columns.map((column) => keyPart(row[column])), keysOf: undefined, sameKeys };
}

function byMapKey(column: string, key: KeyPart): Reading {
  const keyOf = (row: Row): Key => keyPart((row[column] as ReadonlyMap<KeyPart, Value> | undefined)?.get(key));
  return {
    keyOf,
    keysOf: undefined,
    sameKeys: (one, other) => one[column] === other[column] || keyOf(one) === keyOf(other),
  };
}

function byEach(column: string): Reading {
  const keysOf = (row: Row): Key[] => {
    const members = row[column] as ReadonlyMap<Value, Value> | undefined;
    return members === undefined ? [] : Array.from(members.keys(), keyPart);
  };
  return { keyOf: () => undefined, keysOf, sameKeys: (one, other) => sameValue(one[column], other[column]) };
}

function byFunction(key: (row: Row) => Key, report: (error: unknown) => void): Reading {
  const part = (value: KeyPart): KeyPart => (Number.isNaN(value) ? undefined : keyPart(value));
  const keyOf = (row: Row): Key => {
    try {
      const found = key(row);
      if (!isCompound(found)) return part(found);
      return found.length === 1 ? part(found[0]) : found.map(part);
    } catch (error) {
      report(error);
      return undefined;
    }
  };
  return { keyOf, keysOf: undefined, sameKeys: (one, other) => hashKey(keyOf(one)) === hashKey(keyOf(other)) };
}

/** True if a sparse index leaves this key out: no part of it says anything. */
export function isAbsent(key: Key): boolean {
  return isCompound(key) ? key.every((part) => part === undefined) : key === undefined;
}

/** True if both definitions read the same keys the same way, so that one index can serve both. */
export function sameDefinition(one: IndexDefinition, other: IndexDefinition): boolean {
  const names = new Set([...Object.keys(one), ...Object.keys(other)]);
  const member = (definition: IndexDefinition, name: string): unknown => (definition as Record<string, unknown>)[name];
  for (const name of names) {
    const [a, b] = [member(one, name), member(other, name)];
    if (
      a === b ||
      (Array.isArray(a) && Array.isArray(b) && a.length === b.length && a.every((column, index) => column === b[index]))
    )
      continue;
    return false;
  }
  return true;
}
