/** Messages as JSON-RPC notifications, member for member as ovsdb/raft-rpc.c writes and reads them. */
import { RaftError } from "../error.ts";
import { COMMAND_STATUSES, type AppendResult, type CommandStatus, type Message } from "../message.ts";
import type { Json } from "../values.ts";
import { decodeEntry, encodeEntry } from "./entry.ts";
import { Members, members } from "./members.ts";

/** A JSON-RPC 1.0 notification with one parameter (ovsdb(7), raft-rpc.h). */
export type Notification = { readonly id: null; readonly method: Message["type"]; readonly params: readonly [Json] };

export function encodeMessage(message: Message): Notification {
  const { cluster, to, from, comment } = message;
  const params = members({ cluster, to, from, comment, ...body(message) });
  return { id: null, method: message.type, params: [params] };
}

function body(message: Message): Readonly<Record<string, Json | undefined>> {
  const isTrue = (flag: boolean): true | undefined => (flag ? true : undefined);
  switch (message.type) {
    case "hello_request":
    case "add_server_request":
      return { address: message.address };
    case "append_request": {
      const { term, prev_log_index, prev_log_term, leader_commit, log } = message;
      return { term, prev_log_index, prev_log_term, leader_commit, log: log.map(encodeEntry) };
    }
    case "append_reply": {
      const { term, log_end, prev_log_index, prev_log_term, n_entries, result } = message;
      return { term, log_end, prev_log_index, prev_log_term, n_entries, result };
    }
    case "vote_request": {
      const { term, last_log_index, last_log_term, leadership_transfer, is_prevote } = message;
      return {
        term,
        last_log_index,
        last_log_term,
        leadership_transfer: isTrue(leadership_transfer),
        is_prevote: isTrue(is_prevote),
      };
    }
    case "vote_reply":
      return { term: message.term, vote: message.vote, is_prevote: isTrue(message.is_prevote) };
    case "add_server_reply": {
      const { success, remote_addresses } = message;
      return { success, remote_addresses: remote_addresses.length === 0 ? undefined : [...remote_addresses] };
    }
    case "remove_server_request":
      return { server_id: message.server_id };
    case "remove_server_reply":
      return { success: message.success, target_server: message.target_server };
    case "install_snapshot_request": {
      const { term, last_index, last_term, last_servers, last_eid, election_timer, data } = message;
      return { term, last_index, last_term, last_servers, last_eid, election_timer, data };
    }
    case "install_snapshot_reply": {
      const { term, last_index, last_term } = message;
      return { term, last_index, last_term };
    }
    case "become_leader":
      return { term: message.term };
    case "execute_command_request":
      return { data: message.data, prereq: message.prereq, result: message.result };
    case "execute_command_reply": {
      const { result, status, commit_index } = message;
      return { result, status, commit_index: commit_index === 0 ? undefined : commit_index };
    }
  }
}

export type DecodeOptions = {
  /** False reads as a release before 3.3, which takes the member `is_prevote` for an error. Default true. */
  readonly preVote?: boolean;
};

/**
 * Throws `BAD_MESSAGE` where ovsdb-server would, with the method and the member. Whether the message is for this server
 * and its cluster is the node's to judge (see `step`).
 */
export function decodeMessage(json: Json, options: DecodeOptions = {}): Message {
  const outer = new Members(json, "Raft message", "BAD_MESSAGE");
  const method = outer.text("method");
  const params = outer.required("params");
  if ((outer.get("id") ?? null) !== null) throw outer.error(`expecting a notification, but ${method} has an id`);
  outer.finish();
  if (!isMethod(method)) throw new RaftError("BAD_MESSAGE", `Raft message: unknown method ${method}`);
  if (!Array.isArray(params) || params.length !== 1) throw outer.error(`${method} has not one parameter`);
  const where = `raft ${method} RPC`;
  const from = new Members((params as readonly Json[])[0], where, "BAD_MESSAGE");
  const isAdd = method === "add_server_request";
  const common = {
    cluster: isAdd ? from.optionalUuid("cluster") : from.uuid("cluster"),
    to: isAdd || method === "hello_request" ? from.optionalUuid("to") : from.uuid("to"),
    from: from.uuid("from"),
    comment: from.optionalText("comment"),
  };
  const message = { type: method, ...common, ...READERS[method](from, where, options) } as Message;
  from.finish();
  return message;
}

