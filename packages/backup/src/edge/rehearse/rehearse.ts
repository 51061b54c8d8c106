/** A restore that harms nobody: the backup is served by a real ovsdb-server in a scratch folder, and read back row by row. */
import { mkdtemp, rm, statfs } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DatabaseContent } from "@ovnha/dbfile";
import { parseSchema, type Json } from "@ovnha/ovsdb";
import { BackupError } from "../../error.ts";
import { persistentColumns } from "../../take/wire.ts";
import { Comparison, type Difference, isSame } from "../../verify/comparison.ts";
import type { Problems } from "../../verify/problem.ts";
import { copyWhole } from "../take/copy-whole.ts";
import { ioError } from "../take/io-error.ts";
import { ovsdbTool } from "../tool/tool.ts";
import { examineBackup, type VerifyOptions, type VerifyReport } from "../verify/verify-backup.ts";
import { ScratchServer, type ScratchOptions, scratchVersion } from "./scratch-server.ts";

export type RehearseOptions = Omit<VerifyOptions, "live"> & {
  /** What the backup becomes. Default: what its source was, by the manifest; else a cluster. */
  readonly as?: "cluster" | "standalone" | undefined;
  /** Default `ovsdb-server`, as PATH has it. */
  readonly command?: string | undefined;
  /** What makes the first member's file. Default `auto`. */
  readonly engine?: "auto" | "native" | "ovsdb-tool" | undefined;
  /** Milliseconds that ovsdb-server gets to serve the database. Default 600,000. */
  readonly startMs?: number | undefined;
  readonly onStep?: ((step: RehearsalStep["name"]) => void) | undefined;
};

export type RehearsalStep = {
  /** `copy` the database into place, `convert` it to a cluster's first member, `serve` it, `compare` every row. */
  readonly name: "copy" | "convert" | "serve" | "compare";
  readonly durationMs: number;
};

export type Rehearsal = {
  /** Nothing is wrong with the backup, and if a real server was there, it served exactly these rows. */
  readonly ok: boolean;
  /** The native check, and what the server said. */
  readonly report: VerifyReport;
  readonly as: "cluster" | "standalone";
  /** Version of the ovsdb-server; undefined where none is installed, and the native check is all there is. */
  readonly server: string | undefined;
  readonly steps: readonly RehearsalStep[];
  /** What copying, converting and serving took here: what the first member of a restore will take. */
  readonly restoreMs: number | undefined;
  readonly difference: Difference | undefined;
};

/** Copy, converted file, and what the server writes meanwhile. */
const ROOM_FACTOR = 2.5;
const START_MS = 600_000;

/** @throws BackupError as {@link verifyBackup} does; `IO` if the scratch folder has no room. A backup that fails is an answer. */
export async function rehearse(path: string, options: RehearseOptions = {}): Promise<Rehearsal> {
  const server = await scratchVersion(options.command, undefined, options.signal).catch((cause: unknown) => {
    throw givenUp(options.signal, cause);
  });
  const steps: RehearsalStep[] = [];
  let difference: Difference | undefined;
  let as: Rehearsal["as"] = options.as ?? "cluster";
  const { report } = await examineBackup(path, options, async ({ content, problems, unpackedPath, manifest }) => {
    if (options.as === undefined && manifest !== undefined && manifest.cluster === undefined) as = "standalone";
    if (server === undefined) return "verified";
    difference = await serveAndCompare(content, unpackedPath, as, problems, steps, options);
    return "rehearsed";
  });
  const restore = steps.filter(({ name }) => name !== "compare");
  const restoreMs = difference === undefined ? undefined : restore.reduce((sum, { durationMs }) => sum + durationMs, 0);
  return { ok: report.ok, report, as, server, steps, restoreMs, difference };
}

async function serveAndCompare(
  content: DatabaseContent,
  source: string,
  as: "cluster" | "standalone",
  problems: Problems,
  steps: RehearsalStep[],
  options: RehearseOptions,
): Promise<Difference | undefined> {
  const { signal } = options;
  const folder = await mkdtemp(join(options.scratch ?? tmpdir(), "ovn-rehearse-")).catch((cause: unknown) => {
    throw ioError(cause, options.scratch ?? tmpdir(), "make the folder first, or name another one with --scratch");
  });
  const timed = async <T>(name: RehearsalStep["name"], work: () => Promise<T>): Promise<T> => {
    options.onStep?.(name);
    const startMs = performance.now();
    const made = await work();
    steps.push({ name, durationMs: Math.round(performance.now() - startMs) });
    return made;
  };
  try {
    await checkRoom(folder, content);
    const standalone = join(folder, "standalone.db");
    const member = join(folder, "member.db");
    await timed("copy", () => copyWhole(source, standalone, signal));
    if (as === "cluster")
      await timed("convert", () =>
        ovsdbTool({ engine: options.engine ?? "auto" }).createCluster(
          { target: member, contents: standalone, localAddress: `unix:${join(folder, "raft.sock")}` },
          { signal },
        ),
      );
    const scratch: ScratchOptions = {
      folder,
      file: as === "cluster" ? member : standalone,
      database: content.schema.name,
      command: options.command,
      startMs: options.startMs ?? START_MS,
      signal,
    };
    await using server = await ScratchServer.start(scratch);
    await using session = await timed("serve", () => server.serving(scratch));
    return await timed("compare", async () => {
      const schema = parseSchema((await session.session.call("get_schema", [content.schema.name])) as Json);
      const comparison = new Comparison(content);
      await session.snapshot(content.schema.name, persistentColumns(schema), (table, uuid, row) =>
        comparison.take(table, uuid, row),
      );
      const difference = comparison.finish();
      if (!isSame(difference))
        problems.add("SERVED", `ovsdb-server serves other rows: ${JSON.stringify(difference.tables)}`);
      return difference;
    });
  } catch (cause) {
    const error = givenUp(signal, ioError(cause, folder));
    if (!(error instanceof BackupError) || !["TOOL_FAILED", "LIMIT", "DAMAGED"].includes(error.code)) throw error;
    problems.add("SERVED", error.message);
    return undefined;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Whatever went wrong after the signal was raised, went wrong for it. */
function givenUp(signal: AbortSignal | undefined, error: unknown): unknown {
  if (signal?.aborted !== true) return error;
  return new BackupError("ABORTED", "the rehearsal was given up", { cause: signal.reason });
}

async function checkRoom(folder: string, content: DatabaseContent): Promise<void> {
  let bytes = 0;
  for (const table of content.tables.values()) bytes += table.bytes + 50 * table.size;
  const { bavail, bsize } = await statfs(folder);
  const [free, needed] = [bavail * bsize, Math.ceil(bytes * ROOM_FACTOR)];
  if (free >= needed) return;
  throw new BackupError("IO", `${folder} has ${free} bytes free, and the rehearsal needs about ${needed}`, {
    path: folder,
    remedy: "name another scratch folder",
  });
}
