/** What backups a folder holds, and in what state; reads manifests alone, so it is quick. */
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { BackupError } from "../../error.ts";
import { type Manifest, parseManifest } from "../../manifest.ts";
import { isPartialName, MANIFEST_SUFFIX, manifestName, verifiedName } from "../../names.ts";
import { type DamagedMark, parseMark, type VerifiedMark } from "../../store/mark.ts";
import { ioError } from "../take/io-error.ts";

export type ListedBackup = {
  readonly path: string;
  readonly manifest: Manifest;
  /** The newest check that found this very file whole. */
  readonly verified: VerifiedMark | undefined;
  /** The last check found it damaged: when, ISO 8601. */
  readonly damagedAt: string | undefined;
};

export type BackupFolder = {
  /** Newest first. */
  readonly backups: readonly ListedBackup[];
  /** Manifests that can't be read, and those whose file is gone or has another size. */
  readonly broken: readonly { readonly path: string; readonly problem: string }[];
  /** What a killed program left behind: hidden drafts, and manifests without their file. */
  readonly debris: readonly { readonly path: string; readonly modifiedMs: number }[];
};

/** More than this in one folder is no folder of backups. */
const ENTRIES_MAX = 100_000;
const MANIFEST_BYTES_MAX = 1024 * 1024;

/** @throws BackupError `NOT_FOUND`, `IO`, `LIMIT` */
export async function listBackups(folder: string): Promise<BackupFolder> {
  const names = await readdir(folder).catch((cause: unknown) => {
    throw ioError(cause, folder, "name the folder that the backups were taken into");
  });
  if (names.length > ENTRIES_MAX)
    throw new BackupError("LIMIT", `${folder} holds ${names.length} names; at most ${ENTRIES_MAX} are looked at`, {
      path: folder,
    });
  const backups: ListedBackup[] = [];
  const broken: { path: string; problem: string }[] = [];
  const debris: { path: string; modifiedMs: number }[] = [];
  for (const name of names.sort()) {
    const path = join(folder, name);
    if (isPartialName(name)) {
      const modifiedMs = await modified(path);
      if (modifiedMs !== undefined) debris.push({ path, modifiedMs });
    }
    if (!name.endsWith(MANIFEST_SUFFIX) || name.startsWith(".")) continue;
    try {
      const listed = await readOne(folder, name);
      if (listed !== undefined) {
        backups.push(listed);
        continue;
      }
      broken.push({ path, problem: "the backup that it describes is gone" });
      debris.push({ path, modifiedMs: (await modified(path)) ?? 0 });
    } catch (error) {
      broken.push({ path, problem: (error as Error).message });
    }
  }
  backups.sort((a, b) => (a.manifest.createdAt < b.manifest.createdAt ? 1 : -1));
  return { backups, broken, debris };
}

/** Undefined if the file is gone. @throws BackupError */
async function readOne(folder: string, name: string): Promise<ListedBackup | undefined> {
  const manifest = await readManifest(join(folder, name));
  const { file } = manifest;
  if (manifestName(file.name) !== name)
    throw new BackupError("MANIFEST", `${name} describes ${file.name}, which must have a manifest of its own name`);
  const path = join(folder, file.name);
  const bytes = await stat(path).then(
    ({ size }) => size,
    (error: { code?: unknown }) => {
      if (error.code === "ENOENT") return undefined;
      throw ioError(error, path);
    },
  );
  if (bytes === undefined) return undefined;
  if (bytes !== file.bytes)
    throw new BackupError("DAMAGED", `${file.name} has ${bytes} bytes, and its manifest says ${file.bytes}`, { path });
  const mark = await readMark(path, manifest);
  if (mark?.level === "damaged") return { path, manifest, verified: undefined, damagedAt: mark.verifiedAt };
  return { path, manifest, verified: mark, damagedAt: undefined };
}

/** @throws BackupError `MANIFEST`, `NOT_FOUND`, `IO` */
export async function readManifest(path: string): Promise<Manifest> {
  try {
    const { size } = await stat(path);
    if (size > MANIFEST_BYTES_MAX)
      throw new BackupError("MANIFEST", `${path} has ${size} bytes: it is no manifest`, { path });
    return parseManifest(await readFile(path, "utf8"), path);
  } catch (cause) {
    throw ioError(cause, path);
  }
}

/** The mark of the last check, if it found the backup damaged, or found these very bytes whole. */
async function readMark(path: string, manifest: Manifest): Promise<VerifiedMark | DamagedMark | undefined> {
  const text = await readFile(verifiedName(path), "utf8").catch(() => "");
  const mark = parseMark(text);
  return mark?.level === "damaged" || mark?.sha256 === manifest.file.sha256 ? mark : undefined;
}

async function modified(path: string): Promise<number | undefined> {
  return stat(path).then(
    ({ mtimeMs }) => mtimeMs,
    () => undefined,
  );
}
