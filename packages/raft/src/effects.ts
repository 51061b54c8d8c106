/** What a node asks of the world around it, in the order in which it has to happen. */
import type { CommandStatus, Message } from "./message.ts";
import { type EntryRecord, entryRecord, type FileRecord, type Header } from "./record.ts";
import type { LogEntry, Servers, Uuid } from "./values.ts";

export type Role = "follower" | "candidate" | "leader";

/** What happened, for traces and logs; nothing has to be done. */
export type Note =
  | { readonly type: "role"; readonly role: Role; readonly term: number }
  | { readonly type: "election"; readonly term: number; readonly prevote: boolean; readonly transfer: boolean }
  | { readonly type: "leader"; readonly leader: Uuid; readonly term: number }
  | { readonly type: "two_leaders"; readonly leader: Uuid; readonly term: number }
  | { readonly type: "vote_suppressed"; readonly from: Uuid; readonly term: number; readonly prevote: boolean }
  | { readonly type: "truncated"; readonly from: number; readonly to: number }
  | { readonly type: "servers"; readonly servers: Servers }
  | { readonly type: "election_timer"; readonly ms: number }
  | { readonly type: "transfer"; readonly to: Uuid; readonly why: string }
  | { readonly type: "joined" }
  | { readonly type: "left" }
  | { readonly type: "failed"; readonly why: string }
  | { readonly type: "snapshot_sent"; readonly to: Uuid; readonly index: number }
  | { readonly type: "snapshot_installed"; readonly index: number }
  | { readonly type: "misrouted"; readonly from: Uuid; readonly why: string }
  /** ovsdb-server calls this one an internal error: a deferred message reached the disk's answer and was still not covered. */
  | { readonly type: "unsynced_message"; readonly message: Message };

export type CrashPoint =
  | "before-sending-append-request"
  | "after-sending-append-request"
  | "before-sending-execute-command-reply"
  | "after-sending-execute-command-reply"
  | "before-sending-execute-command-request"
  | "after-sending-execute-command-request"
  | "after-receiving-append-request-update"
  | "before-sending-install-snapshot-reply"
  /** No failure test: a new leader's log, without entries that were committed here, has made this one shorter than that. */
  | "assertion commit_index < log_end";

/**
 * The world's side. Calls come in order; none may call back into the node before the step has returned.
 * Sessions are numbers above 0 that the world gave with `session_up`.
 */
export interface Effects {
  send(session: number, message: Message): void;
  /** Keep a session to the address until `undial`: dial, and dial again whenever it is lost. */
  dial(address: string): void;
  undial(address: string): void;
  /** Break one session; what was queued on it is lost. A dialled one is dialled again. */
  reset(session: number): void;
  /** Append an entry to the file, as `entryRecord` makes it. Nothing waits for it until `sync`. */
  append(index: number, entry: LogEntry): void;
  /** Append any other record to the file. */
  write(record: Exclude<FileRecord, EntryRecord>): void;
  /** Start to fsync all that was written so far; answer later with a `synced` of this ticket or a later one. */
  sync(ticket: number): void;
  /** Replace the file, durably, before anything that follows. */
  replace(header: Header, records: readonly FileRecord[]): void;
  /** A committed entry with data, or the snapshot, in order: give it to the database. */
  apply(index: number, entry: LogEntry, isSnapshot: boolean): void;
  /** A command of this server has ended. `index` is that of its entry, 0 if it was not committed. */
  complete(eid: Uuid, status: CommandStatus, index: number): void;
  /** The process dies here, by a failure test or an assertion: drop all that follows, and the node. */
  crash(point: CrashPoint): void;
  note(note: Note): void;
}

/** The effects of one step as data, for those who want to look at them before they perform them. */
export type Effect =
  | { readonly type: "send"; readonly session: number; readonly message: Message }
  | { readonly type: "dial" | "undial"; readonly address: string }
  | { readonly type: "reset"; readonly session: number }
  | { readonly type: "write"; readonly record: FileRecord }
  | { readonly type: "sync"; readonly ticket: number }
  | { readonly type: "replace"; readonly header: Header; readonly records: readonly FileRecord[] }
  | { readonly type: "apply"; readonly index: number; readonly entry: LogEntry; readonly isSnapshot: boolean }
  | { readonly type: "complete"; readonly eid: Uuid; readonly status: CommandStatus; readonly index: number }
  | { readonly type: "crash"; readonly point: CrashPoint }
  | { readonly type: "note"; readonly note: Note };

/** Collects effects in a list. */
export class EffectList implements Effects {
  readonly list: Effect[] = [];
  send(session: number, message: Message): void {
    this.list.push({ type: "send", session, message });
  }
  dial(address: string): void {
    this.list.push({ type: "dial", address });
  }
  undial(address: string): void {
    this.list.push({ type: "undial", address });
  }
  reset(session: number): void {
    this.list.push({ type: "reset", session });
  }
  append(index: number, entry: LogEntry): void {
    this.list.push({ type: "write", record: entryRecord(index, entry) });
  }
  write(record: FileRecord): void {
    this.list.push({ type: "write", record });
  }
  sync(ticket: number): void {
    this.list.push({ type: "sync", ticket });
  }
  replace(header: Header, records: readonly FileRecord[]): void {
    this.list.push({ type: "replace", header, records });
  }
  apply(index: number, entry: LogEntry, isSnapshot: boolean): void {
    this.list.push({ type: "apply", index, entry, isSnapshot });
  }
  complete(eid: Uuid, status: CommandStatus, index: number): void {
    this.list.push({ type: "complete", eid, status, index });
  }
  crash(point: CrashPoint): void {
    this.list.push({ type: "crash", point });
  }
  note(note: Note): void {
    this.list.push({ type: "note", note });
  }
}
