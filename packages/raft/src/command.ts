/** Commands: appended by a leader, forwarded by a follower, and completed in one of many ways. */
import { fail, syncEntries, writeEntry } from "./disk.ts";
import type { Effects } from "./effects.ts";
import { currentEid, logEnd } from "./log.ts";
import type { CommandStatus, ExecuteCommandReply, ExecuteCommandRequest } from "./message.ts";
import type { Command, RaftNode } from "./node.ts";
import { sendAppend } from "./replicate.ts";
import { clusterOf, findConn, send } from "./send.ts";
import { resetPingTimer } from "./timers.ts";
import { type Json, type Servers, type Uuid, ZERO_UUID } from "./values.ts";

type Proposal = {
  readonly data: Json | undefined;
  readonly eid: Uuid;
  readonly servers: Servers | undefined;
  readonly electionTimerMs: number;
};

/**
 * Whether a transaction built on `prereq` has a chance: the log ends with it, and nothing of ours is under way that will
 * move it (raft_precheck_prereq). Where it has none, a client's request waits, whatever it contains.
 */
export function precheck(node: RaftNode, prereq: Uuid): boolean {
  if (currentEid(node) !== prereq) return false;
  if (node.role === "leader" || !node.profile.oneForwardedCommand) return true;
  return !node.commands.some(({ index, eid }) => index === 0 && eid !== ZERO_UUID);
}

/** A database's request to append `data` after the entry `prereq`. It always ends in one `complete` for `eid`. */
export function execute(node: RaftNode, fx: Effects, eid: Uuid, prereq: Uuid, data: Json): void {
  if (node.joining || node.left || node.failed || (node.leaving && !node.profile.leavingMayElect)) {
    fx.complete(eid, "server shutdown", 0);
  } else if (node.role === "leader") {
    if (prereq !== currentEid(node)) fx.complete(eid, "prerequisite check failed", 0);
    else if (executeLocally(node, fx, { data, eid, servers: undefined, electionTimerMs: 0 }) === undefined)
      fx.complete(eid, "I/O error", 0);
  } else if (node.role !== "follower" || findConn(node, node.leader) === undefined) {
    fx.complete(eid, "not leader", 0);
  } else forward(node, fx, eid, prereq, data);
}

function forward(node: RaftNode, fx: Effects, eid: Uuid, prereq: Uuid, data: Json): void {
  if (node.failureTest === "before-sending-execute-command-request") fx.crash(node.failureTest);
  send(node, fx, {
    type: "execute_command_request",
    from: node.sid,
    to: node.leader,
    cluster: clusterOf(node),
    comment: undefined,
    data,
    prereq,
    result: eid,
  });
  if (node.failureTest === "after-sending-execute-command-request") fx.crash(node.failureTest);
  node.commands.push({ eid, index: 0, timestampMs: node.nowMs, sid: ZERO_UUID });
}

/** Appends as leader, and sends to all who are up to date; the others get it with their answers. */
export function executeLocally(node: RaftNode, fx: Effects, proposal: Proposal): Command | undefined {
  const { data, eid, servers, electionTimerMs } = proposal;
  const index = logEnd(node);
  const entry = { term: node.term, data, eid, servers, election_timer: electionTimerMs };
  if (!writeEntry(node, fx, entry)) fail(node, fx, "could not write an entry");
  if (node.failed) return undefined;
  const command: Command = { eid, index, timestampMs: node.nowMs, sid: ZERO_UUID };
  node.commands.push(command);
  syncEntries(node, fx, index);
  if (node.failureTest === "before-sending-append-request") fx.crash(node.failureTest);
  const members = node.servers;
  const entries = [entry];
  for (let i = 0; i < members.length; i++) {
    const peer = members[i]!;
    if (peer.sid === node.sid || peer.nextIndex !== index) continue;
    sendAppend(node, fx, peer, entries, "execute command");
    peer.nextIndex++;
  }
  if (node.failureTest === "after-sending-append-request") fx.crash(node.failureTest);
  if (node.failureTest === "transfer-leadership-after-sending-append-request") node.failureTest = "transfer-leadership";
  resetPingTimer(node);
  return command;
}

export function findCommand({ commands }: RaftNode, eid: Uuid): Command | undefined {
  for (let i = 0; i < commands.length; i++) if (commands[i]!.eid === eid) return commands[i];
  return undefined;
}

/** Ends a command: who asked is told, a follower by message, this server's database by effect. */
export function completeCommand(node: RaftNode, fx: Effects, command: Command, status: CommandStatus): void {
  const index = status === "success" ? command.index : 0;
  forget(node.commands, command);
  if (command.sid !== ZERO_UUID) replyToCommand(node, fx, command.sid, command.eid, status, index);
  else if (command.eid !== ZERO_UUID) fx.complete(command.eid, status, index);
}

/** Most often it is the newest, for it is the only one. */
function forget(commands: Command[], command: Command): void {
  if (commands[commands.length - 1] === command) {
    commands.pop();
    return;
  }
  const at = commands.indexOf(command);
  if (at >= 0) commands.splice(at, 1);
}

export function completeAllCommands(node: RaftNode, fx: Effects, status: CommandStatus): void {
  for (const command of [...node.commands]) completeCommand(node, fx, command, status);
}

/** After twice the election timer nobody waits any more; the entry may still commit. */
export function expireCommands(node: RaftNode, fx: Effects): void {
  if (node.commands.length === 0) return;
  for (const command of [...node.commands]) {
    if (node.nowMs - command.timestampMs <= 2 * node.electionTimerMs) continue;
    const isLost = command.index !== 0 && node.role !== "leader";
    completeCommand(node, fx, command, isLost ? "lost leadership" : "timeout");
  }
}

export function replyToCommand(
  node: RaftNode,
  fx: Effects,
  to: Uuid,
  eid: Uuid,
  status: CommandStatus,
  commitIndex: number,
): void {
  if (node.failureTest === "before-sending-execute-command-reply") fx.crash(node.failureTest);
  send(node, fx, {
    type: "execute_command_reply",
    from: node.sid,
    to,
    cluster: clusterOf(node),
    comment: undefined,
    result: eid,
    status,
    commit_index: commitIndex,
  });
  if (node.failureTest === "after-sending-execute-command-reply") fx.crash(node.failureTest);
}

export function handleExecuteRequest(node: RaftNode, fx: Effects, request: ExecuteCommandRequest): void {
  const { from, result: eid, prereq, data } = request;
  if (node.role !== "leader") {
    replyToCommand(node, fx, from, eid, "not leader", 0);
  } else if (prereq !== currentEid(node)) {
    replyToCommand(node, fx, from, eid, "prerequisite check failed", 0);
  } else {
    const command = executeLocally(node, fx, { data, eid, servers: undefined, electionTimerMs: 0 });
    if (command === undefined) replyToCommand(node, fx, from, eid, "I/O error", 0);
    else command.sid = from;
  }
}

export function handleExecuteReply(node: RaftNode, fx: Effects, reply: ExecuteCommandReply): void {
  const command = findCommand(node, reply.result);
  if (command === undefined) return;
  if (reply.status === "operation still in progress") {
    command.timestampMs = node.nowMs;
    return;
  }
  command.index = reply.commit_index;
  completeCommand(node, fx, command, reply.status);
}
