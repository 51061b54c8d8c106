/** The state of one server's Raft: plain data, made by `openNode`, changed by `step` alone. */
import type { Chance } from "./chance.ts";
import type { CrashPoint, Role } from "./effects.ts";
import type { Message } from "./message.ts";
import type { Profile } from "./profile.ts";
import { type LogEntry, type Servers, type Uuid, ZERO_UUID } from "./values.ts";

/** What a leader is about with a member (raft_server_phase). */
export type Phase = "stable" | "adding: catchup" | "adding: caught up" | "adding: committing" | "removing";

export type Peer = {
  readonly sid: Uuid;
  readonly address: string;
  readonly nickname: string;
  /** For a leader: the next entry to send, and the last one known to be on the peer's disk. */
  nextIndex: number;
  matchIndex: number;
  phase: Phase;
  /** Whether it answered an append_request in this leadership window. */
  replied: boolean;
  snapshotInProgress: boolean;
  /** In an election: whom it voted for. */
  vote: Uuid;
  /** When it was last heard, 0 for never. */
  lastMessageMs: number;
  /** Who asked for its removal; the zero uuid for the control socket. */
  requester: Uuid;
};

/** A session to another server. A dialled one is kept while it is down; `session` is 0 then. */
export type Conn = {
  session: number;
  readonly address: string;
  readonly incoming: boolean;
  /** Zero until the first message tells it. */
  sid: Uuid;
};

/** A request to append an entry: our own, forwarded by us (index 0), or forwarded to us (`sid` is the follower). */
export type Command = {
  readonly eid: Uuid;
  index: number;
  timestampMs: number;
  sid: Uuid;
};

/** What waits for the disk, in strict order; a message has no ticket of its own. */
export type Waiter =
  | { readonly type: "entry"; readonly ticket: number; readonly index: number }
  | { readonly type: "term"; readonly ticket: number; readonly term: number; readonly vote: Uuid }
  | { readonly type: "message"; readonly ticket: 0; readonly message: Message };

export type FailureTest =
  | CrashPoint
  | "delay-election"
  | "dont-send-vote-request"
  | "stop-raft-rpc"
  | "transfer-leadership"
  | "transfer-leadership-after-sending-append-request"
  | "transfer-leadership-after-starting-to-add";

export type RaftNode = {
  readonly profile: Profile;
  readonly chance: Chance;
  /** The time of the step under way, in milliseconds of a clock that never goes back. */
  nowMs: number;

  readonly sid: Uuid;
  cid: Uuid;
  readonly address: string;
  readonly nickname: string;
  readonly name: string;

  /** Of the newest entry with servers, committed or not. */
  servers: Peer[];
  /** Whether this server is one of them: what every timer asks. */
  isMember: boolean;
  /** The same as it travels in entries. */
  configuration: Servers;
  electionTimerMs: number;
  /** A change that is under way, 0 for none. */
  electionTimerNewMs: number;

  term: number;
  vote: Uuid;
  syncedTerm: number;
  syncedVote: Uuid;

  /** `log[i]` has index `logStart + i`. */
  log: LogEntry[];
  logStart: number;
  /** The last entry known to be on disk. */
  logSynced: number;
  snapshot: LogEntry;

  role: Role;
  leader: Uuid;
  commitIndex: number;
  lastApplied: number;
  electionBaseMs: number;
  electionTimeoutMs: number;
  pingTimeoutMs: number;
  /** 0 for never. */
  electionStartMs: number;
  electionWonMs: number;
  byTransfer: boolean;
  disconnections: number;

  joining: boolean;
  readonly remotes: string[];
  joinTimeoutMs: number;
  leaving: boolean;
  left: boolean;
  leaveTimeoutMs: number;
  failed: boolean;
  /** Whether the disk takes writes; the world says so with the input `disk`. */
  writable: boolean;

  waiters: Waiter[];
  ticket: number;
  syncedTicket: number;
  readonly conns: Conn[];
  /** Set by whatever changes which sessions are wanted; cleared when they were looked through. */
  sessionsStale: boolean;

  adding: Peer[];
  removing: Peer | undefined;
  commands: Command[];
  votes: number;
  prevotePassed: boolean;
  candidateRetrying: boolean;
  hadLeader: boolean;
  everHadLeader: boolean;
  failureTest: FailureTest | undefined;
};

export function makePeer(sid: Uuid, address: string, nickname: string): Peer {
  return {
    sid,
    address,
    nickname,
    nextIndex: 0,
    matchIndex: 0,
    phase: "stable",
    replied: false,
    snapshotInProgress: false,
    vote: ZERO_UUID,
    lastMessageMs: 0,
    requester: ZERO_UUID,
  };
}

export function findServer(node: RaftNode, sid: Uuid): Peer | undefined {
  const { servers } = node;
  for (let i = 0; i < servers.length; i++) if (servers[i]!.sid === sid) return servers[i];
  return undefined;
}

/** After every change of `servers`. */
export function reviewMembership(node: RaftNode): void {
  node.isMember = findServer(node, node.sid) !== undefined;
}

/** A member other than this server. */
export function findPeer(node: RaftNode, sid: Uuid): Peer | undefined {
  return sid === node.sid ? undefined : findServer(node, sid);
}

export function findAdding({ adding }: RaftNode, sid: Uuid): Peer | undefined {
  for (let i = 0; i < adding.length; i++) if (adding[i]!.sid === sid) return adding[i];
  return undefined;
}

/** `_Server.Database.connected`: a member, with a leader known or a first election under way (raft_is_connected). */
export function isConnected(node: RaftNode): boolean {
  return !node.candidateRetrying && !node.joining && !node.leaving && !node.left && !node.failed && node.everHadLeader;
}

/** Idle milliseconds after which a session between servers is probed; 0 for never (raft_conn_update_probe_interval). */
export function probeIntervalMs(node: RaftNode): number {
  if (!node.profile.probes) return 0;
  return (node.joining && node.profile.patientProbeWhileJoining ? 600_000 : node.electionTimerMs) + 1000;
}

/** An independent copy: the two can be stepped apart. Entries are shared, for they never change. */
export function cloneNode(node: RaftNode): RaftNode {
  const peers = (list: readonly Peer[]): Peer[] => list.map((peer) => ({ ...peer }));
  const removing = node.removing === undefined ? undefined : { ...node.removing };
  return {
    ...node,
    chance: { seed: node.chance.seed, counters: [...node.chance.counters] },
    servers: peers(node.servers),
    log: [...node.log],
    remotes: [...node.remotes],
    waiters: [...node.waiters],
    conns: node.conns.map((conn) => ({ ...conn })),
    adding: peers(node.adding),
    removing,
    commands: node.commands.map((command) => ({ ...command })),
  };
}
