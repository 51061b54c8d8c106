/** Quorum and leaders. */
import { type Context, PASSES, patience } from "../context.ts";
import { isReplicationStalled, toleranceOf } from "../quorum.ts";
import type { Evidence, Quorum } from "../types.ts";
import { arrivalsOf, type MemberView, nameOf } from "../view.ts";

export function arithmetic({ configured, needed, live, voters }: Quorum): string {
  const silent = voters
    .filter(({ liveness }) => liveness === "silent")
    .map(({ short, address }) => `${short} at ${address}`);
  const rest = silent.length === 0 ? "" : `; silent: ${silent.join(", ")}`;
  return `${configured} configured, ${needed} needed, ${live} live${rest}`;
}

function saysLeader(view: MemberView): boolean {
  return view.status?.leader !== undefined && view.status.leader !== "unknown";
}

export function checkLeadership(context: Context): void {
  const { view, quorum, found } = context;
  if (view.members.every(({ isUnreachable }) => isUnreachable) && view.members.length > 0) {
    const evidence = view.members.map(
      ({ failure = "no answer", member }): Evidence => ({ source: "observer", text: `${member}: ${failure}` }),
    );
    found.push({ code: "nobody-answered", members: view.members.map(({ member }) => member), evidence });
    return;
  }
  checkQuorum(context);
  checkLeaders(context);
  for (const voice of view.voices) checkVoice(context, voice);
  if (quorum.state === "own" && view.leader !== undefined) {
    const { member, status } = view.leader;
    const text = `the only member of its cluster, with unknown inbound links: ${printLinks(view.leader)}; log [${status?.log?.start}, ${status?.log?.end}]`;
    found.push({ code: "split-suspect", members: [member], evidence: [{ source: "status", member, text }] });
  }
}

export function printLinks({ status }: MemberView): string {
  return (status?.connections ?? [])
    .map(({ direction, nickname, isConnected }) => {
      const arrow = `${direction === "out" ? "->" : "<-"}${nickname}`;
      return isConnected ? arrow : `(${arrow})`;
    })
    .join(" ");
}

function checkQuorum({ view, quorum, found, expected }: Context): void {
  const members = view.authority === undefined ? [] : [view.authority.member];
  const knowsLeader = view.leader !== undefined || view.voices.some(saysLeader);
  const evidence = view.voices.map(
    ({ member, status }): Evidence => ({
      source: "status",
      member,
      text: `${status?.role ?? "role not printed"}, leader ${status?.leader ?? "not printed"}, term ${status?.term ?? "not printed"}; ${arithmetic(quorum)}`,
    }),
  );
  if (quorum.state === "no" && quorum.configured > 0) {
    const servers = quorum.voters.filter(({ liveness }) => liveness === "silent").map(({ key }) => key);
    found.push({ code: "no-quorum", members: [], servers, evidence });
    const size = expected.members ?? quorum.configured - quorum.ghosts;
    if (quorum.live > Math.floor(size / 2) && size < quorum.configured)
      found.push({ code: "quorum-lost-to-dead-ids", members: [], servers, evidence });
  }
  const isPartial = view.voices.every(({ status }) => status?.role === undefined);
  const rows = view.members.filter(({ row }) => row?.model === "clustered");
  const rowsKnowNone =
    view.voices.length === 0 && rows.length > 0 && rows.every(({ row }) => row?.leader !== true || !row.connected);
  const joinsOnly = view.voices.length === 0 && view.members.some(({ status }) => status !== undefined);
  if ((!knowsLeader && !isPartial && view.voices.length > 0) || rowsKnowNone || joinsOnly) {
    const rowEvidence = rows.map(
      ({ member, row }): Evidence => ({
        source: "server",
        member,
        text: `leader ${row?.leader}, connected ${row?.connected}`,
      }),
    );
    found.push({ code: "no-leader", members, evidence: view.voices.length > 0 ? evidence : rowEvidence });
  }
}

function checkLeaders({ view, quorum, found }: Context): void {
  const leaders = view.voices.filter(({ status }) => status?.role === "leader");
  const { leader } = view;
  if (leader === undefined) return;
  const claim = (one: MemberView): Evidence => ({
    source: "status",
    member: one.member,
    text: `role leader in term ${one.status?.term}, links ${printLinks(one)}`,
  });
  if (quorum.state === "no") found.push({ code: "stale-leader", members: [leader.member], evidence: [claim(leader)] });
  for (const other of leaders) {
    if (other === leader) continue;
    if (other.status?.term === leader.status?.term) {
      found.push({
        code: "two-leaders",
        members: [leader.member, other.member],
        evidence: [claim(leader), claim(other)],
      });
    } else {
      // The others have moved on; it will notice within two election timers.
      found.push({
        code: "stale-leader",
        members: [other.member],
        evidence: [claim(other), claim(leader)],
        severity: "warning",
      });
    }
  }
  if (leader.status?.state === "joining cluster") {
    const text = `"joining cluster" and leader, ${leader.status.uncommitted ?? 0} entries not committed, ${leader.status.unapplied ?? 0} not applied`;
    found.push({
      code: "leader-while-joining",
      members: [leader.member],
      evidence: [{ source: "status", member: leader.member, text }],
    });
  }
  if (quorum.state !== "no" && isReplicationStalled(view, leader, quorum.needed)) {
    const waiting = view.configured.filter((server) => {
      const line = leader.status?.servers?.find((one) => one.short === server.short && one.address === server.address);
      return line !== undefined && !line.isSelf && (line.matchIndex ?? 0) < (leader.status?.log?.end ?? 0) - 1;
    });
    const text = `${leader.status?.uncommitted} entries not committed; not acknowledged by ${waiting.map(nameOf).join(", ")}`;
    found.push({
      code: "replication-stalled",
      members: [leader.member],
      servers: waiting.map(({ key }) => key),
      evidence: [{ source: "status", member: leader.member, text }],
    });
  }
}

