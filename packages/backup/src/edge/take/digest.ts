/** What lies on the disk, hashed. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { BackupError } from "../../error.ts";
import { ioError } from "./io-error.ts";

export type Digest = { readonly bytes: number; readonly sha256: string };

/** SHA-256 in hexadecimal digits. @throws BackupError `NOT_FOUND`, `IO` */
export async function digestFile(path: string, signal?: AbortSignal): Promise<Digest> {
  const hash = createHash("sha256");
  let bytes = 0;
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024, ...(signal && { signal }) })) {
      hash.update(chunk as Uint8Array);
      bytes += (chunk as Uint8Array).length;
    }
  } catch (cause) {
    if (signal?.aborted === true)
      throw new BackupError("ABORTED", `the reading of ${path} was given up`, { path, cause: signal.reason });
    throw ioError(cause, path);
  }
  return { bytes, sha256: hash.digest("hex") };
}
