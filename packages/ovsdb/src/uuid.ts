/** UUIDs as OVSDB writes them: 36 characters, hexadecimal in 8-4-4-4-12 groups (RFC 7047 §3.1). */

declare const uuidBrand: unique symbol;

/**
 * A UUID that says which table its row is in. `Uuid<"Port">` can be given where any `Uuid` is wanted, but not where a
 * `Uuid<"Bridge">` is. A plain string is accepted too, so a UUID may be pasted or read from a file; it is checked when it
 * is used.
 */
export type Uuid<Table extends string = string> = string & { readonly [uuidBrand]?: Table };

/**
 * A row that an earlier or later insert of the same transaction makes; it stands wherever a UUID may stand and goes out
 * as `["named-uuid", name]` (RFC 7047 §5.1). The transaction builder makes these.
 */
export type NamedUuid<Table extends string = string> = {
  readonly namedUuid: string;
  readonly table?: Table;
};

/** The default of a uuid column: all zero. */
export const ZERO_UUID: Uuid = "00000000-0000-0000-0000-000000000000";

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** True if the text is a UUID; upper-case digits are allowed, as ovsdb-server allows them. */
export function isUuid(text: unknown): boolean {
  return typeof text === "string" && UUID.test(text);
}

/** True for a symbolic reference (see {@link NamedUuid}). */
export function isNamedUuid(value: unknown): value is NamedUuid {
  return typeof value === "object" && value !== null && typeof (value as NamedUuid).namedUuid === "string";
}

/**
 * Writes 16 bytes as a UUID, in network order. The bytes are not changed: a caller that wants a random (version 4) UUID
 * sets the version and variant bits itself, see {@link randomUuid}.
 */
export function formatUuid(bytes: Uint8Array): Uuid {
  if (bytes.length !== 16) throw new RangeError(`a UUID has 16 bytes, not ${bytes.length}`);
  let text = "";
  for (let index = 0; index < 16; index++) {
    if (index === 4 || index === 6 || index === 8 || index === 10) text += "-";
    text += (bytes[index] as number).toString(16).padStart(2, "0");
  }
  return text;
}

/** A version 4 UUID from 16 bytes of chance that the caller brings (RFC 4122 §4.4). */
export function randomUuid(chance: Uint8Array): Uuid {
  const bytes = Uint8Array.from(chance);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return formatUuid(bytes);
}
