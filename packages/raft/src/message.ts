/**
 * The messages between servers, with the member names that they have on the wire (ovsdb/raft-rpc.c). `type` is the
 * JSON-RPC method; the rest is its one parameter. Optional members are `undefined` when absent, so that all messages of a
 * type have one shape.
 */
import type { Json, LogEntry, Servers, Uuid } from "./values.ts";

type Common = {
  readonly from: Uuid;
  /** Absent only in a hello or an add_server_request whose receiver is not known yet. */
  readonly to: Uuid | undefined;
  /** Absent only from a server that joins and does not know its cluster yet. */
  readonly cluster: Uuid | undefined;
  /** Prose; the exact text `heartbeat` marks heartbeats. */
  readonly comment: string | undefined;
};

export type HelloRequest = Common & { readonly type: "hello_request"; readonly address: string };

export type AppendRequest = Common & {
  readonly type: "append_request";
  readonly term: number;
  readonly prev_log_index: number;
  readonly prev_log_term: number;
  readonly leader_commit: number;
  readonly log: readonly LogEntry[];
};

export type AppendResult = "OK" | "inconsistency" | "I/O error";

export type AppendReply = Common & {
  readonly type: "append_reply";
  readonly term: number;
  readonly log_end: number;
  readonly prev_log_index: number;
  readonly prev_log_term: number;
  readonly n_entries: number;
  readonly result: AppendResult;
};

export type VoteRequest = Common & {
  readonly type: "vote_request";
  readonly term: number;
  readonly last_log_index: number;
  readonly last_log_term: number;
  readonly leadership_transfer: boolean;
  readonly is_prevote: boolean;
};

export type VoteReply = Common & {
  readonly type: "vote_reply";
  readonly term: number;
  readonly vote: Uuid;
  readonly is_prevote: boolean;
};

export type AddServerRequest = Common & { readonly type: "add_server_request"; readonly address: string };

export type AddServerReply = Common & {
  readonly type: "add_server_reply";
  readonly success: boolean;
  readonly remote_addresses: readonly string[];
};

export type RemoveServerRequest = Common & { readonly type: "remove_server_request"; readonly server_id: Uuid };

export type RemoveServerReply = Common & {
  readonly type: "remove_server_reply";
  readonly success: boolean;
  /** Absent when the receiver itself is the target. */
  readonly target_server: Uuid | undefined;
};

export type InstallSnapshotRequest = Common & {
  readonly type: "install_snapshot_request";
  readonly term: number;
  readonly last_index: number;
  readonly last_term: number;
  readonly last_servers: Servers;
  readonly last_eid: Uuid;
  readonly election_timer: number;
  readonly data: Json;
};

export type InstallSnapshotReply = Common & {
  readonly type: "install_snapshot_reply";
  readonly term: number;
  readonly last_index: number;
  readonly last_term: number;
};

export type BecomeLeader = Common & { readonly type: "become_leader"; readonly term: number };

export type ExecuteCommandRequest = Common & {
  readonly type: "execute_command_request";
  readonly data: Json;
  readonly prereq: Uuid;
  readonly result: Uuid;
};

export const COMMAND_STATUSES = [
  "operation still in progress",
  "success",
  "not leader",
  "prerequisite check failed",
  "lost leadership",
  "server shutdown",
  "I/O error",
  "timeout",
] as const;

/** How a command ended; the first means that it has not (raft_command_status_to_string). */
export type CommandStatus = (typeof COMMAND_STATUSES)[number];

export type ExecuteCommandReply = Common & {
  readonly type: "execute_command_reply";
  readonly result: Uuid;
  readonly status: CommandStatus;
  /** 0 when absent. */
  readonly commit_index: number;
};

/** Every RPC of raft-rpc.c. */
export type Message =
  | HelloRequest
  | AppendRequest
  | AppendReply
  | VoteRequest
  | VoteReply
  | AddServerRequest
  | AddServerReply
  | RemoveServerRequest
  | RemoveServerReply
  | InstallSnapshotRequest
  | InstallSnapshotReply
  | BecomeLeader
  | ExecuteCommandRequest
  | ExecuteCommandReply;

// In the two functions that follow each type reads its member in a line of its own: a line that meets every type of message
// is slow in V8, and these are asked for every message that leaves or arrives.

/** The term that a message carries; 0 for those without one. */
export function termOf(message: Message): number {
  switch (message.type) {
    case "append_request":
      return message.term;
    case "append_reply":
      return message.term;
    case "vote_request":
      return message.term;
    case "vote_reply":
      return message.term;
    case "install_snapshot_request":
      return message.term;
    case "install_snapshot_reply":
      return message.term;
    case "become_leader":
      return message.term;
    default:
      return 0;
  }
}

/** The log index that has to be on the sender's disk before the message may leave; 0 for none. */
export function syncedIndexNeeded(message: Message): number {
  switch (message.type) {
    case "append_reply":
      return message.log_end - 1;
    case "vote_request":
      return message.last_log_index;
    case "install_snapshot_request":
      return message.last_index;
    case "install_snapshot_reply":
      return message.last_index;
    default:
      return 0;
  }
}
