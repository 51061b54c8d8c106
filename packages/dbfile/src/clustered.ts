/** The records of a clustered file, with the names of ovsdb(5), section "Clustered Format". */
import { type Json, type JsonObject, ZERO_UUID } from "@ovnha/ovsdb/core";
import { Members, presentMembers, type Servers } from "./members.ts";

export type { Servers } from "./members.ts";

/** The first record of a member's file: who it is, and the snapshot of all entries through `prev_index`. */
export type MemberHeader = {
  readonly kind: "member";
  readonly server_id: string;
  readonly cluster_id: string;
  readonly local_address: string;
  /** Name of the schema. */
  readonly name: string;
  /** May lack this server. */
  readonly prev_servers: Servers;
  /** 0 if there is no snapshot; then `prev_data` is undefined. ovsdb-server always writes one. */
  readonly prev_index: number;
  readonly prev_term: number;
  /** `[schema, transaction]`. */
  readonly prev_data: Json | undefined;
  readonly prev_eid: string;
  /** Milliseconds; undefined stands for the default of 1000. */
  readonly prev_election_timer: number | undefined;
};

/** The only record of a file that `ovsdb-tool join-cluster` made and no server has joined with. */
export type JoiningHeader = {
  readonly kind: "joining";
  readonly server_id: string;
  /** Present if `--cid` gave it, or once a server has learnt it. */
  readonly cluster_id: string | undefined;
  readonly local_address: string;
  readonly name: string;
  /** As in the file; the own address, if it is among them, does not count. */
  readonly remote_addresses: readonly string[];
};

export type ClusterHeader = MemberHeader | JoiningHeader;

type Commented = { readonly comment: string | undefined };

export type EntryRecord = Commented & {
  readonly type: "entry";
  readonly term: number;
  readonly index: number;
  /** `[schema or null, transaction or null]`. */
  readonly data: Json | undefined;
  /** All zero if there is no data. */
  readonly eid: string;
  readonly servers: Servers | undefined;
  /** Milliseconds. */
  readonly election_timer: number | undefined;
};
export type TermRecord = Commented & { readonly type: "term"; readonly term: number };
export type VoteRecord = Commented & { readonly type: "vote"; readonly term: number; readonly vote: string };
export type LeaderRecord = Commented & { readonly type: "leader"; readonly term: number; readonly leader: string };
export type CommitIndexRecord = Commented & { readonly type: "commit_index"; readonly commit_index: number };
/** `left`, `transfer leadership`, or what a later version writes. */
export type NoteRecord = Commented & { readonly type: "note"; readonly note: string };

/** `type` is told from the members on disk; it is not written. */
export type ClusterRecord = EntryRecord | TermRecord | VoteRecord | LeaderRecord | CommitIndexRecord | NoteRecord;

/** Milliseconds, when neither snapshot nor log say otherwise. */
export const DEFAULT_ELECTION_TIMER_MS = 1000;

/** @throws DbFileError `BAD_RECORD` where ovsdb-server refuses the file. */
export function decodeClusterHeader(json: Json): ClusterHeader {
  const from = new Members(json, "the header of a clustered file");
  const server_id = from.uuid("server_id");
  const name = from.text("name");
  const local_address = from.text("local_address");
  const common = { server_id, name, local_address };
  const remote_addresses = from.addresses("remote_addresses");
  if (remote_addresses !== undefined) {
    if (remote_addresses.every((address) => address === local_address))
      throw from.error("a server to join by is needed: every remote address is the server's own");
    const cluster_id = from.optionalUuid("cluster_id");
    from.finish();
    return { kind: "joining", ...common, cluster_id, remote_addresses };
  }
  const prev_servers = from.optionalServers("prev_servers");
  if (prev_servers === undefined) throw from.error('the member "prev_servers" is missing');
  const snapshot = decodeSnapshot(from);
  const cluster_id = from.uuid("cluster_id");
  from.finish();
  return { kind: "member", ...common, cluster_id, prev_servers, ...snapshot };
}

