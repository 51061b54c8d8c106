/** Who a member is, as remembered outside of its database folder, and what has become of it since. */
import { z } from "zod";
import { BackupError } from "../error.ts";

/** What a database file says of the member that it belongs to. */
export interface FileIdentity {
  readonly database: string;
  readonly model: "standalone" | "clustered";
  /** Absent as long as the member has not joined, and of standalone files. */
  readonly cid?: string | undefined;
  readonly sid?: string | undefined;
  /** Raft address, as text. */
  readonly address?: string | undefined;
  /** Of the last entry; a member's term and index never go back (thesis §3.4, §3.6). */
  readonly term?: number | undefined;
  readonly lastIndex?: number | undefined;
}

export interface RememberedFile extends FileIdentity {
  readonly path: string;
  readonly sizeBytes: number;
  /** Milliseconds since 1970. */
  readonly modifiedMs: number;
  readonly inode: string;
  /** Of the file system, such as `ext4`. */
  readonly fileSystem: string;
}

export interface Remembered {
  readonly format: "ovnha-identity";
  readonly formatVersion: 1;
  /** Milliseconds since 1970. */
  readonly rememberedMs: number;
  readonly files: readonly RememberedFile[];
}

const uuid = z.string().regex(/^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/);
const schema: z.ZodType<Remembered> = z.object({
  format: z.literal("ovnha-identity"),
  formatVersion: z.literal(1),
  rememberedMs: z.number(),
  files: z.array(
    z.object({
      database: z.string().min(1),
      model: z.enum(["standalone", "clustered"]),
      cid: uuid.optional(),
      sid: uuid.optional(),
      address: z.string().optional(),
      term: z.number().int().min(0).optional(),
      lastIndex: z.number().int().min(0).optional(),
      path: z.string().min(1),
      sizeBytes: z.number().min(0),
      modifiedMs: z.number(),
      inode: z.string(),
      fileSystem: z.string(),
    }),
  ),
});

/** @throws BackupError `IDENTITY` */
export function parseRemembered(text: string, path: string): Remembered {
  const bad = (what: string): BackupError =>
    new BackupError("IDENTITY", `${path}: ${what}`, {
      path,
      remedy: "look whether the member is the one it should be, move the file away, and remember it anew",
    });
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw bad(`is not JSON: ${(cause as Error).message}`);
  }
  const read = schema.safeParse(json);
  if (read.success) return read.data;
  const [issue] = read.error.issues;
  throw bad(`is not a remembered identity: ${issue?.path.join(".") || "the whole"}: ${issue?.message ?? ""}`);
}

export function formatRemembered(remembered: Remembered): string {
  return `${JSON.stringify(remembered, undefined, 2)}\n`;
}

export type IdentityChange =
  | "wiped"
  | "other-cluster"
  | "other-server"
  | "other-address"
  | "other-model"
  | "other-database"
  | "went-back"
  | "other-file-system";

export interface IdentityFinding {
  readonly change: IdentityChange;
  readonly message: string;
  readonly remedy: string;
  /** Starting the server would harm the cluster. */
  readonly fatal: boolean;
}

const REJOIN =
  "do not start the server on it: with a quorum, let this member join anew (ovn-backup restore --member); without one, restore the cluster";
const RESTORED = `if a restore has put it there, remember it anew (check-dirs --remember --replace); otherwise ${REJOIN}`;
const MADE = `nothing, if ovn-ctl or the platform's start script has made a cluster of it; otherwise ${REJOIN}`;

/**
 * What has become of a file since it was remembered; `now` undefined: it is gone. An empty answer means the same member,
 * and no older than it was.
 */
export function compareIdentity(before: RememberedFile, now: RememberedFile | undefined): IdentityFinding[] {
  if (now === undefined) {
    const who = before.sid === undefined ? before.database : `${before.database}, server ${before.sid}`;
    const message = `${before.path} is gone: it was there, of ${who}, when it was remembered; this disk was wiped on boot, or the folder replaced`;
    return [{ change: "wiped", message, remedy: REJOIN, fatal: true }];
  }
  const findings: IdentityFinding[] = [];
  const find = (change: IdentityChange, message: string, remedy: string = RESTORED, fatal = true): unknown =>
    findings.push({ change, message: `${before.path} ${message}`, remedy, fatal });
  if (now.database !== before.database) {
    find("other-database", `holds ${now.database}, and it was ${before.database}`, "put the right file in its place");
    return findings;
  }
  if (now.model !== before.model) {
    // Start scripts make a cluster of a standalone file; nothing makes a standalone file of a cluster's.
    const isMade = now.model === "clustered";
    find("other-model", `is ${now.model}, and it was ${before.model}`, isMade ? MADE : RESTORED, !isMade);
  }
  if (before.cid !== undefined && now.cid !== before.cid)
    find("other-cluster", `is of cluster ${now.cid ?? "(none yet)"}, and it was of ${before.cid}`);
  if (before.sid !== undefined && now.sid !== before.sid)
    find("other-server", `is of server ${now.sid ?? "(none)"}, and it was of ${before.sid}`);
  if (before.address !== undefined && now.address !== undefined && now.address !== before.address)
    find("other-address", `has the address ${now.address}, and it was ${before.address}`);
  if (findings.length === 0) {
    const older = wentBack(before, now);
    if (older !== undefined) find("went-back", older, REJOIN);
  }
  if (now.fileSystem !== before.fileSystem)
    find(
      "other-file-system",
      `lies on ${now.fileSystem}, and it lay on ${before.fileSystem}: the mount may be missing`,
      "mount what should be there",
      false,
    );
  return findings;
}

/** An older state of the same server may vote twice in one term, or lack entries that it acknowledged. */
function wentBack(before: FileIdentity, now: FileIdentity): string | undefined {
  if (before.term !== undefined && now.term !== undefined && now.term < before.term)
    return `is at term ${now.term}, and it was at ${before.term}: an older file was put back`;
  const sameTerm = before.term === now.term;
  if (sameTerm && before.lastIndex !== undefined && now.lastIndex !== undefined && now.lastIndex < before.lastIndex)
    return `ends at index ${now.lastIndex}, and it reached ${before.lastIndex}: an older file was put back, or its tail is lost`;
  return undefined;
}
