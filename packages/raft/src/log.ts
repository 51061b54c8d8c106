/** The log in memory: index 1 is always inside the snapshot, the first real entry is 2. */
import type { Effects } from "./effects.ts";
import { findServer, makePeer, type Peer, type RaftNode, reviewMembership } from "./node.ts";
import { type LogEntry, nicknameOf, type Servers, type Uuid } from "./values.ts";

/** One past the last index. */
export function logEnd(node: RaftNode): number {
  return node.logStart + node.log.length;
}

export function entryAt(node: RaftNode, index: number): LogEntry {
  const entry = node.log[index - node.logStart];
  if (entry === undefined) throw new RangeError(`no entry ${index} in a log of [${node.logStart}, ${logEnd(node)})`);
  return entry;
}

/** The term at an index from `logStart - 1`, which is the snapshot, to the end. */
export function termAt(node: RaftNode, index: number): number {
  return index === node.logStart - 1 ? node.snapshot.term : entryAt(node, index).term;
}

export function lastTerm(node: RaftNode): number {
  const { log } = node;
  return log.length > 0 ? log[log.length - 1]!.term : node.snapshot.term;
}

/** The id of the last data entry at or before `index`: what a transaction names as its prerequisite. */
export function eidAt(node: RaftNode, index: number): Uuid {
  for (let i = index - node.logStart; i >= 0; i--) {
    const entry = node.log[i]!;
    if (entry.data !== undefined) return entry.eid;
  }
  return node.snapshot.eid;
}

export function currentEid(node: RaftNode): Uuid {
  return eidAt(node, logEnd(node) - 1);
}

/** The configuration in force at `index`. */
export function serversAt(node: RaftNode, index: number): Servers {
  for (let i = index - node.logStart; i >= 0; i--) {
    const { servers } = node.log[i]!;
    if (servers !== undefined) return servers;
  }
  return node.snapshot.servers ?? {};
}

export function hasUncommittedConfiguration(node: RaftNode): boolean {
  for (let i = node.commitIndex + 1 - node.logStart; i < node.log.length; i++)
    if (node.log[i]!.servers !== undefined) return true;
  return false;
}

/** Forgets entries from `newEnd` on. On disk, later records with these indexes say the same. */
export function truncate(node: RaftNode, newEnd: number, fx: Effects | undefined): boolean {
  const end = logEnd(node);
  if (end <= newEnd) return false;
  const servers = node.log.slice(newEnd - node.logStart).some((entry) => entry.servers !== undefined);
  node.log.length = newEnd - node.logStart;
  if (node.profile.truncationUnsyncs) unsync(node, newEnd - 1);
  fx?.note({ type: "truncated", from: end, to: newEnd });
  return servers;
}

/** What replaces a truncated entry is on disk only when it is synced itself. */
function unsync(node: RaftNode, last: number): void {
  if (node.logSynced > last) node.logSynced = last;
  node.waiters = node.waiters.map((waiter) =>
    waiter.type === "entry" && waiter.index > last ? { ...waiter, index: last } : waiter,
  );
}

/** How a leader begins with a member. */
export function initLeaderView(node: RaftNode, peer: Peer): void {
  peer.nextIndex = logEnd(node);
  peer.matchIndex = 0;
  peer.phase = "stable";
  peer.replied = false;
  peer.snapshotInProgress = false;
}

/** Takes the configuration that the log now ends with; members that stay keep what is known of them. */
export function adoptConfiguration(node: RaftNode, fx: Effects | undefined): void {
  const servers = serversAt(node, logEnd(node) - 1);
  node.servers = node.servers.filter((peer) => peer.sid in servers);
  for (const [sid, address] of Object.entries(servers)) {
    if (findServer(node, sid) !== undefined) continue;
    const peer = makePeer(sid, address, nicknameOf(address, sid));
    initLeaderView(node, peer);
    node.servers.push(peer);
  }
  node.configuration = servers;
  reviewMembership(node);
  node.sessionsStale = true;
  fx?.note({ type: "servers", servers });
}

/** The newest election timer that is committed, else the snapshot's, else what it was. */
export function adoptElectionTimer(node: RaftNode): void {
  if (node.snapshot.election_timer !== 0) node.electionTimerMs = node.snapshot.election_timer;
  for (let i = node.commitIndex - node.logStart; i >= 0; i--) {
    const { election_timer } = node.log[i]!;
    if (election_timer === 0) continue;
    node.electionTimerMs = election_timer;
    return;
  }
}
