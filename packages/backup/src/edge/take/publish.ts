/** Gives finished files their names: all of them or none, never over a file that is there. */
import { link, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { BackupError } from "../../error.ts";
import { ioError } from "./io-error.ts";

export type Publication = { readonly partial: string; readonly path: string };

/** File systems without hard links answer with one of these. */
const NO_LINKS = new Set(["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EXDEV", "EMLINK"]);

/**
 * In the order given, so that a manifest comes after what it describes. If one of them can't be, those before it are taken
 * back. @throws BackupError `EXISTS`, `IO`
 */
export async function publish(publications: readonly Publication[]): Promise<void> {
  const done: string[] = [];
  let at = "";
  try {
    for (const { partial, path } of publications) {
      at = path;
      await giveName(partial, path);
      done.push(path);
    }
    for (const folder of new Set(publications.map(({ path }) => dirname(path)))) {
      at = folder;
      await syncFolder(folder);
    }
  } catch (cause) {
    await Promise.all(done.map((path) => rm(path, { force: true })));
    throw ioError(cause, at);
  }
}

async function giveName(partial: string, path: string): Promise<void> {
  try {
    // Unlike rename(2), link(2) refuses a name that is taken.
    await link(partial, path);
  } catch (error) {
    if (!NO_LINKS.has(String((error as { code?: unknown }).code))) throw error;
    await (await open(path, "wx", 0o640)).close();
    try {
      await rename(partial, path);
    } catch (cause) {
      // The name that was taken for it, an empty file of ours.
      await rm(path, { force: true });
      throw cause;
    }
    return;
  }
  await rm(partial);
}

/** After this, the names in the folder survive a loss of power. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Writes a small file under a temporary name, to the disk. */
export async function writePartial(partial: string, text: string): Promise<void> {
  try {
    const handle = await open(partial, "wx", 0o640);
    try {
      await handle.chmod(0o640);
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (cause) {
    throw ioError(cause, partial);
  }
}

export function aborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new BackupError("ABORTED", "the backup was given up", { cause: signal.reason });
}
