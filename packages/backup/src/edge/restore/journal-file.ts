/** The work folder of a restore: its plan, its journal, and the mark of the process that works on it. */
import { createHash } from "node:crypto";
import { type FileHandle, link, mkdir, open, readFile, readlink, rename, unlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { BackupError } from "../../error.ts";
import {
  formatLine,
  type JournalEvent,
  type JournalLine,
  type ParsedJournal,
  parseJournal,
} from "../../restore/journal.ts";
import { PLAN_VERSION, type RestorePlan } from "../../restore/types.ts";
import { ioError } from "../take/io-error.ts";

export const PLAN_FILE = "plan.json";
export const JOURNAL_FILE = "journal.jsonl";
const LOCK_FILE = "executor.lock";
/** Far more than any restore writes. */
const JOURNAL_BYTES_MAX = 64 * 1024 * 1024;

export function planText(plan: RestorePlan): string {
  return `${JSON.stringify(plan, undefined, 1)}\n`;
}

export function planHash(plan: RestorePlan): string {
  return createHash("sha256").update(planText(plan)).digest("hex");
}

/** @throws BackupError `NOT_FOUND`, `JOURNAL` */
export async function readPlan(workFolder: string): Promise<RestorePlan> {
  const path = join(workFolder, PLAN_FILE);
  const text = await readText(path);
  if (text === undefined)
    throw new BackupError("NOT_FOUND", `${workFolder} holds no ${PLAN_FILE}`, {
      path,
      remedy: "name the work folder of a restore that was begun",
    });
  let plan: RestorePlan;
  try {
    plan = JSON.parse(text) as RestorePlan;
  } catch (cause) {
    throw new BackupError("JOURNAL", `${path} is not JSON: ${(cause as Error).message}`, { path, cause });
  }
  if (plan.format !== "ovnha-restore" || plan.formatVersion !== PLAN_VERSION)
    throw new BackupError("JOURNAL", `${path} is not a plan of format version ${PLAN_VERSION}`, {
      path,
      remedy: "use the ovn-backup that it was made with",
    });
  return plan;
}

async function readText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw ioError(error, path);
  }
}

/** What a journal tells, without taking it up. Empty if nothing was begun. */
export async function readJournal(workFolder: string): Promise<ParsedJournal> {
  const path = join(workFolder, JOURNAL_FILE);
  return parseJournal((await readText(path)) ?? "", path);
}

/** Whether anybody works on a restore of this machine, in words. */
export async function whoWorks(workFolder: string): Promise<string> {
  if ((await readText(join(workFolder, PLAN_FILE)).catch(() => "")) === undefined) return "which is gone";
  const mark = await readText(join(workFolder, LOCK_FILE)).catch(() => undefined);
  const pid = Number(mark?.split(" ")[0]);
  if (mark !== undefined && (await isAlive(pid, mark))) return `process ${pid} works on it now`;
  return "no process works on it now";
}

/** A journal that this process alone writes, until it is closed. */
export class JournalFile implements AsyncDisposable {
  readonly events: readonly JournalLine[];
  readonly #file: FileHandle;
  readonly #lockPath: string;
  readonly #path: string;
  #bytes: number;

  private constructor(events: readonly JournalLine[], file: FileHandle, path: string, lockPath: string, bytes: number) {
    this.events = events;
    this.#file = file;
    this.#path = path;
    this.#lockPath = lockPath;
    this.#bytes = bytes;
  }

  /**
   * Makes the work folder if need be, and writes the plan into it, or sees that it is the same.
   * @throws BackupError `BUSY` if another process has it, `JOURNAL` if the folder belongs to another plan, `IO`.
   */
  static async open(plan: RestorePlan): Promise<JournalFile> {
    const { workFolder } = plan;
    const path = join(workFolder, JOURNAL_FILE);
    await mkdir(workFolder, { recursive: true, mode: 0o700 }).catch((error: unknown) => {
      throw ioError(error, workFolder);
    });
    await syncFolder(dirname(workFolder));
    const lockPath = join(workFolder, LOCK_FILE);
    await takeLock(lockPath);
    try {
      await keepPlan(plan);
      const text = (await readText(path)) ?? "";
      const { events, torn } = parseJournal(text, path);
      const file = await open(path, "a", 0o600);
      const journal = new JournalFile(events, file, path, lockPath, Buffer.byteLength(text));
      if (torn) await journal.#write("\n");
      await syncFolder(workFolder);
      return journal;
    } catch (error) {
      await unlink(lockPath);
      throw error instanceof BackupError ? error : ioError(error, path);
    }
  }

