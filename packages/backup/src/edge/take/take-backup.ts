/** Takes backups: several databases as one set, each with its manifest; all of them or none. */
import { randomBytes } from "node:crypto";
import { rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { TlsSource } from "@ovnha/ovsdb";
import { BackupError } from "../../error.ts";
import { formatManifest, type Manifest } from "../../manifest.ts";
import { backupName, manifestName, partialName, timeStamp } from "../../names.ts";
import { VERSION } from "../../version.ts";
import { digestFile } from "./digest.ts";
import { type FileSource, takeFromFile } from "./from-file.ts";
import { ioError } from "./io-error.ts";
import { type OnlineOptions, type Taken, takeOnline } from "./online.ts";
import { aborted, publish, writePartial } from "./publish.ts";

/** Where one database is read from: a server first, a file where no server can be trusted. At least one of the two. */
export type DatabaseSource = {
  /** Such as `OVN_Northbound`. */
  readonly database: string;
  /** All members, as `tcp:10.0.0.1:6641,tcp:10.0.0.2:6641`; `cid:UUID` among them pins the cluster. */
  readonly remote?: string | undefined;
  /** A database file of a member, running or not. */
  readonly file?: string | undefined;
  /** Control socket of the server, for the term in the manifest. */
  readonly control?: string | undefined;
};

export type TakeOptions = {
  readonly databases: readonly DatabaseSource[];
  /** The folder; it must exist. */
  readonly into: string;
  /** True for level 6, or a level from 1 to 9. */
  readonly gzip?: boolean | number | undefined;
  readonly tls?: TlsSource | undefined;
  readonly prefer?: "follower" | "leader" | undefined;
  /** `any` takes what a disconnected member has, with a warning. Default `current`. */
  readonly accept?: "current" | "any" | undefined;
  /**
   * Of a member's file, take in the entries that it does not know to be committed. Meant for a cluster that is lost, with the
   * file that ranks first: a crash may lose the note that an acknowledged entry is committed. Default false.
   */
  readonly includeUncommitted?: boolean | undefined;
  /** What converts a file. Default `auto`: the native engine, which needs nothing installed. */
  readonly engine?: "auto" | "native" | "ovsdb-tool" | undefined;
  /** Bytes of one database. Default 16 GiB. */
  readonly bytesMax?: number | undefined;
  /** Default 5,000. */
  readonly connectMs?: number | undefined;
  /** Default 120,000. */
  readonly silenceMs?: number | undefined;
  /** How long a member may take to catch up with the others. Default 5,000. */
  readonly catchUpMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: TakeProgress) => void) | undefined;
};

export type TakeProgress = {
  readonly database: string;
  readonly phase: "asking" | "reading" | "hashing" | "done";
  readonly rows: number;
  /** Of the standalone database, uncompressed. */
  readonly bytes: number;
};

export type TakenBackup = { readonly path: string; readonly manifestPath: string; readonly manifest: Manifest };

export type TakenSet = {
  readonly id: string;
  readonly backups: readonly TakenBackup[];
  /** What the manifests warn of, each with its database. */
  readonly warnings: readonly string[];
};

const BYTES_MAX = 16 * 2 ** 30;

/**
 * Reads all databases side by side, writes each into a standalone file that ovsdb-server opens, with the uuids its rows
 * have, and a manifest beside it. Files appear under their names when all are whole, hashed and on the disk; with mode
 * 0640; never over a file that is there.
 *
 * @throws BackupError; nothing is left behind then.
 */
export async function takeBackup(options: TakeOptions): Promise<TakenSet> {
  const { databases, into } = options;
  const startMs = performance.now();
  const gzipLevel = checkOptions(options);
  await checkFolder(into);
  const started = new Date();
  const id = `${timeStamp(started)}-${randomBytes(4).toString("hex")}`;
  const giveUp = new AbortController();
  const signal = options.signal === undefined ? giveUp.signal : AbortSignal.any([options.signal, giveUp.signal]);
  const partials: string[] = [];
  const partial = (name: string): string => {
    const path = join(into, partialName(name, randomBytes(4).toString("hex")));
    partials.push(path);
    return path;
  };
  try {
    const jobs = databases.map(async (source) => {
      const name = backupName(source.database, started, gzipLevel !== undefined);
      const draft = partial(name);
      try {
        const taken = await takeOne(source, draft, gzipLevel, signal, options);
        options.onProgress?.({ ...progressOf(taken), phase: "hashing" });
        const digest = await digestFile(draft, signal);
        if (digest.bytes !== taken.bytes)
          throw new BackupError("IO", `${draft}: ${taken.bytes} bytes were written, and ${digest.bytes} are there`);
        const manifest = manifestOf(taken, {
          name,
          isCompressed: gzipLevel !== undefined,
          sha256: digest.sha256,
          durationMs: Math.round(performance.now() - startMs),
          set: { id, databases: databases.map(({ database }) => database) },
        });
        options.onProgress?.({ ...progressOf(taken), phase: "done" });
        return { name, draft, manifest };
      } catch (error) {
        giveUp.abort(error);
        throw error;
      }
    });
    const outcomes = await Promise.allSettled(jobs);
    aborted(options.signal);
    // The first failure made the others give up: it is the one to tell.
    if (giveUp.signal.aborted) throw giveUp.signal.reason;
    const finished = outcomes.flatMap((outcome) => (outcome.status === "fulfilled" ? [outcome.value] : []));
    const manifests = finished.map(({ name, manifest }) => ({
      name: manifestName(name),
      draft: partial(manifestName(name)),
      manifest,
    }));
    for (const { draft, manifest } of manifests) await writePartial(draft, formatManifest(manifest));
    aborted(options.signal);
    await publish([...finished, ...manifests].map(({ draft, name }) => ({ partial: draft, path: join(into, name) })));
    return {
      id,
      backups: finished.map(({ name, manifest }) => ({
        path: join(into, name),
        manifestPath: join(into, manifestName(name)),
        manifest,
      })),
      warnings: finished.flatMap(({ manifest }) =>
        manifest.source.warnings.map((text) => `${manifest.database}: ${text}`),
      ),
    };
  } finally {
    await Promise.all(partials.map((path) => rm(path, { force: true })));
  }
}

