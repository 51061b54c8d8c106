/** The persistence check: whether the folders of a member will be, and are, what its servers left behind. */
import { compareIdentity, type Remembered, type RememberedFile } from "./identity.ts";
import { judgeMount, type Mount } from "./mounts.ts";
import type { DirectoryRule } from "./profile.ts";

/** What stat(2), statfs(2) and the mount table say of one folder. */
export type DirectoryFacts =
  | { readonly state: "missing"; readonly path: string }
  | { readonly state: "not a folder"; readonly path: string; readonly what: string }
  | { readonly state: "unreadable"; readonly path: string; readonly reason: string }
  | {
      readonly state: "present";
      readonly path: string;
      /** Without symbolic links. */
      readonly realPath: string;
      readonly uid: number;
      readonly gid: number;
      /** Names where the system has them. */
      readonly user?: string | undefined;
      readonly group?: string | undefined;
      /** Permission bits. */
      readonly mode: number;
      readonly freeBytes: number;
      /** Undefined if the system does not tell. */
      readonly freeInodes?: number | undefined;
      readonly mount: Mount | undefined;
      readonly names: readonly string[];
    };

/** A database file: who it belongs to, or why that cannot be said. */
export type DatabaseFacts =
  | { readonly state: "missing"; readonly path: string }
  | { readonly state: "damaged"; readonly path: string; readonly reason: string }
  | {
      readonly state: "present";
      readonly file: RememberedFile;
      readonly uid: number;
      readonly mode: number;
      /** What ovsdb-server would refuse, or pass over, in words. */
      readonly damage?: string | undefined;
    };

/** A pid file of a run directory whose process is gone: what a crash leaves. */
export type StalePid = { readonly path: string; readonly pid: number };

export interface CheckFacts {
  readonly host: string;
  readonly directories: readonly DirectoryFacts[];
  readonly files: readonly DatabaseFacts[];
  readonly stalePids: readonly StalePid[];
  /** Undefined: nothing was ever remembered, or nobody asked. */
  readonly remembered: Remembered | undefined;
  /** Where it is kept; for the remedy, and because it must not lie in a folder that it watches. */
  readonly identityPath: string | undefined;
}

export type CheckSeverity = "refuse" | "warn" | "note";

/** Stable; safe to switch on. */
export type CheckCode =
  | "MISSING"
  | "NOT_A_FOLDER"
  | "UNREADABLE"
  | "VOLATILE"
  | "READ_ONLY"
  | "NETWORK"
  | "OWNER"
  | "MODE"
  | "SPACE"
  | "EXPECTED_FILE"
  | "STALE_PID"
  | "DAMAGED_FILE"
  | "IDENTITY_INSIDE"
  | "IDENTITY_UNKNOWN"
  | "FILE_MISSING"
  | "WIPED"
  | "IDENTITY_CHANGED"
  | "WENT_BACK";

export interface CheckFinding {
  readonly code: CheckCode;
  readonly severity: CheckSeverity;
  readonly path: string;
  readonly message: string;
  readonly remedy: string;
}

export interface CheckVerdict {
  readonly host: string;
  /** Whether the servers may be started. */
  readonly fit: boolean;
  readonly findings: readonly CheckFinding[];
  /** One line per folder and file that is as it should be. */
  readonly fine: readonly string[];
}

/** Judges gathered facts; asks nothing. The rules and the folders' facts are in the same order. */
export function judgeDirectories(rules: readonly DirectoryRule[], facts: CheckFacts): CheckVerdict {
  const findings: CheckFinding[] = [];
  const fine: string[] = [];
  for (const [index, rule] of rules.entries()) {
    const directory = facts.directories[index];
    if (directory === undefined) continue;
    const found = judgeDirectory(rule, directory);
    findings.push(...found);
    if (found.length === 0 && directory.state === "present") fine.push(describe(rule, directory));
  }
  for (const { path, pid } of facts.stalePids)
    findings.push({
      code: "STALE_PID",
      severity: "note",
      path,
      message: `${path} names process ${pid}, which does not run`,
      remedy: "nothing: the server replaces it when it starts",
    });
  findings.push(...judgeFiles(facts, fine));
  return { host: facts.host, fit: findings.every(({ severity }) => severity !== "refuse"), findings, fine };
}

