/** Which of some files a recovery should start from, and what each would lose. */
import type { Finding } from "./finding.ts";
import { compareLastLog, currentServers } from "./cluster-rules.ts";
import type { MemberLog } from "./member-log.ts";
import { type CheckedFile, describeFile } from "./report.ts";

/**
 * `good`: whole, and a server starts on it. `torn`: only the last record is cut off, as a crash does. `damaged`: readable up
 * to a bad record. `refused`: ovsdb-server refuses a record of it; readable up to there. `removed`: the cluster went on
 * without this server; `left`: it left by itself. `joining`: it has no data. `foreign`: of another cluster or database.
 * `unreadable`: not even a header.
 */
export type Fitness =
  | "good"
  | "torn"
  | "damaged"
  | "refused"
  | "removed"
  | "left"
  | "joining"
  | "foreign"
  | "unreadable";

/** Entries that another file has and this one lacks. */
export type Loss = {
  /** The file that has them. */
  readonly file: string;
  /** The first index that is lost. */
  readonly fromIndex: number;
  /** How many; at most so many if not {@link exact}. */
  readonly entries: number;
  /** How many of them are known to be committed: clients were told that these are safe. */
  readonly committed: number;
  /** Rows that the lost entries insert, change or delete, each counted once; undefined if they are only in a snapshot. */
  readonly rows: number | undefined;
  /** False if the other file has all of this one's log in its snapshot, so that where they part cannot be seen. */
  readonly exact: boolean;
};

export type RankedFile = CheckedFile & {
  /** From 1, the best; undefined for a file that no recovery can start from. */
  readonly rank: number | undefined;
  readonly fitness: Fitness;
  /** Sentences for people: why it stands where it stands, and what to know before it is used. */
  readonly reasons: readonly string[];
  /** What would be lost by starting from this file, one for each file that has something more. */
  readonly loses: readonly Loss[];
};

export type Ranking = {
  /** The best first, those without a rank last. */
  readonly files: readonly RankedFile[];
  readonly best: RankedFile | undefined;
  /** The newest list of members, as the best file knows it. */
  readonly servers: CheckedFile["servers"];
  /** Members of which no usable file was given. */
  readonly missing: readonly string[];
  /**
   * Usable files of a majority were given, so that every committed entry is in one of them. Otherwise look for the missing
   * members' files first.
   */
  readonly majority: boolean;
};

/** Counts the rows that the entries at these positions touch. */
export type CountRows = (log: MemberLog, from: number, to: number) => number;

/** Not even in a last resort can these be started from. */
const HOPELESS: readonly Fitness[] = ["joining", "foreign", "unreadable"];
/** Used only if there is nothing else: the cluster may have gone on without them for long. */
const LAST_RESORT: readonly Fitness[] = ["removed", "left"];
/** Of equal logs, the file with less trouble. */
const TROUBLE: readonly Fitness[] = ["good", "torn", "damaged", "refused", "removed", "left"];

export function rankLogs(logs: readonly MemberLog[], findings: readonly Finding[], countRows: CountRows): Ranking {
  const clusterId = mainCluster(logs);
  const inCluster = logs.filter((log) => log.member !== undefined && keyOf(log) === clusterId);
  const { servers: newest } = currentServers(inCluster);
  const fitness = new Map(logs.map((log) => [log, fitnessOf(log, findings, clusterId, newest)]));
  const fit = (log: MemberLog): Fitness => fitness.get(log) ?? "unreadable";
  const usable = inCluster.filter((log) => !LAST_RESORT.includes(fit(log)));
  const order = (a: MemberLog, b: MemberLog): number =>
    compareLastLog(b, a) || b.commitIndex - a.commitIndex || TROUBLE.indexOf(fit(a)) - TROUBLE.indexOf(fit(b));
  const resort = usable.length === 0;
  const ranked = (resort ? inCluster : usable).toSorted(order);
  const rest = logs.filter((log) => !ranked.includes(log));
  const witness = inCluster.toSorted((a, b) => b.commitIndex - a.commitIndex)[0];
  const files = [...ranked, ...rest].map((log): RankedFile => {
    const at = ranked.indexOf(log);
    const comparable = !HOPELESS.includes(fit(log));
    const loses = comparable
      ? inCluster.filter((other) => other !== log).flatMap((other) => lossOf(log, other, witness, countRows))
      : [];
    const reasons = [...standing(log, at, ranked, fit(log), resort), ...warnings(log, fit(log), witness)];
    return { ...describeFile(log), rank: at < 0 ? undefined : at + 1, fitness: fit(log), reasons, loses };
  });
  const sids = Object.keys(newest);
  const given = new Set(usable.map((log) => log.member?.server_id));
  const missing = sids.filter((sid) => !given.has(sid));
  const best = files.find(({ rank }) => rank === 1);
  return { files, best, servers: newest, missing, majority: sids.length - missing.length > sids.length / 2 };
}

function keyOf(log: MemberLog): string {
  return `${log.member?.cluster_id} ${log.member?.name}`;
}

/** The cluster that most files are of; of equals, the one with the newest log. */
function mainCluster(logs: readonly MemberLog[]): string | undefined {
  const groups = new Map<string, MemberLog[]>();
  for (const log of logs)
    if (log.member !== undefined) groups.set(keyOf(log), [...(groups.get(keyOf(log)) ?? []), log]);
  const newest = (group: readonly MemberLog[]): MemberLog =>
    group.toSorted((a, b) => compareLastLog(b, a))[0] as MemberLog;
  const [most] = [...groups].sort(([, a], [, b]) => b.length - a.length || compareLastLog(newest(b), newest(a)));
  return most?.[0];
}

