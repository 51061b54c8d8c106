/**
 * The invariants of Raft, each looked at in the moment in which it could break (Raft thesis, §3.2 and §3.6.3; the rules
 * about the disk are OVSDB's). The checkers see what every server does and what every disk holds, not what servers think.
 */
import { type DiskImage, type LogEntry, type Message, syncedIndexNeeded, termOf, ZERO_UUID } from "@ovnha/raft";
import type { Host } from "../world/host.ts";
import type { Server } from "../world/server.ts";
import type { World } from "../world/world.ts";
import type { Chain } from "./chain.ts";
import { ClusterRecord } from "./cluster.ts";

export const CHECKERS = [
  "election-safety",
  "log-matching",
  "leader-completeness",
  "state-machine-safety",
  "one-vote",
  "monotonic",
  "speech",
  "commit-majority",
  "acked-writes",
  "prerequisite",
  "linearizability",
  "one-cluster",
] as const;

export type CheckerName = (typeof CHECKERS)[number];

/** A violation is told once for each checker and member: what follows from it is not news. */
export class Check {
  readonly #world: World;
  readonly clusters: Map<string, ClusterRecord> = new Map();
  /** Messages that spoke of entries before they were synced, because of a known defect of ovsdb-server. */
  earlyAcks = 0;
  readonly #told = new Set<string>();
  readonly #votes = new Map<string, { term: number; vote: string }>();

  constructor(world: World) {
    this.#world = world;
  }

  clusterOf(cid: string): ClusterRecord {
    let found = this.clusters.get(cid);
    if (found === undefined) {
      found = new ClusterRecord(cid);
      this.clusters.set(cid, found);
    }
    return found;
  }

  violated(checker: CheckerName, who: string, text: string): void {
    const key = `${checker}|${who}`;
    if (this.#told.has(key)) return;
    this.#told.add(key);
    this.#world.trace.violation(checker, text);
  }

  /** Reads a file from its header on. A server that has yet to join has none. */
  open(server: Server, image: DiskImage): Chain | undefined {
    const { header, records } = image;
    if (header.remote_addresses !== undefined) return undefined;
    const cluster = this.clusterOf(header.cluster_id);
    const chain = cluster.chainFor(header.prev_index, header.prev_term);
    if (cluster.historyOf(header.prev_index, header.prev_term) === undefined)
      cluster.remember(header.prev_index, header.prev_term, chain.baseHash);
    for (const record of records) if (record.type === "entry") this.wrote(server, chain, record.index, record);
    return chain;
  }

  /** An entry was written: the same index and term mean the same log through it, on every server (log matching). */
  wrote(server: Server, chain: Chain, index: number, entry: LogEntry): void {
    chain.put(index, entry);
    const { cluster } = chain;
    const hash = chain.at(index);
    if (hash === undefined) return;
    const other = cluster.historyOf(index, entry.term);
    if (other === undefined) cluster.remember(index, entry.term, hash);
    else if (other !== hash)
      this.violated(
        "log-matching",
        server.host.name,
        `${server.host.name} holds another log than others do behind the same entry ${index} of term ${entry.term}`,
      );
  }

  leads(server: Server): void {
    const { node, host, chain } = server;
    const cluster = this.clusterOf(node.cid);
    const other = cluster.leaders.get(node.term);
    if (other !== undefined && other !== node.sid)
      this.violated(
        "election-safety",
        host.name,
        `two servers lead term ${node.term}: ${other.slice(0, 4)} and ${host.name}`,
      );
    cluster.leaders.set(node.term, node.sid);
    if (cluster.leaders.size > 4096) cluster.leaders.delete(cluster.leaders.keys().next().value ?? 0);
    const last = cluster.end - 1;
    if (last < 0 || node.term <= cluster.committedTerm || chain === undefined) return;
    const mine = chain.at(last);
    if (chain.end <= last || (mine !== undefined && mine !== cluster.hashAt(last)))
      this.violated(
        "leader-completeness",
        host.name,
        `${host.name} leads term ${node.term} without committed entries: its log ends at ${chain.end - 1}, ${last} was committed`,
      );
  }

  /** After a step that moved the commit index or the term. */
  progress(server: Server): void {
    const { node, host, chain } = server;
    if (node.term < server.termSeen)
      this.violated(
        "monotonic",
        host.name,
        `the term of ${host.name} went back from ${server.termSeen} to ${node.term}`,
      );
    server.termSeen = node.term;
    if (node.commitIndex < server.commitSeen)
      this.violated(
        "monotonic",
        host.name,
        `the commit index of ${host.name} went back from ${server.commitSeen} to ${node.commitIndex}`,
      );
    if (node.commitIndex > server.commitSeen) {
      if (chain !== undefined) this.#committed(server, chain, this.#recordOf(node.cid, chain));
      this.#world.trace.commit(host, node.commitIndex);
    }
    server.commitSeen = node.commitIndex;
  }

  /** Nearly always the one that the server's log belongs to, without a look into the table. */
  #recordOf(cid: string, { cluster }: Chain): ClusterRecord {
    return cluster.cid === cid ? cluster : this.clusterOf(cid);
  }

