/** The verdict over all members of all databases, from one observation and, if there is one, what was seen before. */
import { judgeTime, type Moment, momentOf } from "../observe/elapsed.ts";
import type { DatabaseObservation, Expected, Observation } from "../observe/types.ts";
import { checkFiles } from "./checks/files.ts";
import { checkAnswers, checkJoining } from "./checks/joining.ts";
import { checkLeadership, checkSize } from "./checks/leadership.ts";
import { checkLogs } from "./checks/logs.ts";
import { checkMembership } from "./checks/membership.ts";
import { checkOverTime } from "./checks/over-time.ts";
import { checkPeers } from "./checks/peers.ts";
import { checkRows } from "./checks/rows.ts";
import { checkStorage } from "./checks/storage.ts";
import { type Context, expectedFor, isConsequence, toFindings, weightOf } from "./context.ts";
import type { History } from "./history.ts";
import { computeQuorum } from "./quorum.ts";
import {
  compareSeverity,
  type DatabaseVerdict,
  type Finding,
  type Health,
  type LeaderSight,
  type Quorum,
  type Verdict,
  worstHealth,
} from "./types.ts";
import { type DatabaseView, isSameId, viewDatabase } from "./view.ts";

export type AssessOptions = {
  /** What the operator says the cluster should be. */
  readonly expected?: Expected | undefined;
  /** What `track` gave the last time. Without it, everything that is seen once is believed. */
  readonly history?: History | undefined;
  /** The asker's clock; the end of the observation unless told. */
  readonly nowMs?: number | undefined;
};

/**
 * Judges what was seen. It never throws on an observation, whatever is missing in it, and proposes nothing that takes a
 * member, a file or a server away unless two independent sources agree.
 */
export function assess(observation: Observation, options: AssessOptions = {}): Verdict {
  const nowMs = options.nowMs ?? observation.endedMs;
  const now = momentOf(observation, nowMs);
  const databases = observation.databases.map((database) => assessDatabase(database, now, options));
  return { atMs: nowMs, health: worstHealth(databases.map(({ health }) => health)), databases };
}

function assessDatabase(seen: DatabaseObservation, now: Moment, options: AssessOptions): DatabaseVerdict {
  const expected = expectedFor(options.expected, seen.database);
  const past = options.history?.databases[seen.database];
  const history = options.history === undefined ? undefined : (past ?? undefined);
  const view = viewDatabase(seen, { ...past, clusterId: expected.clusterId ?? past?.clusterId });
  const quorum = rememberIds(computeQuorum(view, { expectedMembers: expected.members }), past?.serverIds);
  const nowMs = judgeTime(history?.samples.at(-1), now);
  const context: Context = { view, quorum, expected, history, nowMs, wallMs: now.atMs, found: [] };
  for (const check of [
    ...[checkLeadership, checkSize, checkPeers, checkRows, checkMembership, checkJoining],
    ...[checkAnswers, checkStorage, checkLogs, checkFiles, checkOverTime],
  ]) {
    check(context);
  }
  const shiftMs = now.atMs - nowMs;
  const findings = toFindings(context)
    .map((finding) => (shiftMs === 0 ? finding : { ...finding, sinceMs: finding.sinceMs + shiftMs }))
    .sort(
      (one, other) =>
        compareSeverity(weightOf(one), weightOf(other)) || Number(isConsequence(one)) - Number(isConsequence(other)),
    );
  return {
    database: seen.database,
    health: healthOf(view, findings),
    quorum,
    leader: leaderOf(view),
    clusterId: view.clusterId,
    term: view.leader?.status?.term ?? view.authority?.status?.term,
    electionTimerMs: view.authority?.status?.electionTimer?.ms,
    answered: view.members.filter(({ hasAnswered }) => hasAnswered).length,
    asked: view.members.length,
    findings,
  };
}

function rememberIds(quorum: Quorum, serverIds: Readonly<Record<string, string>> = {}): Quorum {
  const voters = quorum.voters.map((voter) => {
    const serverId = voter.serverId ?? serverIds[voter.key];
    return serverId === undefined ? voter : { ...voter, serverId };
  });
  return { ...quorum, voters };
}

function healthOf(view: DatabaseView, findings: readonly Finding[]): Health {
  if (view.members.every(({ hasAnswered }) => !hasAnswered)) return "unknown";
  const weights = findings.map(weightOf);
  if (weights.includes("critical")) return "critical";
  if (weights.includes("warning")) return "warning";
  return view.members.every(({ isStandalone, hasAnswered }) => isStandalone || !hasAnswered) ? "not-applicable" : "ok";
}

function leaderOf(view: DatabaseView): LeaderSight | undefined {
  const { leader } = view;
  if (leader !== undefined) {
    const { member, short, status } = leader;
    return {
      member,
      ...(short === undefined ? {} : { short }),
      ...(status?.term === undefined ? {} : { term: status.term }),
    };
  }
  for (const { status } of view.voices) {
    const named = status?.leader;
    if (named === undefined || named === "unknown" || named === "self") continue;
    const server = view.configured.find(({ nickname, short }) => nickname === named || isSameId(short, named));
    const term = status?.term === undefined ? {} : { term: status.term };
    return {
      ...(server?.view === undefined ? {} : { member: server.view.member }),
      short: server?.short ?? named,
      ...term,
    };
  }
  const row = view.members.find(
    (one) => one.row?.leader === true && one.row.connected && one.row.model === "clustered",
  );
  return row === undefined
    ? undefined
    : { member: row.member, ...(row.short === undefined ? {} : { short: row.short }) };
}