type Reader = (from: Members, where: string, options: DecodeOptions) => object;

const snapshotPosition: Reader = (from) => ({
  term: from.number("term"),
  last_index: from.number("last_index"),
  last_term: from.number("last_term"),
});
const prevote = (from: Members, { preVote = true }: DecodeOptions): boolean => preVote && from.flag("is_prevote");

const READERS: Readonly<Record<Message["type"], Reader>> = {
  hello_request: (from) => ({ address: from.text("address") }),
  add_server_request: (from) => ({ address: from.text("address") }),
  append_request: (from, where) => ({
    term: from.number("term"),
    prev_log_index: from.number("prev_log_index"),
    prev_log_term: from.number("prev_log_term"),
    leader_commit: from.number("leader_commit"),
    log: entries(from, where),
  }),
  append_reply: (from) => ({
    term: from.number("term"),
    log_end: from.number("log_end"),
    prev_log_index: from.number("prev_log_index"),
    prev_log_term: from.number("prev_log_term"),
    n_entries: from.number("n_entries"),
    result: oneOf<AppendResult>(from, "result", ["OK", "inconsistency", "I/O error"]),
  }),
  vote_request: (from, _where, options) => ({
    term: from.number("term"),
    last_log_index: from.number("last_log_index"),
    last_log_term: from.number("last_log_term"),
    leadership_transfer: from.flag("leadership_transfer"),
    is_prevote: prevote(from, options),
  }),
  vote_reply: (from, _where, options) => ({
    term: from.number("term"),
    vote: from.uuid("vote"),
    is_prevote: prevote(from, options),
  }),
  add_server_reply: (from) => ({
    success: from.boolean("success"),
    remote_addresses: from.get("remote_addresses") === undefined ? [] : from.addresses("remote_addresses"),
  }),
  remove_server_request: (from) => ({ server_id: from.uuid("server_id") }),
  remove_server_reply: (from) => ({
    success: from.boolean("success"),
    target_server: from.optionalUuid("target_server"),
  }),
  install_snapshot_request: (from, where, options) => ({
    ...snapshotPosition(from, where, options),
    last_servers: from.optionalServers("last_servers") ?? from.required("last_servers"),
    last_eid: from.uuid("last_eid"),
    election_timer: from.number("election_timer"),
    data: from.optionalData("data") ?? from.required("data"),
  }),
  install_snapshot_reply: snapshotPosition,
  become_leader: (from) => ({ term: from.number("term") }),
  execute_command_request: (from) => ({
    data: from.optionalData("data") ?? from.required("data"),
    prereq: from.uuid("prereq"),
    result: from.uuid("result"),
  }),
  execute_command_reply: (from) => ({
    result: from.uuid("result"),
    status: oneOf<CommandStatus>(from, "status", COMMAND_STATUSES),
    commit_index: from.optionalNumber("commit_index") ?? 0,
  }),
};

function isMethod(method: string): method is Message["type"] {
  return Object.hasOwn(READERS, method);
}

function entries(from: Members, where: string): readonly object[] {
  const log = from.required("log");
  if (!Array.isArray(log)) throw from.error(`"log" must be an array`);
  return (log as readonly Json[]).map((entry, i) => decodeEntry(entry, `${where}, entry ${i}`));
}

function oneOf<T extends string>(from: Members, name: string, values: readonly T[]): T {
  const text = from.text(name);
  const found = values.find((value) => value === text);
  if (found === undefined) throw from.error(`unknown ${name} "${text}"`);
  return found;
}
