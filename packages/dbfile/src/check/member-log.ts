/** One member's file as a log: what its records say, and what is wrong with them by themselves. */
import { ZERO_UUID } from "@ovnha/ovsdb/core";
import {
  type ClusterHeader,
  type ClusterRecord,
  DEFAULT_ELECTION_TIMER_MS,
  type EntryRecord,
  type MemberHeader,
  type Servers,
} from "../clustered.ts";
import type { Damage } from "../record.ts";
import { ELECTION_TIMER_MS } from "../new-member.ts";
import { EntryTable } from "./entries.ts";
import { type Finding, type FindingCode, finding, type FindingPlace } from "./finding.ts";

/** Where a record lies, and the hexadecimal digits of the hash over its body. */
export type Seen = { readonly ordinal: number; readonly offset: number; readonly digest: string };

/** A claim of a leader record, with the length of the log at that moment. */
export type LeaderClaim = {
  readonly term: number;
  readonly leader: string;
  readonly logEnd: number;
  readonly seen: Seen;
};
/** The largest commit index that was written in a term. */
export type CommitClaim = { readonly term: number; index: number };

type Timed = { readonly index: number; readonly ms: number };
type Configured = { readonly index: number; readonly servers: Servers };

/** Findings of one kind in one file that are told one by one; a log can be cut as often as there are elections. */
const ALIKE_MAX = 20;

/**
 * Takes header and records in the order of the file. After a record that ovsdb-server refuses, what follows is not looked
 * at, since the server does not either; {@link readable} then stays at what came before.
 */
export class MemberLog {
  readonly path: string;
  readonly sizeBytes: number;
  readonly findings: Finding[] = [];
  readonly entries: EntryTable = new EntryTable();
  readonly leaders: LeaderClaim[] = [];
  /** By term, ascending. */
  readonly commits: CommitClaim[] = [];
  header: ClusterHeader | undefined;
  damage: Damage | undefined;
  /** Records behind the header. */
  records = 0;
  /** The lowest term that a record was written in, and the highest; undefined without records. */
  minTerm: number | undefined;
  term = 0;
  vote: string = ZERO_UUID;
  commitIndex = 0;
  left = false;
  /** The server refuses this file. */
  refused = false;
  #leader: string = ZERO_UUID;
  readonly #timers: Timed[] = [];
  readonly #configurations: Configured[] = [];
  readonly #alike = new Map<FindingCode, number>();

  constructor(path: string, sizeBytes: number) {
    this.path = path;
    this.sizeBytes = sizeBytes;
  }

  /** The header of a file that has joined. */
  get member(): MemberHeader | undefined {
    return this.header?.kind === "member" ? this.header : undefined;
  }

  /** The first index that has an entry of its own; all before are in the snapshot. */
  get logStart(): number {
    return (this.member?.prev_index ?? 0) + 1;
  }

  /** One past the last index. */
  get logEnd(): number {
    return this.logStart + this.entries.length;
  }

  get lastIndex(): number {
    return this.logEnd - 1;
  }

  get lastTerm(): number {
    return this.termAt(this.lastIndex) ?? 0;
  }

  /** The term of an index of the log or of the snapshot's last; undefined for any other. */
  termAt(index: number): number | undefined {
    if (index === this.logStart - 1) return this.member?.prev_term ?? 0;
    return index >= this.logStart && index < this.logEnd ? this.entries.term(index - this.logStart) : undefined;
  }

  /** The newest list of members, committed or not, which is the one in force (thesis §4.1). */
  get servers(): Servers {
    return this.#configurations.at(-1)?.servers ?? this.member?.prev_servers ?? {};
  }

  /** The newest list of members at an index. */
  serversAt(index: number): Servers {
    return this.#configurations.findLast((each) => each.index <= index)?.servers ?? this.member?.prev_servers ?? {};
  }

