/** Records as they come out of a file: small members decoded, data and rows as places that are read when asked for. */
import { type Json, type JsonObject, OvsdbError } from "@ovnha/ovsdb/core";
import { type ClusterHeader, type ClusterRecord, decodeClusterHeader, decodeClusterRecord } from "./clustered.ts";
import { DbFileError } from "./error.ts";
import type { Damage, Magic, RecordPlace } from "./record.ts";
import type { OutlinedRecord } from "./record-reader.ts";
import type { DataOutline, MemberSpan, Outline, TransactionOutline } from "./scan/outline.ts";
import { quickNumber, quickRecord } from "./quick.ts";
import { decodeText, parseBytes, parseText, plainString } from "./scan/text.ts";
import type { Span, Window } from "./scan/window.ts";
import { ANNOTATIONS, dateMs } from "./standalone.ts";

/** When, why and how a transaction was written (ovsdb(5)). */
export type Annotations = {
  /** Milliseconds since 1970. */
  readonly dateMs: number | undefined;
  readonly comment: string | undefined;
  readonly isDiff: boolean;
};

/** A transaction that lies in the file. */
export type TransactionPlace = Annotations & {
  readonly span: Span;
  /** Names and places of the tables, in the order of the file. */
  readonly tables: readonly { readonly name: string; readonly span: Span }[];
};

/** `[schema or null, transaction or null]`, in the file. */
export type DataPlace = {
  readonly span: Span;
  readonly schema: Span | undefined;
  readonly transaction: TransactionPlace | undefined;
};

/** The first record of a standalone file. */
export type SchemaFileRecord = { readonly type: "schema"; readonly place: RecordPlace };
/** Any later one. */
export type TransactionFileRecord = {
  readonly type: "transaction";
  readonly place: RecordPlace;
  readonly transaction: TransactionPlace;
};
/** The first record of a clustered file; `header.prev_data` is undefined here, `data` says where it is. */
export type HeaderFileRecord = {
  readonly type: "header";
  readonly place: RecordPlace;
  readonly header: ClusterHeader;
  readonly data: DataPlace | undefined;
};
/** Any later one; an entry's `data` is undefined here, `data` beside it says where it is. */
export type LogFileRecord = {
  readonly type: "log";
  readonly place: RecordPlace;
  readonly record: ClusterRecord;
  readonly data: DataPlace | undefined;
};
/** Well-formed, but ovsdb-server refuses it, and with it the whole file. */
export type InvalidFileRecord = { readonly type: "invalid"; readonly place: RecordPlace; readonly error: DbFileError };
/** The rest of the file cannot be read; comes last. */
export type DamageFileRecord = { readonly type: "damage"; readonly damage: Damage };

export type FileRecord =
  | SchemaFileRecord
  | TransactionFileRecord
  | HeaderFileRecord
  | LogFileRecord
  | InvalidFileRecord
  | DamageFileRecord;

/**
 * Decodes what is small. `window` may move. `isBrief` leaves tables and comments of transactions out, since a survey of
 * millions of them has no use for their names.
 */
export function decodeOutlined(
  magic: Magic,
  { place, outline }: OutlinedRecord,
  window: Window,
  isBrief = false,
): FileRecord {
  try {
    if (magic === "JSON") {
      if (place.ordinal === 0) return { type: "schema", place };
      const span = { start: place.bodyOffset, end: place.endOffset };
      const transaction = placeTransaction({ span, members: outline.members }, window, isBrief);
      return { type: "transaction", place, transaction };
    }
    const quick = quickLog(place, outline, window, isBrief);
    if (quick !== undefined) return quick;
    const json = smallMembers(outline.members, window);
    if (place.ordinal === 0) {
      if (outline.data !== undefined) json["prev_data"] = standIn(outline.data);
      const header = decodeClusterHeader(json);
      const data = outline.data === undefined ? undefined : placeData(outline.data, place, window, isBrief);
      return { type: "header", place, header: withoutData(header), data };
    }
    if (outline.data !== undefined) json["data"] = standIn(outline.data);
    const record = decodeClusterRecord(json);
    const data = outline.data === undefined ? undefined : placeData(outline.data, place, window, isBrief);
    return { type: "log", place, record: record.type === "entry" ? { ...record, data: undefined } : record, data };
  } catch (error) {
    if (!(error instanceof DbFileError) && !(error instanceof OvsdbError)) throw error;
    const message = `record ${place.ordinal} at offset ${place.offset}: ${error.message}`;
    const code = error instanceof DbFileError ? error.code : "BAD_RECORD";
    return {
      type: "invalid",
      place,
      error: new DbFileError(code, message, { offset: place.offset, cause: error }),
    };
  }
}

