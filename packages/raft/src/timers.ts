/** The four deadlines of a server, in milliseconds (ovsdb/raft.c). */
import { draw, ELECTION } from "./chance.ts";
import type { RaftNode } from "./node.ts";

/** The random part of an election timeout is 0 to 999 ms, whatever the election timer is. */
export const ELECTION_RANGE_MS = 1000;
export const ELECTION_TIMER_DEFAULT_MS = 1000;
export const ELECTION_TIMER_MIN_MS = 100;
export const ELECTION_TIMER_MAX_MS = 600_000;
export const JOIN_TIMEOUT_MS = 1000;

export function resetElectionTimer(node: RaftNode): void {
  const slowedMs = node.failureTest === "delay-election" ? node.electionTimerMs : 0;
  node.electionBaseMs = node.nowMs;
  node.electionTimeoutMs =
    node.nowMs + node.electionTimerMs + slowedMs + draw(node.chance, ELECTION, ELECTION_RANGE_MS);
}

export function resetPingTimer(node: RaftNode): void {
  node.pingTimeoutMs = node.nowMs + Math.floor(node.electionTimerMs / 3);
}

/** Whether an expired election timer has any effect; ovsdb-server spins where it has none. */
export function mayTimeOut(node: RaftNode): boolean {
  if (node.joining || node.left || node.failed) return false;
  if (node.role === "leader") return true;
  if (node.leaving && !node.profile.leavingMayElect) return false;
  return node.isMember;
}

/** When `tick` is due next; Infinity for never. Never decreases without a step in between. */
export function deadlineMs(node: RaftNode): number {
  if (node.left || node.failed) return Number.POSITIVE_INFINITY;
  let at = Number.POSITIVE_INFINITY;
  if (node.joining) at = node.joinTimeoutMs;
  else if (mayTimeOut(node)) at = node.electionTimeoutMs;
  if (node.leaving && node.leaveTimeoutMs < at) at = node.leaveTimeoutMs;
  if ((node.role === "leader" || node.commands.length > 0) && node.pingTimeoutMs < at) at = node.pingTimeoutMs;
  return at;
}
