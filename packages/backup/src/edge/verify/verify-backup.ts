/** Whether a backup is one: everything about it is looked at, and nothing of it is changed. */
import {
  type DatabaseContent,
  type DbFile,
  DbFileError,
  inspect,
  openDbFile,
  replay,
  type Replayed,
} from "@ovnha/dbfile";
import { existsSync } from "node:fs";
import { rename } from "node:fs/promises";
import { randomBytes } from "node:crypto";
import { basename, dirname, join } from "node:path";
import { BackupError } from "../../error.ts";
import type { Manifest } from "../../manifest.ts";
import { MANIFEST_SUFFIX, manifestName, partialName, verifiedName } from "../../names.ts";
import { type DamagedMark, formatMark, type VerifiedMark } from "../../store/mark.ts";
import { checkContent } from "../../verify/check-content.ts";
import { type Problem, Problems } from "../../verify/problem.ts";
import { runPaced } from "../pace.ts";
import { readManifest } from "../store/list.ts";
import { type Digest, digestFile } from "../take/digest.ts";
import { syncFolder, writePartial } from "../take/publish.ts";
import { compareWithServer, type LiveComparison, type LiveOptions } from "./live.ts";
import { unpack } from "./unpack.ts";

export type VerifyOptions = {
  /**
   * Compare with a live database: what has changed since. A difference is no error. Of several, such as the clusters of both
   * databases, the first that serves the database of the backup counts.
   */
  readonly live?: Omit<LiveOptions, "signal"> | readonly Omit<LiveOptions, "signal">[] | undefined;
  /** Leave a mark beside the backup, for `rotate` and `list`: whole, or damaged, in place of an earlier one. Default false. */
  readonly record?: boolean | undefined;
  /** Where compressed backups are unpacked; default: the system's temporary folder. */
  readonly scratch?: string | undefined;
  /** Default 16 GiB. */
  readonly bytesMax?: number | undefined;
  /** Problems that are listed; more are counted. Default 100. */
  readonly problemsMax?: number | undefined;
  readonly signal?: AbortSignal | undefined;
};

export type VerifyReport = {
  readonly path: string;
  /** Nothing is wrong; there may be warnings. */
  readonly ok: boolean;
  readonly problems: readonly Problem[];
  readonly problemsLeftOut: number;
  readonly manifest: Manifest | undefined;
  /** As the file itself has them. */
  readonly database: string | undefined;
  readonly schemaVersion: string | undefined;
  readonly rows: { readonly [table: string]: number };
  readonly sha256: string;
  readonly bytes: number;
  readonly live: LiveComparison | undefined;
  /** Why there is no comparison although one was asked for: the servers do not serve this database. */
  readonly liveSkipped: string | undefined;
  readonly durationMs: number;
};

export const BYTES_MAX: number = 16 * 2 ** 30;

/**
 * Checks the file's hash and size against its manifest, unpacks it, checks every record, replays it, and checks schema,
 * values, references, indexes and row counts. Memory is about the size of the content.
 *
 * Damage is an answer, not an exception. @throws BackupError `NOT_FOUND`, `IO`, `ABORTED`, `NO_SOURCE` for a live database
 * that can't be reached
 */
export async function verifyBackup(path: string, options: VerifyOptions = {}): Promise<VerifyReport> {
  return (await examineBackup(path, options, undefined)).report;
}

/** What is known of a backup whose own check found nothing wrong. */
export type Examined = {
  readonly content: DatabaseContent;
  readonly problems: Problems;
  /** The standalone database, uncompressed. */
  readonly unpackedPath: string;
  readonly manifest: Manifest | undefined;
};

