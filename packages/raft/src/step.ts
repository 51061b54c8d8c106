/** The one way to move a node on. */
import { applyCommitted } from "./commit.ts";
import { completeAllCommands, execute, expireCommands, handleExecuteReply, handleExecuteRequest } from "./command.ts";
import { runWaiters } from "./disk.ts";
import { type Effect, EffectList, type Effects } from "./effects.ts";
import { handleBecomeLeader, handleVoteReply, handleVoteRequest, isDisruptive, onElectionTimeout } from "./election.ts";
import { handleAppendRequest, replyToAppend } from "./follow.ts";
import { requestLeave, transferLeadership, yieldLeadership } from "./leave.ts";
import {
  handleAddReply,
  handleAddRequest,
  handleRemoveReply,
  handleRemoveRequest,
  replyToRemove,
  requestJoin,
} from "./membership.ts";
import { logEnd } from "./log.ts";
import {
  type AppendReply,
  type AppendRequest,
  type ExecuteCommandReply,
  type ExecuteCommandRequest,
  type Message,
  termOf,
} from "./message.ts";
import { type Conn, findServer, type RaftNode } from "./node.ts";
import { handleAppendReply, sendHeartbeats } from "./replicate.ts";
import { receiveTerm } from "./role.ts";
import { onSessionDown, onSessionUp, reviewSessions } from "./sessions.ts";
import { handleInstallReply, handleInstallRequest, storeSnapshot } from "./snapshot.ts";
import { JOIN_TIMEOUT_MS, mayTimeOut, resetPingTimer } from "./timers.ts";
import { type Json, type Uuid, ZERO_UUID } from "./values.ts";

/** All that can happen to a node. Control commands are functions of their own, for they answer: see control.ts. */
export type Input =
  /** The time has come, or time has passed: call at `deadlineMs(node)`. */
  | { readonly type: "tick" }
  | { readonly type: "receive"; readonly session: number; readonly message: Message }
  /** A dialled session is up (`address` as in `dial`), or one was accepted (no address). */
  | { readonly type: "session_up"; readonly session: number; readonly address: string | undefined }
  | { readonly type: "session_down"; readonly session: number }
  /** All syncs up to this ticket are done. */
  | { readonly type: "synced"; readonly ticket: number }
  /** The disk takes writes, or refuses them from now on. */
  | { readonly type: "disk"; readonly writable: boolean }
  /** The database wants an entry behind `prereq`; `eid` is a fresh uuid. */
  | { readonly type: "execute"; readonly eid: Uuid; readonly prereq: Uuid; readonly data: Json }
  /** The database as of the last applied entry, to stand for the log so far. */
  | { readonly type: "snapshot"; readonly data: Json }
  /** A leader that should compact steps aside first. */
  | { readonly type: "yield" }
  /** The process ends in good order (`ovs-appctl exit`); nothing may follow. */
  | { readonly type: "close" };

/** Moves `node` on, in place, and gives the effects in the order in which they have to be performed. */
export function step(node: RaftNode, nowMs: number, input: Input): readonly Effect[] {
  const effects = new EffectList();
  stepInto(node, nowMs, input, effects);
  return effects.list;
}

/** The same without a list between: for whoever steps a million times a second. */
export function stepInto(node: RaftNode, nowMs: number, input: Input, fx: Effects): void {
  if (nowMs > node.nowMs) node.nowMs = nowMs;
  if (node.left || node.failed) return;
  switch (input.type) {
    case "receive":
      receive(node, fx, input.session, input.message);
      break;
    case "tick":
      break;
    case "synced":
      if (input.ticket > node.syncedTicket) node.syncedTicket = input.ticket;
      break;
    case "session_up":
      onSessionUp(node, fx, input.session, input.address);
      break;
    case "session_down":
      onSessionDown(node, input.session);
      break;
    case "disk":
      node.writable = input.writable;
      break;
    case "execute":
      execute(node, fx, input.eid, input.prereq, input.data);
      break;
    case "snapshot":
      storeSnapshot(node, fx, input.data);
      break;
    case "yield":
      yieldLeadership(node, fx);
      break;
    case "close":
      transferLeadership(node, fx, "this server is shutting down");
      shutDown(node, fx);
      return;
  }
  settle(node, fx);
}

/** What every round of ovsdb-server's loop does: the disk's answers, sessions, timers, then the database. */
function settle(node: RaftNode, fx: Effects): void {
  // Others have lost what was committed, and their leader has had it truncated here: ovsdb-server aborts as soon as it
  // looks for something to apply (raft_peek_next_entry).
  if (node.commitIndex >= logEnd(node)) {
    fx.crash("assertion commit_index < log_end");
    return;
  }
  const first = node.waiters[0];
  if (first !== undefined && first.ticket <= node.syncedTicket) runWaiters(node, fx);
  if (node.failureTest === "transfer-leadership") {
    node.failureTest = undefined;
    yieldLeadership(node, fx);
  }
  if (node.sessionsStale) reviewSessions(node, fx);
  runTimers(node, fx);
  if (node.sessionsStale) reviewSessions(node, fx);
  if (node.lastApplied < node.commitIndex || node.logStart === node.lastApplied + 2) applyCommitted(node, fx);
  if (node.left || node.failed) shutDown(node, fx);
}

