/** The question to `_Server` and its answer, as JSON (RFC 7047 §5.2.2; `_Server(5)`). */
import type { Json } from "@ovnha/ovsdb";
import { ClusterError } from "../error.ts";
import type { ServerRow } from "./types.ts";

/** Not "schema": it has tens of kilobytes, and a monitor would send it with every new index. */
export const SERVER_COLUMNS: readonly string[] = ["name", "model", "connected", "leader", "cid", "sid", "index"];

const NO_UUID = "00000000-0000-0000-0000-000000000000";

/** Parameters of `transact`: the row, and the row again if it has no schema. */
export function serverQuestion(database: string): Json[] {
  const isNamed = ["name", "==", database];
  return [
    "_Server",
    { op: "select", table: "Database", where: [isNamed], columns: [...SERVER_COLUMNS] },
    { op: "select", table: "Database", where: [isNamed, ["schema", "==", ["set", []]]], columns: ["name"] },
  ];
}

/**
 * The answer to {@link serverQuestion}; undefined if the server does not serve the database.
 * @throws ClusterError REFUSED with the server's words, PROTOCOL if it makes no sense.
 */
export function readServerAnswer(results: Json): ServerRow | undefined {
  const [rows, without] = Array.isArray(results) ? results : [];
  const [row] = rowsOf(rows);
  return row === undefined ? undefined : readServerRow(row, rowsOf(without).length === 0);
}

function rowsOf(result: Json | undefined): Record<string, Json>[] {
  const { rows, error, details } = (result ?? {}) as { rows?: unknown; error?: unknown; details?: unknown };
  if (typeof error === "string")
    throw new ClusterError("REFUSED", `_Server: ${error}${typeof details === "string" ? `: ${details}` : ""}`);
  if (!Array.isArray(rows)) throw new ClusterError("PROTOCOL", "_Server: the answer to a select has no rows");
  return rows as Record<string, Json>[];
}

/** One row of the table Database. @throws ClusterError PROTOCOL */
export function readServerRow(row: Readonly<Record<string, Json>>, hasSchema: boolean): ServerRow {
  const { name, model, connected, leader } = row;
  if (typeof name !== "string" || typeof model !== "string" || typeof connected !== "boolean")
    throw new ClusterError(
      "PROTOCOL",
      `_Server: a row without name, model or connected: ${JSON.stringify(row).slice(0, 200)}`,
    );
  const cid = uuidOf(row["cid"]);
  const sid = uuidOf(row["sid"]);
  const index = row["index"];
  return {
    name,
    model,
    connected,
    leader: leader === true,
    hasSchema,
    ...(cid === undefined ? {} : { cid }),
    ...(sid === undefined ? {} : { sid }),
    ...(typeof index === "number" ? { index } : {}),
  };
}

/** `["uuid", …]`; an empty set or the UUID of zeros is none. */
function uuidOf(value: Json | undefined): string | undefined {
  const [kind, uuid] = Array.isArray(value) ? value : [];
  return kind === "uuid" && typeof uuid === "string" && uuid !== NO_UUID ? uuid : undefined;
}
