/** A copy that can be given up in its middle, which copyFile of Node.js cannot. */
import { createReadStream, createWriteStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import { BackupError } from "../../error.ts";

const PIECE_BYTES = 1 << 20;

/** Into a new file with mode 0600. @throws BackupError `ABORTED`; the system's error otherwise. What was begun stays. */
export async function copyWhole(from: string, to: string, signal: AbortSignal | undefined): Promise<void> {
  const source = createReadStream(from, { highWaterMark: PIECE_BYTES });
  const target = createWriteStream(to, { flags: "wx", mode: 0o600, highWaterMark: PIECE_BYTES });
  try {
    await pipeline(source, target, signal === undefined ? {} : { signal });
  } catch (cause) {
    if (signal?.aborted === true)
      throw new BackupError("ABORTED", `the copy of ${from} was given up`, { path: from, cause: signal.reason });
    throw cause;
  }
}
