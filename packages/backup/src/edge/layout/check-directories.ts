/** The persistence check: gathers, judges, and remembers who a member is. */
import { randomBytes } from "node:crypto";
import { mkdir, open, readFile, rename, unlink } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import type { Runner } from "@ovnha/runner";
import {
  type CheckFacts,
  type CheckVerdict,
  type DatabaseFacts,
  type DirectoryFacts,
  judgeDirectories,
  type StalePid,
} from "../../layout/directories.ts";
import { formatRemembered, parseRemembered, type Remembered, type RememberedFile } from "../../layout/identity.ts";
import { type Mount, mountOf, parseMounts } from "../../layout/mounts.ts";
import { DATABASE_KEYS, type DatabaseKey, type DirectoryRule, type LayoutProfile } from "../../layout/profile.ts";
import { BackupError } from "../../error.ts";
import { ioError } from "../take/io-error.ts";
import { nativeSight, reasonOf, runnerSight, runs, type Sight } from "./sight.ts";

export interface CheckDirectoriesOptions {
  readonly profile: LayoutProfile;
  /** Databases whose files are looked at; both unless told. */
  readonly databases?: readonly DatabaseKey[] | undefined;
  /** Folders instead of those of the profile, such as `{ "/etc/origin/ovn": "/etc/ovn" }` within a pod; files in them follow. */
  readonly moved?: Readonly<Record<string, string>> | undefined;
  /** Where it is remembered who this member is: a file on this machine, outside of the folders that are checked. */
  readonly identityPath?: string | undefined;
  /** Writes that file if the verdict is fit. */
  readonly remember?: boolean | undefined;
  /** Writes it although the identity has changed: after a restore, say. Other reasons not to start still count. */
  readonly replace?: boolean | undefined;
  /** Looks at another host. */
  readonly runner?: Runner | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface CheckedDirectories extends CheckVerdict {
  /** Whether the identity was written. */
  readonly remembered: boolean;
}

/**
 * Looks at every folder that a member needs, and says whether its servers may be started: folders present, on a file system
 * that survives a reboot, with the right owner, mode and room; database files those of the member that was remembered.
 * Reads only, unless told to remember.
 *
 * @throws BackupError `IDENTITY` if what is remembered cannot be read, `IO`, `ABORTED`.
 */
export async function checkDirectories(options: CheckDirectoriesOptions): Promise<CheckedDirectories> {
  const { profile, databases = DATABASE_KEYS, moved = {}, identityPath, signal } = options;
  const sight =
    options.runner === undefined
      ? nativeSight(signal)
      : runnerSight(options.runner, profile.databases.nb.toolPrefix, signal);
  const rules = profile.directories.map((rule): DirectoryRule => ({ ...rule, path: relocate(rule.path, moved) }));
  const mounts = parseMounts((await sight.text("/proc/self/mountinfo")) ?? "");
  const files = databases.map((key) => relocate(profile.databases[key].file, moved));
  const pids = databases.map((key) => relocate(profile.databases[key].pidFile, moved));
  const facts: CheckFacts = {
    host: sight.host,
    directories: await Promise.all(rules.map((rule) => lookAtFolder(sight, rule.path, mounts))),
    files: await Promise.all(files.map((path) => lookAtFile(sight, path, mounts))),
    stalePids: (await Promise.all(pids.map((path) => lookAtPid(sight, path)))).flatMap((found) => found ?? []),
    remembered: identityPath === undefined ? undefined : await readRemembered(identityPath),
    identityPath: identityPath === undefined ? undefined : resolve(identityPath),
  };
  // What could not be looked at for the signal must not pass for what is not there.
  if (signal?.aborted === true)
    throw new BackupError("ABORTED", "the look at the folders was given up", { cause: signal.reason });
  const verdict = judgeDirectories(rules, facts);
  const others = verdict.findings.filter(
    ({ severity, code }) => severity === "refuse" && !["WIPED", "WENT_BACK", "IDENTITY_CHANGED"].includes(code),
  );
  const may = verdict.fit || (options.replace === true && others.length === 0);
  if (identityPath === undefined || options.remember !== true || !may) return { ...verdict, remembered: false };
  await writeRemembered(resolve(identityPath), renew(facts, options.replace === true));
  return { ...verdict, remembered: true };
}

/** A path under another folder; the longest that is told counts. */
function relocate(path: string, moved: Readonly<Record<string, string>>): string {
  const [from, to] =
    Object.entries(moved)
      .filter(([folder]) => path === folder || path.startsWith(`${folder}/`))
      .sort(([a], [b]) => b.length - a.length)[0] ?? [];
  return from === undefined || to === undefined ? path : `${to}${path.slice(from.length)}`;
}

async function lookAtFolder(sight: Sight, path: string, mounts: readonly Mount[]): Promise<DirectoryFacts> {
  try {
    const found = await sight.stat(path);
    if (found === undefined) return { state: "missing", path };
    if (found.kind !== "folder")
      return { state: "not a folder", path, what: found.kind === "file" ? "a file" : "a device or a socket" };
    const realPath = await sight.real(path);
    const { bytes, inodes } = await sight.free(path);
    const { uid, gid, user, group, mode } = found;
    return {
      state: "present",
      path,
      realPath,
      uid,
      gid,
      user,
      group,
      mode,
      freeBytes: bytes,
      freeInodes: inodes,
      mount: mountOf(realPath, mounts),
      names: await sight.names(path),
    };
  } catch (error) {
    return { state: "unreadable", path, reason: reasonOf(error) };
  }
}

async function lookAtFile(sight: Sight, path: string, mounts: readonly Mount[]): Promise<DatabaseFacts> {
  try {
    const found = await sight.stat(path);
    if (found === undefined) return { state: "missing", path };
    const { damage, ...identity } = await sight.identity(path);
    const { sizeBytes, modifiedMs, inode, uid, mode } = found;
    const fileSystem = mountOf(await sight.real(path), mounts)?.type ?? "unknown";
    return {
      state: "present",
      file: { ...identity, path, sizeBytes, modifiedMs, inode, fileSystem },
      uid,
      mode,
      damage,
    };
  } catch (error) {
    return { state: "damaged", path, reason: reasonOf(error) };
  }
}

async function lookAtPid(sight: Sight, path: string): Promise<StalePid | undefined> {
  const text = await sight.text(path).catch(() => undefined);
  const pid = Number.parseInt(text ?? "", 10);
  return Number.isNaN(pid) || (await runs(sight, pid)) ? undefined : { path, pid };
}

/** Undefined: nothing was ever remembered. */
async function readRemembered(path: string): Promise<Remembered | undefined> {
  try {
    return parseRemembered(await readFile(path, "utf8"), path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw ioError(error, path);
  }
}

/** What is there now, and what was remembered of files that are not looked at. With `replace`, files that are gone are forgotten. */
function renew(facts: CheckFacts, replace: boolean): Remembered {
  const now = facts.files.flatMap((file): RememberedFile[] => (file.state === "present" ? [file.file] : []));
  const gone = new Set(facts.files.flatMap((file) => (file.state === "missing" && replace ? [file.path] : [])));
  const kept = (facts.remembered?.files ?? []).filter(
    ({ path }) => !gone.has(path) && !now.some((file) => file.path === path),
  );
  return { format: "ovnha-identity", formatVersion: 1, rememberedMs: Date.now(), files: [...now, ...kept] };
}

/** Whole or not at all. */
async function writeRemembered(path: string, remembered: Remembered): Promise<void> {
  const folder = dirname(path);
  const temporary = join(folder, `.${basename(path)}.${randomBytes(4).toString("hex")}.tmp`);
  try {
    await mkdir(folder, { recursive: true, mode: 0o750 });
    const file = await open(temporary, "wx", 0o640);
    try {
      await file.writeFile(formatRemembered(remembered));
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
    const handle = await open(folder, "r");
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    await unlink(temporary).catch(() => {});
    throw ioError(error, path);
  }
}
