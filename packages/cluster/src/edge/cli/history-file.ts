/** `--history FILE`: what was seen before. Read whole or not at all, and never written over: a new one takes its place. */
import { randomBytes } from "node:crypto";
import { open, realpath, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { z } from "zod";
import { ClusterError } from "../../error.ts";
import type { History } from "../../judge/history.ts";
import { readBounded } from "./bounded-file.ts";
import { EXIT, type Terminal } from "./terminal.ts";

/** A history is bounded in every direction; the largest have some hundred KiB. */
const BYTES_MAX = 16_777_216;
const REMEDY = "give another file, or move this one away";

const ofEach = <T extends z.ZodType>(value: T): z.ZodRecord<z.ZodString, T> => z.record(z.string(), value);
const member = z.looseObject({
  serverId: z.string().optional(),
  term: z.number().optional(),
  lastIndex: z.number().optional(),
  applied: z.number().optional(),
  disconnections: z.number().optional(),
  rowIndex: z.number().optional(),
  isJoining: z.boolean().optional(),
});
const sample = z.looseObject({
  atMs: z.number(),
  wallMs: z.number().optional(),
  monotonicMs: z.number().optional(),
  boot: z.string().optional(),
  term: z.number().optional(),
  leader: z.string().optional(),
  leaderReason: z.string().optional(),
  leaderLogStart: z.number().optional(),
  leaderLastIndex: z.number().optional(),
  members: ofEach(member),
  linked: z.array(z.string()).optional(),
  matched: ofEach(z.number()),
});
const database = z.looseObject({
  clusterId: z.string().optional(),
  findings: ofEach(z.looseObject({ firstMs: z.number(), lastMs: z.number(), sightings: z.number() })),
  serverIds: ofEach(z.string()),
  idOfMember: ofEach(z.string()),
  reached: ofEach(z.looseObject({ term: z.number(), acknowledged: z.number() })),
  elections: z.array(z.number()),
  transfers: z.array(z.number()),
  samples: z.array(sample),
});
const historySchema = z.object({ version: z.literal(1), databases: ofEach(database) });

/** @throws ClusterError INVALID_CONFIG if the file is there and holds something else. */
export async function readHistory(path: string | undefined): Promise<History | undefined> {
  if (path === undefined) return undefined;
  const text = await readBounded(path, BYTES_MAX, REMEDY, true);
  return text === undefined ? undefined : parseHistory(text, path);
}

/** `path` is for messages. */
export function parseHistory(text: string, path: string): History {
  const invalid = (what: string): ClusterError => new ClusterError("INVALID_CONFIG", `${path}: ${what}; ${REMEDY}`);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw invalid("holds no history of ovn-ha, or one that is damaged");
  }
  const { version } = (json ?? {}) as { readonly version?: unknown };
  if (typeof version === "number" && version > 1) throw invalid(`was written by a later ovn-ha (version ${version})`);
  const result = historySchema.safeParse(json);
  if (result.success) return result.data as History;
  const [issue] = result.error.issues;
  throw invalid(`holds no history of ovn-ha, or one that is damaged (${issue?.path.join(".") || "at the top"})`);
}

/**
 * Beside the file, then in its place; a symbolic link stays one. Of two at once, the last one's stays, whole.
 * @throws ClusterError INVALID_CONFIG that names the file; the one that was there is untouched then.
 */
export async function writeHistory(path: string, history: History): Promise<void> {
  try {
    const target = await realpath(path).catch(() => path);
    const beside = `${target}.${randomBytes(4).toString("hex")}`;
    try {
      const file = await open(beside, "wx", 0o640);
      try {
        await file.writeFile(`${JSON.stringify(history)}\n`);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(beside, target);
    } catch (error) {
      await rm(beside, { force: true });
      throw error;
    }
    const folder = await open(dirname(target), "r");
    await folder.sync().finally(() => folder.close());
  } catch (cause) {
    throw new ClusterError(
      "INVALID_CONFIG",
      `${path}: the history could not be written: ${(cause as Error).message}; give a file in a folder that this user may write to`,
      { cause },
    );
  }
}

/**
 * Keeps the history if it is wanted. That it can't be kept hides no verdict: it is told, and makes a warning of what would
 * have been well. Gives the exit code.
 */
export async function keepHistory(
  path: string | undefined,
  history: History,
  terminal: Terminal,
  code: number,
): Promise<number> {
  if (path === undefined) return code;
  try {
    await writeHistory(path, history);
    return code;
  } catch (error) {
    if (!(error instanceof ClusterError)) throw error;
    terminal.err(`ovn-ha: ${error.message}\n`);
    return Math.max(code, EXIT.warning);
  }
}