function checkVoice({ view, found, quorum }: Context, voice: MemberView): void {
  const { member, status, row } = voice;
  if (status === undefined) return;
  // Whoever the leader does not list is no candidate of this cluster; that it runs is a finding of its own.
  if (view.leader !== undefined && !view.configured.some((server) => server.view === voice)) return;
  const leaderTerm = view.leader?.status?.term;
  const voter = quorum.voters.find((one) => one.member === member);
  if (status.role === "candidate" && view.leader !== undefined && quorum.state === "yes") {
    const text = `candidate in term ${status.term}, while ${view.leader.member} leads in term ${leaderTerm} with ${quorum.live} live voters`;
    // Whom the leader does not hear is cut off and no riddle.
    if (status.term === leaderTerm && voter?.liveness === "live")
      found.push({ code: "stuck-candidate", members: [member], evidence: [{ source: "status", member, text }] });
  }
  if (leaderTerm !== undefined && (status.term ?? 0) > leaderTerm && voice !== view.leader) {
    const text = `term ${status.term}, the leader's is ${leaderTerm}`;
    found.push({ code: "term-ahead", members: [member], evidence: [{ source: "status", member, text }] });
  }
  if (row?.connected === true && status.role !== "leader" && status.leader === "unknown") {
    const text = `_Server says connected, the leader is unknown; ${arithmetic(quorum)}`;
    const severity = view.leader !== undefined || quorum.state === "yes" ? "info" : "critical";
    found.push({
      code: "connected-without-quorum",
      members: [member],
      severity,
      evidence: [{ source: "server", member, text }],
    });
  }
  if (status.role !== "follower" || !saysLeader(voice)) return;
  const named = status.servers?.find(({ nickname, short }) => nickname === status.leader || short === status.leader);
  if (named?.lastMessageMs !== undefined && named.lastMessageMs > view.timerMs + 1_000) {
    const text = `its leader ${status.leader} was heard ${named.lastMessageMs} ms ago, the election timer is ${view.timerMs} ms`;
    found.push({ code: "leader-silent", members: [member], evidence: [{ source: "status", member, text }] });
  }
}

const UNTIL_FORGOTTEN =
  "Take nothing down, and add nobody: it passes once the former life that still counts is forgotten.";

/** How many there are, and how many are wanted. */
export function checkSize({ view, quorum, expected, found }: Context): void {
  const { authority } = view;
  if (authority === undefined || authority.status?.role === undefined) return;
  const { configured, live, needed } = quorum;
  const evidence: readonly Evidence[] = [{ source: "status", member: authority.member, text: arithmetic(quorum) }];
  const isWanted = expected.members === configured;
  // While somebody is being added, the number is on its way to another one; a join that is stuck has a code of its own.
  const isGrowing = arrivalsOf([authority]).size > 0;
  if (configured === 1 && !(isWanted && expected.members === 1))
    found.push({ code: "single-member", members: [], evidence, ...(isGrowing ? PASSES : {}) });
  // If it is only for the ghosts, it passes once they are forgotten.
  const lasts = (configured - quorum.ghosts) % 2 === 0 && !isGrowing;
  if (configured > 1 && configured % 2 === 0)
    found.push({ code: "even-members", members: [], evidence, ...(lasts ? {} : PASSES) });
  const works = quorum.state === "yes" || quorum.state === "presumed" || quorum.state === "at-risk";
  if (works && quorum.toleranceLeft === 0 && (expected.members ?? 3) > 1) {
    const severity = configured === 1 || live < configured || configured === 2 ? "warning" : "info";
    const isForGhosts = toleranceOf(live, configured - quorum.ghosts) > 0;
    found.push({
      code: "no-fault-tolerance",
      members: [],
      severity,
      ...(isForGhosts ? { remedy: patience(UNTIL_FORGOTTEN) } : {}),
      evidence: [{ ...evidence[0]!, text: `${arithmetic(quorum)}: ${live} - ${needed} = no failure more` }],
    });
  }
  const timer = authority.status.electionTimer?.ms;
  if (timer !== undefined && expected.electionTimerMs !== undefined && timer !== expected.electionTimerMs) {
    const text = `${timer} ms; wanted: ${expected.electionTimerMs} ms`;
    found.push({
      code: "timer-differs",
      members: [],
      evidence: [{ source: "status", member: authority.member, text }],
    });
  }
}
