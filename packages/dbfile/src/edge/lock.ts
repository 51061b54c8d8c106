/**
 * Who has a database file locked.
 *
 * Every writer of Open vSwitch (the server, and `ovsdb-tool create|compact|convert|transact|…`) holds a POSIX record lock
 * on `.NAME.~lock~` beside the file for as long as it runs, and leaves the empty lock file behind. Node has no `fcntl`, so
 * the lock is not tried but looked up: Linux lists all held locks in `/proc/locks` by device and inode (proc_locks(5)).
 *
 * What that cannot see is answered with `unknown` where it can be known, and is stated here where it cannot: a lock held in
 * another pid namespace (another container that mounts the same folder) is not listed, and neither is one of another host on
 * a network file system. Systems without `/proc/locks` always give `unknown`; there, stop the server first and check it by
 * other means (`ovs-appctl -t … version`).
 */
import { readdir, readFile, readlink, stat } from "node:fs/promises";
import { basename, dirname, isAbsolute, join, resolve } from "node:path";
import { isMissing } from "./errno.ts";

export type LockState =
  | { readonly state: "free" }
  /** `pid` is 0 if the kernel does not say whose lock it is. */
  | { readonly state: "held"; readonly pid: number; readonly lockFile: string }
  /** Not to be found out here; the reason is a sentence. */
  | { readonly state: "unknown"; readonly reason: string };

/** Symbolic links followed before giving up, as the kernel does. */
const LINKS_MAX = 40;

/** Where Open vSwitch puts the lock of a database file: beside the file that the name leads to, even if that is missing. */
export async function lockFileOf(path: string): Promise<string> {
  let target = resolve(path);
  for (let links = 0; links < LINKS_MAX; links++) {
    const next = await readlink(target).catch(() => undefined);
    if (next === undefined) break;
    target = isAbsolute(next) ? next : join(dirname(target), next);
  }
  return join(dirname(target), `.${basename(target)}.~lock~`);
}

/** Whether a process holds the lock of this database file. Asks only; takes no lock, and makes no file. */
export async function lockState(path: string): Promise<LockState> {
  const lockFile = await lockFileOf(path);
  let locks: string;
  let inode: bigint;
  let device: bigint;
  try {
    const found = await stat(lockFile, { bigint: true });
    inode = found.ino;
    device = found.dev;
  } catch (error) {
    // Whoever locks makes the file first, so that without the file there is no lock.
    if (isMissing(error)) return { state: "free" };
    return { state: "unknown", reason: `${lockFile} cannot be looked at (${String((error as Error).message)})` };
  }
  try {
    locks = await readFile("/proc/locks", "utf8");
  } catch {
    return { state: "unknown", reason: "this system has no /proc/locks, which tells who holds a lock" };
  }
  for (const lock of parseLocks(locks)) {
    if (lock.inode !== inode) continue;
    if (lock.device === deviceText(device) || (await mayHold(lock.pid, inode, device)))
      return { state: "held", pid: lock.pid, lockFile };
  }
  return { state: "free" };
}

type HeldLock = { readonly pid: number; readonly device: string; readonly inode: bigint };

/** Lines such as `1: POSIX  ADVISORY  WRITE 16413 fe:00:2147122 0 EOF`; a line with `->` only waits. */
export function parseLocks(text: string): HeldLock[] {
  const held: HeldLock[] = [];
  const line = /^\d+:\s+(?:POSIX|OFDLCK)\s+\S+\s+(?:READ|WRITE)\s+(-?\d+)\s+([0-9a-f]+:[0-9a-f]+):(\d+)\s/gm;
  for (const [, pid, device, inode] of text.matchAll(line)) {
    if (pid === undefined || device === undefined || inode === undefined) continue;
    held.push({ pid: Math.max(0, Number(pid)), device: device.replace(/\b0+(?=[0-9a-f])/g, ""), inode: BigInt(inode) });
  }
  return held;
}

/** A device number as `/proc/locks` writes it, without leading zeros: `major:minor` in hexadecimal (makedev(3)). */
function deviceText(device: bigint): string {
  const major = ((device >> 8n) & 0xfffn) | ((device >> 32n) & ~0xfffn);
  const minor = (device & 0xffn) | ((device >> 12n) & ~0xffn);
  return `${major.toString(16)}:${minor.toString(16)}`;
}

/**
 * Inode numbers repeat across file systems, and btrfs and overlayfs report another device to stat(2) than to
 * `/proc/locks`. So with an equal inode and another device the process's open files decide; if they may not be read, the
 * lock counts as held, because refusing is the mistake that loses nothing.
 */
async function mayHold(pid: number, inode: bigint, device: bigint): Promise<boolean> {
  if (pid === 0) return true;
  try {
    for (const fd of await readdir(`/proc/${pid}/fd`)) {
      const open = await stat(`/proc/${pid}/fd/${fd}`, { bigint: true }).catch(() => undefined);
      if (open?.ino === inode && open.dev === device) return true;
    }
    return false;
  } catch (error) {
    return !isMissing(error);
  }
}
