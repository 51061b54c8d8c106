/** What can be wrong with the files of a cluster, what it means, and what to do. */

/**
 * `error`: a rule of Raft or of the format is broken, or ovsdb-server refuses the file. `warning`: the file can be used, or
 * must not be used, with care. `notice`: worth knowing, nothing to do.
 */
export type Severity = "error" | "warning" | "notice";

/** What `ovsdb-tool check-cluster` says to the same: exit status 1, a line and exit status 0, or nothing. */
export type ToolVerdict = "error" | "notice" | "silent";

export type FindingCode =
  | "NOT_A_DATABASE"
  | "NOT_CLUSTERED"
  | "DAMAGED_HEADER"
  | "TORN_TAIL"
  | "DAMAGED_RECORD"
  | "BAD_HEADER"
  | "BAD_RECORD"
  | "BAD_DATA"
  | "INDEX_GAP"
  | "TRUNCATES_COMMITTED"
  | "REPLACES_COMMITTED"
  | "TRUNCATED_LOG"
  | "LEADER_TRUNCATED"
  | "TERM_REGRESSION"
  | "STALE_VOTE"
  | "DOUBLE_VOTE"
  | "COMMIT_REGRESSION"
  | "COMMIT_BEYOND_LOG"
  | "LEFT"
  | "NOT_A_MEMBER"
  | "NEVER_A_MEMBER"
  | "ADDRESS_CHANGED"
  | "ADDRESS_SHARED"
  | "BAD_ELECTION_TIMER"
  | "DUPLICATE_SERVER"
  | "CLUSTER_ID_MISMATCH"
  | "NAME_MISMATCH"
  | "TWO_LEADERS"
  | "INCOMPLETE_LEADER"
  | "LOG_MISMATCH"
  | "COMMITTED_MISMATCH"
  | "SNAPSHOT_MISMATCH"
  | "COMMITTED_LOST"
  | "REMOVED"
  | "SERVER_ADDRESS_SHARED"
  | "JOINING"
  | "JOIN_WRONG_CLUSTER"
  | "JOIN_ADDRESS_TAKEN"
  | "JOIN_NO_MEMBER"
  | "NO_RECORDS";

type Kind = { readonly severity: Severity; readonly ovsdbTool: ToolVerdict; readonly remedy: string };

const kind = (severity: Severity, ovsdbTool: ToolVerdict, remedy: string): Kind => ({ severity, ovsdbTool, remedy });

const JOIN_ANEW = "keep a copy, move it away, remove this server from the cluster, and let it join as a new server";
const NOT_TO_START = `do not start a server on this file; ${JOIN_ANEW}`;
const UNSAFE = "stop all members, keep copies of all files, rank them, and rebuild the cluster from the best";

