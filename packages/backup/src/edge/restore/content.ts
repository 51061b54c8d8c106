/** Database files made and compared on the operator's machine, without ovsdb-tool. */
import { createReadStream } from "node:fs";
import { link, open, unlink } from "node:fs/promises";
import { basename } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import {
  createCluster,
  createStandalone,
  type FileRow,
  inspect,
  joinCluster,
  replay,
  type Replayed,
} from "@ovnha/dbfile";
import { BackupError } from "../../error.ts";
import { DATABASE_NAMES } from "../../layout/profile.ts";
import type { Facts } from "../../restore/journal.ts";
import { hashOf } from "../../restore/steps.ts";
import type { Action, ExpectedContent } from "../../restore/types.ts";
import { runPaced } from "../pace.ts";
import { digestFile } from "../take/digest.ts";
import { ioError } from "../take/io-error.ts";
import type { Context } from "./context.ts";
import { isThere } from "./local.ts";
import { rowUuids } from "./servers.ts";

type Of<K extends Action["kind"]> = Extract<Action, { readonly kind: K }>;
type Outcome = { readonly facts: Facts; readonly notes: readonly string[] };
type Content = Replayed["content"];

/** Uuids that an error message names. */
const NAMED_MAX = 5;

/** Makes the standalone file that is restored. One that is there already, of a run that was cut off, is looked at again. */
export async function convertSource(
  { from, to, expect, includeUncommitted }: Of<"convert">,
  signal: AbortSignal | undefined,
): Promise<Outcome> {
  const { sha256 } = await digestFile(from, signal);
  if (sha256 !== expect.sha256) throw changed(from, sha256, expect.sha256);
  if (!(await isThere(to))) await makeStandalone(from, to, includeUncommitted, signal);
  const content = await readWhole(to, expect, signal);
  const made = await digestFile(to, signal);
  return {
    facts: { [hashOf(to).fact]: made.sha256 },
    notes: [
      `${to}: ${content.size} rows, schema ${content.schema.version ?? "without a version"}, SHA-256 ${made.sha256}`,
    ],
  };
}

function changed(path: string, now: string, then: string): BackupError {
  return new BackupError("INCONSISTENT", `${path} has the SHA-256 ${now}, and had ${then} when the plan was made`, {
    path,
    remedy: "make a new plan",
  });
}

async function makeStandalone(
  from: string,
  to: string,
  includeUncommitted: boolean,
  signal: AbortSignal | undefined,
): Promise<void> {
  const found = from.endsWith(".gz") ? undefined : await inspect(from, { signal });
  if (found === undefined || (found.format === "standalone" && found.damage === undefined)) {
    await place(from, to, signal);
    return;
  }
  // Nothing that a later leader has overwritten, and nothing behind damage.
  const { content } = await replay(from, { includeUncommitted, signal });
  await createStandalone({
    path: to,
    schema: content.schema,
    rows: rowsOf(content),
    comment: `converted from ${basename(from)} for a restore`,
    signal,
  });
}

/** Copies a standalone file byte by byte, decompressed; it appears under its name when it is whole. */
async function place(from: string, to: string, signal: AbortSignal | undefined): Promise<void> {
  const partial = `${to}.${process.pid}.partial`;
  const file = await open(partial, "w", 0o600);
  try {
    const source = createReadStream(from, { highWaterMark: 1024 * 1024 });
    const write = async (chunks: AsyncIterable<Uint8Array>): Promise<void> => {
      for await (const chunk of chunks) await file.writeFile(chunk);
    };
    const options = signal === undefined ? {} : { signal };
    if (from.endsWith(".gz")) await pipeline(source, createGunzip(), write, options);
    else await pipeline(source, write, options);
    await file.sync();
    await link(partial, to);
  } catch (error) {
    if (error instanceof Error && "code" in error && String(error.code).startsWith("Z_"))
      throw new BackupError("DAMAGED", `${from} cannot be decompressed: ${error.message}`, {
        path: from,
        remedy: "take another backup",
        cause: error,
      });
    throw ioError(error, to);
  } finally {
    await file.close();
    await unlink(partial).catch(() => {});
  }
}

async function readWhole(path: string, expect: ExpectedContent, signal: AbortSignal | undefined): Promise<Content> {
  const { name, damage, format } = await inspect(path, { signal });
  const bad = (what: string): BackupError =>
    new BackupError("DAMAGED", `${path} ${what}`, { path, remedy: "take another backup" });
  if (format !== "standalone") throw bad(`is ${format}, not standalone`);
  if (damage !== undefined) throw bad(`is damaged at offset ${damage.offset}`);
  if (name !== expect.databaseName) throw bad(`holds ${name}, not ${expect.databaseName}`);
  const { content } = await replay(path, { signal });
  if (expect.schemaVersion !== undefined && content.schema.version !== expect.schemaVersion)
    throw bad(`has the schema ${content.schema.version ?? "without a version"}, not ${expect.schemaVersion}`);
  for (const [table, rows] of Object.entries(expect.rows ?? {})) {
    const found = content.tables.get(table)?.size ?? 0;
    if (found !== rows) throw bad(`has ${found} rows in ${table}, and its manifest says ${rows}`);
  }
  return content;
}

async function* rowsOf(content: Content): AsyncGenerator<FileRow> {
  for (const table of content.tables.values())
    for (const uuid of table.uuids()) yield { table: table.name, uuid, columns: table.json(uuid) ?? {} };
}