/** Most records of a busy file are plain entries and commit indexes; see quick.ts. */
function quickLog(place: RecordPlace, outline: Outline, window: Window, isBrief: boolean): LogFileRecord | undefined {
  if (place.ordinal === 0 || place.bodyOffset < window.start || place.endOffset > window.end) return undefined;
  const record = quickRecord(outline, window.bytes, window.start);
  if (record === undefined) return undefined;
  const data = outline.data === undefined ? undefined : placeData(outline.data, place, window, isBrief);
  return { type: "log", place, record, data };
}

function withoutData(header: ClusterHeader): ClusterHeader {
  return header.kind === "member" ? { ...header, prev_data: undefined } : header;
}

/** For the decoder, which asks whether data is there and whether it is an object or an array. */
function standIn(data: DataOutline): Json {
  return data.elements === undefined ? 0 : [];
}

function smallMembers(members: readonly MemberSpan[], window: Window): Record<string, Json> {
  let text = "{";
  for (const { key, value } of members)
    text += `${text.length === 1 ? "" : ","}${decodeText(window.view({ start: key.start, end: value.end }))}`;
  return { ...(parseText(`${text}}`) as JsonObject) };
}

function placeData(data: DataOutline, place: RecordPlace, window: Window, isBrief: boolean): DataPlace {
  const fail = (what: string): never => {
    throw new DbFileError("BAD_RECORD", `data must be [schema, transaction]; ${what}`, { offset: place.offset });
  };
  if (data.elements === undefined || data.schema === undefined || data.second === undefined)
    return fail("this is no array of two");
  if (data.elements !== 2) return fail(`this has ${data.elements} elements`);
  const transaction = data.transaction === undefined ? undefined : placeTransaction(data.transaction, window, isBrief);
  if (transaction === undefined && !isNull(window, data.second)) fail("the second is neither an object nor null");
  const schema = isNull(window, data.schema) ? undefined : data.schema;
  return { span: data.span, schema, transaction };
}

const LETTER_N = 0x6e;

function isNull(window: Window, span: Span): boolean {
  // Of all values of four bytes, only this word begins so.
  return span.end - span.start === 4 && window.view(span)[0] === LETTER_N;
}

function placeTransaction({ span, members }: TransactionOutline, window: Window, isBrief: boolean): TransactionPlace {
  if (isBrief) return briefTransaction({ span, members }, window);
  // Of members with one name, the last one counts, as for ovsdb-server.
  const tables = new Map<string, Span>();
  let date: Json | undefined;
  let comment: Json | undefined;
  let isDiff = false;
  for (const { key, value } of members) {
    const name = stringAt(key, window);
    if (!ANNOTATIONS.includes(name)) tables.set(name, value);
    else if (name === "_date") date = integerAt(value, window) ?? parseBytes(window.view(value));
    else if (name === "_comment") comment = plainString(window.view(value)) ?? parseBytes(window.view(value));
    else isDiff = parseBytes(window.view(value)) === true;
  }
  return {
    span,
    tables: Array.from(tables, ([name, at]) => ({ name, span: at })),
    dateMs: dateMs(date),
    comment: typeof comment === "string" ? comment : undefined,
    isDiff,
  };
}

const DATE_KEY_BYTES = '"_date"'.length;
const NOTHING = { tables: [], comment: undefined, isDiff: false } as const;

function briefTransaction({ span, members }: TransactionOutline, window: Window): TransactionPlace {
  let date: Json | undefined;
  for (const { key, value } of members) {
    if (key.end - key.start !== DATE_KEY_BYTES && !hasEscape(key, window)) continue;
    if (stringAt(key, window) !== "_date") continue;
    date = integerAt(value, window) ?? parseBytes(window.view(value));
  }
  return { span, dateMs: dateMs(date), ...NOTHING };
}

/** With escapes, a name is longer than it looks. */
function hasEscape({ start, end }: Span, window: Window): boolean {
  return window.view({ start, end }).includes(BACKSLASH);
}

const BACKSLASH = 0x5c;

function stringAt(span: Span, window: Window): string {
  return plainString(window.view(span)) ?? (parseBytes(window.view(span)) as string);
}

function integerAt(span: Span, window: Window): number | undefined {
  const bytes = window.view(span);
  return quickNumber(bytes, 0, bytes.length) || undefined;
}
