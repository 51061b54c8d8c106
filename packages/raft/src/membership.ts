/** Joining, adding and removing: one change of the configuration at a time, in force as soon as it is in the log. */
import { executeLocally } from "./command.ts";
import { writeNote } from "./disk.ts";
import type { Effects } from "./effects.ts";
import { hasUncommittedConfiguration, initLeaderView } from "./log.ts";
import type { AddServerReply, AddServerRequest, RemoveServerReply, RemoveServerRequest } from "./message.ts";
import { type Conn, findAdding, findServer, makePeer, type RaftNode, reviewMembership } from "./node.ts";
import { sendAppend } from "./replicate.ts";
import { clusterOf, send, sendTo } from "./send.ts";
import { nicknameOf, NO_ENTRIES, type Servers, type Uuid, ZERO_UUID } from "./values.ts";

export function completeJoin(node: RaftNode, fx: Effects): void {
  if (!node.joining) return;
  node.joining = false;
  node.sessionsStale = true;
  fx.note({ type: "joined" });
}

/** A joining server asks whoever it has reached; it knows neither whom it speaks to nor, perhaps, the cluster. */
export function requestJoin(node: RaftNode, fx: Effects, conn: Conn): void {
  sendTo(node, fx, conn, {
    type: "add_server_request",
    from: node.sid,
    to: undefined,
    cluster: clusterOf(node),
    comment: undefined,
    address: node.address,
  });
}

export function replyToAdd(node: RaftNode, fx: Effects, to: Uuid, success: boolean, why: string): void {
  const others = node.joining ? [] : node.servers.filter(({ sid }) => sid !== node.sid);
  send(node, fx, {
    type: "add_server_reply",
    from: node.sid,
    to,
    cluster: clusterOf(node),
    comment: why,
    success,
    remote_addresses: others.map(({ address }) => address),
  });
}

export function handleAddRequest(node: RaftNode, fx: Effects, request: AddServerRequest): void {
  const { from: sid, address } = request;
  const reply = (success: boolean, why: string): void => replyToAdd(node, fx, sid, success, why);
  if (node.role !== "leader") return reply(false, "not leader");
  const member = findServer(node, sid);
  if (member !== undefined) {
    if (member.phase === "removing") {
      member.phase = "stable";
      return reply(false, "canceled");
    }
    // ovsdb-server sends both where a member is still being added.
    if (member.phase !== "stable") reply(false, "in progress");
    return reply(true, "already in cluster");
  }
  if (node.removing?.sid === sid) return reply(false, "committing");
  if (findAdding(node, sid) !== undefined) return reply(false, "in progress");

  const peer = makePeer(sid, address, nicknameOf(address, sid));
  initLeaderView(node, peer);
  peer.requester = sid;
  peer.phase = "adding: catchup";
  peer.lastMessageMs = node.nowMs;
  node.adding.push(peer);
  sendAppend(node, fx, peer, NO_ENTRIES, "initialize new server");
  if (node.failureTest === "transfer-leadership-after-starting-to-add") node.failureTest = "transfer-leadership";
}

export function handleAddReply(node: RaftNode, fx: Effects, reply: AddServerReply): void {
  if (!node.joining) return;
  if (reply.success) {
    completeJoin(node, fx);
    return;
  }
  for (const address of reply.remote_addresses) {
    if (node.remotes.includes(address)) continue;
    node.remotes.push(address);
    node.sessionsStale = true;
  }
}

export function handleRemoveRequest(node: RaftNode, fx: Effects, request: RemoveServerRequest): void {
  startRemoval(node, fx, request.server_id, request.from);
}

/** Begins to remove `target`; `requester` is the zero uuid for the control socket. Gives the reason if it does not. */
export function startRemoval(node: RaftNode, fx: Effects, target: Uuid, requester: Uuid): string | undefined {
  const refuse = (success: boolean, why: string): string => {
    replyToRemove(node, fx, target, requester, success, why);
    return why;
  };
  if (node.role !== "leader") return refuse(false, "not leader");
  const adding = findAdding(node, target);
  if (adding !== undefined) {
    replyToAdd(node, fx, target, false, "canceled");
    node.adding = node.adding.filter((peer) => peer !== adding);
    return "canceled";
  }
  if (node.profile.leavingMayElect && node.removing?.sid === target) return refuse(false, "in progress");
  const peer = findServer(node, target);
  if (peer === undefined) return refuse(true, "already not in cluster");
  if (peer.phase === "adding: committing") return refuse(false, "committing");
  if (peer.phase === "removing") return refuse(false, "in progress");
  if (!node.servers.some((other) => other !== peer && other.phase !== "removing")) return refuse(false, "empty");
  peer.phase = "removing";
  peer.requester = requester;
  runReconfigure(node, fx);
  return undefined;
}

/** Tells the one who asked, and always the one who goes: it may have heard nothing of it. */
export function replyToRemove(
  node: RaftNode,
  fx: Effects,
  target: Uuid,
  requester: Uuid,
  success: boolean,
  why: string,
): void {
  if (requester !== ZERO_UUID) sendRemoveReply(node, fx, requester, target, success, why);
  if (requester !== target) sendRemoveReply(node, fx, target, target, success, why);
}

function sendRemoveReply(node: RaftNode, fx: Effects, to: Uuid, target: Uuid, success: boolean, why: string): void {
  if (to === node.sid) {
    if (success && target === node.sid) finishLeaving(node, fx);
    return;
  }
  send(node, fx, {
    type: "remove_server_reply",
    from: node.sid,
    to,
    cluster: clusterOf(node),
    comment: why,
    success,
    target_server: to === target ? undefined : target,
  });
}

export function handleRemoveReply(node: RaftNode, fx: Effects, reply: RemoveServerReply): void {
  if (reply.success && (reply.target_server === undefined || reply.target_server === node.sid)) finishLeaving(node, fx);
}

function finishLeaving(node: RaftNode, fx: Effects): void {
  writeNote(node, fx, "left", "this server left the cluster");
  node.leaving = false;
  node.left = true;
  fx.note({ type: "left" });
}

/** The next step of additions and removals, as soon as no configuration is on its way any more. */
export function runReconfigure(node: RaftNode, fx: Effects): void {
  if (node.role !== "leader" || hasUncommittedConfiguration(node)) return;
  for (const peer of node.servers) {
    if (peer.phase !== "adding: committing") continue;
    replyToAdd(node, fx, peer.sid, true, "completed");
    peer.phase = "stable";
  }
  const { removing } = node;
  if (removing !== undefined) {
    node.removing = undefined;
    node.sessionsStale = true;
    replyToRemove(node, fx, removing.sid, removing.requester, true, "completed");
  }
  const caughtUp = node.adding.find(({ phase }) => phase === "adding: caught up");
  if (caughtUp !== undefined) {
    node.adding = node.adding.filter((peer) => peer !== caughtUp);
    node.servers.push(caughtUp);
    caughtUp.phase = "adding: committing";
    logConfiguration(node, fx);
    return;
  }
  const leaver = node.servers.find(({ phase }) => phase === "removing");
  if (leaver === undefined) return;
  node.servers = node.servers.filter((peer) => peer !== leaver);
  node.removing = leaver;
  logConfiguration(node, fx);
}

function logConfiguration(node: RaftNode, fx: Effects): void {
  const servers: Servers = Object.fromEntries(node.servers.map(({ sid, address }) => [sid, address]));
  node.configuration = servers;
  reviewMembership(node);
  node.sessionsStale = true;
  fx.note({ type: "servers", servers });
  executeLocally(node, fx, { data: undefined, eid: ZERO_UUID, servers, electionTimerMs: 0 });
}
