/** A small database with every kind of column, and what the tests ask of backups of it. */
import { copyFileSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { dumpRows, ovsdbTransact, startStandalone, temporaryFolder } from "@ovnha/testkit";

export const LAB_SCHEMA = {
  name: "Lab",
  version: "1.2.3",
  tables: {
    Switch: {
      isRoot: true,
      columns: {
        name: { type: "string" },
        ports: { type: { key: { type: "uuid", refTable: "Port" }, min: 0, max: "unlimited" } },
        options: { type: { key: "string", value: "string", min: 0, max: "unlimited" } },
        session: { type: "string", ephemeral: true },
      },
      indexes: [["name"]],
    },
    Port: {
      columns: {
        name: { type: "string" },
        tag: { type: { key: { type: "integer", minInteger: 0, maxInteger: 4095 }, min: 0, max: 1 } },
        size: { type: "integer" },
        weight: { type: "real" },
        up: { type: "boolean" },
        mode: { type: { key: { type: "string", enum: ["set", ["access", "trunk"]] }, min: 0, max: 1 } },
        peer: { type: { key: { type: "uuid", refTable: "Port", refType: "weak" }, min: 0, max: 1 } },
      },
    },
    Empty: { isRoot: true, columns: { note: { type: "string" } } },
    Bare: { isRoot: true, columns: { seen: { type: "integer", ephemeral: true } } },
  },
} as const;

const ODD_NAMES = ["plain", 'quo"te', "back\\slash", "new\nline", "é☂😀", "tab\t", ""];

/** Some rows with every kind of value in them: odd strings, long integers, references both strong and weak. */
export async function fillLab(remote: string): Promise<void> {
  const operations = ODD_NAMES.flatMap((name, index) => [
    {
      op: "insert",
      table: "Port",
      "uuid-name": `p${index}`,
      row: {
        name,
        ...(index % 2 === 0 ? { tag: index } : {}),
        weight: index / 3,
        up: index % 3 === 0,
        ...(index % 2 === 1 ? { mode: "trunk" } : {}),
        ...(index > 0 ? { peer: ["named-uuid", `p${index - 1}`] } : {}),
      },
    },
    {
      op: "insert",
      table: "Switch",
      row: {
        name: `sw ${name}`,
        ports: ["set", [["named-uuid", `p${index}`]]],
        options: ["map", [["k", name]]],
        session: "lost",
      },
    },
  ]);
  const answers = await ovsdbTransact(remote, "Lab", [
    ...operations,
    { op: "insert", table: "Bare", row: { seen: 1 } },
    { op: "insert", table: "Bare", row: {} },
  ]);
  for (const answer of answers) if ("error" in answer) throw new Error(JSON.stringify(answer));
  // JSON.stringify knows no integers of 64 bits, so the text is made by hand.
  const long = `{"op":"update","table":"Port","where":[["name","==","plain"]],"row":{"size":9223372036854775807}}`;
  const { ovsdbClient } = await import("@ovnha/testkit");
  await ovsdbClient(["transact", remote, `["Lab",${long}]`]);
}

export type Rows = Map<string, Map<string, Record<string, unknown>>>;

/** Every row as a real server tells it, without what is never in a file. */
export async function persistentRows(remote: string, database = "Lab"): Promise<Rows> {
  const tables = await dumpRows(remote, database);
  for (const rows of tables.values())
    for (const row of rows.values()) {
      delete row["_version"];
      if (database !== "Lab") continue;
      delete row["session"];
      delete row["seen"];
    }
  return tables;
}

/** What a real ovsdb-server reads from the file. */
export async function rowsOfFile(path: string, database = "Lab"): Promise<Rows> {
  const folder = temporaryFolder();
  const copy = join(folder, "copy.db");
  if (path.endsWith(".gz")) writeFileSync(copy, gunzipSync(readFileSync(path)));
  else copyFileSync(path, copy);
  await using server = await startStandalone({ databaseFiles: [copy], listen: "unix", dir: folder });
  return await persistentRows(server.unix, database);
}

/** All names in a folder, hidden ones too. */
export function names(folder: string): string[] {
  return readdirSync(folder).sort();
}
