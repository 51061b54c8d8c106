/**
 * May the next one go down? The gate opens only if everything is well in every database, has been for a settle time,
 * and what is left when the member is down still has a majority. It needs two looks: one shows where the log ended,
 * the other that everybody has acknowledged at least that.
 */
import { soundElapsedBetween } from "../observe/elapsed.ts";
import type { Observation } from "../observe/types.ts";
import type { ClusterStatus } from "../status/types.ts";
import { weightOf } from "../judge/context.ts";
import { lineOf, nameOf } from "../judge/view.ts";
import { changeUnderWay, holds, judge, type JudgeOptions, type Judged } from "./conditions.ts";

export type GateReasonCode =
  | "NOT_ASKED"
  | "MEMBER_SILENT"
  | "NO_LEADER"
  | "TWO_CLUSTERS"
  | "NO_QUORUM"
  | "QUORUM_AFTER"
  | "NOT_CAUGHT_UP"
  | "NOT_COMMITTED"
  | "NOT_SETTLED"
  | "TOO_OLD"
  | "UNEXPECTED_SIZE"
  | "CHANGE_UNDER_WAY"
  | "STORAGE"
  | "FINDING";

export type GateReason = { readonly code: GateReasonCode; readonly database: string; readonly text: string };

export type GateVerdict = {
  readonly isOpen: boolean;
  /** Who may go down. */
  readonly member: string | undefined;
  /** Why not; empty if it is open. */
  readonly reasons: readonly GateReason[];
};

export type GateOptions = JudgeOptions & {
  /** Who is to go down; without it, whether anybody may. */
  readonly member?: string | undefined;
  /**
   * The look before, at least `settleMs` ago: by the monotonic times of both, or by the age of the leader's election. With
   * neither the gate stays shut, for the wall clock may have been set.
   */
  readonly previous?: Observation | undefined;
  /** How long everything must have been well, in ms; two election timers unless told. */
  readonly settleMs?: number | undefined;
};

export function gate(observation: Observation, options: GateOptions = {}): GateVerdict {
  const now = judge(observation, options);
  const before = options.previous === undefined ? undefined : judge(options.previous, { expected: options.expected });
  const reasons: GateReason[] = [];
  for (const [database, judged] of now) {
    // Not clustered, if everybody says so: who is silent may be the rest of a cluster.
    if (judged.verdict.health === "not-applicable" && judged.view.members.every(({ hasAnswered }) => hasAnswered))
      continue;
    const add = (code: GateReasonCode, text: string): unknown => reasons.push({ code, database, text });
    checkHealth(judged, options, add);
    checkProgress(judged, before?.get(database), observation, options, add);
    if (options.member !== undefined) checkMember(judged, options.member, add);
  }
  if (now.size === 0) reasons.push({ code: "NOT_ASKED", database: "", text: "no database was asked for" });
  return { isOpen: reasons.length === 0, member: options.member, reasons };
}

type Add = (code: GateReasonCode, text: string) => unknown;

function checkHealth({ view, verdict }: Judged, options: GateOptions, add: Add): void {
  const { quorum, database } = verdict;
  for (const { member, status, failure, hasAnswered } of view.members) {
    if (!hasAnswered) add("MEMBER_SILENT", `${member} does not answer${failure === undefined ? "" : `: ${failure}`}`);
    else if (status === undefined) add("MEMBER_SILENT", `${member} gave no status`);
    else if (status.state !== "cluster member")
      add("MEMBER_SILENT", `${member} is "${status.state ?? "in a state that was not printed"}"`);
  }
  const leader = holds({ type: "one-leader", database }, { view, verdict });
  if (!leader.isHeld) add("NO_LEADER", leader.why);
  if (view.foreign.length > 0) add("TWO_CLUSTERS", view.foreign.map(({ member }) => member).join(", "));
  if (quorum.state !== "yes" && quorum.state !== "presumed") add("NO_QUORUM", `quorum: ${quorum.state}`);
  const wanted = options.expected?.members;
  const size = typeof wanted === "number" ? wanted : (wanted?.[database] ?? view.members.length);
  if (quorum.configured !== size) add("UNEXPECTED_SIZE", `${quorum.configured} configured, ${size} expected`);
  const change = changeUnderWay(view);
  if (change !== undefined) add("CHANGE_UNDER_WAY", change);
  for (const { member, seen } of view.members) {
    if (seen.storage?.ok === true && !seen.storage.value.ok) add("STORAGE", `${member}: ${seen.storage.value.text}`);
  }
  for (const finding of verdict.findings) {
    const text = `${finding.code}${finding.members.length > 0 ? ` (${finding.members.join(", ")})` : ""}`;
    if (weightOf(finding) !== "info") add("FINDING", text);
    // Seen once, and not yet believed: enough to wait for the second look.
    else if (finding.severity !== "info") add("NOT_SETTLED", text);
  }
}

