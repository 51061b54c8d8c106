/** A file of the user's, read up to a limit; whatever is wrong with it is told with its path and the remedy. */
import { createReadStream } from "node:fs";
import { ClusterError } from "../../error.ts";

const WORDS: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  EACCES: "may not be read by this user",
  EISDIR: "is a folder",
  ENOTDIR: "its folder is a file",
};

/** UTF-8 without a byte order mark; a pipe will do too. `undefined` if there is no such file and `isOptional`. */
export async function readBounded(
  path: string,
  bytesMax: number,
  remedy: string,
  isOptional = false,
): Promise<string | undefined> {
  const invalid = (what: string, cause?: unknown): ClusterError =>
    new ClusterError("INVALID_CONFIG", `${path}: ${what}; ${remedy}`, { cause });
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    // One byte more than is allowed tells that there is more.
    for await (const chunk of createReadStream(path, { end: bytesMax }) as AsyncIterable<Uint8Array>) {
      chunks.push(chunk);
      bytes += chunk.length;
    }
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === "ENOENT" && isOptional) return undefined;
    throw invalid(WORDS[code ?? ""] ?? message, cause);
  }
  if (bytes > bytesMax) throw invalid(`has more than ${bytesMax} bytes`);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(Buffer.concat(chunks));
  } catch (cause) {
    throw invalid("is no UTF-8", cause);
  }
}
