/** One database, read from a member's file into a file of one transaction that has a temporary name. */
import { rm } from "node:fs/promises";
import { type DatabaseContent, DbFileError, type Inspection, inspect, openDbFile, replay } from "@ovnha/dbfile";
import { formatSchema, type Json, stringifyJson } from "@ovnha/ovsdb/core";
import { BackupError } from "../../error.ts";
import { runPaced } from "../pace.ts";
import { programTool } from "../tool/ovsdb-tool.ts";
import { copyWhole } from "./copy-whole.ts";
import { ioError } from "./io-error.ts";
import type { Taken } from "./online.ts";
import { StandaloneWriter } from "./standalone-writer.ts";

export type FileSource = {
  readonly database: string;
  /** A file of a server, which may run on it: it is only read. */
  readonly file: string;
  /** Why it is taken from a file. */
  readonly warning?: string | undefined;
};

export type FromFileOptions = {
  readonly engine: "auto" | "native" | "ovsdb-tool";
  /** `any`: also the file of a member that was removed, and what stands before a record that ovsdb-server refuses. */
  readonly accept: "current" | "any";
  readonly includeUncommitted: boolean;
  readonly gzipLevel?: number | undefined;
  readonly bytesMax: number;
  readonly signal?: AbortSignal | undefined;
  readonly onRows?: ((rows: number, bytes: number) => void) | undefined;
};

type Content = {
  readonly about: Exclude<Inspection, { format: "joining" }>;
  readonly content: DatabaseContent;
  readonly index: number;
  readonly warnings: readonly string[];
};

/** @throws BackupError `NO_SOURCE` for a file that holds no trustworthy rows, `DAMAGED`, `NOT_FOUND`, `IO`, `LIMIT` */
export async function takeFromFile(source: FileSource, partial: string, options: FromFileOptions): Promise<Taken> {
  const createdAt = new Date();
  const { about, content, index, warnings } = await contentOf(source, partial, options);
  const writer = new StandaloneWriter(partial, stringifyJson(schemaOf(content)), options);
  try {
    await runPaced(writeRows(content, writer, options.onRows), options.signal);
    const written = await writer.finish(createdAt.getTime(), `backup of ${source.database} by ovn-backup`);
    return {
      ...written,
      createdAt,
      database: source.database,
      schema: { version: content.schema.version, cksum: content.schema.cksum },
      ...(about.format === "clustered"
        ? { cluster: { cid: about.clusterId, sid: about.serverId, index, indexMax: index, term: about.term } }
        : {}),
      rows: Object.fromEntries([...content.tables].map(([name, { size }]) => [name, size])),
      source: {
        kind: "file",
        place: source.file,
        model: about.format,
        warnings: [...(source.warning === undefined ? [] : [source.warning]), ...warnings],
      },
      engine: options.engine === "ovsdb-tool" && about.format === "clustered" ? "ovsdb-tool" : "native",
      nbCfg: nbCfgOf(content),
    };
  } finally {
    writer.close();
  }
}

async function contentOf(source: FileSource, partial: string, options: FromFileOptions): Promise<Content> {
  const { file: path, database } = source;
  try {
    using file = await openDbFile(path);
    const about = await inspect(file, { signal: options.signal });
    if (about.name !== database)
      throw new BackupError("ARGUMENT", `${path} is a file of ${about.name}, not of ${database}`, { path });
    if (about.format === "joining")
      throw new BackupError(
        "NO_SOURCE",
        `${path} is the file of a server that never joined its cluster: there is nothing in it`,
        { path },
      );
    const warnings = judge(about, options.accept);
    const tail = about.format === "clustered" ? about.uncommitted : 0;
    const isTaken = options.includeUncommitted || options.engine === "ovsdb-tool";
    if (tail > 0 && isTaken)
      warnings.push(
        `${tail} entries that the file doesn't know to be committed were taken in, up to ${about.format === "clustered" ? about.logEnd - 1 : 0}`,
      );
    if (options.engine === "ovsdb-tool" && about.format === "clustered")
      return { about, ...(await byProgram(path, partial, options)), index: about.logEnd - 1, warnings };
    const untilBad = options.accept === "any";
    const { includeUncommitted, signal } = options;
    const { content, index, stoppedBy, uncommitted } = await replay(file, { untilBad, includeUncommitted, signal });
    if (stoppedBy !== undefined)
      warnings.push(`only what stands before the first bad record was taken: ${stoppedBy.message}`);
    if (uncommitted > 0)
      warnings.push(
        `${uncommitted} entries that the file doesn't know to be committed were left out; the newest one taken is ${index}; if the whole cluster is lost, clients may have been told that they are: rank the members' files, and take the first with its tail (includeUncommitted)`,
      );
    return { about, content, index, warnings };
  } catch (error) {
    throw fromDbFile(error, path);
  }
}

