/** How the persistence check looks at a host: this one natively, another through its runner. Nothing is changed. */
import { readdir, readFile, realpath, stat, statfs } from "node:fs/promises";
import { DbFileError, inspect } from "@ovnha/dbfile";
import type { Runner } from "@ovnha/runner";
import type { FileIdentity } from "../../layout/identity.ts";
import { Host } from "../restore/hosts.ts";

export interface Stat {
  readonly kind: "folder" | "file" | "other";
  readonly uid: number;
  readonly gid: number;
  readonly user: string | undefined;
  readonly group: string | undefined;
  /** Permission bits. */
  readonly mode: number;
  readonly sizeBytes: number;
  readonly modifiedMs: number;
  /** Decimal. */
  readonly inode: string;
}

/** Missing things are undefined; whatever else fails is thrown. */
export interface Sight {
  readonly host: string;
  stat(path: string): Promise<Stat | undefined>;
  /** Without symbolic links. */
  real(path: string): Promise<string>;
  free(path: string): Promise<{ readonly bytes: number; readonly inodes: number | undefined }>;
  names(path: string): Promise<readonly string[]>;
  text(path: string): Promise<string | undefined>;
  /** @throws DbFileError, or an `Error`, if the file cannot be read. */
  identity(path: string): Promise<FileIdentity & { readonly damage?: string | undefined }>;
}

/** Names that one folder may have; of more, the rest is not looked at. */
const NAMES_MAX = 10_000;
const ZERO = "00000000-0000-0000-0000-000000000000";

function missing(error: unknown): undefined {
  if (["ENOENT", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? "")) return undefined;
  throw error;
}

/** This machine. */
export function nativeSight(signal?: AbortSignal): Sight {
  let users: Promise<ReadonlyMap<number, string>> | undefined;
  let groups: Promise<ReadonlyMap<number, string>> | undefined;
  return {
    host: "this host",
    async stat(path) {
      const found = await stat(path, { bigint: true }).catch(missing);
      if (found === undefined) return undefined;
      users ??= namesById("/etc/passwd");
      groups ??= namesById("/etc/group");
      const [uid, gid] = [Number(found.uid), Number(found.gid)];
      return {
        kind: found.isDirectory() ? "folder" : found.isFile() ? "file" : "other",
        uid,
        gid,
        user: (await users).get(uid),
        group: (await groups).get(gid),
        mode: Number(found.mode) & 0o7777,
        sizeBytes: Number(found.size),
        modifiedMs: Number(found.mtimeMs),
        inode: String(found.ino),
      };
    },
    real: (path) => realpath(path),
    async free(path) {
      const { bavail, bsize, ffree, files } = await statfs(path);
      // File systems without a fixed number of inodes tell 0 of 0.
      return { bytes: bavail * bsize, inodes: files === 0 ? undefined : ffree };
    },
    names: async (path) => (await readdir(path)).slice(0, NAMES_MAX),
    text: (path) => readFile(path, "utf8").catch(missing),
    identity: (path) => nativeIdentity(path, signal),
  };
}

async function namesById(path: string): Promise<ReadonlyMap<number, string>> {
  const text = await readFile(path, "utf8").catch(() => "");
  const entries = text.split("\n").map((line) => line.split(":"));
  return new Map(
    entries.flatMap(([name, , id]) => (name === undefined || id === undefined ? [] : [[Number(id), name]])),
  );
}

async function nativeIdentity(
  path: string,
  signal: AbortSignal | undefined,
): Promise<FileIdentity & { readonly damage?: string | undefined }> {
  const found = await inspect(path, { signal });
  const damage =
    found.refusal ??
    (found.damage === undefined ? undefined : `its end is damaged from offset ${found.damage.offset} on`);
  if (found.format === "standalone") return { database: found.name, model: "standalone", damage };
  const cid = found.clusterId === ZERO ? undefined : found.clusterId;
  const common = {
    database: found.name,
    model: "clustered",
    cid,
    sid: found.serverId,
    address: found.localAddress,
    damage,
  } as const;
  return found.format === "joining"
    ? common
    : { ...common, term: Math.max(found.term, found.lastTerm), lastIndex: found.logEnd - 1 };
}

/** Another host. Its files are read by its own ovsdb-tool, which tells neither term nor index. */
export function runnerSight(runner: Runner, toolPrefix: readonly string[] = [], signal?: AbortSignal): Sight {
  const host = new Host(runner.name, runner, signal);
  const must = async (...command: readonly string[]): Promise<string> => {
    const { exitCode, stdout, stderr } = await host.run(command);
    if (exitCode !== 0) throw new Error(`${runner.name}: ${stderr.trim() || `${command[0]} ended with ${exitCode}`}`);
    return stdout;
  };
  return {
    host: runner.name,
    async stat(path) {
      const found = await host.find(path);
      if (found === undefined) return undefined;
      const { uid, gid, owner, mode, sizeBytes, modifiedMs, inode, isFolder } = found;
      return {
        kind: isFolder ? "folder" : "file",
        uid,
        gid,
        user: owner.user,
        group: owner.group,
        mode,
        sizeBytes,
        modifiedMs,
        inode,
      };
    },
    real: async (path) => (await must("readlink", "-f", "--", path)).replace(/\n$/, ""),
    async free(path) {
      const [blocks = 0, size = 0, inodes = 0, all = 0] = (await must("stat", "-f", "-c", "%a|%S|%d|%c", "--", path))
        .trim()
        .split("|")
        .map(Number);
      return { bytes: blocks * size, inodes: all === 0 ? undefined : inodes };
    },
    names: async (path) => (await must("ls", "-A", "--", path)).split("\n").slice(0, NAMES_MAX),
    async text(path) {
      if (!(await host.exists(path))) return undefined;
      return must("cat", "--", path);
    },
    async identity(path) {
      const tool = (command: string): Promise<string> =>
        must(...toolPrefix, "ovsdb-tool", command, path).then((text) => text.trim());
      const database = await tool("db-name");
      const { exitCode } = await host.run([...toolPrefix, "ovsdb-tool", "db-is-clustered", path]);
      if (exitCode === 2) return { database, model: "standalone" };
      // A member that has not joined has no cluster id: exit code 2.
      const cid = await tool("db-cid").catch(() => undefined);
      return {
        database,
        model: "clustered",
        cid: cid === ZERO ? undefined : cid,
        sid: await tool("db-sid"),
        address: await tool("db-local-address"),
      };
    },
  };
}

/** A reason in words. */
export function reasonOf(error: unknown): string {
  return error instanceof DbFileError || error instanceof Error ? error.message : String(error);
}

/** Whether a process of this number runs on this machine. */
export async function runs(sight: Sight, pid: number): Promise<boolean> {
  return (await sight.stat(`/proc/${pid}`)) !== undefined;
}
