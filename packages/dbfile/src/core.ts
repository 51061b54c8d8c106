/** `@ovnha/dbfile/core`: database files as data, without a file system, hashes or time. */
export {
  type ClusterHeader,
  type ClusterRecord,
  type CommitIndexRecord,
  decodeClusterHeader,
  decodeClusterRecord,
  DEFAULT_ELECTION_TIMER_MS,
  encodeClusterHeader,
  encodeClusterRecord,
  type EntryRecord,
  type JoiningHeader,
  type LeaderRecord,
  type MemberHeader,
  type NoteRecord,
  type Servers,
  type TermRecord,
  type VoteRecord,
} from "./clustered.ts";
export { type ColumnReference, columnReferences, type ColumnValue, indexKey, referredUuids } from "./column-values.ts";
export { DbFileError, type DbFileErrorCode, type DbFileErrorFields } from "./error.ts";
export {
  type Damage,
  type DamageKind,
  formatRecord,
  formatRecordHeader,
  HEADER_LINE_BYTES_MAX,
  type Magic,
  parseRecordHeader,
  type RecordHeader,
  type RecordPlace,
} from "./record.ts";
export { decodeTransaction, encodeTransaction, type FileTransaction, type TableTransaction } from "./standalone.ts";
export type {
  Annotations,
  DamageFileRecord,
  DataPlace,
  FileRecord,
  HeaderFileRecord,
  InvalidFileRecord,
  LogFileRecord,
  SchemaFileRecord,
  TransactionFileRecord,
  TransactionPlace,
} from "./file-record.ts";
export type {
  ClusterInspection,
  FileFacts,
  Inspection,
  JoiningInspection,
  SchemaFacts,
  StandaloneInspection,
} from "./inspect.ts";
export type { Replayed, ReplayOptions } from "./replay.ts";
export { DatabaseContent } from "./rows/database-content.ts";
export { TableRows } from "./rows/table-rows.ts";
export type { Readable, Span } from "./scan/window.ts";
export type { ClusterSurvey, JoiningSurvey, StandaloneSurvey, Survey } from "./survey.ts";
export { differences, type RowDifference, summarize, type TableDifference } from "./difference.ts";
export type { ColumnChange, RowChange, RowPlace } from "./history.ts";
