/** Files of the operating system: read in windows, never held whole. */
import * as crypto from "node:crypto";
import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { DbFileError } from "../error.ts";

/** Bytes that one read asks for. */
export const WINDOW_BYTES: number = 1 << 20;

/** A file open for reading. A path that is renamed over afterwards does not matter: this stays with what was opened. */
export interface ReadableFile extends Disposable {
  readonly path: string;
  /** When it was opened; what is appended later is not looked at. */
  readonly sizeBytes: number;
  /** Modification time, milliseconds since 1970. */
  readonly modifiedMs: number;
  /**
   * Up to `into.length` bytes from `offset`; fewer only at the end of the file. Synchronous: a window is read faster than
   * a promise is kept, and callers give way to others between windows.
   */
  readAt(offset: number, into: Uint8Array): number;
  close(): void;
}

/** @throws DbFileError `NOT_FOUND` or `IO`. */
export function openReadableFile(path: string): ReadableFile {
  // A named pipe that nobody writes to would hold up the whole process; files do not mind.
  const fd = attempt(path, "open", () => openSync(path, constants.O_RDONLY | constants.O_NONBLOCK));
  const stat = attempt(path, "look at", () => fstatSync(fd));
  if (!stat.isFile()) {
    closeSync(fd);
    throw new DbFileError("IO", `${path} is not a regular file; copy what it gives into one first`, { path });
  }
  let open = true;
  const close = (): void => {
    if (open) closeSync(fd);
    open = false;
  };
  return {
    path,
    sizeBytes: stat.size,
    modifiedMs: stat.mtimeMs,
    readAt(offset, into) {
      if (!open) throw new DbFileError("ARGUMENT", `${path} was closed`, { path });
      const wanted = Math.max(0, Math.min(into.length, stat.size - offset));
      let got = 0;
      while (got < wanted) {
        const read = attempt(path, "read", () => readSync(fd, into, got, wanted - got, offset + got));
        if (read === 0) break;
        got += read;
      }
      return got;
    },
    close,
    [Symbol.dispose]: close,
  };
}

type OneShot = (algorithm: "sha1", bytes: Uint8Array, encoding: "hex") => string;
/** Since Node 20.12; far cheaper for short texts than an object for each. */
const oneShot = (crypto as unknown as { readonly hash?: OneShot }).hash;

/** 40 hexadecimal digits, in lower case. */
export function sha1Hex(bytes: Uint8Array): string {
  return oneShot?.("sha1", bytes, "hex") ?? crypto.createHash("sha1").update(bytes).digest("hex");
}

function attempt<T>(path: string, what: string, act: () => T): T {
  try {
    return act();
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code === "ENOENT" ? "NOT_FOUND" : "IO";
    throw new DbFileError(code, `cannot ${what} ${path}: ${(cause as Error).message}`, { path, cause });
  }
}
