/** OVSDB database files read, judged, converted and written without ovsdb-tool. */
export * from "./core.ts";
export { openReadableFile, type ReadableFile, sha1Hex } from "./edge/file.ts";
export { type LockState, lockFileOf, lockState } from "./edge/lock.ts";
export {
  createCluster,
  type CreateClusterOptions,
  type Created,
  type CreatedMember,
  createStandalone,
  type CreateStandaloneOptions,
  type FromFile,
  joinCluster,
  type JoinClusterOptions,
  type MemberOptions,
} from "./edge/create.ts";
export type { Content, ContentCheck, FileRow, RowSource } from "./content.ts";
export type { LeftOut } from "./content-rules.ts";
export { checkCluster, type CheckOptions, type ClusterCheck } from "./edge/check-cluster.ts";
export type { CheckedFile } from "./check/report.ts";
export type { Finding, FindingCode, Severity, ToolVerdict } from "./check/finding.ts";
export { rank } from "./edge/rank.ts";
export type { Fitness, Loss, RankedFile, Ranking } from "./check/rank.ts";
export { compact, type CompactOptions } from "./edge/compact.ts";
export { DbFile, type DbFileOrPath, openDbFile, type OpenOptions, readRecords } from "./edge/db-file.ts";
export { inspect } from "./edge/inspect.ts";
export { replay } from "./edge/replay.ts";
export { clusterToStandalone, type ToStandaloneOptions, type ToStandaloneResult } from "./edge/to-standalone.ts";
export { diff, type DiffOptions, type FileDifference, history } from "./edge/history.ts";
