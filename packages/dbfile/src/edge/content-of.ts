/** The content of a database file, for another one. */
import { basename } from "node:path";
import type { Content, FileRow } from "../content.ts";
import type { Damage } from "../record.ts";
import type { DatabaseContent } from "../rows/database-content.ts";
import type { FromFile } from "./create.ts";
import { openDbFile } from "./db-file.ts";
import { replay } from "./replay.ts";

/** Reads all rows; they are held as long as the result is. */
export async function readContent(
  { source, includeUncommitted }: FromFile,
  signal: AbortSignal | undefined,
): Promise<Content & { readonly damage: Damage | undefined }> {
  using file = await openDbFile(source);
  const { content } = await replay(file, { signal, includeUncommitted });
  const { damage } = await file.survey();
  return {
    damage,
    schema: content.schema,
    rows: rowsOf(content),
    comment: `created from ${basename(source)}`,
  };
}

/** In the order of the schema's tables. Asynchronous, since a file's own rows need no look for repetitions. */
export async function* rowsOf(content: DatabaseContent): AsyncGenerator<FileRow> {
  for (const table of content.tables.values()) {
    for (const uuid of table.uuids()) yield { table: table.name, uuid, columns: table.json(uuid) ?? {} };
  }
}
