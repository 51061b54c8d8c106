/** Writing, and waiting for the disk: nothing is said before what it rests on is synced. */
import { considerCommit } from "./commit.ts";
import type { Effects } from "./effects.ts";
import { logEnd } from "./log.ts";
import { type Message, syncedIndexNeeded, termOf } from "./message.ts";
import { findServer, type RaftNode, type Waiter } from "./node.ts";
import type { EntryRecord, FileRecord, TermRecord, VoteRecord } from "./record.ts";
import { deliver } from "./send.ts";
import { type LogEntry, type Uuid, ZERO_UUID } from "./values.ts";

/** False if the disk does not take it. */
export function write(node: RaftNode, fx: Effects, record: Exclude<FileRecord, EntryRecord>): boolean {
  if (!node.writable) return false;
  fx.write(record);
  return true;
}

/** An error that only a restart mends: links are closed, and the server is no more part of its cluster. */
export function fail(node: RaftNode, fx: Effects, why: string): void {
  if (node.failed) return;
  node.failed = true;
  fx.note({ type: "failed", why });
}

/** Writes term and vote; false if the disk fails, and with it the server. */
export function setTerm(node: RaftNode, fx: Effects, term: number, vote: Uuid): boolean {
  const record: TermRecord | VoteRecord =
    vote === ZERO_UUID ? { type: "term", term, comment: undefined } : { type: "vote", term, vote, comment: undefined };
  if (!write(node, fx, record)) fail(node, fx, "could not write the term");
  if (node.failed) return false;
  node.waiters.push({ type: "term", ticket: ++node.ticket, term, vote });
  fx.sync(node.ticket);
  node.term = term;
  node.vote = vote;
  return true;
}

/** Appends in memory, then in the file; the entry stays in memory even if the disk refuses it, as in ovsdb-server. */
export function writeEntry(node: RaftNode, fx: Effects, entry: LogEntry): boolean {
  const index = logEnd(node);
  node.log.push(entry);
  if (node.writable) fx.append(index, entry);
  return node.writable;
}

/** Asks for a sync of the log through `index`. */
export function syncEntries(node: RaftNode, fx: Effects, index: number): void {
  node.waiters.push({ type: "entry", ticket: ++node.ticket, index });
  fx.sync(node.ticket);
}

/** A note in the file, for people and for `check-cluster`; nothing rests on it but "left". */
export function writeNote(node: RaftNode, fx: Effects, note: string, comment: string): void {
  write(node, fx, { type: "note", note, comment });
}

/** Whether term, log and vote that a message speaks of are on disk (raft_is_rpc_synced). */
export function isSynced(node: RaftNode, message: Message): boolean {
  const { syncedTerm, logSynced } = node;
  switch (message.type) {
    case "append_request":
      return message.term <= syncedTerm;
    case "append_reply":
      return message.term <= syncedTerm && message.log_end - 1 <= logSynced;
    case "vote_reply":
      return message.term <= syncedTerm && (message.is_prevote || message.vote === node.syncedVote);
    default:
      return termOf(message) <= syncedTerm && syncedIndexNeeded(message) <= logSynced;
  }
}

/** Completes what the disk has done, in order. */
export function runWaiters(node: RaftNode, fx: Effects): void {
  let done = 0;
  for (; done < node.waiters.length; done++) {
    const waiter = node.waiters[done]!;
    if (waiter.ticket > node.syncedTicket) break;
    switch (waiter.type) {
      case "entry":
        if (node.role === "leader") updateOwnMatchIndex(node, fx, waiter.index);
        node.logSynced = waiter.index;
        break;
      case "term":
        node.syncedTerm = waiter.term;
        node.syncedVote = waiter.vote;
        break;
      case "message":
        completeMessage(node, fx, waiter.message);
        break;
    }
  }
  if (done > 0) dropFirst(node.waiters, done);
}

/** As `splice(0, count)`, without the array of what is gone. */
function dropFirst(waiters: Waiter[], count: number): void {
  for (let i = count; i < waiters.length; i++) waiters[i - count] = waiters[i]!;
  for (let i = 0; i < count; i++) waiters.pop();
}

function completeMessage(node: RaftNode, fx: Effects, message: Message): void {
  const term = termOf(message);
  if (term !== 0 && term < node.term) return;
  if (isSynced(node, message)) deliver(node, fx, message);
  else fx.note({ type: "unsynced_message", message });
}

/** A leader's own copy counts once it is synced, and only while it is a member itself. */
export function updateOwnMatchIndex(node: RaftNode, fx: Effects, index: number): void {
  const self = findServer(node, node.sid);
  if (self === undefined || index <= self.matchIndex) return;
  self.matchIndex = index;
  considerCommit(node, fx);
}