function fitnessOf(
  log: MemberLog,
  findings: readonly Finding[],
  clusterId: string | undefined,
  newest: CheckedFile["servers"],
): Fitness {
  if (log.header === undefined) return "unreadable";
  if (log.header.kind === "joining") return "joining";
  if (keyOf(log) !== clusterId) return "foreign";
  if (log.left) return "left";
  if (newest[log.header.server_id] === undefined) return "removed";
  if (log.refused) return "refused";
  const own = findings.filter(({ file }) => file === log.path).map(({ code }) => code);
  if (own.includes("DAMAGED_RECORD")) return "damaged";
  return own.includes("TORN_TAIL") ? "torn" : "good";
}

function standing(
  log: MemberLog,
  at: number,
  ranked: readonly MemberLog[],
  fitness: Fitness,
  resort: boolean,
): string[] {
  if (at < 0 && log.findings.some(({ code }) => code === "NOT_CLUSTERED"))
    return [
      "it is a standalone file, not a member's: nothing in it tells how new it is; check it, and restore it as it is",
    ];
  if (at < 0) return [EXCLUDED[fitness] ?? "the other files come first"];
  const last = `its last entry is ${log.lastIndex} of term ${log.lastTerm}, ${log.commitIndex} is known to be committed`;
  const [best] = ranked;
  const reasons = [last];
  const open = log.lastIndex - log.commitIndex;
  if (open > 0)
    reasons.push(
      `${open} more may be committed, since a crash can lose the note of it: include them when recovering from this file`,
    );
  if (resort)
    reasons.push("there is no file of a present member; this one may be far behind what the cluster did later");
  if (at === 0 || best === undefined) {
    const next = ranked[1];
    if (next !== undefined) reasons.push(whyBefore(log, next));
  } else reasons.push(whyBefore(best, log));
  return reasons;
}

function whyBefore(better: MemberLog, worse: MemberLog): string {
  const [a, b] = [better.path, worse.path];
  if (better.lastTerm !== worse.lastTerm)
    return `${a} ends in term ${better.lastTerm}, ${b} in ${worse.lastTerm}: a log that ends in a later term has all that was committed before`;
  if (better.lastIndex !== worse.lastIndex) return `${a} and ${b} end in the same term, and ${a} goes on longer`;
  if (better.commitIndex !== worse.commitIndex) return `${a} and ${b} end alike, and ${a} knows more to be committed`;
  return `${a} and ${b} hold the same`;
}

const EXCLUDED: Partial<Record<Fitness, string>> = {
  removed: "the cluster removed this server and went on without it; what it holds is old",
  left: "this server left the cluster, which went on without it; what it holds is old",
  joining: "this server has not joined; the file holds no data",
  foreign: "the file is of another cluster or database than most of the others",
  unreadable: "not even the header of the file can be read",
};

function warnings(log: MemberLog, fitness: Fitness, witness: MemberLog | undefined): string[] {
  const reasons: string[] = [];
  if (log.damage !== undefined)
    reasons.push(
      `${log.damage.lostBytes} bytes from byte ${log.damage.offset} on cannot be read (${log.damage.message})`,
    );
  if (fitness === "damaged" || fitness === "refused")
    reasons.push(
      "do not start a server on it: convert its readable part to a standalone database, and begin a new cluster with that",
    );
  const committed = witness?.commitIndex ?? 0;
  if (log.member !== undefined && committedIn(log, witness) < committed)
    reasons.push(`it lacks entries through ${committed}, which are committed`);
  return reasons;
}

/** Entries of `other` that `log` lacks. */
function lossOf(log: MemberLog, other: MemberLog, witness: MemberLog | undefined, countRows: CountRows): Loss[] {
  const { index: common, exact } = partingOf(log, other);
  if (other.lastIndex <= common) return [];
  const fromIndex = common + 1;
  const firstSeen = Math.max(fromIndex, other.logStart);
  const isSeen = firstSeen === fromIndex;
  const rows = isSeen ? countRows(other, firstSeen - other.logStart, other.entries.length) : undefined;
  const last = Math.min(other.lastIndex, committedIn(other, witness));
  return [
    {
      file: other.path,
      fromIndex,
      entries: other.lastIndex - common,
      committed: Math.max(0, last - common),
      rows,
      exact,
    },
  ];
}

/** How far a log is known to be committed: what the file that knows most says counts as far as the two are the same. */
function committedIn(log: MemberLog, witness: MemberLog | undefined): number {
  if (witness === undefined || witness === log) return log.commitIndex;
  return Math.max(log.commitIndex, Math.min(witness.commitIndex, partingOf(log, witness).index));
}

/** The last index through which two logs are the same (Log Matching, thesis §3.5). */
function partingOf(log: MemberLog, other: MemberLog): { readonly index: number; readonly exact: boolean } {
  const from = Math.max(log.logStart, other.logStart) - 1;
  for (let index = Math.min(log.lastIndex, other.lastIndex); index >= from; index--) {
    const term = log.termAt(index);
    if (term !== undefined && term === other.termAt(index)) return { index, exact: true };
  }
  // One's log ends within the other's snapshot, which holds only what is committed.
  return { index: Math.min(log.lastIndex, Math.max(log.commitIndex, other.commitIndex)), exact: false };
}
