/** What a leader sends, and what it makes of the answers (Raft thesis §3.5, §4.2.1). */
import { considerCommit } from "./commit.ts";
import { replyToCommand } from "./command.ts";
import type { Effects } from "./effects.ts";
import { logEnd, termAt } from "./log.ts";
import type { AppendReply, AppendRequest } from "./message.ts";
import { runReconfigure } from "./membership.ts";
import { findAdding, findPeer, type Peer, type RaftNode } from "./node.ts";
import { clusterOf, dispatch } from "./send.ts";
import { sendSnapshot } from "./snapshot.ts";
import { resetPingTimer } from "./timers.ts";
import { type LogEntry, NO_ENTRIES, ZERO_UUID } from "./values.ts";

/** At most `count` entries from the peer's next index on. */
export function entriesFor(node: RaftNode, peer: Peer, count: number): readonly LogEntry[] {
  const from = peer.nextIndex - node.logStart;
  return count === 0 ? NO_ENTRIES : node.log.slice(from, from + count);
}

/** Sends the entries `log`, which begin at the peer's next index; none make a heartbeat or a probe. */
export function sendAppend(
  node: RaftNode,
  fx: Effects,
  peer: Peer,
  log: readonly LogEntry[],
  comment: string | undefined,
): void {
  const previous = peer.nextIndex - 1;
  const request: AppendRequest = {
    type: "append_request",
    from: node.sid,
    to: peer.sid,
    cluster: clusterOf(node),
    comment,
    term: node.term,
    prev_log_index: previous,
    prev_log_term: previous >= node.logStart ? termAt(node, previous) : node.snapshot.term,
    leader_commit: node.commitIndex,
    log,
  };
  dispatch(node, fx, peer.sid, request, node.term <= node.syncedTerm);
}

/** To all members, and a sign of life to all who wait for a command. */
export function sendHeartbeats(node: RaftNode, fx: Effects): void {
  const { servers, commands } = node;
  for (let i = 0; i < servers.length; i++) {
    const peer = servers[i]!;
    if (peer.sid !== node.sid) sendAppend(node, fx, peer, NO_ENTRIES, "heartbeat");
  }
  for (let i = 0; i < commands.length; i++) {
    const { sid, eid } = commands[i]!;
    if (sid !== ZERO_UUID) replyToCommand(node, fx, sid, eid, "operation still in progress", 0);
  }
  resetPingTimer(node);
}

export function handleAppendReply(node: RaftNode, fx: Effects, reply: AppendReply): void {
  if (node.role !== "leader") return;
  const peer = findPeer(node, reply.from) ?? findAdding(node, reply.from);
  if (peer === undefined) return;
  peer.replied = true;
  if (reply.result === "OK") {
    const match = reply.prev_log_index + reply.n_entries;
    if (peer.nextIndex <= match) peer.nextIndex = match + 1;
    if (match > peer.matchIndex) {
      peer.matchIndex = match;
      considerCommit(node, fx);
    }
  } else {
    // The follower tells where its log ends, so that one round is enough to find where it agrees.
    peer.nextIndex = peer.nextIndex > 0 ? Math.min(peer.nextIndex - 1, reply.log_end) : 0;
    if (reply.result === "I/O error") return;
  }
  sendNext(node, fx, peer);
}

/** Snapshot, entries, or nothing: where the next index lies decides. */
function sendNext(node: RaftNode, fx: Effects, peer: Peer): void {
  if (peer.nextIndex < node.logStart) sendSnapshot(node, fx, peer, undefined);
  else if (peer.nextIndex < logEnd(node)) {
    const count = node.profile.appendsInBatches ? logEnd(node) - peer.nextIndex : 1;
    sendAppend(node, fx, peer, entriesFor(node, peer, count), undefined);
  } else if (peer.phase === "adding: catchup") {
    peer.phase = "adding: caught up";
    runReconfigure(node, fx);
  }
}