async function takeOne(
  source: DatabaseSource,
  draft: string,
  gzipLevel: number | undefined,
  signal: AbortSignal,
  options: TakeOptions,
): Promise<Taken> {
  const { database, remote, file } = source;
  const tell = (phase: TakeProgress["phase"], rows: number, bytes: number): void =>
    options.onProgress?.({ database, phase, rows, bytes });
  tell("asking", 0, 0);
  const shared = { gzipLevel, bytesMax: options.bytesMax ?? BYTES_MAX, signal };
  const online: OnlineOptions = {
    ...shared,
    tls: options.tls,
    prefer: options.prefer,
    accept: options.accept,
    connectMs: options.connectMs,
    silenceMs: options.silenceMs,
    catchUpMs: options.catchUpMs ?? 5_000,
    control: source.control,
    onRows: (rows, bytes) => tell("reading", rows, bytes),
  };
  let warning: string | undefined;
  if (remote !== undefined) {
    try {
      return await takeOnline(remote, database, draft, online);
    } catch (error) {
      if (file === undefined || !(error instanceof BackupError) || error.code !== "NO_SOURCE") throw error;
      warning = `taken from a file, since ${error.message}`;
    }
  }
  const from: FileSource = { database, file: file as string, warning };
  return takeFromFile(from, draft, {
    ...shared,
    engine: options.engine ?? "auto",
    accept: options.accept ?? "current",
    includeUncommitted: options.includeUncommitted ?? false,
    onRows: (rows, bytes) => tell("reading", rows, bytes),
  });
}

function progressOf({ database, rows, contentBytes }: Taken): Omit<TakeProgress, "phase"> {
  return { database, rows: Object.values(rows).reduce((sum, count) => sum + count, 0), bytes: contentBytes };
}

function manifestOf(
  taken: Taken,
  about: {
    readonly name: string;
    readonly isCompressed: boolean;
    readonly sha256: string;
    readonly durationMs: number;
    readonly set: Manifest["set"];
  },
): Manifest {
  return {
    format: "ovnha-backup",
    formatVersion: 1,
    createdAt: taken.createdAt.toISOString(),
    durationMs: about.durationMs,
    database: taken.database,
    schema: taken.schema,
    cluster: taken.cluster,
    rows: taken.rows,
    file: {
      name: about.name,
      compression: about.isCompressed ? "gzip" : "none",
      bytes: taken.bytes,
      sha256: about.sha256,
      contentBytes: taken.contentBytes,
    },
    source: taken.source,
    tool: { name: "@ovnha/backup", version: VERSION, engine: taken.engine },
    set: about.set,
    nbCfg: taken.nbCfg,
  };
}

/** The level of compression that is meant. */
function checkOptions({ databases, gzip }: TakeOptions): number | undefined {
  const refuse = (message: string): never => {
    throw new BackupError("ARGUMENT", message);
  };
  if (databases.length === 0) refuse("no database was named");
  const names = databases.map(({ database }) => database);
  if (new Set(names).size < names.length) refuse("a database was named twice");
  for (const { database, remote, file } of databases) {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(database)) refuse(`${JSON.stringify(database)} is no name of a database`);
    if (remote === undefined && file === undefined) refuse(`${database}: neither a remote nor a file was given`);
  }
  if (gzip === undefined || gzip === false) return undefined;
  const level = gzip === true ? 6 : gzip;
  return Number.isInteger(level) && level >= 1 && level <= 9 ? level : refuse("gzip must be a level from 1 to 9");
}

async function checkFolder(into: string): Promise<void> {
  try {
    if ((await stat(into)).isDirectory()) return;
  } catch (cause) {
    throw ioError(cause, into, "make the folder first");
  }
  throw new BackupError("ARGUMENT", `${into} is not a folder`, { path: into });
}
