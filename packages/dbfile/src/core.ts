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
