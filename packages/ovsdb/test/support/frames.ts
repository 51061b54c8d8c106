/** Helpers of the framing tests. */
import { FrameReader, type ReaderLimits, type RowContext, type RowSink, type TextDecoding } from "../../src/framer.ts";
import { type Json, type JsonObject, isJsonObject, parseJsonExact } from "../../src/json.ts";

export type Offer = { readonly context: RowContext; readonly table: string; readonly uuid: string; readonly row: Json };

/** Words in many scripts: one to four bytes a letter, right to left, combining, joined. */
export const scripts: readonly string[] = [
  "plain",
  "Übergrößenträger",
  "Ελληνικά",
  "Кириллица",
  "עברית",
  "العربية",
  "हिन्दी",
  "ไทย",
  "한국어",
  "日本語",
  "中文",
  "ქართული",
  "አማርኛ",
  "e\u0301",
  "😀👩‍👩‍👧",
  "𐍈𝄞",
  "\u200f\u2028\ufeff",
];

export function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export function exact(text: string): Json {
  return parseJsonExact(text);
}

/** A value as text with rounded integers: equal for what JSON.parse and the exact parser make of one text. */
export function plain(value: Json): string {
  return JSON.stringify(value, (_name, inner: unknown) => (typeof inner === "bigint" ? Number(inner) : inner));
}

/** Reads each chunk as it is pushed. */
export function readAll(
  chunks: readonly Uint8Array[],
  limits: ReaderLimits = {},
  sink?: RowSink,
  decoding?: TextDecoding,
): Json[] {
  const reader = new FrameReader(limits, sink, decoding);
  const messages: Json[] = [];
  for (const chunk of chunks) {
    reader.push(chunk);
    for (let message = reader.next(); message !== undefined; message = reader.next()) messages.push(message);
  }
  return messages;
}

/** The dumb twin of the reader's search for rows: looks at the whole message. Assumes that no member appears twice. */
export function offersOf(message: JsonObject): [string, string, Json][] {
  const offers: [string, string, Json][] = [];
  const tables = (value: Json): void => {
    if (!isJsonObject(value)) return;
    for (const [table, rows] of Object.entries(value)) {
      if (isJsonObject(rows)) for (const [uuid, row] of Object.entries(rows)) offers.push([table, uuid, row]);
    }
  };
  for (const [name, value] of Object.entries(message)) {
    if (name !== "result" && name !== "params") continue;
    if (Array.isArray(value)) value.forEach(tables);
    else tables(value);
  }
  return offers;
}
