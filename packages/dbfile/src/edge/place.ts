/** New files appear whole, or not at all, and never in the place of another. */
import { randomBytes } from "node:crypto";
import { type FileHandle, link, lstat, open, realpath, rename, rm, unlink } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { DbFileError } from "../error.ts";
import { hasCode, isMissing } from "./errno.ts";
import { lockState } from "./lock.ts";

/** Of every file that this package makes: as ovsdb-tool does, nothing for strangers. */
export const FILE_MODE = 0o640;

/**
 * Makes a file: `write` fills a temporary one in the same folder, which is then synced, linked under its name, and the
 * folder synced. Linking, unlike renaming, fails if the name has been taken in the meantime. After any error the temporary
 * file is gone and the name is as it was.
 *
 * @returns the file's path, with the folder's symbolic links resolved.
 * @throws DbFileError `EXISTS` if the name is taken, `LOCKED` if a server still runs on it, `IO` for what the system refuses.
 */
export async function placeNew(path: string, write: (file: FileHandle) => Promise<void>): Promise<string> {
  const folder = await io(path, () => realpath(dirname(resolve(path))));
  const target = join(folder, basename(resolve(path)));
  await refuseTaken(target);
  const temporary = join(folder, `.${basename(target)}.${randomBytes(6).toString("hex")}.tmp`);
  const file = await io(temporary, () => open(temporary, "wx", FILE_MODE));
  try {
    try {
      // The process's umask must not widen or narrow it.
      await io(temporary, () => file.chmod(FILE_MODE));
      await write(file);
      await io(temporary, () => file.sync());
    } finally {
      await file.close();
    }
    await moveInto(temporary, target);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  try {
    await syncFolder(folder);
  } catch (error) {
    // A name that may be gone after a crash is none to rely on.
    await rm(target, { force: true });
    throw error;
  }
  return target;
}

/** @throws DbFileError `EXISTS` or `LOCKED` */
export async function refuseTaken(path: string): Promise<void> {
  const taken = await lstat(path).catch((error: unknown) => {
    if (isMissing(error)) return undefined;
    throw ioError(path, error);
  });
  if (taken !== undefined) throw existsError(path);
  await refuseLocked(path);
}

/** @throws DbFileError `LOCKED` if a running process has the lock of this database file. */
export async function refuseLocked(path: string): Promise<void> {
  const lock = await lockState(path);
  if (lock.state !== "held") return;
  const who = lock.pid === 0 ? "another process" : `process ${lock.pid}`;
  throw new DbFileError(
    "LOCKED",
    `${path} is locked by ${who} (${lock.lockFile}); stop the server that runs on it first`,
  );
}

async function moveInto(temporary: string, target: string): Promise<void> {
  try {
    await link(temporary, target);
  } catch (error) {
    if (hasCode(error, "EEXIST")) throw existsError(target);
    if (!hasCode(error, "EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK")) throw ioError(target, error);
    await moveWithoutLinks(temporary, target);
    return;
  }
  // The file has its name; that it keeps the other one too would do no harm.
  await unlink(temporary).catch(() => undefined);
}

/** On a file system without hard links the name is taken first, by an empty file that only we would replace. */
async function moveWithoutLinks(temporary: string, target: string): Promise<void> {
  try {
    await (await open(target, "wx", FILE_MODE)).close();
  } catch (error) {
    throw hasCode(error, "EEXIST") ? existsError(target) : ioError(target, error);
  }
  try {
    await rename(temporary, target);
  } catch (error) {
    await rm(target, { force: true });
    throw ioError(target, error);
  }
}

/** Makes a change of names in a folder last. Some file systems cannot sync a folder, and need not. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r").catch((error: unknown) => {
    if (hasCode(error, "EISDIR", "EPERM", "EACCES")) return undefined;
    throw ioError(folder, error);
  });
  if (handle === undefined) return;
  try {
    await handle.sync();
  } catch (error) {
    if (!hasCode(error, "EPERM", "EINVAL", "ENOTSUP", "EOPNOTSUPP")) throw ioError(folder, error);
  } finally {
    await handle.close();
  }
}

function existsError(path: string): DbFileError {
  return new DbFileError(
    "EXISTS",
    `${path} exists already, and no file is ever overwritten; choose another name or move it away`,
  );
}

function ioError(path: string, error: unknown): DbFileError {
  return new DbFileError("IO", `${path}: ${(error as Error).message}`, { cause: error });
}

async function io<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw ioError(path, error);
  }
}
