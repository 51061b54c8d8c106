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
