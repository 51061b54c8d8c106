/** What the file is that a database shall be restored from. */
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { DbFileError, inspect } from "@ovnha/dbfile";
import { BackupError } from "../../error.ts";
import { DATABASE_KEYS, DATABASE_NAMES, type DatabaseKey } from "../../layout/profile.ts";
import { type Manifest, parseManifest } from "../../manifest.ts";
import { manifestName, verifiedName } from "../../names.ts";
import type { SourceFacts } from "../../restore/facts.ts";
import { HERE } from "../../restore/types.ts";
import { parseMark } from "../../store/mark.ts";
import { digestFile } from "../take/digest.ts";
import { ioError } from "../take/io-error.ts";
import { verifyBackup } from "../verify/verify-backup.ts";

export interface SourceOptions {
  /**
   * Verifies a backup that has a manifest, now; true unless told. Without it, the mark of an earlier `verifyBackup` counts, as
   * long as the file is the same.
   */
  readonly verify?: boolean | undefined;
  readonly nowMs: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Looks at a backup with its manifest, at a standalone file, or at a member's file that was brought here. What is wrong with
 * it is in the answer.
 *
 * @throws BackupError `NOT_FOUND`, `IO`; `DAMAGED` if not even the database's name can be read.
 */
export async function lookAtSource(path: string, options: SourceOptions): Promise<SourceFacts> {
  const full = resolve(path);
  const manifest = await readManifest(full);
  const digest = await digestFile(full, options.signal);
  return manifest === undefined ? bareFile(full, digest.sha256, options) : backup(full, manifest, digest, options);
}

async function readManifest(path: string): Promise<Manifest | undefined> {
  const beside = manifestName(path);
  try {
    return parseManifest(await readFile(beside, "utf8"), beside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw ioError(error, beside);
  }
}

function keyOf(database: string, path: string): DatabaseKey {
  const key = DATABASE_KEYS.find((candidate) => DATABASE_NAMES[candidate] === database);
  if (key !== undefined) return key;
  throw new BackupError("ARGUMENT", `${path} holds ${database}, which is neither of OVN's two databases`, {
    path,
    remedy: `restore ${Object.values(DATABASE_NAMES).join(" and ")}`,
  });
}

async function backup(
  path: string,
  manifest: Manifest,
  digest: { readonly bytes: number; readonly sha256: string },
  options: SourceOptions,
): Promise<SourceFacts> {
  const { file, database, schema, cluster, rows, createdAt, set } = manifest;
  const problems: string[] = [];
  if (digest.sha256 !== file.sha256)
    problems.push(`it has the SHA-256 ${digest.sha256}, and its manifest says ${file.sha256}`);
  if (digest.bytes !== file.bytes) problems.push(`it has ${digest.bytes} bytes, and its manifest says ${file.bytes}`);
  const verifiedMs = problems.length > 0 ? undefined : await verifiedAt(path, digest.sha256, options, problems);
  return {
    database: keyOf(database, path),
    at: HERE,
    path,
    kind: "backup",
    databaseName: database,
    schemaVersion: schema.version,
    sizeBytes: digest.bytes,
    contentBytes: file.contentBytes,
    sha256: digest.sha256,
    takenMs: Date.parse(createdAt),
    rows,
    verifiedMs,
    problems,
    cid: cluster?.cid,
    index: cluster?.index,
    term: cluster?.term,
    uncommitted: 0,
    left: false,
    setId: set.id,
  };
}

/** When it was found whole, in ms since 1970. What is wrong with it goes to `problems`. */
async function verifiedAt(
  path: string,
  sha256: string,
  { verify, nowMs, signal }: SourceOptions,
  problems: string[],
): Promise<number | undefined> {
  if (verify === false) {
    const text = await readFile(verifiedName(path), "utf8").catch(() => undefined);
    const mark = text === undefined ? undefined : parseMark(text);
    return mark?.sha256 === sha256 && mark.level !== "damaged" ? Date.parse(mark.verifiedAt) : undefined;
  }
  const report = await verifyBackup(path, { signal });
  if (report.ok) return nowMs;
  problems.push(...report.problems.filter(({ severity }) => severity === "error").map(({ message }) => message));
  if (problems.length === 0) problems.push("it does not verify");
  return undefined;
}

/** A file without a manifest: its structure is all there is to verify, and is verified by reading it. */
async function bareFile(path: string, sha256: string, { nowMs, signal }: SourceOptions): Promise<SourceFacts> {
  if (path.endsWith(".gz"))
    throw new BackupError("MANIFEST", `${path} is compressed and has no manifest beside it`, {
      path,
      remedy: "decompress it, or bring its manifest",
    });
  const found = await inspect(path, { signal }).catch((error: unknown) => {
    if (!(error instanceof DbFileError)) throw error;
    throw new BackupError(error.code === "NOT_FOUND" ? "NOT_FOUND" : "DAMAGED", error.message, { path, cause: error });
  });
  const problems: string[] = [];
  if (found.damage !== undefined) problems.push(`damaged at offset ${found.damage.offset}: what follows is lost`);
  if (found.format === "joining") problems.push("it is of a server that never joined, and holds no rows");
  const { modifiedMs, sizeBytes, name } = found;
  const isLeft = found.format === "clustered" && found.left;
  if (found.refusal !== undefined && !isLeft) problems.push(found.refusal);
  const common = {
    database: keyOf(name, path),
    at: HERE,
    path,
    databaseName: name,
    schemaVersion: found.format === "joining" ? undefined : found.schemaVersion,
    sizeBytes,
    contentBytes: sizeBytes,
    sha256,
    rows: undefined,
    verifiedMs: problems.length === 0 ? nowMs : undefined,
    problems,
    setId: undefined,
  } as const;
  if (found.format !== "clustered") {
    const takenMs = found.format === "standalone" ? (found.lastDateMs ?? modifiedMs) : modifiedMs;
    return {
      ...common,
      kind: "standalone file",
      takenMs,
      cid: undefined,
      index: undefined,
      term: undefined,
      uncommitted: 0,
      left: false,
    };
  }
  return {
    ...common,
    kind: "clustered file",
    // When the server last wrote: a cluster that nobody changes is no older for it.
    takenMs: modifiedMs,
    cid: found.clusterId,
    index: found.commitIndex,
    term: found.lastTerm,
    uncommitted: found.uncommitted,
    left: found.left,
  };
}