function checkProgress(
  judged: Judged,
  before: Judged | undefined,
  observation: Observation,
  options: GateOptions,
  add: Add,
): void {
  const { view } = judged;
  const { leader } = view;
  if (leader?.status?.log === undefined) return;
  const settleMs = options.settleMs ?? 2 * view.timerMs;
  const past = before?.view.leader?.status;
  if (before === undefined || options.previous === undefined || past?.log === undefined) {
    add("NOT_SETTLED", "it takes a second look to see that everything is acknowledged");
    return;
  }
  const apartMs = soundElapsedBetween(options.previous, observation) ?? elapsedAtLeader(past, leader.status);
  if (apartMs === undefined && settleMs > 0) add("NOT_SETTLED", UNSOUND);
  else if (apartMs !== undefined && apartMs < settleMs)
    add("NOT_SETTLED", `the looks are ${apartMs} ms apart, ${settleMs} needed`);
  if (before.view.leader?.member !== leader.member || past.term !== leader.status.term)
    add("NOT_SETTLED", `${leader.member} leads since the look before`);
  // Under load there is always something under way; what was in the log one settle time ago must be everywhere.
  const mark = past.log.end - 1;
  const committed = leader.status.log.end - 1 - (leader.status.uncommitted ?? 0);
  if (committed < mark) add("NOT_COMMITTED", `committed ${committed}, the log ended with ${mark} at the look before`);
  for (const server of view.configured) {
    const line = lineOf(leader, server);
    if (line === undefined || line.isSelf) continue;
    if ((line.matchIndex ?? 0) < mark)
      add("NOT_CAUGHT_UP", `${nameOf(server)} has acknowledged ${line.matchIndex ?? 0} of ${mark}`);
    if (line.lastMessageMs !== undefined && line.lastMessageMs > view.timerMs)
      add("TOO_OLD", `${nameOf(server)} was heard ${line.lastMessageMs} ms ago`);
  }
  for (const { member, status } of view.voices) {
    if (status?.log === undefined) continue;
    const applied = status.log.end - 1 - (status.unapplied ?? 0);
    if (applied < mark) add("NOT_CAUGHT_UP", `${member} has applied ${applied} of ${mark}`);
  }
}

/** The wall clock may have been set between the two looks, and is no witness. */
const UNSOUND =
  "how far the looks are apart is not known: they have no monotonic times of one machine, and the leader does not print when it was elected; look twice from one place";

/** What has passed by the leader's own clock, which prints how long ago it won its election; undefined if it does not. */
function elapsedAtLeader(before: ClusterStatus, now: ClusterStatus): number | undefined {
  const [past, present] = [before.electionWon?.agoMs, now.electionWon?.agoMs];
  const isSame = before.serverId?.uuid === now.serverId?.uuid && before.term === now.term && now.role === "leader";
  if (!isSame || past === undefined || present === undefined || present < past) return undefined;
  return present - past;
}

function checkMember({ view, verdict }: Judged, member: string, add: Add): void {
  const own = verdict.quorum.voters.find((voter) => voter.member === member);
  if (!view.members.some((one) => one.member === member)) {
    add("NOT_ASKED", `${member} is not among those who were asked`);
    return;
  }
  // A member that is no voter here costs nothing.
  if (own === undefined) return;
  const { live, needed } = verdict.quorum;
  const left = own.liveness === "live" ? live - 1 : live;
  if (left < needed) add("QUORUM_AFTER", `without ${member} ${left} live, ${needed} needed`);
}
