/** Headers and records as the JSON of a clustered file, member for member as ovsdb/raft-private.c (ovsdb(5)). */
import type { FileRecord, Header } from "../record.ts";
import { type Json, ZERO_UUID } from "../values.ts";
import { encodeEntry, readEntry } from "./entry.ts";
import { known, Members, members } from "./members.ts";

export function encodeHeader(header: Header): Json {
  const { server_id, local_address, name } = header;
  const cluster_id = header.cluster_id;
  if (header.remote_addresses !== undefined)
    return members({ server_id, cluster_id, local_address, name, remote_addresses: [...header.remote_addresses] });
  const { prev_servers, prev_index, prev_term, prev_data, prev_eid, prev_election_timer } = header;
  const base = { server_id, cluster_id, local_address, name, prev_servers };
  if (prev_index === 0) return members(base);
  return members({
    ...base,
    prev_index,
    prev_term,
    prev_data,
    prev_eid,
    prev_election_timer: prev_election_timer === 0 ? undefined : prev_election_timer,
  });
}

/** Throws `BAD_RECORD` where ovsdb-server would refuse the file. */
export function decodeHeader(json: Json): Header {
  const from = new Members(json, "raft header", "BAD_RECORD");
  const common = {
    server_id: from.uuid("server_id"),
    name: from.text("name"),
    local_address: from.text("local_address"),
  };
  if (from.get("remote_addresses") !== undefined) {
    const remote_addresses = from.addresses("remote_addresses").filter((address) => address !== common.local_address);
    if (remote_addresses.length === 0)
      throw from.error("at least one remote address other than the local address is required");
    const joining = { ...common, remote_addresses, cluster_id: from.optionalUuid("cluster_id") };
    from.finish();
    return joining;
  }
  const prev_servers = from.optionalServers("prev_servers");
  if (prev_servers === undefined) throw from.error(`required "prev_servers" member is missing`);
  const prev_index = from.optionalNumber("prev_index") ?? 0;
  const snapshot =
    prev_index === 0
      ? { prev_term: 0, prev_data: undefined, prev_eid: ZERO_UUID, prev_election_timer: 0 }
      : {
          prev_term: from.number("prev_term"),
          prev_data: from.required("prev_data"),
          prev_eid: from.uuid("prev_eid"),
          prev_election_timer: from.optionalNumber("prev_election_timer") ?? 0,
        };
  const header = {
    ...common,
    cluster_id: from.uuid("cluster_id"),
    remote_addresses: undefined,
    prev_servers,
    prev_index,
    ...snapshot,
  };
  from.finish();
  return header;
}

export function encodeRecord(record: FileRecord): Json {
  const comment = record.comment === "" ? undefined : record.comment;
  switch (record.type) {
    case "entry":
      return members({ comment, ...encodeEntry(record), index: record.index });
    case "term":
      return members({ comment, term: record.term });
    case "vote":
      return members({ comment, term: record.term, vote: record.vote });
    case "note":
      return members({ comment, note: record.note });
    case "commit_index":
      return members({ comment, commit_index: record.commit_index });
    case "leader":
      return members({ comment, term: record.term, leader: record.leader });
  }
}

/** The members tell what a record is, looked at in the order of raft_record_from_json. */
export function decodeRecord(json: Json): FileRecord {
  const from = new Members(json, "raft log record", "BAD_RECORD");
  const record = readRecord(from);
  from.finish();
  return record;
}

function readRecord(from: Members): FileRecord {
  const comment = from.optionalText("comment");
  const note = from.optionalText("note");
  if (note !== undefined) return { type: "note", note, comment };
  const commit_index = from.optionalNumber("commit_index") ?? 0;
  if (commit_index !== 0) return { type: "commit_index", commit_index, comment };
  const term = from.number("term");
  const leader = from.optionalUuid("leader");
  if (leader !== undefined) {
    if (known(leader) === undefined) throw from.error("record says leader is all-zeros SID");
    return { type: "leader", term, leader, comment };
  }
  const vote = from.optionalUuid("vote");
  if (vote !== undefined) {
    if (known(vote) === undefined) throw from.error("record votes for all-zeros SID");
    return { type: "vote", term, vote, comment };
  }
  const index = from.optionalNumber("index") ?? 0;
  if (index === 0) return { type: "term", term, comment };
  return { type: "entry", ...readEntry(from, term), index, comment };
}