  #committed(server: Server, chain: Chain, cluster: ClusterRecord): void {
    const { node, host } = server;
    for (let index = Math.max(server.commitSeen + 1, chain.base); index <= node.commitIndex; index++) {
      const hash = chain.at(index);
      const known = cluster.hashAt(index);
      if (hash === undefined) {
        if (index > chain.base)
          this.violated("speech", host.name, `${host.name} commits ${index}, which its file does not hold`);
        continue;
      }
      if (known === undefined) {
        const term = chain.termAt(index) ?? 0;
        if (index >= cluster.end && node.role === "leader") this.#majority(server, index, hash);
        cluster.commit(index, hash, chain.eidAt(index) ?? ZERO_UUID, Math.max(term, node.term));
      } else if (known !== hash) {
        this.violated(
          "state-machine-safety",
          host.name,
          `${host.name} commits another entry ${index} than was committed before`,
        );
        return;
      }
    }
  }

  /** What a leader commits is on the disks of a majority of the configuration in force. */
  #majority(server: Server, index: number, hash: number): void {
    const { node, host } = server;
    let holders = 0;
    const { servers } = node;
    for (let i = 0; i < servers.length; i++) {
      const where = this.#hostOf(servers[i]!.sid);
      if (where === undefined) continue;
      const early = where.server !== undefined && this.#isEarlyAck(where.server, index);
      if (where.disk.syncedIndex < index && !early) continue;
      const theirs = where.server?.chain ?? where.lastChain;
      const at = theirs?.at(index);
      if (at === hash || (theirs !== undefined && index < theirs.base)) holders++;
    }
    if (holders * 2 <= node.servers.length)
      this.violated(
        "commit-majority",
        host.name,
        `${host.name} commits entry ${index}, which ${holders} of ${node.servers.length} members have on disk`,
      );
  }

  /** Whose disk has the file of a server. */
  #hostOf(sid: string): Host | undefined {
    const { hosts } = this.#world;
    for (let i = 0; i < hosts.length; i++) if (hosts[i]!.disk.sid === sid) return hosts[i];
    return undefined;
  }

  /** A message leaves: what it rests on is on the sender's disk, and no server votes twice in a term. */
  said(server: Server, message: Message): void {
    const { disk } = server.host;
    // Nearly all that is said, in lines that meet one type of message: any other line is slow in V8.
    switch (message.type) {
      case "append_request":
        if (message.term > disk.syncedTerm) this.#saidTooSoon(server, message);
        return;
      case "append_reply":
        if (message.log_end - 1 > disk.syncedIndex || message.term > disk.syncedTerm)
          this.#saidTooSoon(server, message);
        return;
      case "execute_command_request":
      case "execute_command_reply":
        return;
      default:
        if (syncedIndexNeeded(message) > disk.syncedIndex || termOf(message) > disk.syncedTerm)
          this.#saidTooSoon(server, message);
        this.#saidVote(server, message);
    }
  }

  #saidTooSoon(server: Server, message: Message): void {
    const { host } = server;
    const { disk } = host;
    const needed = syncedIndexNeeded(message);
    if (needed > disk.syncedIndex && this.#isEarlyAck(server, needed)) this.earlyAcks++;
    else if (needed > disk.syncedIndex)
      this.violated(
        "speech",
        host.name,
        `${host.name} sends ${message.type} about entry ${needed} with ${disk.syncedIndex} on disk`,
      );
    const term = termOf(message);
    if (term > disk.syncedTerm)
      this.violated(
        "speech",
        host.name,
        `${host.name} sends ${message.type} of term ${term} with ${disk.syncedTerm} on disk`,
      );
  }

  #saidVote(server: Server, message: Message): void {
    if (message.type === "vote_reply" && !message.is_prevote && message.vote !== ZERO_UUID)
      this.#voted(server, message.term, message.vote);
    else if (message.type === "vote_request" && !message.is_prevote) this.#voted(server, message.term, message.from);
  }

  /** A vote that a power cut would take back could be given twice. */
  #isOnDisk({ host }: Server, term: number, vote: string): void {
    const { disk, name } = host;
    if (term === disk.syncedTerm && vote !== disk.syncedVote)
      this.violated(
        "speech",
        name,
        `${name} tells its vote of term ${term} for ${vote.slice(0, 4)} before it is on disk`,
      );
  }

  /**
   * A defect of every release: an entry that replaces a truncated one is taken for synced, because the old one was. It is
   * counted, and told as a violation only when a power cut makes use of it.
   */
  #isEarlyAck(server: Server, index: number): boolean {
    return (
      !server.node.profile.truncationUnsyncs && index <= server.node.logSynced && index <= server.host.disk.rewrittenTo
    );
  }

  #voted(server: Server, term: number, vote: string): void {
    this.#isOnDisk(server, term, vote);
    const { sid } = server.node;
    const last = this.#votes.get(sid);
    if (last === undefined) this.#votes.set(sid, { term, vote });
    else if (term > last.term) {
      last.term = term;
      last.vote = vote;
    } else if (term === last.term && vote !== last.vote)
      this.violated(
        "one-vote",
        server.host.name,
        `${server.host.name} votes for ${vote.slice(0, 4)} and ${last.vote.slice(0, 4)} in term ${term}`,
      );
  }
}
