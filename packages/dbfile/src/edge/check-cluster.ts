/** Judges the files of a cluster's members, together. */
import { checkTogether } from "../check/cluster-rules.ts";
import { type Finding, sortFindings } from "../check/finding.ts";
import type { MemberLog } from "../check/member-log.ts";
import { type CheckedFile, describeFile } from "../check/report.ts";
import { EntryReader } from "./entry-reader.ts";
import { examineFile } from "./examine.ts";

export type CheckOptions = {
  readonly signal?: AbortSignal | undefined;
};

export type ClusterCheck = {
  /** Errors first. Healthy files have none. */
  readonly findings: readonly Finding[];
  /** No finding is an error. */
  readonly sound: boolean;
  /** What `ovsdb-tool check-cluster` exits with for the same files: 1 if any finding is an error to it. */
  readonly ovsdbToolExit: 0 | 1;
  /** In the order given. */
  readonly files: readonly CheckedFile[];
};

/**
 * Checks every rule of the format and of Raft that files can show: those of `ovsdb-tool check-cluster`, and those that it
 * misses (each {@link Finding} says what ovsdb-tool makes of it). Rows are not taken apart. Files of stopped servers are
 * best; copies of running ones are of different moments, which only `COMMITTED_LOST` can mistake for a fault.
 *
 * Each file is read once, in windows; of each entry, 32 bytes are kept.
 *
 * @throws DbFileError `NOT_FOUND` or `IO` if a file cannot be read, `ABORTED`.
 */
export async function checkCluster(paths: readonly string[], options: CheckOptions = {}): Promise<ClusterCheck> {
  return judge(await examineAll(paths, options));
}

/** Files one after the other, so that only one window is in memory. */
export async function examineAll(paths: readonly string[], { signal }: CheckOptions): Promise<MemberLog[]> {
  const logs: MemberLog[] = [];
  for (const path of paths) logs.push(await examineFile(path, signal));
  return logs;
}

export function judge(logs: readonly MemberLog[]): ClusterCheck {
  using reader = new EntryReader();
  const together = checkTogether(logs, reader.sameEntry);
  const findings = sortFindings([...logs.flatMap((log) => log.findings), ...together]);
  const joiningOnly = logs.every((log) => log.header?.kind === "joining");
  const toolFails = joiningOnly || findings.some(({ ovsdbTool }) => ovsdbTool === "error");
  return {
    findings,
    sound: findings.every(({ severity }) => severity !== "error"),
    ovsdbToolExit: toolFails ? 1 : 0,
    files: logs.map(describeFile),
  };
}
