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

/** Longer texts are faster through a decoder. */
const ASCII_BYTES_MAX = 512;

/** Short and plain text without a decoder, which costs more than all the rest of a short record; undefined for any other. */
export function asciiText(bytes: Uint8Array, from: number, to: number): string | undefined {
  if (to - from > ASCII_BYTES_MAX) return undefined;
  for (let at = from; at < to; at++) if ((bytes[at] as number) >= 0x80) return undefined;
  return String.fromCharCode.apply(undefined, bytes.subarray(from, to) as unknown as number[]);
}

/** The text of a JSON string, with its quotes in `bytes`, that holds nothing but plain ASCII; undefined for any other. */
export function plainString(bytes: Uint8Array): string | undefined {
  const end = bytes.length - 1;
  if (end > ASCII_BYTES_MAX || end < 1 || bytes[0] !== 0x22) return undefined;
  for (let at = 1; at < end; at++) {
    const byte = bytes[at] as number;
    if (byte >= 0x80 || byte === 0x5c) return undefined;
  }
  return String.fromCharCode.apply(undefined, bytes.subarray(1, end) as unknown as number[]);
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
