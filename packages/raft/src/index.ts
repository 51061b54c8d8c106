/**
 * OVSDB's Raft as one pure step function: no clock, no chance, no I/O. Messages and records are what ovsdb-server sends
 * and writes (ovsdb(5), ovsdb(7), ovsdb/raft.c).
 */
export { cloneNode, isConnected, probeIntervalMs } from "./node.ts";
export type { Command, Conn, FailureTest, Peer, Phase, RaftNode, Waiter } from "./node.ts";
export { type NodeOptions, openNode } from "./open.ts";
export { type Input, step, stepInto } from "./step.ts";
export { deadlineMs, ELECTION_RANGE_MS, ELECTION_TIMER_DEFAULT_MS } from "./timers.ts";
export { EffectList } from "./effects.ts";
export type { CrashPoint, Effect, Effects, Note, Role } from "./effects.ts";
export { type Answer, changeElectionTimer, clusterKick, clusterLeave, failureTest } from "./control.ts";
export { type NodeStatus, type ServerStatus, statusOf } from "./status.ts";
export { precheck } from "./command.ts";
export { appliedEid, maySnapshot, snapshotGain } from "./snapshot.ts";
export { currentEid, eidAt, entryAt, logEnd, termAt } from "./log.ts";
export { majority, majorityIndex } from "./quorum.ts";
export {
  type Behaviour,
  BEHAVIOUR_NAMES,
  type BehaviourName,
  DEFAULT_VERSION,
  OLDEST_VERSION,
  type Profile,
  profileOf,
  SINCE,
} from "./profile.ts";
export { createCluster, entryRecord, joinCluster } from "./record.ts";
export type {
  CommitIndexRecord,
  DiskImage,
  EntryRecord,
  FileRecord,
  Header,
  JoiningHeader,
  LeaderRecord,
  MemberHeader,
  NoteRecord,
  TermRecord,
  VoteRecord,
} from "./record.ts";
export { COMMAND_STATUSES, syncedIndexNeeded, termOf } from "./message.ts";
export type {
  AddServerReply,
  AddServerRequest,
  AppendReply,
  AppendRequest,
  AppendResult,
  BecomeLeader,
  CommandStatus,
  ExecuteCommandReply,
  ExecuteCommandRequest,
  HelloRequest,
  InstallSnapshotReply,
  InstallSnapshotRequest,
  Message,
  RemoveServerReply,
  RemoveServerRequest,
  VoteReply,
  VoteRequest,
} from "./message.ts";
export { type Chance, chanceOf, draw, hash32, hashBits, type Purpose } from "./chance.ts";
export { type Json, type LogEntry, nicknameOf, type Servers, type Uuid, ZERO_UUID } from "./values.ts";
export { RaftError, type RaftErrorCode } from "./error.ts";
export { type DecodeOptions, decodeMessage, encodeMessage, type Notification } from "./codec/message.ts";
export { decodeHeader, decodeRecord, encodeHeader, encodeRecord } from "./codec/record.ts";
