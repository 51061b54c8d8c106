/** The records of a file as text for people, one paragraph for each. */
import { type FileRecord, openDbFile, readRecords } from "@ovnha/dbfile";
import { stringifyJson } from "@ovnha/ovsdb/core";
import { BackupError } from "../../error.ts";

/** Text beyond this is more than anybody reads, and than a string should hold. */
const TEXT_LENGTH_MAX = 256 * 2 ** 20;

/** `more`: 0 says which tables a record touches, 1 shows rows, 2 shows schemas too. */
export async function showRecords(path: string, more: 0 | 1 | 2, signal: AbortSignal | undefined): Promise<string> {
  using file = await openDbFile(path);
  const show = (span: { readonly start: number; readonly end: number }): string => stringifyJson(file.json(span));
  const paragraphs: string[] = [];
  let length = 0;
  for await (const record of readRecords(file, { signal })) {
    const paragraph = describe(record, more, show);
    length += paragraph.length;
    if (length > TEXT_LENGTH_MAX) throw new BackupError("LIMIT", `${path}: the log is too long to show`, { path });
    paragraphs.push(paragraph);
  }
  return paragraphs.join("\n\n");
}

type Show = (span: { readonly start: number; readonly end: number }) => string;

function describe(record: FileRecord, more: 0 | 1 | 2, show: Show): string {
  if (record.type === "damage") return `damage at offset ${record.damage.offset}: ${record.damage.message}`;
  const head = `record ${record.place.ordinal} at offset ${record.place.offset}:`;
  switch (record.type) {
    case "schema":
      return [
        head,
        " schema",
        ...(more === 2 ? [` ${show({ start: record.place.bodyOffset, end: record.place.endOffset })}`] : []),
      ].join("\n");
    case "transaction":
      return [head, ...transaction(record.transaction, more, show)].join("\n");
    case "invalid":
      return `${head}\n ovsdb-server refuses it: ${record.error.message}`;
    case "header":
      return [head, ...members(record.header), ...data(record.data, more, show)].join("\n");
    case "log":
      return [head, ...members(record.record), ...data(record.data, more, show)].join("\n");
  }
}

function members(of: object): string[] {
  return Object.entries(of)
    .filter(([name, value]) => value !== undefined && value !== null && name !== "data" && name !== "prev_data")
    .map(([name, value]) => ` ${name}: ${typeof value === "object" ? JSON.stringify(value) : String(value)}`);
}

type Data = Extract<FileRecord, { type: "log" }>["data"];
type Transaction = NonNullable<NonNullable<Data>["transaction"]>;

function data(of: Data, more: 0 | 1 | 2, show: Show): string[] {
  if (of === undefined) return [];
  const schema = of.schema === undefined ? [] : [more === 2 ? ` schema: ${show(of.schema)}` : " schema"];
  return [...schema, ...(of.transaction === undefined ? [] : transaction(of.transaction, more, show))];
}

function transaction({ dateMs, comment, tables }: Transaction, more: 0 | 1 | 2, show: Show): string[] {
  return [
    ...(dateMs === undefined ? [] : [` date: ${new Date(dateMs).toISOString()}`]),
    ...(comment === undefined ? [] : [` comment: ${JSON.stringify(comment)}`]),
    ...tables.map(({ name, span }) => (more === 0 ? ` table ${name}` : ` table ${name}: ${show(span)}`)),
  ];
}