/** What {@link verifyBackup} does. `further` may find more, and says how thoroughly the backup was looked at. */
export async function examineBackup(
  path: string,
  options: VerifyOptions,
  further: ((examined: Examined) => Promise<VerifiedMark["level"]>) | undefined,
): Promise<{ readonly report: VerifyReport }> {
  if (path.endsWith(MANIFEST_SUFFIX)) path = path.slice(0, -MANIFEST_SUFFIX.length);
  const { bytesMax = BYTES_MAX, signal, scratch } = options;
  const startMs = performance.now();
  const problems = new Problems(options.problemsMax ?? 100);
  const digest = await digestFile(path, signal);
  const manifest = await manifestOf(path, problems);
  if (manifest !== undefined) checkFile(manifest, digest, problems);
  let content: DatabaseContent | undefined;
  let live: LiveComparison | undefined;
  let liveSkipped: string | undefined;
  let level: VerifiedMark["level"] = "verified";
  try {
    const compression = path.endsWith(".gz") ? "gzip" : "none";
    await using unpacked = await unpack(path, compression, { bytesMax, scratch, signal });
    const contentBytes = unpacked.bytes ?? digest.bytes;
    if (manifest !== undefined && contentBytes !== manifest.file.contentBytes)
      problems.add(
        "MANIFEST",
        `the database in it has ${contentBytes} bytes, and the manifest says ${manifest.file.contentBytes}`,
      );
    content = await readContent(unpacked.path, problems, signal);
    if (content !== undefined) {
      await runPaced(checkContent(content, problems), signal);
      if (manifest !== undefined) checkContentAgainst(manifest, content, problems);
      if (options.live !== undefined) ({ live, liveSkipped } = await compareWithAny(content, options.live, signal));
      if (problems.ok && further !== undefined)
        level = await further({ content, problems, unpackedPath: unpacked.path, manifest });
    }
  } catch (error) {
    if (!(error instanceof BackupError) || error.code !== "DAMAGED") throw error;
    problems.add("COMPRESSION", error.message);
  }
  if (options.record === true) {
    if (problems.ok) await leaveMark(path, digest.sha256, level);
    // Beside a foreign file nothing is left; a server that would not start says nothing of the file.
    else if (isDamaged(problems) && (manifest !== undefined || existsSync(verifiedName(path))))
      await withdrawMark(path, digest.sha256, problems);
  }
  const report: VerifyReport = {
    path,
    ok: problems.ok,
    problems: problems.list,
    problemsLeftOut: problems.leftOut,
    manifest,
    database: content?.schema.name,
    schemaVersion: content?.schema.version,
    rows: content === undefined ? {} : Object.fromEntries([...content.tables].map(([name, { size }]) => [name, size])),
    sha256: digest.sha256,
    bytes: digest.bytes,
    live,
    liveSkipped,
    durationMs: Math.round(performance.now() - startMs),
  };
  return { report };
}

/** With the first that serves the database. */
async function compareWithAny(
  content: DatabaseContent,
  lives: NonNullable<VerifyOptions["live"]>,
  signal: AbortSignal | undefined,
): Promise<{ readonly live: LiveComparison | undefined; readonly liveSkipped: string | undefined }> {
  const skipped: string[] = [];
  const each = (Array.isArray(lives) ? lives : [lives]) as readonly Omit<LiveOptions, "signal">[];
  for (const options of each) {
    try {
      return { live: await compareWithServer(content, { ...options, signal }), liveSkipped: undefined };
    } catch (error) {
      if (!(error instanceof BackupError) || error.code !== "NOT_FOUND") throw error;
      skipped.push(error.message);
    }
  }
  return { live: undefined, liveSkipped: skipped.length === 0 ? undefined : skipped.join("; ") };
}

async function manifestOf(path: string, problems: Problems): Promise<Manifest | undefined> {
  const manifestPath = manifestName(path);
  if (!existsSync(manifestPath)) {
    problems.add("NO_MANIFEST", `${basename(manifestPath)} is not there: the file can only be checked against itself`);
    return undefined;
  }
  try {
    return await readManifest(manifestPath);
  } catch (error) {
    if (!(error instanceof BackupError) || error.code !== "MANIFEST") throw error;
    problems.add("MANIFEST", error.message);
    return undefined;
  }
}

