/** JSON of ovsdb-server's own tables and of schemas, as far as a backup needs it. */
import { type DatabaseSchema, type Json, type JsonObject, parseJsonExact, stringifyJson } from "@ovnha/ovsdb/core";
import type { MemberView } from "./choose-member.ts";

const ZERO = "00000000-0000-0000-0000-000000000000";
export const SERVER_COLUMNS: readonly string[] = [
  "name",
  "model",
  "connected",
  "leader",
  "schema",
  "cid",
  "sid",
  "index",
];

export function isObject(json: unknown): json is JsonObject {
  return typeof json === "object" && json !== null && !Array.isArray(json);
}

/** The one atom of an optional column: bare, `["uuid", …]`, or `["set", […]]` with at most one of these. */
function atom(json: Json | undefined): Json | undefined {
  if (!Array.isArray(json)) return json;
  const [tag, content] = json as readonly Json[];
  if (tag === "uuid") return content;
  return tag === "set" && Array.isArray(content) ? atom(content[0]) : undefined;
}

/** A row of `_Server`, table Database (ovsdb-server(5)); undefined if it is none. */
export function memberRow(json: Json | undefined): MemberView["row"] {
  if (!isObject(json)) return undefined;
  const text = (name: string): string | undefined => {
    const value = atom(json[name]);
    return typeof value === "string" && value !== "" && value !== ZERO ? value : undefined;
  };
  const index = atom(json["index"]);
  const model = text("model");
  return {
    model: model === "clustered" || model === "relay" ? model : "standalone",
    connected: json["connected"] === true,
    leader: json["leader"] === true,
    hasSchema: text("schema") !== undefined,
    cid: text("cid"),
    sid: text("sid"),
    index: typeof index === "number" ? index : undefined,
  };
}

/** The columns of each table that outlive a restart; the others are no part of a file (RFC 7047 §3.2). */
export function persistentColumns(schema: DatabaseSchema): Map<string, string[]> {
  return new Map(
    [...schema.tables.values()].map((table) => [
      table.name,
      [...table.columns.values()].filter(({ ephemeral }) => !ephemeral).map(({ name }) => name),
    ]),
  );
}

/** The row in `{"initial": row}` (update2) or `{"new": row}` (update); undefined if it is neither. */
export function initialRow(update: Json): JsonObject | undefined {
  if (!isObject(update)) return undefined;
  const row = update["initial"] ?? update["new"];
  return isObject(row) ? row : undefined;
}

/** As ovsdb-server writes it, without blanks. */
const INITIAL = '{"initial":{';

/** The text of the row in the text of a row update; anything but ovsdb-server's usual form is parsed. */
export function initialText(update: string): string | undefined {
  if (update.startsWith(INITIAL) && update.endsWith("}}")) {
    // Only a further member could come behind the row's own end; monitors that ask for nothing else send none.
    const text = update.slice(INITIAL.length - 1, -1);
    if (!text.includes('},"')) return text;
  }
  return textOf(initialRow(parseJsonExact(update)));
}

export function textOf(row: JsonObject | undefined): string | undefined {
  return row === undefined ? undefined : stringifyJson(row);
}
