/** What Open vSwitch says of a file: its rows and its verdicts. */
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { copyFileSync, openSync, readSync, closeSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { rawCall, type RawJson, startStandalone } from "@ovnha/testkit";

export type Ran = { readonly code: number; readonly stdout: string; readonly stderr: string };

/** Runs ovsdb-tool to its end, whatever that end is; a signal counts as code -1. */
export function ovsdbTool(...args: readonly string[]): Promise<Ran> {
  return new Promise((resolve) => {
    execFile("ovsdb-tool", args, { timeout: 60_000, maxBuffer: 2 ** 28, encoding: "utf8" }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === "number" ? error.code : -1;
      resolve({ code, stdout, stderr });
    });
  });
}

/** Table to row uuid to column to value, in one writing: a set and a map as sorted texts, a scalar as a set of one. */
export type Rows = Record<string, Record<string, Record<string, readonly string[]>>>;

export function canonicalValue(value: unknown): readonly string[] {
  if (Array.isArray(value) && (value[0] === "set" || value[0] === "map")) {
    return (value[1] as unknown[]).map((element) => JSON.stringify(element)).sort();
  }
  return [JSON.stringify(value)];
}

type SelectResult = { readonly rows?: readonly Record<string, unknown>[]; readonly error?: string };

export function canonicalRows(tables: readonly string[], results: readonly SelectResult[]): Rows {
  const rows: Rows = {};
  for (const [position, table] of tables.entries()) {
    const selected = results[position]?.rows;
    if (selected === undefined) throw new Error(`${table}: ${JSON.stringify(results[position])}`);
    const found: Rows[string] = {};
    for (const { _uuid, _version, ...columns } of selected) {
      const uuid = (_uuid as [string, string])[1];
      found[uuid] = Object.fromEntries(
        Object.entries(columns).map(([column, value]) => [column, canonicalValue(value)]),
      );
    }
    rows[table] = found;
  }
  return rows;
}

const selects = (tables: readonly string[]): RawJson[] => tables.map((table) => ({ op: "select", table, where: [] }));

/** The first record of a file, parsed without the code under test. */
export function firstRecord(file: string): { readonly magic: string; readonly json: Record<string, unknown> } {
  const head = readFileSync(file);
  const end = head.indexOf(0x0a);
  const [, magic = "", length = "0"] = head.toString("latin1", 0, end).split(" ");
  const json = JSON.parse(head.toString("utf8", end + 1, end + 1 + Number(length))) as Record<string, unknown>;
  return { magic, json };
}

/** The rows of a standalone file, by `ovsdb-tool query`; ephemeral columns show their defaults. */
export async function toolRows(file: string): Promise<Rows> {
  const schema = firstRecord(file).json as { readonly name: string; readonly tables: object };
  const tables = Object.keys(schema.tables);
  const { code, stdout, stderr } = await ovsdbTool("query", file, JSON.stringify([schema.name, ...selects(tables)]));
  if (code !== 0) throw new Error(`ovsdb-tool query ${file}: ${stderr}`);
  return canonicalRows(tables, JSON.parse(stdout) as SelectResult[]);
}

/** What `ovsdb-tool query` has to say of a standalone file: its rows, or why it cannot read it. */
export async function toolReading(file: string): Promise<Rows | string> {
  return await toolRows(file).catch((error: Error) => error.message.replaceAll(file, "FILE"));
}

/** The rows that `ovsdb-tool cluster-to-standalone` makes of a clustered file, or how it failed. */
export async function toolClusterRows(file: string): Promise<Rows | Ran> {
  const output = join(dirname(file), `oracle-${randomBytes(4).toString("hex")}.db`);
  try {
    const ran = await ovsdbTool("cluster-to-standalone", output, file);
    return ran.code === 0 ? await toolRows(output) : ran;
  } finally {
    rmSync(output, { force: true });
    rmSync(join(dirname(output), `.${output.slice(dirname(output).length + 1)}.~lock~`), { force: true });
  }
}

/** The rows of the database that a server serves. */
export async function servedRows(remote: string, database: string): Promise<Rows> {
  const schema = (await rawCall(remote, "get_schema", [database])) as { readonly tables: object };
  const tables = Object.keys(schema.tables);
  const results = await rawCall(remote, "transact", [database, ...selects(tables)]);
  return canonicalRows(tables, results as unknown as SelectResult[]);
}

/** Starts ovsdb-server on a copy of a file, standalone or of a cluster of one, and asks it for its rows. */
export async function serverRows(file: string, database: string): Promise<Rows> {
  const copy = `${file}.served-${randomBytes(4).toString("hex")}`;
  copyFileSync(file, copy);
  await using server = await startStandalone({ databaseFiles: [copy], listen: "unix" });
  return await servedRows(server.unix, database);
}

/** `ovsdb-tool check-cluster` on these files. */
export function toolCheck(files: readonly string[]): Promise<Ran> {
  return ovsdbTool("check-cluster", ...files);
}

/** The first `bytes` of a file, as text. */
export function headOf(file: string, bytes: number): string {
  const buffer = Buffer.alloc(bytes);
  const handle = openSync(file, "r");
  try {
    return buffer.toString("latin1", 0, readSync(handle, buffer, 0, bytes, 0));
  } finally {
    closeSync(handle);
  }
}
