/**
 * Checks one value of a program against a base type and writes it as a wire atom. What the server would refuse is refused
 * here, before it is sent, and so is what the server would hang up on (a NUL or half a surrogate pair in a string).
 */
import { canonicalInteger } from "./atom.ts";
import { ValueError } from "./error.ts";
import { INT64_MAX, INT64_MIN, type Json } from "./json.ts";
import type { Atom, BaseType } from "./schema.ts";
import { isNamedUuid, isUuid } from "./uuid.ts";

/**
 * ovsdb-server closes the connection on a subnormal real, and writes reals with 15 digits, which at either end of the range
 * rounds to a number that it refuses when it next reads its own file. So the last sliver of the range is not allowed.
 */
const REAL_SIZE_MIN = 2.22507385850721e-308;
const REAL_SIZE_MAX = 1.79769313486231e308;

/** Where a value goes, for complaints. */
export type Place = { readonly table: string | undefined; readonly column: string | undefined };

/** Checks and writes one atom. @throws ValueError naming the place, the value, the reason and the remedy. */
export type AtomEncoder = (value: unknown) => Json;

export function atomEncoder(place: Place, base: BaseType): AtomEncoder {
  const check = enumCheck(place, base) ?? rangeCheck(place, base);
  switch (base.type) {
    case "boolean":
      return (value) => {
        if (typeof value !== "boolean") refuse(place, value, "is not a boolean", "give true or false");
        check?.(value);
        return value;
      };
    case "integer":
      return (value) => {
        const integer = encodeInteger(place, value);
        check?.(integer);
        return integer;
      };
    case "real":
      return (value) => {
        if (typeof value !== "number") refuse(place, value, "is not a real number", "give a number");
        if (!Number.isFinite(value))
          refuse(
            place,
            value,
            "is not finite",
            "OVSDB has no NaN and no Infinity; leave the column out or store a limit",
          );
        const size = Math.abs(value);
        if (size !== 0 && (size < REAL_SIZE_MIN || size > REAL_SIZE_MAX)) {
          refuse(
            place,
            value,
            "is too near the limits of a double",
            `ovsdb-server could not read it back; use 0, or a size from ${REAL_SIZE_MIN} to ${REAL_SIZE_MAX}`,
          );
        }
        check?.(value + 0);
        return value + 0;
      };
    case "string":
      return (value) => {
        checkString(place, value);
        check?.(value as string);
        return value as string;
      };
    case "uuid":
      return (value) => {
        if (isNamedUuid(value)) return ["named-uuid", value.namedUuid];
        if (!isUuid(value))
          refuse(
            place,
            value,
            "is not a UUID",
            `give the 36 characters of a row's _uuid${base.refTable === undefined ? "" : ` of ${base.refTable}`}, or what an insert of this transaction returned`,
          );
        const uuid = (value as string).toLowerCase();
        check?.(uuid);
        return ["uuid", uuid];
      };
  }
}

/** True if the atom, which has the right type, satisfies the constraints. References are not looked up. */
export function satisfies(base: BaseType, atom: Atom): boolean {
  try {
    atomEncoder({ table: undefined, column: undefined }, base)(atom);
    return true;
  } catch (error) {
    if (error instanceof ValueError) return false;
    throw error;
  }
}

function encodeInteger(place: Place, value: unknown): number | bigint {
  if (typeof value === "bigint") {
    if (value < INT64_MIN || value > INT64_MAX)
      refuse(place, value, "does not fit 64 bits", `stay within ${INT64_MIN} to ${INT64_MAX}`);
    return canonicalInteger(value);
  }
  if (typeof value !== "number" || !Number.isInteger(value))
    refuse(place, value, "is not an integer", "give a whole number or a bigint");
  // A number this big was probably rounded before it came here, so writing it would store something else than was meant.
  if (!Number.isSafeInteger(value))
    refuse(place, value, "is beyond ±(2^53-1), where numbers are no longer exact", "give a bigint");
  return value + 0;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: NUL is what is looked for
const NUL = /\u0000/;
const LONE_SURROGATE = /\p{Surrogate}/u;

function checkString(place: Place, value: unknown): void {
  if (typeof value !== "string") refuse(place, value, "is not a string", "give a string; numbers are not converted");
  if (NUL.test(value as string))
    refuse(place, value, "holds a NUL character", "ovsdb-server cannot store one; remove it");
  if (LONE_SURROGATE.test(value as string))
    refuse(place, value, "holds half of a surrogate pair", "it is not valid Unicode; was the string cut?");
}

type Check = (atom: Atom) => void;

function enumCheck(place: Place, base: BaseType): Check | undefined {
  if (base.enum === undefined) return undefined;
  const allowed = new Set(base.enum);
  const list = base.enum.map((atom) => show(atom)).join(", ");
  return (atom) => {
    if (!allowed.has(atom)) refuse(place, atom, "is not one of the allowed values", `use one of ${list}`);
  };
}

function rangeCheck(place: Place, base: BaseType): Check | undefined {
  const { minInteger, maxInteger, minReal, maxReal, minLength = 0, maxLength = Number.POSITIVE_INFINITY } = base;
  const min = base.type === "real" ? minReal : minInteger;
  const max = base.type === "real" ? maxReal : maxInteger;
  if (base.type === "string") {
    if (minLength === 0 && maxLength === Number.POSITIVE_INFINITY) return undefined;
    return (atom) => {
      const length = codePoints(atom as string);
      if (length < minLength) refuse(place, atom, `is too short (${length} characters)`, `use at least ${minLength}`);
      if (length > maxLength) refuse(place, atom, `is too long (${length} characters)`, `use at most ${maxLength}`);
    };
  }
  if (min === undefined && max === undefined) return undefined;
  return (atom) => {
    if (min !== undefined && (atom as number) < min)
      refuse(place, atom, "is too small", `the column takes ${range(min, max)}`);
    if (max !== undefined && (atom as number) > max)
      refuse(place, atom, "is too big", `the column takes ${range(min, max)}`);
  };
}

function range(min: number | bigint | undefined, max: number | bigint | undefined): string {
  if (min === undefined) return `at most ${max}`;
  return max === undefined ? `at least ${min}` : `${min} to ${max}`;
}

function codePoints(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}

/** How a value looks in a message; long ones are cut. */
export function show(value: unknown): string {
  const text =
    typeof value === "bigint" ? `${value}n` : typeof value === "string" ? JSON.stringify(value) : String(value);
  return text.length > 100 ? `${text.slice(0, 100)}…` : text;
}

/** @throws ValueError, always: `<table>.<column>: <value> <reason>; <remedy>`. */
export function refuse(place: Place, value: unknown, reason: string, remedy: string): never {
  throw new ValueError(place.table, place.column, `${show(value)} ${reason}; ${remedy}`);
}
