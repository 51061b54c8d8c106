/** Which file a recovery should start from. */
import { isObject } from "../members.ts";
import { rankLogs, type Ranking } from "../check/rank.ts";
import type { MemberLog } from "../check/member-log.ts";
import { type CheckOptions, type ClusterCheck, examineAll, judge } from "./check-cluster.ts";
import { EntryReader } from "./entry-reader.ts";

/** Rows are told apart up to so many; a file that lacks more is counted by rows touched in each entry. */
const ROWS_MAX = 1_000_000;

/**
 * Ranks the files of one database's members for a recovery after the quorum is lost: the log that would win an election
 * comes first, since it has everything that was ever committed (thesis §3.6.1, §5.4 of the Raft paper). Files of servers
 * that were removed or left, that have not joined or are of another cluster get no rank; damaged ones count with their
 * readable part. Reads each file once, as {@link checkCluster} does, and gives its verdict too.
 *
 * @throws DbFileError `NOT_FOUND` or `IO` if a file cannot be read, `ABORTED`.
 */
export async function rank(
  paths: readonly string[],
  options: CheckOptions = {},
): Promise<Ranking & { readonly check: ClusterCheck }> {
  const logs = await examineAll(paths, options);
  const check = judge(logs);
  using reader = new EntryReader();
  const ranking = rankLogs(logs, check.findings, (log, from, to) => countRows(reader, log, from, to));
  return { ...ranking, check };
}

function countRows(reader: EntryReader, log: MemberLog, from: number, to: number): number {
  const rows = new Set<string>();
  let beyond = 0;
  for (let at = from; at < to; at++) {
    if (!log.entries.hasData(at)) continue;
    const { data } = reader.read(log, at);
    const transaction = Array.isArray(data) ? data[1] : undefined;
    if (!isObject(transaction)) continue;
    for (const [table, touched] of Object.entries(transaction)) {
      if (!isObject(touched)) continue;
      for (const uuid of Object.keys(touched)) {
        if (rows.size < ROWS_MAX) rows.add(`${table} ${uuid}`);
        else beyond++;
      }
    }
  }
  return rows.size + beyond;
}
