/** The standalone database in a backup, as a file that can be read anywhere. */
import { randomBytes } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { BackupError } from "../../error.ts";
import { ioError } from "../take/io-error.ts";

export type Unpacked = AsyncDisposable & { readonly path: string; readonly bytes: number | undefined };

export type UnpackOptions = {
  /** The largest content that is unpacked, in bytes. */
  readonly bytesMax: number;
  /** Where it is unpacked to; default: the system's temporary folder. */
  readonly scratch?: string | undefined;
  readonly signal?: AbortSignal | undefined;
};

/**
 * A file that isn't compressed stays where it is. Disposal removes what was made.
 * @throws BackupError `DAMAGED` if it can't be unpacked, `LIMIT`, `IO`
 */
export async function unpack(path: string, compression: "none" | "gzip", options: UnpackOptions): Promise<Unpacked> {
  if (compression === "none") return { path, bytes: undefined, [Symbol.asyncDispose]: async () => {} };
  const folder = await mkdtemp(join(options.scratch ?? tmpdir(), "ovn-backup-")).catch((cause: unknown) => {
    throw ioError(cause, options.scratch ?? tmpdir(), "make the folder first, or name another one with --scratch");
  });
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true });
  try {
    const target = join(folder, `${randomBytes(4).toString("hex")}.db`);
    const bytes = await gunzipFile(path, target, options);
    await chmod(target, 0o600);
    return { path: target, bytes, [Symbol.asyncDispose]: remove };
  } catch (error) {
    await remove();
    throw error;
  }
}

/** @returns the bytes that were unpacked. */
export async function gunzipFile(path: string, target: string, { bytesMax, signal }: UnpackOptions): Promise<number> {
  let bytes = 0;
  const counter = new Transform({
    transform(chunk: Uint8Array, _encoding, done) {
      bytes += chunk.length;
      if (bytes <= bytesMax) done(null, chunk);
      else done(new BackupError("LIMIT", `${path} unpacks to more than ${bytesMax} bytes`, { path }));
    },
  });
  try {
    const source = createReadStream(path, { highWaterMark: 256 * 1024 });
    const sink = createWriteStream(target, { flags: "wx", mode: 0o600 });
    await pipeline(
      source,
      createGunzip({ chunkSize: 256 * 1024 }),
      counter,
      sink,
      signal === undefined ? {} : { signal },
    );
    return bytes;
  } catch (cause) {
    if (signal?.aborted) throw new BackupError("ABORTED", "unpacking was given up", { cause: signal.reason });
    if (cause instanceof Error && "code" in cause && String(cause.code).startsWith("Z_"))
      throw new BackupError("DAMAGED", `${basename(path)} can't be unpacked: ${cause.message}`, { path, cause });
    throw ioError(cause, path);
  }
}