  /** All lists of members in the file. */
  get allServers(): readonly Servers[] {
    return [this.member?.prev_servers ?? {}, ...this.#configurations.map(({ servers }) => servers)];
  }

  /** Milliseconds; of the newest committed entry that sets it. */
  get electionTimerMs(): number {
    const committed = this.#timers.findLast(({ index }) => index <= this.commitIndex);
    return committed?.ms ?? this.member?.prev_election_timer ?? DEFAULT_ELECTION_TIMER_MS;
  }

  add(code: FindingCode, message: string, place: FindingPlace = {}): void {
    const alike = (this.#alike.get(code) ?? 0) + 1;
    this.#alike.set(code, alike);
    if (alike <= ALIKE_MAX) this.findings.push(finding(code, this.path, message, place));
  }

  takeHeader(header: ClusterHeader): void {
    this.header = header;
    if (header.kind === "joining") return;
    this.commitIndex = header.prev_index;
    if (header.prev_election_timer !== undefined)
      this.#checkTimer(header.prev_election_timer, { record: 0, offset: 0 });
  }

  takeRecord(record: ClusterRecord, seen: Seen): void {
    this.records++;
    if (this.refused) return;
    if ("term" in record && record.term > this.term) {
      this.term = record.term;
      this.vote = ZERO_UUID;
      this.#leader = ZERO_UUID;
    }
    this.minTerm = Math.min(this.minTerm ?? Number.POSITIVE_INFINITY, this.term);
    switch (record.type) {
      case "entry":
        this.#takeEntry(record, seen);
        return;
      case "term":
        return;
      case "vote":
        if (record.term < this.term)
          this.#refuse("STALE_VOTE", `a vote in term ${record.term} is written in term ${this.term}`, placeOf(seen));
        else if (this.vote !== ZERO_UUID && this.vote !== record.vote)
          this.#refuse(
            "DOUBLE_VOTE",
            `in term ${record.term} it votes for ${record.vote} after it voted for ${this.vote}`,
            placeOf(seen),
          );
        this.vote = record.vote;
        return;
      case "leader":
        this.#takeLeader(record.leader, seen);
        return;
      case "commit_index":
        this.#takeCommit(record.commit_index, seen);
        return;
      case "note":
        if (record.note !== "left") return;
        this.left = true;
        this.add("LEFT", "this server has left the cluster", placeOf(seen));
    }
  }

  /** No more records come. */
  finish(damage: Damage | undefined): void {
    this.damage = damage;
    const member = this.member;
    // The newest list of members may be in what cannot be read.
    if (member === undefined || this.refused || damage !== undefined) return;
    const own = this.servers[member.server_id];
    if (own === undefined) {
      if (this.left) return;
      const isPrefix = (sid: string): boolean => sid.startsWith(member.server_id.slice(0, 4));
      const ever = this.allServers.some((servers) => Object.keys(servers).some(isPrefix));
      const where = ever ? "in the newest list of members" : "in any list of members";
      this.add(ever ? "NOT_A_MEMBER" : "NEVER_A_MEMBER", `the server's own id ${member.server_id} is not ${where}`);
    } else if (own !== member.local_address) {
      this.add("ADDRESS_CHANGED", `the members know this server at ${own}, the file says ${member.local_address}`);
    }
    for (const [address, sids] of sharedAddresses(this.servers))
      this.add("ADDRESS_SHARED", `members ${sids.join(" and ")} have the same address ${address}`);
  }

  #refuse(code: FindingCode, message: string, place: FindingPlace): void {
    this.add(code, message, place);
    this.refused = true;
  }

