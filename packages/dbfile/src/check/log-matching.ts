/** Log Matching and State Machine Safety between two files (thesis §3.5, §3.6.3). */
import { type Finding, finding } from "./finding.ts";
import type { MemberLog } from "./member-log.ts";

/**
 * Whether two entries are the same although their bytes differ: the members of a JSON object come in any order. Reads both
 * from their files.
 */
export interface SameEntry {
  (log: MemberLog, at: number, other: MemberLog, otherAt: number): boolean;
  /** The id of an entry with data. */
  eid(log: MemberLog, at: number): string;
}

/** At most one finding of each kind. */
export function compareLogs(a: MemberLog, b: MemberLog, sameEntry: SameEntry): Finding[] {
  return [
    ...compareEntries(a, b, sameEntry),
    ...compareSnapshots(a, b, sameEntry),
    ...compareSnapshots(b, a, sameEntry),
  ];
}

function compareEntries(a: MemberLog, b: MemberLog, sameEntry: SameEntry): Finding[] {
  const from = Math.max(a.logStart, b.logStart);
  const committed = Math.min(a.commitIndex, b.commitIndex);
  let mustEqual = false;
  for (let index = Math.min(a.lastIndex, b.lastIndex); index >= from; index--) {
    const [at, otherAt] = [index - a.logStart, index - b.logStart];
    if (a.entries.term(at) === b.entries.term(otherAt)) mustEqual = true;
    const both = index <= committed;
    if (!mustEqual && !both) continue;
    if (a.entries.sameBytes(at, b.entries, otherAt) || sameEntry(a, at, b, otherAt)) continue;
    const place = { otherFile: b.path, index, record: a.entries.record(at), offset: a.entries.offset(at) };
    const terms = `terms ${a.entries.term(at)} and ${b.entries.term(otherAt)}`;
    const message = `entry ${index} is not the same in ${a.path} and ${b.path} (${terms})`;
    // ovsdb-tool compares only below an entry with equal terms; that both were committed is enough.
    if (!mustEqual) return [finding("COMMITTED_MISMATCH", a.path, `${message}, although both are committed`, place)];
    return [
      finding("LOG_MISMATCH", a.path, `${message}, although an entry from ${index} on has equal terms in both`, place),
    ];
  }
  return [];
}

/** A snapshot ends with a committed entry: where the other log still has it, term and id must be the same. */
function compareSnapshots(a: MemberLog, b: MemberLog, sameEntry: SameEntry): Finding[] {
  const snapshot = a.member;
  if (snapshot === undefined || snapshot.prev_index === 0) return [];
  const { prev_index, prev_term, prev_eid } = snapshot;
  const term = b.termAt(prev_index);
  // An entry that the other has not committed may be one that it will replace.
  if (term === undefined || prev_index > b.commitIndex) return [];
  const place = { otherFile: b.path, index: prev_index, record: 0, offset: 0 };
  const what = `the snapshot of ${a.path} ends with entry ${prev_index}`;
  if (term !== prev_term)
    return [
      finding("SNAPSHOT_MISMATCH", a.path, `${what} of term ${prev_term}, which in ${b.path} has term ${term}`, place),
    ];
  const eid = lastEid(b, prev_index, sameEntry);
  if (eid === prev_eid) return [];
  return [
    finding("SNAPSHOT_MISMATCH", a.path, `${what} and entry id ${prev_eid}, which in ${b.path} is ${eid}`, place),
  ];
}

/** The id of the newest data at or before an index. */
export function lastEid(log: MemberLog, index: number, { eid }: SameEntry): string | undefined {
  for (let at = index - log.logStart; at >= 0; at--) if (log.entries.hasData(at)) return eid(log, at);
  return log.member?.prev_eid;
}
