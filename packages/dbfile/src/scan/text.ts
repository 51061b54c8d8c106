/** JSON values from bytes that a scan has found. */
import { type Json, parseJsonExact } from "@ovnha/ovsdb/core";

const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
/** Integers that a double may round have at least 16 digits. */
const LONG_NUMBER = /[0-9]{16}/;

export function decodeText(bytes: Uint8Array): string {
  return UTF8.decode(bytes);
}

/** Exact, whatever the integers in it; the slow way is taken only for text that may need it. */
export function parseText(text: string): Json {
  return LONG_NUMBER.test(text) ? parseJsonExact(text) : (JSON.parse(text) as Json);
}

export function parseBytes(bytes: Uint8Array): Json {
  return parseText(decodeText(bytes));
}