  #takeEntry(entry: EntryRecord, seen: Seen): void {
    const { index, term } = entry;
    // Where the snapshot's last entry is replaced, ovsdb-server aborts, and ovsdb-tool reads memory that is not its own.
    if (index < this.commitIndex || index < this.logStart) {
      this.#refuse(
        "TRUNCATES_COMMITTED",
        `entry ${index} is written again although all through ${this.commitIndex} are committed`,
        placeOf(seen, entry),
      );
      return;
    }
    if (index > this.logEnd) {
      this.#refuse("INDEX_GAP", `entry ${index} comes where ${this.logEnd} is due`, placeOf(seen, entry));
      return;
    }
    if (index < this.logEnd) this.#truncate(index, placeOf(seen, entry));
    if (this.refused) return;
    const before = this.lastTerm;
    if (term < before) {
      this.#refuse(
        "TERM_REGRESSION",
        `entry ${index} has term ${term}, the one before it ${before}`,
        placeOf(seen, entry),
      );
      return;
    }
    this.entries.push(term, seen.ordinal, seen.offset, seen.digest, entry.data !== undefined);
    if (entry.servers !== undefined) this.#configurations.push({ index, servers: entry.servers });
    if (entry.election_timer !== undefined) {
      this.#timers.push({ index, ms: entry.election_timer });
      this.#checkTimer(entry.election_timer, placeOf(seen, entry));
    }
  }

  #truncate(index: number, place: FindingPlace): void {
    const what = `entry ${index} replaces the entries ${index} to ${this.lastIndex}`;
    if (this.#leader !== ZERO_UUID && this.#leader === this.member?.server_id) {
      this.#refuse("LEADER_TRUNCATED", `${what} while this server is the leader, which only appends`, place);
      return;
    }
    // ovsdb-server's own test is "below", which lets the last committed entry be replaced.
    if (index === this.commitIndex) this.add("REPLACES_COMMITTED", `${what}, of which ${index} is committed`, place);
    else this.add("TRUNCATED_LOG", what, place);
    this.entries.truncate(index - this.logStart);
    // In the order of their indexes.
    for (const list of [this.#configurations, this.#timers]) while ((list.at(-1)?.index ?? -1) >= index) list.pop();
  }

  #takeLeader(leader: string, seen: Seen): void {
    if (this.#leader !== ZERO_UUID && this.#leader !== leader) {
      this.#refuse("TWO_LEADERS", `term ${this.term} has the leaders ${this.#leader} and ${leader}`, {
        ...placeOf(seen),
        term: this.term,
      });
      return;
    }
    if (this.#leader === leader) return;
    this.#leader = leader;
    this.leaders.push({ term: this.term, leader, logEnd: this.logEnd, seen });
  }

  #takeCommit(index: number, seen: Seen): void {
    if (index < this.commitIndex) {
      this.#refuse(
        "COMMIT_REGRESSION",
        `the commit index goes from ${this.commitIndex} back to ${index}`,
        placeOf(seen, { index }),
      );
      return;
    }
    if (index >= this.logEnd) {
      this.#refuse(
        "COMMIT_BEYOND_LOG",
        `the commit index becomes ${index}, but the last entry is ${this.lastIndex}`,
        placeOf(seen, { index }),
      );
      return;
    }
    this.commitIndex = index;
    const last = this.commits.at(-1);
    if (last?.term === this.term) last.index = index;
    else this.commits.push({ term: this.term, index });
  }

  #checkTimer(ms: number, place: FindingPlace): void {
    const { min, max } = ELECTION_TIMER_MS;
    if (ms < min || ms > max)
      this.add("BAD_ELECTION_TIMER", `the election timer is ${ms} ms, outside of ${min} to ${max}`, place);
  }
}

/** Made only for findings, since there are far more records than findings. */
function placeOf(
  { ordinal, offset }: Seen,
  entry: { readonly index?: number; readonly term?: number } = {},
): FindingPlace {
  return { record: ordinal, offset, index: entry.index, term: entry.term };
}

/** Addresses that more than one server has. */
export function sharedAddresses(servers: Servers): [address: string, sids: string[]][] {
  const byAddress = new Map<string, string[]>();
  for (const [sid, address] of Object.entries(servers))
    byAddress.set(address, [...(byAddress.get(address) ?? []), sid]);
  return [...byAddress].filter(([, sids]) => sids.length > 1);
}
