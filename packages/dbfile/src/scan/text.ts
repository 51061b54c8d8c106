/** JSON values from bytes that a scan has found. */
import { type Json, parseJsonExact } from "@ovnha/ovsdb/core";
import { DbFileError } from "../error.ts";

const UTF8 = new TextDecoder("utf-8", { ignoreBOM: true });
const STRICT = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
/** Integers that a double may round have at least 16 digits. */
const LONG_NUMBER = /[0-9]{16}/;

/** Bytes that are no UTF-8 become U+FFFD, for comments may hold them. */
export function decodeText(bytes: Uint8Array): string {
  return UTF8.decode(bytes);
}

/** The longest name that a member of a record has, if every character of it is an escape. */
export const NAME_BYTES_MAX = 128;

/** The name of a member with its quotes, whatever escapes are in it; what is too long to be one stays as it is. */
export function nameText(text: string): string {
  if (text.length > NAME_BYTES_MAX || !text.includes("\\")) return text;
  try {
    return JSON.stringify(JSON.parse(text));
  } catch {
    return text;
  }
}

/** Exact, whatever the integers in it; the slow way is taken only for text that may need it. */
export function parseText(text: string): Json {
  return LONG_NUMBER.test(text) ? parseJsonExact(text) : (JSON.parse(text) as Json);
}

export function parseBytes(bytes: Uint8Array): Json {
  return parseText(decodeText(bytes));
}

/** The text of a row. @throws DbFileError `BAD_TRANSACTION` where it is no UTF-8, as ovsdb-server refuses it. */
export function decodeRowText(bytes: Uint8Array): string {
  try {
    return STRICT.decode(bytes);
  } catch (cause) {
    throw new DbFileError("BAD_TRANSACTION", "holds a text that is not valid UTF-8", { cause });
  }
}

export function parseRow(bytes: Uint8Array): Json {
  return parseText(decodeRowText(bytes));
}
