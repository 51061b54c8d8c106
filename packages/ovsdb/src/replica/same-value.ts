/** Equality of column values without the schema; columns of one row compared with those of another. */
import type { Row, Value } from "../value.ts";

/** Equal content: scalars by value, sets and maps whatever their order. 0 and -0 are one real (RFC 7047 §3.1). */
export function sameValue(one: Value, other: Value): boolean {
  if (one === other) return true;
  if (typeof one !== "object" || typeof other !== "object") return false;
  return one instanceof Map ? sameMap(one, other) : sameSet(one as ReadonlySet<unknown>, other);
}

function sameMap(one: ReadonlyMap<unknown, unknown>, other: unknown): boolean {
  if (!(other instanceof Map) || one.size !== other.size) return false;
  for (const [key, value] of one) {
    const found: unknown = other.get(key);
    if (found !== value || (found === undefined && !other.has(key))) return false;
  }
  return true;
}

function sameSet(one: ReadonlySet<unknown>, other: unknown): boolean {
  if (!(other instanceof Set) || one.size !== other.size) return false;
  for (const member of one) if (!other.has(member)) return false;
  return true;
}

/** True if the rows agree in all the columns. */
export function sameColumns(one: Row, other: Row, columns: readonly string[]): boolean {
  if (one === other) return true;
  for (const column of columns) if (!sameValue(one[column], other[column])) return false;
  return true;
}

/** The values that `before` had in the columns where `after` differs. */
export function changedFrom(before: Row, after: Row, columns: readonly string[]): Record<string, Value> {
  const old: Record<string, Value> = {};
  for (const column of columns) if (!sameValue(before[column], after[column])) old[column] = before[column];
  return old;
}