function describe(rule: DirectoryRule, directory: DirectoryFacts & { readonly state: "present" }): string {
  const mount = directory.mount === undefined ? "mount unknown" : judgeMount(directory.mount).reason;
  const who = `${directory.user ?? directory.uid}:${directory.group ?? directory.gid}`;
  return `${rule.path} (${rule.holds}): ${mount}; ${who}, mode ${octal(directory.mode)}, ${mebi(directory.freeBytes)} free`;
}

const octal = (mode: number): string => `0${mode.toString(8)}`;
const mebi = (bytes: number): string => `${Math.floor(bytes / (1024 * 1024)).toLocaleString("en-US")} MiB`;

function judgeDirectory(rule: DirectoryRule, directory: DirectoryFacts): CheckFinding[] {
  const { path } = rule;
  const severity: CheckSeverity = rule.required ? "refuse" : "warn";
  const one = (code: CheckCode, how: CheckSeverity, message: string, remedy: string): CheckFinding => ({
    code,
    severity: how,
    path,
    message: `${path} (${rule.holds}) ${message}`,
    remedy,
  });
  switch (directory.state) {
    case "missing":
      return [one("MISSING", severity, "is not there", missingRemedy(rule))];
    case "not a folder":
      return [one("NOT_A_FOLDER", severity, `is ${directory.what}, not a folder`, "put a folder in its place")];
    case "unreadable":
      return [
        one(
          "UNREADABLE",
          severity,
          `cannot be looked at: ${directory.reason}`,
          "run the check as root, or as the owner",
        ),
      ];
    case "present":
      break;
  }
  const findings: CheckFinding[] = [];
  const find = (...args: Parameters<typeof one>): unknown => findings.push(one(...args));
  judgeMounted(rule, directory, severity, find);
  const { owner } = rule;
  if (owner !== undefined && !owns(owner.user, directory.user, directory.uid))
    find(
      "OWNER",
      "warn",
      `belongs to ${directory.user ?? directory.uid}, not to ${owner.user}`,
      `chown ${owner.user}:${owner.group} ${path}`,
    );
  if ((directory.mode & rule.forbiddenMode) !== 0)
    find(
      "MODE",
      "warn",
      `has the mode ${octal(directory.mode)}, so that others than its owner can write to it`,
      `chmod ${octal(directory.mode & ~rule.forbiddenMode)} ${path}`,
    );
  if (directory.freeBytes < rule.freeBytesMin)
    find(
      "SPACE",
      directory.freeBytes === 0 ? severity : "warn",
      `has ${mebi(directory.freeBytes)} free, and ${mebi(rule.freeBytesMin)} are wanted`,
      "free space before the server starts: a server whose disk is full writes a file that it cannot open again",
    );
  if (directory.freeInodes === 0)
    find(
      "SPACE",
      severity,
      "has no free inodes, so that no file can be made",
      "remove small files of others from this file system",
    );
  const { expected } = rule;
  if (expected !== undefined && !expected.anyOf.some((name) => directory.names.includes(name)))
    find("EXPECTED_FILE", "warn", `has none of ${expected.anyOf.join(", ")}`, expected.why);
  return findings;
}

function missingRemedy(rule: DirectoryRule): string {
  if (!rule.persistent)
    return `make it at boot (tmpfiles.d(5), RuntimeDirectory= of systemd.exec(5)), or now: mkdir -p ${rule.path}`;
  return "see whether its file system is mounted, and what replaced the folder at boot; do not make an empty one";
}

