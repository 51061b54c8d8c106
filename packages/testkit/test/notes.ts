/** A database of notes, for the tests of this package. */
import { dumpRows, rawCall } from "../src/index.ts";

export const NOTES = {
  name: "Notes",
  version: "1.0.0",
  tables: { Note: { columns: { text: { type: "string" } }, isRoot: true } },
} as const;

export function put(remote: string, text: string): Promise<unknown> {
  return rawCall(remote, "transact", ["Notes", { op: "insert", table: "Note", row: { text } }]);
}

/** All texts, sorted. */
export async function told(remote: string): Promise<string[]> {
  const rows = (await dumpRows(remote, "Notes")).get("Note")?.values() ?? [];
  return [...rows].map((row) => String(row["text"])).sort();
}
