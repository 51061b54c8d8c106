/** What a follower makes of an append_request. */
import { updateCommitIndex } from "./commit.ts";
import { syncEntries, writeEntry } from "./disk.ts";
import type { Effects } from "./effects.ts";
import { adoptConfiguration, logEnd, truncate } from "./log.ts";
import type { AppendReply, AppendRequest, AppendResult } from "./message.ts";
import type { RaftNode } from "./node.ts";
import { acknowledgeLeader } from "./role.ts";
import { clusterOf, dispatch } from "./send.ts";
import { resetElectionTimer } from "./timers.ts";
import type { LogEntry } from "./values.ts";

export function handleAppendRequest(node: RaftNode, fx: Effects, request: AppendRequest): void {
  if (!acknowledgeLeader(node, fx, request.from)) {
    replyToAppend(node, fx, request, "inconsistency", "usurped leadership");
    return;
  }
  resetElectionTimer(node);
  const { prev_log_index: previous, log } = request;
  if (previous + 1 >= node.logStart) {
    append(node, fx, request, previous, request.prev_log_term, log);
    return;
  }
  // The request reaches back into what the snapshot holds, so into what is committed.
  const last = previous + log.length;
  const snapshotIndex = node.logStart - 1;
  if (last < snapshotIndex) {
    replyToAppend(node, fx, request, "OK", "append before log start");
  } else if (last === snapshotIndex) {
    const term = log.at(-1)?.term ?? request.prev_log_term;
    if (term === node.snapshot.term) replyToAppend(node, fx, request, "OK", "no change");
    else replyToAppend(node, fx, request, "inconsistency", "term mismatch");
  } else {
    const skipped = snapshotIndex - previous;
    append(node, fx, request, snapshotIndex, log[skipped - 1]!.term, log.slice(skipped));
  }
}

function append(
  node: RaftNode,
  fx: Effects,
  request: AppendRequest,
  previous: number,
  previousTerm: number,
  entries: readonly LogEntry[],
): void {
  const mismatch = mismatchAt(node, previous, previousTerm);
  if (mismatch !== undefined) {
    replyToAppend(node, fx, request, "inconsistency", mismatch);
    return;
  }
  let i = 0;
  while (i < entries.length) {
    const known = node.log[previous + 1 + i - node.logStart];
    if (known === undefined || known.term !== entries[i]!.term) break;
    i++;
  }
  if (i === entries.length) {
    replyToAppend(node, fx, request, "OK", isHeartbeat(request) ? "heartbeat" : "no change");
    return;
  }
  let isConfigurationChanged = truncate(node, previous + 1 + i, fx);
  if (node.failureTest === "after-receiving-append-request-update") fx.crash(node.failureTest);
  let isWritten = true;
  let anyWritten = false;
  for (; i < entries.length && isWritten; i++) {
    const entry = entries[i]!;
    isWritten = writeEntry(node, fx, entry);
    if (!isWritten) break;
    anyWritten = true;
    if (entry.servers !== undefined) isConfigurationChanged = true;
  }
  if (anyWritten) syncEntries(node, fx, logEnd(node) - 1);
  if (isConfigurationChanged) adoptConfiguration(node, fx);
  if (isWritten) replyToAppend(node, fx, request, "OK", "log updated");
  else replyToAppend(node, fx, request, "I/O error", "I/O error");
}

function isHeartbeat({ comment }: AppendRequest): boolean {
  return comment !== undefined && comment === "heartbeat";
}

/** Why the entry before the new ones is not ours; undefined if it is (match_index_and_term). */
function mismatchAt(node: RaftNode, index: number, term: number): string | undefined {
  if (index < node.logStart - 1) return "mismatch before start of log";
  if (index === node.logStart - 1) return term === node.snapshot.term ? undefined : "prev_term mismatch";
  if (index >= logEnd(node)) return "mismatch past end of log";
  return node.log[index - node.logStart]!.term === term ? undefined : "term mismatch";
}

export function replyToAppend(
  node: RaftNode,
  fx: Effects,
  request: AppendRequest,
  result: AppendResult,
  comment: string,
): void {
  const { prev_log_index, prev_log_term, leader_commit } = request;
  if (result === "OK" && leader_commit > node.commitIndex)
    updateCommitIndex(node, fx, Math.min(leader_commit, prev_log_index + request.log.length));
  const end = logEnd(node);
  const reply: AppendReply = {
    type: "append_reply",
    from: node.sid,
    to: request.from,
    cluster: clusterOf(node),
    comment,
    term: node.term,
    log_end: end,
    prev_log_index,
    prev_log_term,
    n_entries: request.log.length,
    result,
  };
  dispatch(node, fx, request.from, reply, node.term <= node.syncedTerm && end - 1 <= node.logSynced);
}
