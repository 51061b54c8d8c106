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
  joinCluster,
  type JoinClusterOptions,
  type MemberOptions,
} from "./edge/create.ts";
export type { Content, FileRow, RowSource } from "./content.ts";
export { checkCluster, type CheckOptions, type ClusterCheck } from "./edge/check-cluster.ts";
export type { CheckedFile } from "./check/report.ts";
export type { Finding, FindingCode, Severity, ToolVerdict } from "./check/finding.ts";
export { rank } from "./edge/rank.ts";
export type { Fitness, Loss, RankedFile, Ranking } from "./check/rank.ts";