function decodeSnapshot(from: Members): {
  prev_index: number;
  prev_term: number;
  prev_data: Json | undefined;
  prev_eid: string;
  prev_election_timer: number | undefined;
} {
  const prev_index = from.optionalNumber("prev_index") ?? 0;
  if (prev_index === 0)
    return { prev_index, prev_term: 0, prev_data: undefined, prev_eid: ZERO_UUID, prev_election_timer: undefined };
  return {
    prev_index,
    prev_data: from.required("prev_data"),
    prev_eid: from.uuid("prev_eid"),
    prev_term: from.number("prev_term"),
    prev_election_timer: nonZero(from.optionalNumber("prev_election_timer")),
  };
}

export function encodeClusterHeader(header: ClusterHeader): JsonObject {
  const { server_id, cluster_id, local_address, name } = header;
  const common = { server_id, cluster_id, local_address, name };
  if (header.kind === "joining") return presentMembers({ ...common, remote_addresses: header.remote_addresses });
  const { prev_servers, prev_index, prev_term, prev_data, prev_eid, prev_election_timer } = header;
  const base = { ...common, prev_servers };
  if (prev_index === 0) return presentMembers(base);
  return presentMembers({ ...base, prev_index, prev_term, prev_data, prev_eid, prev_election_timer });
}

/**
 * The members tell what a record is, asked in the order of raft_record_from_json.
 *
 * @throws DbFileError `BAD_RECORD` where ovsdb-server refuses the file.
 */
export function decodeClusterRecord(json: Json): ClusterRecord {
  const from = new Members(json, "a record of a clustered file");
  const record = decodeMembers(from);
  from.finish();
  return record;
}

function decodeMembers(from: Members): ClusterRecord {
  const comment = from.optionalText("comment");
  const note = from.optionalText("note");
  if (note !== undefined) return { type: "note", note, comment };
  const commit_index = nonZero(from.optionalNumber("commit_index"));
  if (commit_index !== undefined) return { type: "commit_index", commit_index, comment };
  const term = from.number("term");
  const leader = from.optionalUuid("leader");
  if (leader === ZERO_UUID) throw from.error("the leader is the all-zero server id");
  if (leader !== undefined) return { type: "leader", term, leader, comment };
  const vote = from.optionalUuid("vote");
  if (vote === ZERO_UUID) throw from.error("the vote is for the all-zero server id");
  if (vote !== undefined) return { type: "vote", term, vote, comment };
  const index = nonZero(from.optionalNumber("index"));
  if (index === undefined) return { type: "term", term, comment };
  const servers = from.optionalServers("servers");
  const election_timer = nonZero(from.optionalNumber("election_timer"));
  const data = from.optionalData("data");
  const eid = data === undefined ? ZERO_UUID : from.uuid("eid");
  return { type: "entry", term, index, data, eid, servers, election_timer, comment };
}

export function encodeClusterRecord(record: ClusterRecord): JsonObject {
  const comment = record.comment === "" ? undefined : record.comment;
  switch (record.type) {
    case "entry": {
      const { term, index, data, servers, election_timer } = record;
      const eid = record.eid === ZERO_UUID ? undefined : record.eid;
      return presentMembers({ comment, term, index, data, servers, election_timer, eid });
    }
    case "term":
      return presentMembers({ comment, term: record.term });
    case "vote":
      return presentMembers({ comment, term: record.term, vote: record.vote });
    case "leader":
      return presentMembers({ comment, term: record.term, leader: record.leader });
    case "commit_index":
      return presentMembers({ comment, commit_index: record.commit_index });
    case "note":
      return presentMembers({ comment, note: record.note });
  }
}

/** ovsdb-server takes 0 for "not there". */
function nonZero(value: number | undefined): number | undefined {
  return value === 0 ? undefined : value;
}
