/**
 * What is done on a host, through its runner, with programs that every Linux has: stat, sha256sum, cp, mv, mkdir, dd, chown,
 * chmod, sync, cat, readlink, ln, rm. Each takes a path as one argument, so that no name is ever more than a name.
 */
import { createReadStream } from "node:fs";
import type { Runner, RunOptions, RunResult } from "@ovnha/runner";
import { BackupError } from "../../error.ts";
import type { FileFacts } from "../../restore/facts.ts";
import { baseName, lockPath, type Owner } from "../../layout/profile.ts";

/** For what reads or writes a whole database file, in ms. */
const BULK_MS = 3_600_000;
const QUICK_MS = 30_000;

export interface Found extends FileFacts {
  readonly isFolder: boolean;
  /** Decimal. */
  readonly inode: string;
  readonly device: bigint;
  readonly uid: number;
  readonly gid: number;
}

/** One host. Every method rejects with a `BackupError` that names the host and the path. */
export class Host {
  readonly name: string;
  readonly runner: Runner;
  readonly #signal: AbortSignal | undefined;

  constructor(name: string, runner: Runner, signal?: AbortSignal) {
    this.name = name;
    this.runner = runner;
    this.#signal = signal;
  }

  /** Raised when all that is done at this host shall end; undefined: never. */
  get signal(): AbortSignal | undefined {
    return this.#signal;
  }

  /** Runs a program as it is, until it ends or the signal of the restore is raised. */
  exec(command: readonly string[], options: Omit<RunOptions, "signal">): Promise<RunResult> {
    const [program = "", ...args] = command;
    // One of its own for each command: many run at the same time, and a signal warns of many listeners.
    const signal = this.#signal === undefined ? {} : { signal: AbortSignal.any([this.#signal]) };
    return this.runner.run(program, args, { ...options, ...signal });
  }

  /** Runs a program, with messages in English, since some of them are looked at. */
  run(command: readonly string[], timeoutMs: number = QUICK_MS, input?: AsyncIterable<Uint8Array>): Promise<RunResult> {
    return this.exec(["env", "LC_ALL=C", ...command], { timeoutMs, ...(input === undefined ? {} : { input }) });
  }

