/** What `ovs-appctl cluster/status` says of a node, as data. */
import type { Role } from "./effects.ts";
import { logEnd } from "./log.ts";
import { isConnected, type Phase, type RaftNode } from "./node.ts";
import { type Uuid, ZERO_UUID } from "./values.ts";

export type ServerStatus = {
  readonly nickname: string;
  readonly serverId: Uuid;
  readonly address: string;
  readonly self: boolean;
  readonly phase: Phase;
  /** For a leader alone. */
  readonly nextIndex: number | undefined;
  readonly matchIndex: number | undefined;
  /** For a candidate alone. */
  readonly votedFor: Uuid | undefined;
  readonly lastMessageMs: number | undefined;
};

/** Times are ages in milliseconds. `logEnd` is one past the last entry, as ovsdb-server prints it. */
export type NodeStatus = {
  readonly name: string;
  readonly clusterId: Uuid | undefined;
  readonly serverId: Uuid;
  readonly address: string;
  readonly status:
    | "joining cluster"
    | "leaving cluster"
    | "left cluster"
    | "failed"
    | "disconnected from the cluster (election timeout)"
    | "cluster member";
  readonly remotesForJoining: readonly string[];
  readonly role: Role;
  readonly term: number;
  readonly leader: Uuid | undefined;
  readonly vote: Uuid | undefined;
  readonly electionStartedMs: number | undefined;
  readonly electionReason: "timeout" | "leadership_transfer" | undefined;
  readonly electionWonMs: number | undefined;
  readonly electionTimerMs: number;
  readonly electionTimerNewMs: number | undefined;
  readonly logStart: number;
  readonly logEnd: number;
  readonly uncommitted: number;
  readonly unapplied: number;
  readonly connections: readonly { readonly incoming: boolean; readonly connected: boolean; readonly serverId: Uuid }[];
  readonly disconnections: number;
  readonly adding: readonly ServerStatus[];
  readonly removing: ServerStatus | undefined;
  readonly servers: readonly ServerStatus[];
  /** As in `_Server.Database` (ovsdb-server(5)). */
  readonly connected: boolean;
  readonly index: number;
};

export function statusOf(node: RaftNode, nowMs: number): NodeStatus {
  const known = (uuid: Uuid): Uuid | undefined => (uuid === ZERO_UUID ? undefined : uuid);
  const age = (atMs: number): number | undefined => (atMs === 0 ? undefined : nowMs - atMs);
  const isLeader = node.role === "leader";
  const server = (peer: RaftNode["servers"][number]): ServerStatus => ({
    nickname: peer.nickname,
    serverId: peer.sid,
    address: peer.address,
    self: peer.sid === node.sid,
    phase: peer.phase,
    nextIndex: isLeader ? peer.nextIndex : undefined,
    matchIndex: isLeader ? peer.matchIndex : undefined,
    votedFor: node.role === "candidate" ? known(peer.vote) : undefined,
    lastMessageMs: age(peer.lastMessageMs),
  });
  return {
    name: node.name,
    clusterId: known(node.cid),
    serverId: node.sid,
    address: node.address,
    status: stateOf(node),
    remotesForJoining: node.joining ? node.remotes : [],
    role: node.role,
    term: node.term,
    leader: known(node.leader),
    vote: known(node.vote),
    electionStartedMs: age(node.electionStartMs),
    electionReason: node.electionStartMs === 0 ? undefined : node.byTransfer ? "leadership_transfer" : "timeout",
    electionWonMs: age(node.electionWonMs),
    electionTimerMs: node.electionTimerMs,
    electionTimerNewMs: isLeader && node.electionTimerNewMs !== 0 ? node.electionTimerNewMs : undefined,
    logStart: node.logStart,
    logEnd: logEnd(node),
    uncommitted: logEnd(node) - node.commitIndex - 1,
    unapplied: logEnd(node) - node.lastApplied - 1,
    connections: node.conns.map(({ incoming, session, sid }) => ({
      incoming,
      connected: session !== 0,
      serverId: sid,
    })),
    disconnections: node.disconnections,
    adding: isLeader ? node.adding.map(server) : [],
    removing: isLeader && node.removing !== undefined ? server(node.removing) : undefined,
    servers: node.servers.map(server),
    connected: isConnected(node),
    index: node.lastApplied,
  };
}

function stateOf(node: RaftNode): NodeStatus["status"] {
  if (node.joining) return "joining cluster";
  if (node.leaving) return "leaving cluster";
  if (node.left) return "left cluster";
  if (node.failed) return "failed";
  return node.candidateRetrying ? "disconnected from the cluster (election timeout)" : "cluster member";
}