  /** Returns when the event is on the disk. */
  async append(event: JournalEvent, atMs: number): Promise<void> {
    await this.#write(formatLine({ ...event, atMs }));
  }

  async #write(text: string): Promise<void> {
    this.#bytes += Buffer.byteLength(text);
    if (this.#bytes > JOURNAL_BYTES_MAX)
      throw new BackupError("LIMIT", `${this.#path} would grow beyond ${JOURNAL_BYTES_MAX} bytes`, {
        path: this.#path,
        remedy: "find out why the restore is begun over and over",
      });
    try {
      await this.#file.writeFile(text);
      await this.#file.sync();
    } catch (cause) {
      throw new BackupError("IO", `${this.#path} cannot be written: ${(cause as Error).message}`, {
        path: this.#path,
        remedy: "see to the disk (free space, if it is full), then resume (--resume) or take it all back (--undo)",
        cause,
      });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file.close();
    await unlink(this.#lockPath).catch(() => {});
  }
}

async function keepPlan(plan: RestorePlan): Promise<void> {
  const path = join(plan.workFolder, PLAN_FILE);
  const text = planText(plan);
  const there = await readText(path);
  if (there === text) return;
  if (there !== undefined)
    throw new BackupError("JOURNAL", `${path} is another plan`, {
      path,
      remedy: "resume that one, or choose another work folder",
    });
  const temporary = `${path}.${process.pid}.tmp`;
  const file = await open(temporary, "w", 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
  await syncFolder(plan.workFolder);
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** This process, told apart from a later one of the same number by when it began (proc_pid_stat(5), field 22). */
async function processMark(pid: number): Promise<string | undefined> {
  const text = await readText(`/proc/${pid}/stat`).catch(() => undefined);
  if (text === undefined) return undefined;
  const began = text.slice(text.lastIndexOf(")") + 2).split(" ")[19];
  const boot = (await readText("/proc/sys/kernel/random/boot_id").catch(() => undefined))?.trim();
  return `${pid} ${began ?? ""} ${boot ?? ""} ${await pidNamespace()}`;
}

/** Numbers of processes mean nothing from one container to another (pid_namespaces(7)). */
async function pidNamespace(): Promise<string> {
  return readlink("/proc/self/ns/pid").catch(() => "");
}

/** The lock of a process that is gone, killed perhaps, does not count. */
async function takeLock(path: string): Promise<void> {
  const mine = (await processMark(process.pid)) ?? `${process.pid}`;
  const draft = `${path}.${process.pid}`;
  const file = await open(draft, "w", 0o600);
  try {
    await file.writeFile(mine);
    await file.sync();
  } finally {
    await file.close();
  }
  try {
    for (let tries = 0; tries < 3; tries++) {
      try {
        await link(draft, path);
        return;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw ioError(error, path);
      }
      const theirs = await readText(path);
      if (theirs === undefined) continue;
      const pid = Number(theirs.split(" ")[0]);
      if (await isAlive(pid, theirs)) break;
      await clearStale(path, theirs);
    }
    const holder = (await readText(path))?.split(" ")[0] ?? "another process";
    throw new BackupError("BUSY", `process ${holder} works on this restore (${path})`, {
      path,
      remedy: "wait for it, or end it; if it was in a container that is gone, remove that file",
    });
  } finally {
    await unlink(draft).catch(() => {});
  }
}

/** Takes the mark of a dead process away. Another that did so first may have set its own by now; that one is put back. */
async function clearStale(path: string, theirs: string): Promise<void> {
  const aside = `${path}.${process.pid}.stale`;
  try {
    await rename(path, aside);
  } catch {
    return;
  }
  if ((await readText(aside)) !== theirs) await link(aside, path).catch(() => {});
  await unlink(aside);
}

async function isAlive(pid: number, mark: string): Promise<boolean> {
  const [, , boot, namespace] = mark.split(" ");
  const [, , bootNow, namespaceNow] = (await processMark(process.pid))?.split(" ") ?? [];
  // A process of another container on this machine cannot be seen from here, so it may live.
  if (namespace !== undefined && boot === bootNow && namespace !== namespaceNow) return true;
  const now = await processMark(pid);
  if (now !== undefined) return now === mark;
  try {
    process.kill(pid, 0);
    // Without /proc there is nothing but the number.
    return !mark.includes(" ");
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM" && !mark.includes(" ");
  }
}
