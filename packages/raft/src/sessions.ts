/** Sessions between servers: one dialled by each to every other, and whatever dials in (raft_run, raft_conn_run). */
import type { Effects } from "./effects.ts";
import { requestJoin } from "./membership.ts";
import { type Conn, findServer, type RaftNode } from "./node.ts";
import { sendRemovalRequest } from "./leave.ts";
import { clusterOf, sendTo } from "./send.ts";
import { type Uuid, ZERO_UUID } from "./values.ts";

/** Dials whom we need and lets go of whom we do not. */
export function reviewSessions(node: RaftNode, fx: Effects): void {
  node.sessionsStale = false;
  for (const conn of [...node.conns]) {
    if (conn.incoming || isWanted(node, conn)) continue;
    fx.undial(conn.address);
    dropConn(node, conn);
  }
  for (const { sid, address } of node.servers) dial(node, fx, address, sid);
  if (node.joining) for (const address of node.remotes) dial(node, fx, address, ZERO_UUID);
}

function isWanted(node: RaftNode, conn: Conn): boolean {
  if (node.joining && node.remotes.includes(conn.address)) return true;
  if (node.profile.leavingMayElect && node.removing?.sid === conn.sid) return true;
  // A newcomer that is not in its own configuration knows that a newer one is on the way.
  return findServer(node, node.sid) === undefined || findServer(node, conn.sid) !== undefined;
}

function dial(node: RaftNode, fx: Effects, address: string, sid: Uuid): void {
  if (address === node.address || node.conns.some((conn) => !conn.incoming && conn.address === address)) return;
  node.conns.push({ session: 0, address, incoming: false, sid });
  fx.dial(address);
}

/** A session is gone for good: a server that was joining over it has to begin again. */
function dropConn(node: RaftNode, conn: Conn): void {
  node.conns.splice(node.conns.indexOf(conn), 1);
  node.disconnections++;
  if (node.profile.interruptedJoinRestarts) node.adding = node.adding.filter(({ sid }) => sid !== conn.sid);
}

/** `address` is the one dialled; absent for a session that was accepted. */
export function onSessionUp(node: RaftNode, fx: Effects, session: number, address: string | undefined): void {
  if (address === undefined) {
    node.conns.push({ session, address: "", incoming: true, sid: ZERO_UUID });
    return;
  }
  const conn = node.conns.find((each) => !each.incoming && each.address === address);
  if (conn === undefined) return;
  conn.session = session;
  forgetSnapshot(node, conn);
  if (node.joining) requestJoin(node, fx, conn);
  else if (node.leaving) sendRemovalRequest(node, fx, conn.sid, node.sid, undefined);
  else sayHello(node, fx, conn);
}

export function onSessionDown(node: RaftNode, session: number): void {
  const conn = node.conns.find((each) => each.session === session);
  if (conn === undefined) return;
  forgetSnapshot(node, conn);
  if (conn.incoming) dropConn(node, conn);
  else conn.session = 0;
}

/** A snapshot that was on its way to a member may never arrive (raft_conn_run). */
function forgetSnapshot(node: RaftNode, conn: Conn): void {
  const peer = findServer(node, conn.sid);
  if (peer !== undefined) peer.snapshotInProgress = false;
}

function sayHello(node: RaftNode, fx: Effects, conn: Conn): void {
  sendTo(node, fx, conn, {
    type: "hello_request",
    from: node.sid,
    to: conn.sid === ZERO_UUID ? undefined : conn.sid,
    cluster: clusterOf(node),
    comment: undefined,
    address: node.address,
  });
}
