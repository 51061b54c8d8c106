/**
 * A file that a program makes under another name first: it gets its own name when it is whole, never over a file that is
 * there, and nothing stays behind when it is not. `ovsdb-tool compact` and `convert` overwrite their target without a word,
 * and `cluster-to-standalone` leaves a file that opens when it fails.
 */
import { randomBytes } from "node:crypto";
import { posix } from "node:path";
import { BackupError } from "../../error.ts";
import { partialName } from "../../names.ts";
import type { ToolRunner } from "./run-tool.ts";

export async function makeFile<T>(tool: ToolRunner, target: string, make: (partial: string) => Promise<T>): Promise<T> {
  if (target === "" || target.endsWith("/"))
    throw new BackupError("ARGUMENT", `${JSON.stringify(target)} names no file`);
  await refuseExisting(tool, target);
  const folder = posix.dirname(target);
  const name = partialName(posix.basename(target), randomBytes(4).toString("hex"));
  const partial = posix.join(folder, name);
  try {
    const made = await make(partial);
    await give(tool, partial, target);
    return made;
  } finally {
    // The program leaves an empty lock file beside whatever it writes.
    await tool.other("rm", ["-f", "--", plain(partial), plain(posix.join(folder, `.${name}.~lock~`))]);
  }
}

async function refuseExisting(tool: ToolRunner, target: string): Promise<void> {
  const [exists, isLink] = [
    await tool.other("test", ["-e", plain(target)]),
    await tool.other("test", ["-L", plain(target)]),
  ];
  if (exists.exitCode !== 0 && isLink.exitCode !== 0) return;
  throw new BackupError("EXISTS", `${target} is there already, and nothing is overwritten`, {
    path: target,
    remedy: "choose another name, or move it away",
  });
}

/** A path that no program takes for an option. */
function plain(path: string): string {
  return path.startsWith("-") ? `./${path}` : path;
}

async function give(tool: ToolRunner, partial: string, target: string): Promise<void> {
  const linked = await tool.other("ln", ["-T", "--", partial, target]);
  if (linked.exitCode === 0) return;
  // A file system without hard links, or somebody was faster.
  await refuseExisting(tool, target);
  const moved = await tool.other("mv", ["-n", "-T", "--", partial, target]);
  if (moved.exitCode !== 0)
    throw new BackupError("IO", `${target}: ${moved.stderr.trim() || linked.stderr.trim()}`, { path: target });
}
