/** A whole content as the first two records of a standalone file. */
import type { FileHandle } from "node:fs/promises";
import { type JsonObject, stringifyJson } from "@ovnha/ovsdb/core";
import type { DatabaseContent } from "../rows/database-content.ts";
import { decodeRowText } from "../scan/text.ts";
import { RecordWriter } from "./record-writer.ts";

/** Of the transaction; `dateMs` in milliseconds since 1970. In a transaction of new rows alone `isDiff` changes nothing. */
export type ContentNote = {
  readonly comment: string;
  readonly dateMs: number | undefined;
  readonly isDiff?: boolean;
};

/** @returns the offset behind what was written. */
export async function writeContent(handle: FileHandle, content: DatabaseContent, note: ContentNote): Promise<number> {
  const writer = new RecordWriter(handle, "JSON");
  await writer.write(stringifyJson(content.schemaJson));
  await writer.write(contentText(content, note));
  return writer.sizeBytes;
}

function* contentText(content: DatabaseContent, { comment, dateMs, isDiff }: ContentNote): Generator<string> {
  yield "{";
  for (const [name, table] of content.tables) {
    if (table.size === 0) continue;
    let open = `${JSON.stringify(name)}:{`;
    for (const [uuid, bytes] of table.entries()) {
      yield `${open}"${uuid}":${decodeRowText(bytes)}`;
      open = ",";
    }
    yield "},";
  }
  const annotations: JsonObject = {
    _comment: comment,
    ...(isDiff === true ? { _is_diff: true } : {}),
    ...(dateMs === undefined ? {} : { _date: dateMs }),
  };
  yield stringifyJson(annotations).slice(1);
}
