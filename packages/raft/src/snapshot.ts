/** Snapshots: taken of what is applied, sent to who lags behind the log, installed in place of an old log. */
import { RaftError } from "./error.ts";
import type { Effects } from "./effects.ts";
import { adoptConfiguration, adoptElectionTimer, eidAt, logEnd, serversAt, termAt } from "./log.ts";
import type { InstallSnapshotReply, InstallSnapshotRequest } from "./message.ts";
import { findAdding, findPeer, type Peer, type RaftNode } from "./node.ts";
import { entryRecord, type FileRecord, type MemberHeader } from "./record.ts";
import { entriesFor, sendAppend } from "./replicate.ts";
import { clusterOf, send } from "./send.ts";
import { resetElectionTimer } from "./timers.ts";
import { type Json, type LogEntry, type Uuid, ZERO_UUID } from "./values.ts";

/** Whether this server may compact by itself now (raft_may_snapshot). */
export function maySnapshot(node: RaftNode): boolean {
  if (node.joining || node.leaving || node.left || node.failed) return false;
  if (node.profile.onlyFollowersSnapshot && node.role !== "follower" && node.servers.length !== 1) return false;
  return node.lastApplied >= node.logStart;
}

/** Log entries that a snapshot would drop. */
export function snapshotGain(node: RaftNode): number {
  return Math.max(0, node.lastApplied - node.logStart + 1);
}

/**
 * Replaces the log through the last applied entry by `data`, the database as it is then. Any role may be told to, as
 * `ovsdb-server/compact` does. Throws `REFUSED` where there is nothing to gain, or the server is no working member.
 */
export function storeSnapshot(node: RaftNode, fx: Effects, data: Json): void {
  const state = node.joining ? "joining" : node.leaving ? "leaving" : node.left ? "out of" : undefined;
  if (state !== undefined) throw new RaftError("REFUSED", `cannot store a snapshot while ${state} the cluster`);
  if (node.failed) throw new RaftError("REFUSED", "cannot store a snapshot following failure");
  const newStart = node.lastApplied + 1;
  if (newStart <= node.logStart) throw new RaftError("REFUSED", "not storing a duplicate snapshot");
  if (!node.writable) throw new RaftError("REFUSED", "the disk does not take the snapshot");
  const snapshot: LogEntry = {
    term: termAt(node, newStart - 1),
    data,
    eid: eidAt(node, newStart - 1),
    servers: serversAt(node, newStart - 1),
    election_timer: node.electionTimerMs,
  };
  const kept = node.log.slice(newStart - node.logStart);
  replaceFile(node, fx, newStart, snapshot, kept);
  node.logSynced = logEnd(node) - 1;
  node.snapshot = snapshot;
  node.log = kept;
  node.logStart = newStart;
}

function replaceFile(
  node: RaftNode,
  fx: Effects,
  newStart: number,
  snapshot: LogEntry,
  kept: readonly LogEntry[],
): void {
  const header: MemberHeader = {
    server_id: node.sid,
    cluster_id: node.cid,
    local_address: node.address,
    name: node.name,
    remote_addresses: undefined,
    prev_servers: snapshot.servers ?? {},
    prev_index: newStart - 1,
    prev_term: snapshot.term,
    prev_data: snapshot.data,
    prev_eid: snapshot.eid,
    prev_election_timer: snapshot.election_timer,
  };
  const records: FileRecord[] = kept.map((entry, i) => entryRecord(newStart + i, entry));
  const { term, vote } = node;
  records.push(
    vote === ZERO_UUID ? { type: "term", term, comment: undefined } : { type: "vote", term, vote, comment: undefined },
  );
  if (node.commitIndex >= newStart)
    records.push({ type: "commit_index", commit_index: node.commitIndex, comment: undefined });
  fx.replace(header, records);
}

export function sendSnapshot(node: RaftNode, fx: Effects, peer: Peer, comment: string | undefined): void {
  if (peer.snapshotInProgress && node.profile.backlogLimits) return;
  const { snapshot } = node;
  const isSent = send(node, fx, {
    type: "install_snapshot_request",
    from: node.sid,
    to: peer.sid,
    cluster: clusterOf(node),
    comment,
    term: node.term,
    last_index: node.logStart - 1,
    last_term: snapshot.term,
    last_servers: snapshot.servers ?? {},
    last_eid: snapshot.eid,
    election_timer: node.electionTimerMs,
    data: snapshot.data ?? null,
  });
  peer.snapshotInProgress = isSent;
  if (isSent) fx.note({ type: "snapshot_sent", to: peer.sid, index: node.logStart - 1 });
}

export function handleInstallRequest(node: RaftNode, fx: Effects, request: InstallSnapshotRequest): void {
  if (node.failureTest === "before-sending-install-snapshot-reply") fx.crash(node.failureTest);
  resetElectionTimer(node);
  const newStart = request.last_index + 1;
  // A snapshot that begins inside our log brings nothing: compaction is every server's own affair.
  if (newStart >= logEnd(node)) {
    if (!node.writable) return;
    install(node, fx, request, newStart);
  }
  send(node, fx, {
    type: "install_snapshot_reply",
    from: node.sid,
    to: request.from,
    cluster: clusterOf(node),
    comment: undefined,
    term: node.term,
    last_index: request.last_index,
    last_term: request.last_term,
  });
}

function install(node: RaftNode, fx: Effects, request: InstallSnapshotRequest, newStart: number): void {
  const snapshot: LogEntry = {
    term: request.last_term,
    data: request.data,
    eid: request.last_eid,
    servers: request.last_servers,
    election_timer: request.election_timer,
  };
  // The old log is written behind the new snapshot only as far as it goes on after it: not at all.
  replaceFile(node, fx, newStart, snapshot, []);
  node.snapshot = snapshot;
  node.log = [];
  node.logStart = newStart;
  node.logSynced = newStart - 1;
  node.commitIndex = newStart - 1;
  if (node.lastApplied < node.commitIndex) node.lastApplied = newStart - 2;
  adoptConfiguration(node, fx);
  adoptElectionTimer(node);
  fx.note({ type: "snapshot_installed", index: newStart - 1 });
}

export function handleInstallReply(node: RaftNode, fx: Effects, reply: InstallSnapshotReply): void {
  const peer = findPeer(node, reply.from) ?? findAdding(node, reply.from);
  if (peer === undefined) return;
  peer.snapshotInProgress = false;
  // ovsdb-server asserts here that it still leads; the term of the reply has seen to that.
  if (node.role !== "leader") return;
  if (reply.last_index !== node.logStart - 1 || reply.last_term !== node.snapshot.term) {
    sendSnapshot(node, fx, peer, "installed obsolete snapshot");
    return;
  }
  peer.nextIndex = node.profile.entriesFollowSnapshot ? node.logStart : logEnd(node);
  // All that is left comes at once, also from releases that otherwise send entries one by one.
  sendAppend(node, fx, peer, entriesFor(node, peer, logEnd(node) - peer.nextIndex), "snapshot installed");
}

/** The id that a snapshot of everything applied would have: what a transaction on it names as prerequisite. */
export function appliedEid(node: RaftNode): Uuid {
  return node.lastApplied < node.logStart ? node.snapshot.eid : eidAt(node, node.lastApplied);
}
