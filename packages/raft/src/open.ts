/** A node from what its disk holds (raft_open, raft_read_log). */
import { chanceOf } from "./chance.ts";
import type { Effects } from "./effects.ts";
import { startElection } from "./election.ts";
import { RaftError } from "./error.ts";
import { adoptConfiguration, adoptElectionTimer, lastTerm, logEnd, truncate } from "./log.ts";
import type { RaftNode } from "./node.ts";
import type { Profile } from "./profile.ts";
import type { DiskImage, EntryRecord, FileRecord } from "./record.ts";
import { stepInto } from "./step.ts";
import { ELECTION_TIMER_DEFAULT_MS, JOIN_TIMEOUT_MS, resetElectionTimer, resetPingTimer } from "./timers.ts";
import { listOf, type LogEntry, nicknameOf, ZERO_UUID } from "./values.ts";

const NO_SNAPSHOT: LogEntry = { term: 0, data: undefined, eid: ZERO_UUID, servers: undefined, election_timer: 0 };

export type NodeOptions = {
  readonly profile: Profile;
  /** For the node's own draws; give each start of each server another one. */
  readonly seed: number;
  readonly nowMs: number;
};

/**
 * Rebuilds a server from its file and starts it: role follower, no leader known, `commit_index` as last written. A file
 * with one member alone makes it leader at once. Throws `BAD_LOG` or `NOT_A_MEMBER` where ovsdb-server would refuse to
 * start, with the number of the record (ovsdb(5); the header is record 0).
 */
export function openNode(image: DiskImage, options: NodeOptions, fx: Effects): RaftNode {
  const node = emptyNode(image, options);
  if (image.header.remote_addresses === undefined) {
    image.records.forEach((record, i) => {
      applyRecord(node, i + 1, record);
    });
    node.syncedTerm = node.term;
    node.syncedVote = node.vote;
    adoptConfiguration(node, undefined);
    adoptElectionTimer(node);
    if (!node.isMember) throw new RaftError("NOT_A_MEMBER", "server does not belong to cluster");
    if (node.servers.length === 1) startElection(node, fx, false, false);
  } else node.joinTimeoutMs = options.nowMs + JOIN_TIMEOUT_MS;
  resetPingTimer(node);
  resetElectionTimer(node);
  stepInto(node, options.nowMs, { type: "tick" }, fx);
  return node;
}

function emptyNode({ header }: DiskImage, { profile, seed, nowMs }: NodeOptions): RaftNode {
  const isMember = header.remote_addresses === undefined;
  const snapshot: LogEntry = isMember
    ? {
        term: header.prev_term,
        data: header.prev_data,
        eid: header.prev_eid,
        servers: header.prev_servers,
        election_timer: header.prev_election_timer,
      }
    : NO_SNAPSHOT;
  const snapshotIndex = isMember ? header.prev_index : 0;
  return {
    profile,
    chance: chanceOf(seed),
    nowMs,
    sid: header.server_id,
    cid: header.cluster_id ?? ZERO_UUID,
    address: header.local_address,
    nickname: nicknameOf(header.local_address, header.server_id),
    name: header.name,
    servers: [],
    isMember: false,
    configuration: {},
    electionTimerMs: ELECTION_TIMER_DEFAULT_MS,
    electionTimerNewMs: 0,
    term: 0,
    vote: ZERO_UUID,
    syncedTerm: 0,
    syncedVote: ZERO_UUID,
    log: listOf(snapshot),
    logStart: snapshotIndex + 1,
    logSynced: snapshotIndex,
    snapshot,
    role: "follower",
    leader: ZERO_UUID,
    commitIndex: snapshotIndex,
    lastApplied: Math.max(0, snapshotIndex - 1),
    electionBaseMs: nowMs,
    electionTimeoutMs: Number.POSITIVE_INFINITY,
    pingTimeoutMs: Number.POSITIVE_INFINITY,
    electionStartMs: 0,
    electionWonMs: 0,
    byTransfer: false,
    disconnections: 0,
    joining: !isMember,
    remotes: isMember ? [] : [...header.remote_addresses],
    joinTimeoutMs: Number.POSITIVE_INFINITY,
    leaving: false,
    left: false,
    leaveTimeoutMs: Number.POSITIVE_INFINITY,
    failed: false,
    writable: true,
    waiters: [],
    ticket: 0,
    syncedTicket: 0,
    conns: [],
    sessionsStale: true,
    adding: [],
    removing: undefined,
    commands: [],
    votes: 0,
    prevotePassed: false,
    candidateRetrying: false,
    hadLeader: false,
    everHadLeader: false,
    failureTest: undefined,
  };
}

function applyRecord(node: RaftNode, number: number, record: FileRecord): void {
  const bad = (what: string): RaftError => new RaftError("BAD_LOG", `record ${number} ${what}`);
  if (record.type !== "note" && record.type !== "commit_index" && record.term > node.term) {
    node.term = record.term;
    node.vote = ZERO_UUID;
  }
  switch (record.type) {
    case "entry":
      return applyEntry(node, record, bad);
    case "vote":
      if (record.term < node.term) throw bad(`votes for term ${record.term} but the current term is ${node.term}`);
      if (node.vote !== ZERO_UUID && node.vote !== record.vote)
        throw bad(`votes for ${record.vote} in term ${record.term}, where an earlier one voted for ${node.vote}`);
      node.vote = record.vote;
      return;
    case "note":
      if (record.note !== "left") return;
      throw new RaftError(
        "NOT_A_MEMBER",
        `record ${number} says that this server has left the cluster; it cannot be added back: make a new file with "ovsdb-tool join-cluster"`,
      );
    case "commit_index":
      if (record.commit_index < node.commitIndex)
        throw bad(`regresses the commit index from ${node.commitIndex} to ${record.commit_index}`);
      if (record.commit_index >= logEnd(node))
        throw bad(`advances the commit index to ${record.commit_index}, but the last index is ${logEnd(node) - 1}`);
      node.commitIndex = record.commit_index;
      return;
    case "term":
    case "leader":
      return;
  }
}

function applyEntry(node: RaftNode, record: EntryRecord, bad: (what: string) => RaftError): void {
  const { index, term } = record;
  const end = logEnd(node);
  // An entry at the commit index itself passes, as it does in ovsdb-server.
  if (index < node.commitIndex)
    throw bad(
      `attempts to truncate log from ${end} to ${index} entries, but commit index is already ${node.commitIndex}`,
    );
  // ovsdb-server aborts on an assertion here.
  if (index < node.logStart) throw bad(`has index ${index}, inside the snapshot that ends at ${node.logStart - 1}`);
  if (index > end) throw bad(`with index ${index} skips past expected index ${end}`);
  truncate(node, index, undefined);
  if (term < lastTerm(node))
    throw bad(`with index ${index} term ${term} precedes previous entry's term ${lastTerm(node)}`);
  const { data, eid, servers, election_timer } = record;
  node.log.push({ term, data, eid, servers, election_timer });
  node.logSynced = index;
}