function judgeMounted(
  rule: DirectoryRule,
  directory: DirectoryFacts & { readonly state: "present" },
  severity: CheckSeverity,
  find: (code: CheckCode, severity: CheckSeverity, message: string, remedy: string) => unknown,
): void {
  if (directory.mount === undefined) return;
  const { kind, reason } = judgeMount(directory.mount);
  if (kind === "read-only") find("READ_ONLY", severity, `cannot be written: ${reason}`, "mount it writable");
  if (!rule.persistent) return;
  if (kind === "volatile")
    find(
      "VOLATILE",
      severity,
      `will not survive a reboot: ${reason}`,
      "put it on a disk or a persistent volume, and keep it out of any synchronisation at boot",
    );
  if (kind === "network")
    find("NETWORK", "warn", `is not local: ${reason}`, "see that its locks and its fsync can be relied on");
}

function owns(wanted: string, user: string | undefined, uid: number): boolean {
  return /^\d+$/.test(wanted) ? Number(wanted) === uid : user === undefined || user === wanted;
}

function judgeFiles(facts: CheckFacts, fine: string[]): CheckFinding[] {
  const findings: CheckFinding[] = [];
  const { remembered, identityPath } = facts;
  const watched = facts.files.map((file) => (file.state === "present" ? file.file.path : file.path));
  const inside = identityPath === undefined ? undefined : watched.find((path) => sameFolder(path, identityPath));
  if (inside !== undefined && identityPath !== undefined)
    findings.push({
      code: "IDENTITY_INSIDE",
      severity: "warn",
      path: identityPath,
      message: `${identityPath} lies in the folder that it watches, and would vanish with it`,
      remedy: "keep it elsewhere, on another file system",
    });
  for (const file of facts.files) {
    const path = file.state === "present" ? file.file.path : file.path;
    const before = remembered?.files.find((entry) => entry.path === path);
    if (file.state === "present" && file.damage !== undefined)
      findings.push({
        code: "DAMAGED_FILE",
        severity: "warn",
        path,
        message: `${path}: ${file.damage}`,
        remedy:
          "keep a copy before the server starts: it passes over damage at the end, and its next write cuts it off",
      });
    if (file.state === "damaged") {
      findings.push({
        code: "DAMAGED_FILE",
        severity: "refuse",
        path,
        message: `${path} cannot be read: ${file.reason}`,
        remedy: "keep it; with a quorum let this member join anew, otherwise rank the files of all members",
      });
      continue;
    }
    if (before === undefined) {
      findings.push(...unknown(file, path, identityPath));
      continue;
    }
    const changes = compareIdentity(before, file.state === "present" ? file.file : undefined);
    for (const { change, message, remedy, fatal } of changes)
      findings.push({
        code: change === "wiped" ? "WIPED" : change === "went-back" ? "WENT_BACK" : "IDENTITY_CHANGED",
        severity: fatal ? "refuse" : "warn",
        path,
        message,
        remedy,
      });
    if (changes.length === 0) fine.push(`${path}: the member that was remembered (${before.sid ?? "standalone"})`);
  }
  return findings;
}

/** Nothing is remembered of a file: that is how a first boot looks, and it proves nothing. */
function unknown(
  file: Exclude<DatabaseFacts, { state: "damaged" }>,
  path: string,
  identityPath: string | undefined,
): CheckFinding[] {
  if (file.state === "missing")
    return [
      {
        code: "FILE_MISSING",
        severity: "warn",
        path,
        message: `${path} is not there, and nothing is remembered of it`,
        remedy:
          "if this member was part of a cluster before, do not start it: its start script may bootstrap a second cluster",
      },
    ];
  if (identityPath === undefined) return [];
  const remedy = `once it is known to be right, remember it: ovn-backup check-dirs --remember --identity ${identityPath}`;
  return [{ code: "IDENTITY_UNKNOWN", severity: "note", path, message: `nothing is remembered of ${path}`, remedy }];
}

function sameFolder(file: string, other: string): boolean {
  const folder = file.slice(0, file.lastIndexOf("/") + 1);
  return other.startsWith(folder);
}