/** Makes the file of a cluster of one, and compares every row with the standalone file. */
export async function makeFirst(action: Of<"create-cluster">, signal: AbortSignal | undefined): Promise<Outcome> {
  const { from, to, address, cid, sid, electionTimerMs } = action;
  const { content } = await replay(from, { signal });
  if (!(await isThere(to)))
    await createCluster({
      path: to,
      localAddress: address,
      clusterId: cid,
      serverId: sid,
      electionTimerMs,
      schema: content.schema,
      rows: rowsOf(content),
      comment: `restored from ${basename(from)}`,
      signal,
    });
  await checkIds(to, action, signal);
  const { content: made } = await replay(to, { signal });
  const difference = await runPaced(firstDifference(content, made), signal);
  if (difference !== undefined)
    throw new BackupError("INCONSISTENT", `${to} is not what it was made of: ${difference}`, {
      path: to,
      remedy: "report this; restore with ovsdb-tool create-cluster by hand",
    });
  const { sha256 } = await digestFile(to, signal);
  return {
    facts: { [hashOf(to).fact]: sha256 },
    notes: [`cluster ${cid}, server ${sid}: ${made.size} rows, each compared`],
  };
}

/** Makes the file of a server that joins. */
export async function makeJoining(action: Of<"join-cluster">, signal: AbortSignal | undefined): Promise<Outcome> {
  const { to, database, address, remotes, cid, sid } = action;
  if (!(await isThere(to)))
    await joinCluster({
      path: to,
      name: DATABASE_NAMES[database],
      localAddress: address,
      remotes,
      clusterId: cid,
      serverId: sid,
    });
  await checkIds(to, action, signal);
  const { sha256 } = await digestFile(to, signal);
  return {
    facts: { [hashOf(to).fact]: sha256 },
    notes: [`server ${sid} joins cluster ${cid} through ${remotes.join(", ")}`],
  };
}

async function checkIds(
  path: string,
  wanted: { readonly cid: string; readonly sid: string },
  signal: AbortSignal | undefined,
): Promise<void> {
  const found = await inspect(path, { signal });
  const isRight =
    found.format !== "standalone" &&
    found.clusterId === wanted.cid &&
    found.serverId === wanted.sid &&
    found.damage === undefined;
  if (!isRight)
    throw new BackupError("INCONSISTENT", `${path} is not the file that this plan makes`, {
      path,
      remedy: "choose another work folder, and make a new plan",
    });
}

/** The first row that two contents do not share, in words. */
export function* firstDifference(a: Content, b: Content): Generator<undefined, string | undefined> {
  for (const table of a.tables.values()) {
    const other = b.tables.get(table.name);
    if (other === undefined) return `table ${table.name} is missing`;
    if (other.size !== table.size) return `table ${table.name} has ${other.size} rows instead of ${table.size}`;
    for (const uuid of table.uuids()) {
      yield undefined;
      const [left, right] = [table.get(uuid), other.get(uuid)];
      if (right === undefined) return `row ${uuid} of ${table.name} is missing`;
      if (canonical(left) !== canonical(right)) return `row ${uuid} of ${table.name} differs`;
    }
  }
  return undefined;
}

/** Equal for equal values, whatever the order of sets and maps. */
function canonical(value: unknown): string {
  if (value instanceof Set) return `{${[...value].map(canonical).sort().join()}}`;
  if (value instanceof Map)
    return `<${[...value]
      .map(([key, of]) => `${canonical(key)}=${canonical(of)}`)
      .sort()
      .join()}>`;
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  if (typeof value === "object" && value !== null)
    return `(${Object.entries(value)
      .map(([key, of]) => `${key}:${canonical(of)}`)
      .sort()
      .join()})`;
  return typeof value === "bigint" ? `${value}` : (JSON.stringify(value) ?? "undefined");
}

/** Compares the rows that a server has with the standalone file, by uuid. */
export async function compareRows(action: Of<"compare-rows">, context: Context): Promise<Outcome> {
  const { server, strict } = action;
  const { content } = await replay(action.with, { signal: context.signal });
  const served = await rowUuids(context.host(server.at), server, [...content.tables.keys()]);
  const differences: string[] = [];
  for (const table of content.tables.values()) {
    const there = served.get(table.name) ?? new Set();
    const missing = [...table.uuids()].filter((uuid) => !there.has(uuid));
    const added = there.size - (table.size - missing.length);
    if (missing.length > 0)
      differences.push(
        `${table.name} lacks ${missing.length} of ${table.size} rows: ${missing.slice(0, NAMED_MAX).join(", ")}${missing.length > NAMED_MAX ? ", …" : ""}`,
      );
    else if (added > 0) differences.push(`${table.name} has ${added} rows more`);
  }
  const lacking = differences.filter((text) => text.includes(" lacks "));
  if (strict && lacking.length > 0)
    throw new BackupError("INCONSISTENT", `${server.member}'s ${server.databaseName}: ${lacking.join("; ")}`, {
      remedy: "see who has written to it since it was started; undo, or resume to compare again",
    });
  const all = `${server.member}'s ${server.databaseName} has all ${content.size} rows of the source`;
  return { facts: {}, notes: lacking.length === 0 ? [all, ...differences] : differences };
}