function checkFile({ file }: Manifest, { bytes, sha256 }: Digest, problems: Problems): void {
  if (bytes !== file.bytes)
    problems.add("MANIFEST", `the file has ${bytes} bytes, and its manifest says ${file.bytes}`);
  else if (sha256 !== file.sha256)
    problems.add("MANIFEST", `the file's SHA-256 is ${sha256}, and its manifest says ${file.sha256}`);
}

function checkContentAgainst(manifest: Manifest, content: DatabaseContent, problems: Problems): void {
  const { schema } = content;
  const compare = (what: string, found: string | undefined, expected: string | undefined): void => {
    if ((found ?? "") !== (expected ?? ""))
      problems.add("MANIFEST", `its ${what} is ${found ?? "missing"}, and the manifest says ${expected ?? "none"}`);
  };
  compare("database", schema.name, manifest.database);
  compare("schema version", schema.version, manifest.schema.version);
  compare("schema cksum", schema.cksum, manifest.schema.cksum);
  for (const table of new Set([...content.tables.keys(), ...Object.keys(manifest.rows)])) {
    const [found, expected] = [content.tables.get(table)?.size ?? 0, manifest.rows[table] ?? 0];
    if (found !== expected)
      problems.add("ROWS", `${table} has ${found} rows, and the manifest says ${expected}`, { table });
  }
}

/** Undefined if there is nothing to look at. */
async function readContent(
  path: string,
  problems: Problems,
  signal: AbortSignal | undefined,
): Promise<DatabaseContent | undefined> {
  try {
    using file = await openDbFile(path);
    const about = await inspect(file, { signal });
    if (about.format !== "standalone") {
      problems.add(
        "STRUCTURE",
        `it is a ${about.format === "joining" ? "file of a server that has not joined" : "clustered file"}, not a standalone database`,
      );
      return undefined;
    }
    if (about.damage !== undefined)
      problems.add("STRUCTURE", `at offset ${about.damage.offset}: ${about.damage.message}`);
    const { content, stoppedBy } = await replayFile(file, signal);
    if (stoppedBy !== undefined) problems.add("SCHEMA", stoppedBy.message);
    return content;
  } catch (error) {
    if (!(error instanceof DbFileError)) throw error;
    if (error.code === "ABORTED") throw new BackupError("ABORTED", "the check was given up", { cause: error });
    if (error.code === "IO" || error.code === "NOT_FOUND")
      throw new BackupError("IO", error.message, { cause: error, path });
    problems.add(error.code.startsWith("BAD_") ? "SCHEMA" : "STRUCTURE", error.message);
    return undefined;
  }
}

/** Up to the first transaction that can't be applied. If not even the schema can, the error says what is wrong with it. */
async function replayFile(file: DbFile, signal: AbortSignal | undefined): Promise<Replayed> {
  try {
    return await replay(file, { signal });
  } catch (error) {
    if (!(error instanceof DbFileError) || error.code !== "BAD_TRANSACTION") throw error;
    return await replay(file, { untilBad: true, signal });
  }
}

const isDamaged = ({ list }: Problems): boolean =>
  list.some(({ severity, code }) => severity === "error" && code !== "SERVED");

/** What was marked as whole must not count as that any longer. The damage is told even if the mark can't be changed. */
async function withdrawMark(path: string, sha256: string, problems: Problems): Promise<void> {
  try {
    await leaveMark(path, sha256, "damaged");
  } catch (error) {
    problems.add("MARK", `its mark could not be withdrawn: ${(error as Error).message}`);
  }
}

async function leaveMark(path: string, sha256: string, level: (VerifiedMark | DamagedMark)["level"]): Promise<void> {
  const folder = dirname(path);
  const partial = join(folder, partialName(verifiedName(basename(path)), randomBytes(4).toString("hex")));
  const verifiedAt = new Date().toISOString();
  await writePartial(partial, formatMark({ format: "ovnha-verified", formatVersion: 1, sha256, verifiedAt, level }));
  await rename(partial, verifiedName(path));
  await syncFolder(folder);
}
