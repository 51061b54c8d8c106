/** What a server keeps on disk: a header with the snapshot, then records, with the names of ovsdb(5) and raft-private.c. */
import type { Json, LogEntry, Servers, Uuid } from "./values.ts";

/** The file of a member: its identity and the snapshot of all entries through `prev_index`. */
export type MemberHeader = {
  readonly server_id: Uuid;
  readonly cluster_id: Uuid;
  readonly local_address: string;
  readonly name: string;
  readonly remote_addresses: undefined;
  readonly prev_servers: Servers;
  readonly prev_index: number;
  readonly prev_term: number;
  readonly prev_data: Json | undefined;
  readonly prev_eid: Uuid;
  /** Milliseconds; 0 when absent. */
  readonly prev_election_timer: number;
};

/** The file of a server that has yet to join: whom it may ask. */
export type JoiningHeader = {
  readonly server_id: Uuid;
  /** Absent unless `join-cluster --cid` gave it. */
  readonly cluster_id: Uuid | undefined;
  readonly local_address: string;
  readonly name: string;
  readonly remote_addresses: readonly string[];
};

export type Header = MemberHeader | JoiningHeader;

export type EntryRecord = LogEntry & {
  readonly type: "entry";
  readonly index: number;
  readonly comment: string | undefined;
};
export type TermRecord = { readonly type: "term"; readonly term: number; readonly comment: string | undefined };
export type VoteRecord = {
  readonly type: "vote";
  readonly term: number;
  readonly vote: Uuid;
  readonly comment: string | undefined;
};
export type NoteRecord = { readonly type: "note"; readonly note: string; readonly comment: string | undefined };
export type CommitIndexRecord = {
  readonly type: "commit_index";
  readonly commit_index: number;
  readonly comment: string | undefined;
};
export type LeaderRecord = {
  readonly type: "leader";
  readonly term: number;
  readonly leader: Uuid;
  readonly comment: string | undefined;
};

/** `type` is told from the members on disk; it is not written. */
export type FileRecord = EntryRecord | TermRecord | VoteRecord | NoteRecord | CommitIndexRecord | LeaderRecord;

/** All that a server finds when it starts. */
export type DiskImage = { readonly header: Header; readonly records: readonly FileRecord[] };

export function entryRecord(index: number, entry: LogEntry): EntryRecord {
  return {
    type: "entry",
    term: entry.term,
    data: entry.data,
    eid: entry.eid,
    servers: entry.servers,
    election_timer: entry.election_timer,
    index,
    comment: undefined,
  };
}

/** What `ovsdb-tool create-cluster` writes (ovsdb-tool(1)). */
export function createCluster(options: {
  readonly cid: Uuid;
  readonly sid: Uuid;
  readonly eid: Uuid;
  readonly name: string;
  readonly address: string;
  readonly data: Json;
  /** Milliseconds; the default of 1000 is not written. */
  readonly electionTimerMs?: number;
}): DiskImage {
  const header: MemberHeader = {
    server_id: options.sid,
    cluster_id: options.cid,
    local_address: options.address,
    name: options.name,
    remote_addresses: undefined,
    prev_servers: { [options.sid]: options.address },
    prev_index: 1,
    prev_term: 1,
    prev_data: options.data,
    prev_eid: options.eid,
    prev_election_timer: 0,
  };
  if (options.electionTimerMs === undefined) return { header, records: [] };
  const entry = {
    term: 1,
    data: undefined,
    eid: "00000000-0000-0000-0000-000000000000",
    servers: undefined,
    election_timer: options.electionTimerMs,
  };
  return { header, records: [entryRecord(2, entry)] };
}

/** What `ovsdb-tool join-cluster` writes. */
export function joinCluster(options: {
  readonly sid: Uuid;
  readonly cid?: Uuid | undefined;
  readonly name: string;
  readonly address: string;
  readonly remotes: readonly string[];
}): DiskImage {
  const header: JoiningHeader = {
    server_id: options.sid,
    cluster_id: options.cid,
    local_address: options.address,
    name: options.name,
    remote_addresses: options.remotes.filter((remote) => remote !== options.address),
  };
  return { header, records: [] };
}
