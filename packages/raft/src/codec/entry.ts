/** Entries of the log, in messages and in records (raft_entry_to_json). */
import type { Json, LogEntry } from "../values.ts";
import { ZERO_UUID } from "../values.ts";
import { known, Members, members } from "./members.ts";

export function encodeEntry({ term, data, eid, servers, election_timer }: LogEntry): { [name: string]: Json } {
  return members({
    term,
    data,
    eid: data === undefined ? undefined : known(eid),
    servers,
    election_timer: election_timer === 0 ? undefined : election_timer,
  });
}

export function decodeEntry(json: Json, where: string): LogEntry {
  const from = new Members(json, where, "BAD_MESSAGE");
  const entry = readEntry(from, from.number("term"));
  from.finish();
  return entry;
}

/** What entries in messages and in files have in common. */
export function readEntry(from: Members, term: number): LogEntry {
  const data = from.optionalData("data");
  const eid = data === undefined ? ZERO_UUID : from.uuid("eid");
  const servers = from.optionalServers("servers");
  return { term, data, eid, servers, election_timer: from.optionalNumber("election_timer") ?? 0 };
}
