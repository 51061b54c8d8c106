/** The commands of `ovs-appctl cluster/…` that act (ovsdb-server(1)); each answers as ovsdb-server does. */
import { executeLocally } from "./command.ts";
import type { Effects } from "./effects.ts";
import { forceElection } from "./election.ts";
import { leave, sendRemovalRequest } from "./leave.ts";
import { startRemoval } from "./membership.ts";
import type { FailureTest, Peer, RaftNode } from "./node.ts";
import { stepInto } from "./step.ts";
import { ELECTION_TIMER_MAX_MS, ELECTION_TIMER_MIN_MS, resetElectionTimer } from "./timers.ts";
import { ZERO_UUID } from "./values.ts";

/** `ok: false` is an error of `ovs-appctl`; `text` is what it prints. */
export type Answer = { readonly ok: boolean; readonly text: string };

const ok = (text: string): Answer => ({ ok: true, text });
const refused = (text: string): Answer => ({ ok: false, text });

function act(node: RaftNode, nowMs: number, fx: Effects, run: () => Answer): Answer {
  if (nowMs > node.nowMs) node.nowMs = nowMs;
  if (node.left || node.failed) return refused("unknown cluster");
  const answer = run();
  stepInto(node, nowMs, { type: "tick" }, fx);
  return answer;
}

/** `cluster/leave DB` */
export function clusterLeave(node: RaftNode, nowMs: number, fx: Effects): Answer {
  return act(node, nowMs, fx, () => leaveAnswer(node, fx));
}

function leaveAnswer(node: RaftNode, fx: Effects): Answer {
  if (node.leaving) return refused("already in progress leaving cluster");
  if (node.joining) return refused("can't leave while join in progress");
  leave(node, fx);
  return ok("");
}

/** `cluster/kick DB SERVER`: a full or partial server id, or an address. */
export function clusterKick(node: RaftNode, nowMs: number, server: string, fx: Effects): Answer {
  return act(node, nowMs, fx, () => {
    const target = bestMatch(node.servers, server);
    if (target === undefined) return refused("unknown server");
    if (target.sid === node.sid) return leaveAnswer(node, fx);
    if (node.role === "leader") {
      const why = startRemoval(node, fx, target.sid, ZERO_UUID);
      if (why === undefined) return ok("started removal");
      const cluster = node.cid.slice(0, 4);
      return refused(`request via unixctl to remove ${target.nickname} from cluster ${cluster} failed (${why})`);
    }
    return sendRemovalRequest(node, fx, node.leader, target.sid, "via unixctl")
      ? ok("sent removal request to leader")
      : refused("failed to send removal request");
  });
}

/** The longest match wins, if it is the only one as long. */
function bestMatch(servers: readonly Peer[], text: string): Peer | undefined {
  let best: Peer | undefined;
  let bestScore = -1;
  for (const peer of servers) {
    const score = peer.address === text ? Number.MAX_SAFE_INTEGER : partialMatch(peer.sid, text);
    if (score === bestScore) best = undefined;
    if (score > bestScore) {
      best = peer;
      bestScore = score;
    }
  }
  return best;
}

/** Letters that agree if all of `text` does, in lower case and however few they are, else 0 (uuid_is_partial_match). */
function partialMatch(sid: string, text: string): number {
  return sid.startsWith(text) ? text.length : 0;
}

/** `cluster/change-election-timer DB TIME` */
export function changeElectionTimer(node: RaftNode, nowMs: number, ms: number, fx: Effects): Answer {
  return act(node, nowMs, fx, () => {
    if (node.role !== "leader") return refused("election timer must be changed through leader.");
    if (node.electionTimerNewMs !== 0) return refused("election timer change pending.");
    if (ms === node.electionTimerMs) return ok("change election timer to current value.");
    if (!(ms >= ELECTION_TIMER_MIN_MS && ms <= ELECTION_TIMER_MAX_MS))
      return refused("election timer must be between 100 and 600000, in msec.");
    if (ms > 2 * node.electionTimerMs)
      return refused("election timer increase should not exceed the current value x 2.");
    node.electionTimerNewMs = Math.floor(ms);
    executeLocally(node, fx, {
      data: undefined,
      eid: ZERO_UUID,
      servers: undefined,
      electionTimerMs: node.electionTimerNewMs,
    });
    return ok("change of election timer initiated.");
  });
}

const FAILURE_TESTS: Readonly<Record<string, FailureTest>> = {
  "crash-before-sending-append-request": "before-sending-append-request",
  "crash-after-sending-append-request": "after-sending-append-request",
  "crash-before-sending-execute-command-reply": "before-sending-execute-command-reply",
  "crash-after-sending-execute-command-reply": "after-sending-execute-command-reply",
  "crash-before-sending-execute-command-request": "before-sending-execute-command-request",
  "crash-after-sending-execute-command-request": "after-sending-execute-command-request",
  "crash-after-receiving-append-request-update": "after-receiving-append-request-update",
  "crash-before-sending-install-snapshot-reply": "before-sending-install-snapshot-reply",
  "delay-election": "delay-election",
  "dont-send-vote-request": "dont-send-vote-request",
  "stop-raft-rpc": "stop-raft-rpc",
  "transfer-leadership": "transfer-leadership",
  "transfer-leadership-after-sending-append-request": "transfer-leadership-after-sending-append-request",
  "transfer-leadership-after-starting-to-add": "transfer-leadership-after-starting-to-add",
};

/** `cluster/failure-test SCENARIO`; with `stop-raft-rpc` the world holds back what arrives, as a kernel would. */
export function failureTest(node: RaftNode, nowMs: number, scenario: string, fx: Effects): Answer {
  return act(node, nowMs, fx, () => {
    if (scenario === "clear") {
      node.failureTest = undefined;
      return ok("test dismissed");
    }
    if (scenario === "force-election") {
      forceElection(node, fx);
      return ok("test engaged");
    }
    const test = Object.hasOwn(FAILURE_TESTS, scenario) ? FAILURE_TESTS[scenario] : undefined;
    if (test === undefined) return refused("unknown test scenario");
    node.failureTest = test;
    if (test === "delay-election" && node.role === "follower") resetElectionTimer(node);
    return ok("test engaged");
  });
}
