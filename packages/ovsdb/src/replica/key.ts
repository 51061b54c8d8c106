/** Index keys: one value per part, equal values equal keys, any two keys in one order. */
import type { Value } from "../value.ts";

/** What a part of a key may be. Undefined is a value like any other: the optional column that is empty. */
export type KeyPart = string | number | bigint | boolean | undefined;

/**
 * A column value as a key part. A bigint that fits a number becomes one, so that both integer policies find each other's
 * keys; a set or map becomes a text in which the order of its members does not matter.
 */
export function keyPart(value: Value): KeyPart {
  if (typeof value === "bigint")
    return BigInt.asIntN(54, value) === value && value !== -(2n ** 53n) ? Number(value) : value;
  if (typeof value !== "object") return value;
  const members: string[] = [];
  if (value instanceof Map)
    for (const [key, held] of value) members.push(encodeKey([keyPart(key), keyPart(held as Value)]));
  else for (const member of value as ReadonlySet<Value>) members.push(encodeKey([keyPart(member)]));
  return members.sort().join("");
}

/** A key of one part is the part itself; a compound key has two parts or more. */
export type Key = KeyPart | readonly KeyPart[];

export function isCompound(key: Key): key is readonly KeyPart[] {
  return Array.isArray(key);
}

/** Any key as one hashable value; different keys give different values. */
export function hashKey(key: Key): KeyPart {
  if (isCompound(key)) return `\u0001${encodeKey(key)}`;
  return typeof key === "string" && key.charCodeAt(0) === 1 ? `\u0001${encodeKey([key])}` : key;
}

/** One text for several parts; different parts give different texts. */
export function encodeKey(parts: readonly KeyPart[]): string {
  let text = "";
  for (const part of parts) {
    if (typeof part === "string") text += `${part.length}:${part}`;
    else if (part === undefined) text += "-";
    else if (typeof part === "boolean") text += part ? "t" : "f";
    // -0 is written like 0, as they are one key.
    else text += `n${part};`;
  }
  return text;
}

function rank(part: KeyPart): number {
  if (part === undefined) return 0;
  if (typeof part === "boolean") return 1;
  return typeof part === "string" ? 3 : 2;
}

/**
 * Order of key parts: undefined, then false, true, then numbers, then strings. Strings go by UTF-16 code units, which
 * differs from ovsdb-server's byte order only where surrogate pairs meet U+E000 to U+FFFF.
 */
export function comparePart(one: KeyPart, other: KeyPart): number {
  if (one === other) return 0;
  if (typeof one === typeof other && one !== undefined && other !== undefined)
    return one < other ? -1 : one > other ? 1 : 0;
  const ranks = rank(one) - rank(other);
  if (ranks !== 0) return ranks;
  // A number beside a bigint.
  return (one as number) < (other as bigint) ? -1 : (one as number) > (other as bigint) ? 1 : 0;
}

/** Compares part by part as far as both go: a shorter key is equal to everything that begins with it. */
export function compareParts(one: readonly KeyPart[], other: readonly KeyPart[]): number {
  const count = Math.min(one.length, other.length);
  for (let index = 0; index < count; index++) {
    const order = comparePart(one[index], other[index]);
    if (order !== 0) return order;
  }
  return 0;
}

/** {@link compareParts}, but of two keys that begin alike the shorter one comes first. */
export function compareWhole(one: readonly KeyPart[], other: readonly KeyPart[]): number {
  return compareParts(one, other) || one.length - other.length;
}