const KINDS: Readonly<Record<FindingCode, Kind>> = {
  // The container.
  NOT_A_DATABASE: kind("error", "error", "this is no database file; look for the real one, or for a copy"),
  NOT_CLUSTERED: kind("error", "error", "this is a standalone database; it belongs to no cluster, leave it out"),
  DAMAGED_HEADER: kind("error", "error", NOT_TO_START),
  TORN_TAIL: kind("warning", "error", "the server cuts the torn record off as it starts; nothing has to be done"),
  DAMAGED_RECORD: kind("error", "error", `ovsdb-server would start and forget all that follows; ${JOIN_ANEW}`),
  // One file.
  BAD_HEADER: kind("error", "error", NOT_TO_START),
  BAD_RECORD: kind("error", "error", NOT_TO_START),
  BAD_DATA: kind("error", "silent", `ovsdb-server starts, but transactions on it never end; ${JOIN_ANEW}`),
  INDEX_GAP: kind("error", "error", NOT_TO_START),
  TRUNCATES_COMMITTED: kind("error", "error", UNSAFE),
  REPLACES_COMMITTED: kind("error", "notice", UNSAFE),
  TRUNCATED_LOG: kind(
    "notice",
    "notice",
    "entries that no majority had were replaced, as happens when a leader is lost",
  ),
  LEADER_TRUNCATED: kind("error", "error", UNSAFE),
  TERM_REGRESSION: kind("error", "error", NOT_TO_START),
  STALE_VOTE: kind("error", "error", NOT_TO_START),
  DOUBLE_VOTE: kind("error", "error", UNSAFE),
  COMMIT_REGRESSION: kind("error", "error", NOT_TO_START),
  COMMIT_BEYOND_LOG: kind("error", "error", `free space on its disk first (a full disk does this); ${JOIN_ANEW}`),
  LEFT: kind(
    "warning",
    "notice",
    "this server has left and can never come back with this file; move it away, and join anew",
  ),
  NOT_A_MEMBER: kind("error", "silent", NOT_TO_START),
  NEVER_A_MEMBER: kind("error", "error", NOT_TO_START),
  ADDRESS_CHANGED: kind(
    "warning",
    "silent",
    "the others look for this server elsewhere; let it join anew at its address",
  ),
  ADDRESS_SHARED: kind(
    "warning",
    "silent",
    "one of the two is a ghost and counts for the quorum; kick the one that is silent",
  ),
  BAD_ELECTION_TIMER: kind("warning", "silent", "set it on the leader with cluster/change-election-timer"),
  // Several files.
  DUPLICATE_SERVER: kind(
    "error",
    "error",
    "never start both; give only the newer one to this check, and keep the other as a copy",
  ),
  CLUSTER_ID_MISMATCH: kind(
    "error",
    "error",
    "these are two clusters; find out which one is meant, stop the other, and never merge",
  ),
  NAME_MISMATCH: kind("error", "error", "check the files of one database at a time"),
  TWO_LEADERS: kind("error", "error", UNSAFE),
  INCOMPLETE_LEADER: kind("error", "error", UNSAFE),
  LOG_MISMATCH: kind("error", "error", UNSAFE),
  COMMITTED_MISMATCH: kind("error", "silent", UNSAFE),
  SNAPSHOT_MISMATCH: kind("error", "silent", UNSAFE),
  COMMITTED_LOST: kind(
    "warning",
    "silent",
    "if the files are copies of running servers, copy them again; else a file was put back or lost writes: start the members that have the entries first",
  ),
  REMOVED: kind(
    "warning",
    "silent",
    "the cluster removed this server while it was away; move the file away, and join anew",
  ),
  SERVER_ADDRESS_SHARED: kind("warning", "silent", "start only the one that is a member of the cluster"),
  JOINING: kind("notice", "notice", "the server has not joined yet, and holds no data"),
  JOIN_WRONG_CLUSTER: kind(
    "warning",
    "silent",
    "it will never join this cluster; make it anew with the right cluster id",
  ),
  JOIN_ADDRESS_TAKEN: kind("warning", "silent", "kick the old server of this address before this one is started"),
  JOIN_NO_MEMBER: kind("warning", "silent", "it will wait for ever; make it anew with addresses of members"),
  NO_RECORDS: kind("notice", "error", "nothing was written since the files were made"),
};

export type Finding = Kind & {
  readonly code: FindingCode;
  /** Path of the file that it is about, or of the first of them. */
  readonly file: string;
  /** Path of the other file, where two do not fit together. */
  readonly otherFile?: string | undefined;
  /** Number of the record in `file`; 0 is the header. */
  readonly record?: number | undefined;
  /** Bytes from the start of `file` to that record. */
  readonly offset?: number | undefined;
  /** Of a log entry. */
  readonly index?: number | undefined;
  readonly term?: number | undefined;
  /** One sentence for people. */
  readonly message: string;
};

export type FindingPlace = Pick<Finding, "otherFile" | "record" | "offset" | "index" | "term">;

export function finding(code: FindingCode, file: string, message: string, place: FindingPlace = {}): Finding {
  return { code, ...KINDS[code], file, ...place, message };
}

export const FINDING_CODES: readonly FindingCode[] = Object.keys(KINDS) as FindingCode[];

const SEVERITIES: readonly Severity[] = ["error", "warning", "notice"];

/** Errors first; otherwise in the order in which they were found. */
export function sortFindings(findings: readonly Finding[]): Finding[] {
  return findings.toSorted((a, b) => SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity));
}