/** What must be known of the file. @throws BackupError `NO_SOURCE` unless anything is accepted */
function judge(about: Exclude<Inspection, { format: "joining" }>, accept: "current" | "any"): string[] {
  const warnings: string[] = [];
  if (about.format === "clustered") {
    warnings.push("taken from one member's file: what the others have committed since then is not in it");
    if (about.left) warnings.push("this member was removed from its cluster, so its rows are those of that time");
  }
  if (about.damage !== undefined)
    warnings.push(`the file is damaged from offset ${about.damage.offset} on: ${about.damage.message}`);
  if (about.refusal !== undefined && accept === "current")
    throw new BackupError("NO_SOURCE", `${about.path}: ovsdb-server would refuse this file: ${about.refusal}`, {
      path: about.path,
      remedy: "take another member's file, or accept any",
    });
  return warnings;
}

/** What ovsdb-tool makes of a copy of the file, uncommitted and overwritten entries among it. */
async function byProgram(
  path: string,
  partial: string,
  { signal }: FromFileOptions,
): Promise<{ content: DatabaseContent }> {
  const [copy, converted] = [`${partial}-copy`, `${partial}-converted`];
  try {
    await copyWhole(path, copy, signal);
    await programTool({}).clusterToStandalone({ target: converted, source: copy }, { signal });
    using file = await openDbFile(converted);
    return { content: (await replay(file, { signal })).content };
  } catch (cause) {
    throw ioError(cause, path);
  } finally {
    await Promise.all([copy, converted].map((made) => rm(made, { force: true })));
  }
}

function* writeRows(
  content: DatabaseContent,
  writer: StandaloneWriter,
  onRows: FromFileOptions["onRows"],
): Generator<undefined, void> {
  const decoder = new TextDecoder();
  let rows = 0;
  for (const table of content.tables.values()) {
    const ephemeral = [...table.schema.columns.values()].filter((column) => column.ephemeral).map(({ name }) => name);
    for (const [uuid, bytes] of table.entries()) {
      writer.row(
        table.name,
        uuid,
        ephemeral.length === 0 ? decoder.decode(bytes) : without(table.json(uuid) ?? {}, ephemeral),
      );
      if (++rows % 1_000 > 0) continue;
      onRows?.(rows, writer.contentBytes);
      yield undefined;
    }
  }
  onRows?.(rows, writer.contentBytes);
}

function without(row: { readonly [column: string]: Json }, columns: readonly string[]): string {
  return stringifyJson(Object.fromEntries(Object.entries(row).filter(([name]) => !columns.includes(name))));
}

function schemaOf({ schema, schemaJson }: DatabaseContent): Json {
  return schemaJson ?? formatSchema(schema);
}

function nbCfgOf(content: DatabaseContent): number | undefined {
  const table = content.tables.get("NB_Global") ?? content.tables.get("SB_Global");
  for (const uuid of table?.uuids() ?? []) return Number(table?.json(uuid)?.["nb_cfg"] ?? 0);
  return undefined;
}

/** The `BackupError` for an error of `@ovnha/dbfile`; others pass as they are. */
export function fromDbFile(error: unknown, path: string): unknown {
  if (!(error instanceof DbFileError)) return ioError(error, path);
  const options = { cause: error, path: error.path ?? path };
  switch (error.code) {
    case "ABORTED":
      return new BackupError("ABORTED", "the reading was given up", options);
    case "ARGUMENT":
    case "EXISTS":
    case "IO":
    case "LIMIT":
    case "NOT_FOUND":
      return new BackupError(error.code, error.message, options);
    case "JOINING":
    case "LOCKED":
    case "WRONG_FORMAT":
      return new BackupError("ARGUMENT", error.message, options);
    default:
      return new BackupError("DAMAGED", error.message, options);
  }
}
