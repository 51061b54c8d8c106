/** Records as they come out of a file: small members decoded, data and rows as places that are read when asked for. */
import { type Json, type JsonObject, OvsdbError } from "@ovnha/ovsdb/core";
import { type ClusterHeader, type ClusterRecord, decodeClusterHeader, decodeClusterRecord } from "./clustered.ts";
import { DbFileError } from "./error.ts";
import type { Damage, Magic, RecordPlace } from "./record.ts";
import type { OutlinedRecord } from "./record-reader.ts";
import type { DataOutline, MemberSpan, TransactionOutline } from "./scan/outline.ts";
import { decodeText, parseBytes, parseText } from "./scan/text.ts";
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

/** Decodes what is small. `window` may move. */
export function decodeOutlined(magic: Magic, { place, outline }: OutlinedRecord, window: Window): FileRecord {
  try {
    if (magic === "JSON") {
      if (place.ordinal === 0) return { type: "schema", place };
      const span = { start: place.bodyOffset, end: place.endOffset };
      return { type: "transaction", place, transaction: placeTransaction({ span, members: outline.members }, window) };
    }
    const json = smallMembers(outline.members, window);
    if (place.ordinal === 0) {
      if (outline.data !== undefined) json["prev_data"] = standIn(outline.data);
      const header = decodeClusterHeader(json);
      const data = outline.data === undefined ? undefined : placeData(outline.data, place, window);
      return { type: "header", place, header: withoutData(header), data };
    }
    if (outline.data !== undefined) json["data"] = standIn(outline.data);
    const record = decodeClusterRecord(json);
    const data = outline.data === undefined ? undefined : placeData(outline.data, place, window);
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

function placeData(data: DataOutline, place: RecordPlace, window: Window): DataPlace {
  const fail = (what: string): never => {
    throw new DbFileError("BAD_RECORD", `data must be [schema, transaction]; ${what}`, { offset: place.offset });
  };
  if (data.elements === undefined || data.schema === undefined || data.second === undefined)
    return fail("this is no array of two");
  if (data.elements !== 2) return fail(`this has ${data.elements} elements`);
  const transaction = data.transaction === undefined ? undefined : placeTransaction(data.transaction, window);
  if (transaction === undefined && !isNull(window, data.second)) fail("the second is neither an object nor null");
  const schema = isNull(window, data.schema) ? undefined : data.schema;
  return { span: data.span, schema, transaction };
}

function isNull(window: Window, span: Span): boolean {
  return span.end - span.start === 4 && decodeText(window.view(span)) === "null";
}

function placeTransaction({ span, members }: TransactionOutline, window: Window): TransactionPlace {
  // Of members with one name, the last one counts, as for ovsdb-server.
  const spans = new Map<string, Span>();
  const annotations: Record<string, Json> = {};
  for (const { key, value } of members) {
    const name = parseBytes(window.view(key)) as string;
    if (!ANNOTATIONS.includes(name)) spans.set(name, value);
    else annotations[name] = parseBytes(window.view(value));
  }
  const comment = annotations["_comment"];
  return {
    span,
    tables: [...spans].map(([name, at]) => ({ name, span: at })),
    dateMs: dateMs(annotations["_date"]),
    comment: typeof comment === "string" ? comment : undefined,
    isDiff: annotations["_is_diff"] === true,
  };
}
