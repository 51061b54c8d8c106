/** Becoming follower, becoming leader, and knowing who leads. */
import { completeAllCommands, executeLocally } from "./command.ts";
import { setTerm, updateOwnMatchIndex, write } from "./disk.ts";
import type { Effects, Role } from "./effects.ts";
import { initLeaderView, logEnd } from "./log.ts";
import { completeJoin, replyToAdd, replyToRemove } from "./membership.ts";
import type { RaftNode } from "./node.ts";
import { resetElectionTimer, resetPingTimer } from "./timers.ts";
import { type Uuid, ZERO_UUID } from "./values.ts";

export function setRole(node: RaftNode, fx: Effects, role: Role): void {
  if (node.role === role) return;
  node.role = role;
  fx.note({ type: "role", role, term: node.term });
}

export function becomeFollower(node: RaftNode, fx: Effects): void {
  node.leader = ZERO_UUID;
  if (node.role === "follower") return;
  setRole(node, fx, "follower");
  resetElectionTimer(node);
  const { adding, removing } = node;
  if (node.profile.joinsByCommit) node.adding = [];
  for (const peer of adding) replyToAdd(node, fx, peer.sid, false, "lost leadership");
  node.removing = undefined;
  if (removing !== undefined) replyToRemove(node, fx, removing.sid, removing.requester, false, "lost leadership");
  node.sessionsStale = true;
  if (!node.profile.commandsOutliveRole) completeAllCommands(node, fx, "lost leadership");
}

/** Sets a leader for the first time since the last election began. */
function setLeader(node: RaftNode, sid: Uuid): void {
  node.leader = sid;
  node.everHadLeader = true;
  node.hadLeader = true;
  node.candidateRetrying = false;
}

export function becomeLeader(node: RaftNode, fx: Effects): void {
  setRole(node, fx, "leader");
  node.electionWonMs = node.nowMs;
  setLeader(node, node.sid);
  resetElectionTimer(node);
  resetPingTimer(node);
  if (node.joining && node.profile.joinsByCommit) completeJoin(node, fx);
  for (const peer of node.servers) initLeaderView(node, peer);
  node.electionTimerNewMs = 0;
  updateOwnMatchIndex(node, fx, logEnd(node) - 1);
  write(node, fx, { type: "leader", term: node.term, leader: node.sid, comment: undefined });
  if (node.joining || node.failed) return;
  // What earlier terms left in the log can only be committed behind an entry of this one (Raft thesis §3.6.2).
  executeLocally(node, fx, { data: undefined, eid: ZERO_UUID, servers: undefined, electionTimerMs: 0 });
}

/** An append_request names its sender as leader. False for a leader: somebody else claims its term. */
export function acknowledgeLeader(node: RaftNode, fx: Effects, sid: Uuid): boolean {
  if (node.role === "leader") {
    fx.note({ type: "two_leaders", leader: sid, term: node.term });
    return false;
  }
  if (node.leader !== sid) {
    if (node.leader !== ZERO_UUID) fx.note({ type: "two_leaders", leader: sid, term: node.term });
    setLeader(node, sid);
    write(node, fx, { type: "leader", term: node.term, leader: sid, comment: undefined });
    fx.note({ type: "leader", leader: sid, term: node.term });
  }
  if (node.role === "candidate" && node.profile.candidateFollowsLeader) setRole(node, fx, "follower");
  return true;
}

/** Terms are compared before anything else (Raft thesis §3.3). False if the message is of the past, or the disk fails. */
export function receiveTerm(node: RaftNode, fx: Effects, term: number): boolean {
  if (term === node.term) return true;
  if (term < node.term || !setTerm(node, fx, term, ZERO_UUID)) return false;
  becomeFollower(node, fx);
  return true;
}
