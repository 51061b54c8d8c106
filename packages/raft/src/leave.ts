/** Giving up leadership, and leaving the cluster for good. */
import { draw, LEAVE, TRANSFER } from "./chance.ts";
import { writeNote } from "./disk.ts";
import type { Effects } from "./effects.ts";
import type { Peer, RaftNode } from "./node.ts";
import { becomeFollower } from "./role.ts";
import { clusterOf, findConn, send, sendTo } from "./send.ts";
import type { Uuid } from "./values.ts";

/**
 * Asks another member to take over; nothing tells whether it will. Newer releases ask one that has all, then one that has
 * what is committed, then anybody; older ones the first stable member with a session, dead or alive.
 */
export function transferLeadership(node: RaftNode, fx: Effects, why: string): void {
  if (node.role !== "leader") return;
  const others = node.servers.filter(({ sid, phase }) => sid !== node.sid && phase === "stable");
  if (others.length === 0) return;
  if (!node.profile.transfersToBest) {
    for (const peer of others) if (askToLead(node, fx, peer, why)) return;
    return;
  }
  const best = Math.max(...others.map(({ matchIndex }) => matchIndex));
  const start = draw(node.chance, TRANSFER, others.length);
  const inTurn = [...others.slice(start), ...others.slice(0, start)];
  for (const threshold of [best, Math.min(best, node.commitIndex), 0])
    for (const peer of inTurn) if (peer.matchIndex >= threshold && askToLead(node, fx, peer, why)) return;
}

function askToLead(node: RaftNode, fx: Effects, peer: Peer, why: string): boolean {
  const conn = findConn(node, peer.sid);
  if (conn === undefined) return false;
  const { sid, term } = node;
  const message = {
    type: "become_leader",
    from: sid,
    to: peer.sid,
    cluster: clusterOf(node),
    comment: why,
    term,
  } as const;
  if (!sendTo(node, fx, conn, message)) return false;
  writeNote(node, fx, "transfer leadership", `transferring leadership to ${peer.nickname} because ${why}`);
  fx.note({ type: "transfer", to: peer.sid, why });
  return true;
}

/** A leader is about to compact: it hands over first, so that the cluster goes on (raft_notify_snapshot_recommended). */
export function yieldLeadership(node: RaftNode, fx: Effects): void {
  if (node.role !== "leader") return;
  transferLeadership(node, fx, "preparing to write snapshot");
  becomeFollower(node, fx);
}

/** Starts to leave; progress shows in `leaving` and `left`. */
export function leave(node: RaftNode, fx: Effects): void {
  if (node.joining || node.failed || node.leaving || node.left) return;
  node.leaving = true;
  if (node.profile.leavingMayElect) {
    requestLeave(node, fx);
    return;
  }
  transferLeadership(node, fx, "this server is leaving the cluster");
  becomeFollower(node, fx);
  requestRemoval(node, fx);
  node.leaveTimeoutMs = node.nowMs + node.electionTimerMs;
}

/** The next attempt to be removed. */
export function requestLeave(node: RaftNode, fx: Effects): void {
  let delayMs = node.electionTimerMs;
  if (node.role === "leader" && node.profile.leavingMayElect) {
    transferLeadership(node, fx, "this server is leaving the cluster");
    becomeFollower(node, fx);
    // A new leader has to be there first; two leavers must not bounce leadership between each other in step.
    const tenth = Math.floor(delayMs / 10);
    delayMs = tenth + draw(node.chance, LEAVE, tenth);
  } else requestRemoval(node, fx);
  node.leaveTimeoutMs = node.nowMs + delayMs;
}

/** Asks every member: who leads may be unknown, and will be once the removal is committed. */
function requestRemoval(node: RaftNode, fx: Effects): void {
  for (const { sid } of node.servers) if (sid !== node.sid) sendRemovalRequest(node, fx, sid, node.sid, undefined);
}

export function sendRemovalRequest(
  node: RaftNode,
  fx: Effects,
  to: Uuid,
  target: Uuid,
  comment: string | undefined,
): boolean {
  return send(node, fx, {
    type: "remove_server_request",
    from: node.sid,
    to,
    cluster: clusterOf(node),
    comment,
    server_id: target,
  });
}