function runTimers(node: RaftNode, fx: Effects): void {
  const { nowMs } = node;
  if (nowMs >= node.electionTimeoutMs && mayTimeOut(node)) onElectionTimeout(node, fx);
  if (node.leaving && nowMs >= node.leaveTimeoutMs) requestLeave(node, fx);
  if (node.joining && nowMs >= node.joinTimeoutMs) {
    node.joinTimeoutMs = nowMs + JOIN_TIMEOUT_MS;
    for (const conn of node.conns) requestJoin(node, fx, conn);
  }
  if (nowMs < node.pingTimeoutMs) return;
  if (node.role === "leader") sendHeartbeats(node, fx);
  expireCommands(node, fx);
  resetPingTimer(node);
}

/** Sessions close, commands end: what others can see of this server is gone (raft_close__). */
function shutDown(node: RaftNode, fx: Effects): void {
  completeAllCommands(node, fx, "server shutdown");
  const { removing } = node;
  node.removing = undefined;
  if (removing !== undefined) replyToRemove(node, fx, removing.sid, removing.requester, false, "shutdown");
  for (const conn of node.conns) {
    if (!conn.incoming) fx.undial(conn.address);
    else if (conn.session !== 0) fx.reset(conn.session);
  }
  node.conns.length = 0;
}

function receive(node: RaftNode, fx: Effects, session: number, message: Message): void {
  // What a running cluster says all the time comes first, each in lines of its own: a line that looks into messages of any
  // type is slow in V8.
  switch (message.type) {
    case "append_request":
      if (!admits(node, fx, session, message.from, message.to, message.cluster, false)) return;
      if (message.term === 0 || receiveTerm(node, fx, message.term)) handleAppendRequest(node, fx, message);
      else replyToAppend(node, fx, message, "inconsistency", "stale term");
      return;
    case "append_reply":
      if (!admits(node, fx, session, message.from, message.to, message.cluster, false)) return;
      if (message.term === 0 || receiveTerm(node, fx, message.term)) handleAppendReply(node, fx, message);
      return;
    case "execute_command_request":
      if (!admits(node, fx, session, message.from, message.to, message.cluster, false)) return;
      return handleExecuteRequest(node, fx, message);
    case "execute_command_reply":
      if (!admits(node, fx, session, message.from, message.to, message.cluster, false)) return;
      return handleExecuteReply(node, fx, message);
    default:
      receiveRare(node, fx, session, message);
  }
}

type Frequent = AppendRequest | AppendReply | ExecuteCommandRequest | ExecuteCommandReply;

function receiveRare(node: RaftNode, fx: Effects, session: number, message: Exclude<Message, Frequent>): void {
  const { from, to, cluster } = message;
  const isPrevote = (message.type === "vote_request" || message.type === "vote_reply") && message.is_prevote;
  if (!admits(node, fx, session, from, to, cluster, isPrevote)) return;
  if (message.type === "vote_request" && isDisruptive(node, message)) {
    fx.note({ type: "vote_suppressed", from, term: message.term, prevote: message.is_prevote });
    if (!node.profile.dropsSuppressedVotes) handleVoteRequest(node, fx, message);
    return;
  }
  const term = termOf(message);
  if (term === 0 || receiveTerm(node, fx, term)) handle(node, fx, message);
}

/** Whether a message is for this server, and from the one that the session belongs to: its sender is heard from now. */
function admits(
  node: RaftNode,
  fx: Effects,
  session: number,
  from: Uuid,
  to: Uuid | undefined,
  cluster: Uuid | undefined,
  isPrevote: boolean,
): boolean {
  const conn = connOf(node, session);
  if (conn === undefined) return false;
  // Whoever dials a newcomer tells it its cluster, even if the message was meant for the server that was there before it.
  if (node.cid === ZERO_UUID && cluster !== undefined) node.cid = cluster;
  let wrong: string | undefined;
  if (cluster !== undefined && cluster !== node.cid) wrong = "wrong cluster";
  else if (to !== undefined && to !== node.sid) wrong = "misrouted message";
  // A release before pre-vote takes the new member for an error.
  else if (isPrevote && !node.profile.preVote) wrong = "unknown member is_prevote";
  else if (conn.sid !== from && conn.sid !== ZERO_UUID) wrong = "unexpected server ID";
  if (wrong !== undefined) {
    fx.note({ type: "misrouted", from, why: wrong });
    if (node.profile.resetsMisroutedLinks) fx.reset(session);
    return false;
  }
  conn.sid = from;
  const member = findServer(node, from);
  if (member !== undefined) member.lastMessageMs = node.nowMs;
  return true;
}

function connOf({ conns }: RaftNode, session: number): Conn | undefined {
  for (let i = 0; i < conns.length; i++) if (conns[i]!.session === session) return conns[i];
  return undefined;
}

function handle(node: RaftNode, fx: Effects, message: Exclude<Message, Frequent>): void {
  switch (message.type) {
    case "hello_request":
      return;
    case "vote_request":
      return handleVoteRequest(node, fx, message);
    case "vote_reply":
      return handleVoteReply(node, fx, message);
    case "add_server_request":
      return handleAddRequest(node, fx, message);
    case "add_server_reply":
      return handleAddReply(node, fx, message);
    case "remove_server_request":
      return handleRemoveRequest(node, fx, message);
    case "remove_server_reply":
      return handleRemoveReply(node, fx, message);
    case "install_snapshot_request":
      return handleInstallRequest(node, fx, message);
    case "install_snapshot_reply":
      return handleInstallReply(node, fx, message);
    case "become_leader":
      return handleBecomeLeader(node, fx);
  }
}
