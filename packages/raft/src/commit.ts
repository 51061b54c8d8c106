/** What is committed, and what follows from it. */
import { completeCommand, findCommand } from "./command.ts";
import { write } from "./disk.ts";
import type { Effects } from "./effects.ts";
import { entryAt, hasUncommittedConfiguration, logEnd } from "./log.ts";
import { completeJoin, runReconfigure } from "./membership.ts";
import { findServer, type RaftNode } from "./node.ts";
import { majorityIndex } from "./quorum.ts";
import { sendHeartbeats } from "./replicate.ts";
import { ZERO_UUID } from "./values.ts";

/**
 * A leader commits the last entry of its own term that a majority holds, and all before it (Raft thesis §3.6.2). Terms
 * never decrease along the log, so one look at the majority's index is enough.
 */
export function considerCommit(node: RaftNode, fx: Effects): void {
  const index = Math.min(majorityIndex(node.servers, node.commitIndex), logEnd(node) - 1);
  if (index <= node.commitIndex || index < node.logStart || entryAt(node, index).term !== node.term) return;
  if (updateCommitIndex(node, fx, index)) sendHeartbeats(node, fx);
}

/** Moves the commit index on, entry by entry; false if there is nothing new. */
export function updateCommitIndex(node: RaftNode, fx: Effects, newIndex: number): boolean {
  if (newIndex <= node.commitIndex) return false;
  while (node.commitIndex < newIndex) {
    const index = ++node.commitIndex;
    const entry = entryAt(node, index);
    if (entry.data !== undefined) {
      const command = findCommand(node, entry.eid);
      if (command !== undefined) {
        // A former leader tells nobody: the follower who asked learns it from the new one.
        if (command.index !== 0 && node.role !== "leader") command.sid = ZERO_UUID;
        command.index = index;
        completeCommand(node, fx, command, "success");
      }
    }
    if (entry.election_timer !== 0) {
      node.electionTimerMs = entry.election_timer;
      node.electionTimerNewMs = 0;
      fx.note({ type: "election_timer", ms: entry.election_timer });
    }
    if (entry.servers === undefined) continue;
    if (node.role === "leader") runReconfigure(node, fx);
    else if (node.profile.joinsByCommit && !hasUncommittedConfiguration(node)) settleConfiguration(node, fx, index);
  }
  write(node, fx, { type: "commit_index", commit_index: node.commitIndex, comment: undefined });
  return true;
}

/** A configuration that this server proposed, or waits to be in, was committed by another leader. */
function settleConfiguration(node: RaftNode, fx: Effects, index: number): void {
  for (const sid of Object.keys(entryAt(node, index).servers ?? {})) {
    const peer = findServer(node, sid);
    if (peer?.phase === "adding: committing") peer.phase = "stable";
    if (node.joining && sid === node.sid) completeJoin(node, fx);
  }
}

/** Gives the database what it has not seen: the snapshot where that is newer, then every entry with data. */
export function applyCommitted(node: RaftNode, fx: Effects): void {
  if (node.joining || node.failed || node.snapshot.servers === undefined) return;
  if (node.logStart === node.lastApplied + 2) {
    node.lastApplied++;
    fx.apply(node.lastApplied, node.snapshot, true);
  }
  while (node.lastApplied < node.commitIndex) {
    const index = ++node.lastApplied;
    const entry = entryAt(node, index);
    if (entry.data !== undefined) fx.apply(index, entry, false);
  }
}
