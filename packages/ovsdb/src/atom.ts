/** Single values: `<atom>` of RFC 7047 §5.1. */
import { isJsonInteger, type Json } from "./json.ts";
import type { Atom, AtomType } from "./schema.ts";
import { isUuid, ZERO_UUID } from "./uuid.ts";

/** The value a column of this type has when an insert does not mention it (RFC 7047 §5.2.1). */
export function defaultAtom(type: AtomType): Atom {
  switch (type) {
    case "integer":
    case "real":
      return 0;
    case "boolean":
      return false;
    case "string":
      return "";
    case "uuid":
      return ZERO_UUID;
  }
}

/**
 * One atom from the wire, or undefined if it is not of the type. An integer is a number while that is exact, else a
 * bigint. `-0` is 0, as on the server. Slow and strict: the hot path is in atom-codec.ts.
 */
export function decodeAtom(type: AtomType, json: Json): Atom | undefined {
  switch (type) {
    case "integer":
      return isJsonInteger(json) ? canonicalInteger(json) : undefined;
    case "real":
      if (typeof json === "bigint") return Number(json);
      return typeof json === "number" ? json + 0 : undefined;
    case "boolean":
      return typeof json === "boolean" ? json : undefined;
    case "string":
      return typeof json === "string" ? json : undefined;
    case "uuid":
      return Array.isArray(json) && json.length === 2 && json[0] === "uuid" && isUuid(json[1])
        ? (json[1] as string).toLowerCase()
        : undefined;
  }
}

/** One atom onto the wire; nothing is checked. */
export function encodeAtom(type: AtomType, atom: Atom): Json {
  return type === "uuid" ? ["uuid", atom as string] : atom;
}

/** A number while that is exact, else a bigint; `-0` is 0. */
export function canonicalInteger(integer: number | bigint): number | bigint {
  if (typeof integer === "number") return Number.isSafeInteger(integer) ? integer + 0 : BigInt(integer);
  return integer >= Number.MIN_SAFE_INTEGER && integer <= Number.MAX_SAFE_INTEGER ? Number(integer) : integer;
}

/**
 * Order of two atoms of one type, as ovsdb-server sorts sets and maps: numbers by value, false before true, strings by
 * their UTF-8 bytes, uuids by their digits. Negative, zero or positive.
 */
export function compareAtoms(a: Atom, b: Atom): number {
  if (typeof a === "string" && typeof b === "string") return compareStrings(a, b);
  return a < b ? -1 : a > b ? 1 : 0;
}

function compareStrings(a: string, b: string): number {
  const shorter = Math.min(a.length, b.length);
  for (let index = 0; index < shorter; index++) {
    const x = a.charCodeAt(index);
    const y = b.charCodeAt(index);
    if (x !== y) return byteOrder(x) - byteOrder(y);
  }
  return a.length - b.length;
}

/** UTF-16 order and UTF-8 order differ only in that surrogates (characters from U+10000) must come after U+E000–U+FFFF. */
function byteOrder(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit >= 0xe000 ? unit - 0x800 : unit + 0x2000;
}
