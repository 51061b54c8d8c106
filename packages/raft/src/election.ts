/** Elections: pre-vote, vote, and who may disturb whom (Raft thesis §3.4, §4.2.3, §9.6). */
import { setTerm } from "./disk.ts";
import type { Effects } from "./effects.ts";
import { lastTerm, logEnd } from "./log.ts";
import type { VoteReply, VoteRequest } from "./message.ts";
import { findPeer, findServer, type Peer, type RaftNode } from "./node.ts";
import { majority } from "./quorum.ts";
import { becomeFollower, becomeLeader, setRole } from "./role.ts";
import { clusterOf, send } from "./send.ts";
import { mayTimeOut, resetElectionTimer } from "./timers.ts";
import { type Uuid, ZERO_UUID } from "./values.ts";

/** The election timer has expired: a leader counts who answered, everybody else stands for election. */
export function onElectionTimeout(node: RaftNode, fx: Effects): void {
  if (node.role === "leader") {
    let replied = 0;
    for (const peer of node.servers) if (peer.replied) replied++;
    if (replied >= Math.floor(node.servers.length / 2)) {
      for (const peer of node.servers) peer.replied = false;
      resetElectionTimer(node);
      return;
    }
    becomeFollower(node, fx);
    startElection(node, fx, node.profile.preVote, false);
    return;
  }
  startElection(node, fx, node.profile.preVote && node.servers.length > 1, false);
}

export function startElection(node: RaftNode, fx: Effects, isPrevote: boolean, byTransfer: boolean): void {
  if (node.leaving && !node.profile.leavingMayElect) return;
  const self = findServer(node, node.sid);
  if (self === undefined) return;
  if (!isPrevote && !setTerm(node, fx, node.term + 1, node.sid)) return;

  node.leader = ZERO_UUID;
  node.prevotePassed = !isPrevote;
  setRole(node, fx, "candidate");
  if (isPrevote || byTransfer || !node.profile.preVote) {
    node.candidateRetrying = !node.hadLeader;
    node.hadLeader = false;
    node.electionStartMs = node.nowMs;
    node.electionWonMs = 0;
  }
  node.votes = 0;
  node.byTransfer = byTransfer;
  fx.note({ type: "election", term: node.term, prevote: isPrevote, transfer: byTransfer });
  resetElectionTimer(node);

  for (const peer of node.servers) {
    peer.vote = ZERO_UUID;
    if (peer !== self && node.failureTest !== "dont-send-vote-request")
      requestVote(node, fx, peer.sid, isPrevote, byTransfer);
  }
  if (acceptVote(node, self, node.sid, isPrevote)) becomeLeader(node, fx);
}

function requestVote(node: RaftNode, fx: Effects, to: Uuid, isPrevote: boolean, byTransfer: boolean): void {
  send(node, fx, {
    type: "vote_request",
    from: node.sid,
    to,
    cluster: clusterOf(node),
    comment: undefined,
    term: node.term,
    last_log_index: logEnd(node) - 1,
    last_log_term: lastTerm(node),
    leadership_transfer: byTransfer,
    is_prevote: isPrevote,
  });
}

/** True when this vote makes the majority. */
function acceptVote(node: RaftNode, peer: Peer, vote: Uuid, isPrevote: boolean): boolean {
  if (peer.vote === vote) return false;
  if (node.prevotePassed && isPrevote && node.profile.dropsSuppressedVotes) return false;
  peer.vote = vote;
  return vote === node.sid && ++node.votes >= majority(node.servers.length);
}

/** Whether a vote request would only disturb a leader who may be well. */
export function isDisruptive(node: RaftNode, request: VoteRequest): boolean {
  if (request.leadership_transfer || node.role === "candidate") return false;
  if (node.role === "leader") return true;
  if (node.profile.suppressesOnlyAfterLeader && node.leader === ZERO_UUID) return false;
  return node.nowMs < node.electionBaseMs + node.electionTimerMs;
}

export function handleVoteRequest(node: RaftNode, fx: Effects, request: VoteRequest): void {
  if (!shouldReply(node, fx, request)) return;
  send(node, fx, {
    type: "vote_reply",
    from: node.sid,
    to: request.from,
    cluster: clusterOf(node),
    comment: undefined,
    term: node.term,
    vote: request.is_prevote ? request.from : node.vote,
    is_prevote: request.is_prevote,
  });
}

/** Votes where it may. A vote for somebody else is told too; a candidate with an older log gets no answer. */
function shouldReply(node: RaftNode, fx: Effects, request: VoteRequest): boolean {
  const isSkippingVote = request.is_prevote && node.profile.preVoteChecksLog;
  if (!isSkippingVote && node.vote !== ZERO_UUID) return true;
  const term = lastTerm(node);
  if (term > request.last_log_term) return false;
  if (term === request.last_log_term && logEnd(node) - 1 > request.last_log_index) return false;
  if (request.is_prevote) return true;
  if (!setTerm(node, fx, node.term, request.from)) return false;
  resetElectionTimer(node);
  return true;
}

export function handleVoteReply(node: RaftNode, fx: Effects, reply: VoteReply): void {
  if (node.role !== "candidate") return;
  const peer = findPeer(node, reply.from);
  if (peer === undefined || !acceptVote(node, peer, reply.vote, reply.is_prevote)) return;
  if (node.prevotePassed) becomeLeader(node, fx);
  else startElection(node, fx, false, false);
}

/** A leader that goes asks us to take over: no pre-vote, and no other member may refuse to listen. */
export function handleBecomeLeader(node: RaftNode, fx: Effects): void {
  if (node.role === "follower") startElection(node, fx, false, true);
}

/** The control command `cluster/failure-test force-election`. */
export function forceElection(node: RaftNode, fx: Effects): void {
  if (node.role !== "leader" && mayTimeOut(node)) startElection(node, fx, node.profile.preVote, false);
}
