/** How a message finds its way: the first live session, in the order they were made, to the server that it is for. */
import { isSynced } from "./disk.ts";
import type { Effects } from "./effects.ts";
import type { Message } from "./message.ts";
import type { Conn, RaftNode } from "./node.ts";
import { type Uuid, ZERO_UUID } from "./values.ts";

export function findConn(node: RaftNode, sid: Uuid): Conn | undefined {
  if (sid === ZERO_UUID) return undefined;
  const { conns } = node;
  for (let i = 0; i < conns.length; i++) {
    const conn = conns[i]!;
    if (conn.sid === sid && conn.session !== 0) return conn;
  }
  return undefined;
}

/** The cluster id as a message carries it. */
export function clusterOf(node: RaftNode): Uuid | undefined {
  return node.cid === ZERO_UUID ? undefined : node.cid;
}

/** Sends now, or when the disk has caught up. False if there is no session to the receiver. */
export function send(node: RaftNode, fx: Effects, message: Message): boolean {
  const { to } = message;
  return to !== undefined && dispatch(node, fx, to, message, isSynced(node, message));
}

/**
 * The same for those who know the receiver, and whether the message rests on what is on disk: to look into a message of
 * any type is slow in V8, and nearly all are append_requests and their replies.
 */
export function dispatch(node: RaftNode, fx: Effects, to: Uuid, message: Message, isCovered: boolean): boolean {
  if (to === node.sid) return false;
  const conn = findConn(node, to);
  if (conn === undefined) return false;
  if (isCovered) return sendTo(node, fx, conn, message);
  node.waiters.push({ type: "message", ticket: 0, message });
  return true;
}

/** Sends what is synced by now, if there is still a way. */
export function deliver(node: RaftNode, fx: Effects, message: Message): void {
  const conn = message.to === undefined ? undefined : findConn(node, message.to);
  if (conn !== undefined) sendTo(node, fx, conn, message);
}

/** Sends on one session, synced or not. */
export function sendTo(node: RaftNode, fx: Effects, conn: Conn, message: Message): boolean {
  if (node.failureTest === "stop-raft-rpc") return true;
  if (conn.session === 0) return false;
  fx.send(conn.session, message);
  return true;
}