  async #must(
    what: string,
    path: string,
    command: readonly string[],
    timeoutMs?: number,
    input?: AsyncIterable<Uint8Array>,
  ): Promise<string> {
    const result = await this.run(command, timeoutMs, input);
    if (result.exitCode === 0) return result.stdout;
    throw this.error("IO", path, `cannot ${what} ${path}: ${result.stderr.trim() || `exit code ${result.exitCode}`}`);
  }

  error(code: "IO" | "EXISTS" | "NOT_FOUND" | "DAMAGED", path: string, message: string, remedy?: string): BackupError {
    return new BackupError(code, `${this.name} (${this.runner.name}): ${message}`, { path, remedy });
  }

  /** Undefined if nothing has that name. Symbolic links are followed. */
  async find(path: string): Promise<Found | undefined> {
    const command = ["stat", "-L", "-c", "%f|%s|%u|%g|%U|%G|%Y|%i|%d", "--", path];
    const { exitCode, stdout, stderr } = await this.run(command);
    if (exitCode !== 0) {
      if (/No such file or directory|Not a directory/.test(stderr)) return undefined;
      throw this.error("IO", path, `cannot look at ${path}: ${stderr.trim()}`);
    }
    const [raw = "0", size = "0", uid = "0", gid = "0", user = "", group = "", time = "0", inode = "0", device = "0"] =
      stdout.trim().split("|");
    const mode = Number.parseInt(raw, 16);
    const named = (name: string, id: string): string => (name === "" || name === "UNKNOWN" ? id : name);
    return {
      isFolder: (mode & 0o170000) === 0o040000,
      mode: mode & 0o7777,
      sizeBytes: Number(size),
      uid: Number(uid),
      gid: Number(gid),
      owner: { user: named(user, uid), group: named(group, gid) },
      modifiedMs: Number(time) * 1000,
      inode,
      device: BigInt(device),
    };
  }

  async exists(path: string): Promise<boolean> {
    return (await this.find(path)) !== undefined;
  }

  /** SHA-256 in hexadecimal digits. The name may make sha256sum put a backslash before the line. */
  async hash(path: string): Promise<string> {
    const text = await this.#must("hash", path, ["sha256sum", "--", path], BULK_MS);
    const [, hash] = /^\\?([0-9a-f]{64})\s/.exec(text) ?? [];
    if (hash === undefined)
      throw this.error("IO", path, `cannot hash ${path}: sha256sum wrote ${JSON.stringify(text.slice(0, 200))}`);
    return hash;
  }

  /** Of the file system that a path lies on, in bytes. */
  async freeBytes(path: string): Promise<number> {
    const text = await this.#must("measure", path, ["stat", "-f", "-c", "%a|%S", "--", path]);
    const [blocks, size] = text.trim().split("|").map(Number);
    return (blocks ?? 0) * (size ?? 0);
  }

  async isWritable(path: string): Promise<boolean> {
    return (await this.run(["test", "-d", path, "-a", "-w", path])).exitCode === 0;
  }

  /** Makes a folder for its owner alone; its parents must exist. */
  async makeFolder(path: string): Promise<void> {
    const found = await this.find(path);
    if (found?.isFolder === true) return;
    if (found !== undefined) throw this.error("EXISTS", path, `${path} is there, and is no folder`);
    const { exitCode, stderr } = await this.run(["mkdir", "-m", "0700", "--", path]);
    if (exitCode === 0) return;
    // Another process of this restore that was cut off may have been faster.
    if ((await this.find(path))?.isFolder !== true)
      throw this.error("IO", path, `cannot make ${path}: ${stderr.trim()}`);
  }

  /** Puts data and names on the disk. Old versions of sync know no arguments, and then write everything. */
  async sync(...paths: readonly string[]): Promise<void> {
    if ((await this.run(["sync", "--", ...paths], BULK_MS)).exitCode === 0) return;
    await this.#must("sync", paths[0] ?? "", ["sync"], BULK_MS);
  }

  /** Renames; never onto something. */
  async rename(from: string, to: string): Promise<void> {
    await this.#must("move", from, ["mv", "-n", "--", from, to]);
    if ((await this.exists(from)) || !(await this.exists(to)))
      throw this.error(
        "EXISTS",
        to,
        `${from} was not moved to ${to}: something is there`,
        "look at what it is, and move it away by hand",
      );
  }

  /** Copies a file with owner, mode and times, and compares. `attempt` tells this try's partial file from those of others. */
  async copy(from: string, to: string, attempt: number): Promise<string> {
    const partial = `${to}.partial-${attempt}`;
    await this.#orRemove(partial, this.#must("copy", from, ["cp", "-p", "--", from, partial], BULK_MS));
    const [source, copied] = [await this.hash(from), await this.hash(partial)];
    if (source !== copied)
      throw this.error(
        "DAMAGED",
        to,
        `the copy ${partial} of ${from} differs from it`,
        "see whether a server writes to it, and whether the disk is sound",
      );
    await this.sync(partial);
    await this.rename(partial, to);
    return copied;
  }

  /** What was begun of our own and failed must not take the room that the next try needs. */
  async #orRemove(partial: string, work: Promise<unknown>): Promise<void> {
    try {
      await work;
    } catch (error) {
      await this.run(["rm", "-f", "--", partial]).catch(() => undefined);
      throw error;
    }
  }

  /** Sends a file from this machine; it gets its name when it is whole, and never that of another. */
  async put(
    local: string,
    to: string,
    via: string,
    sha256: string,
    owner: Owner,
    mode: number,
    attempt: number,
  ): Promise<void> {
    const partial = `${via}/incoming.${baseName(to)}.${attempt}`;
    const write = ["dd", `of=${partial}`, "bs=1048576", "conv=fsync"];
    await this.#orRemove(partial, this.#must("write", partial, write, BULK_MS, chunksOf(local)));
    const arrived = await this.hash(partial);
    if (arrived !== sha256)
      throw this.error(
        "DAMAGED",
        partial,
        `${partial} arrived with the SHA-256 ${arrived}, and ${sha256} was sent`,
        "try again",
      );
    await this.#must("set the mode of", partial, ["chmod", `0${mode.toString(8)}`, "--", partial]);
    const now = await this.find(partial);
    if (now === undefined || !isOwner(owner, now))
      await this.#must("set the owner of", partial, ["chown", `${owner.user}:${owner.group}`, "--", partial]);
    await this.rename(partial, to);
    await this.sync(to);
  }

  /** Whether a process has the lock of a database file open. */
  async lock(path: string): Promise<"free" | "held" | "unknown"> {
    const real = (await this.run(["readlink", "-f", "--", path])).stdout.replace(/\n$/, "");
    const lock = await this.find(lockPath(real === "" ? path : real));
    // Whoever locks makes the file first.
    if (lock === undefined) return "free";
    const { exitCode, stdout } = await this.run(["cat", "/proc/locks"]);
    if (exitCode !== 0) return "unknown";
    for (const held of parseLocks(stdout)) {
      if (held.inode !== lock.inode) continue;
      if (held.device === deviceText(lock.device)) return "held";
      // Some file systems tell stat(2) another device; then the program decides.
      const { stdout: comm } = await this.run(["cat", `/proc/${held.pid}/comm`]);
      if (/^ovsdb-/.test(comm)) return "held";
    }
    return "free";
  }
}

async function* chunksOf(path: string): AsyncGenerator<Uint8Array> {
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 })) yield chunk as Uint8Array;
}

function isOwner(owner: Owner, found: Found): boolean {
  const same = (wanted: string, name: string, id: number): boolean => wanted === name || wanted === String(id);
  return same(owner.user, found.owner.user, found.uid) && same(owner.group, found.owner.group, found.gid);
}

type HeldLock = { readonly pid: string; readonly device: string; readonly inode: string };

/** Held locks of `/proc/locks` (proc_locks(5)); a line with `->` only waits. */
export function parseLocks(text: string): HeldLock[] {
  const lines = text.matchAll(
    /^\d+:\s+(?:POSIX|OFDLCK)\s+\S+\s+(?:READ|WRITE)\s+(-?\d+)\s+([0-9a-f]+):([0-9a-f]+):(\d+)\s/gm,
  );
  return [...lines].map(([, pid = "", major = "", minor = "", inode = ""]) => ({
    pid,
    device: `${Number.parseInt(major, 16)}:${Number.parseInt(minor, 16)}`,
    inode,
  }));
}

/** `major:minor` in decimal, of what stat(2) gives (makedev(3), as glibc packs it). */
export function deviceText(device: bigint): string {
  const major = ((device >> 8n) & 0xfffn) | ((device >> 32n) & ~0xfffn);
  const minor = (device & 0xffn) | ((device >> 12n) & ~0xffn);
  return `${major}:${minor}`;
}
