/**
 * What `_Server` alone shows, where no status can be had, and what an unanswered question is worth. A row tells nobody's
 * name but its server's own: who is configured, and whom the others hear, only a status knows.
 */
import type { Answer } from "../../observe/types.ts";
import type { Context } from "../context.ts";
import { majorityOf } from "../quorum.ts";
import type { Evidence } from "../types.ts";
import { type DatabaseView, failureText, type MemberView } from "../view.ts";
import { LAG_MAX } from "./peers.ts";

export function checkRows(context: Context): void {
  checkSilence(context);
  checkPorts(context);
  checkClaims(context);
  checkDisconnected(context);
  checkApplied(context);
}

function isClustered({ row }: MemberView): boolean {
  return row?.model === "clustered";
}

/** Members that gave no answer, and of whom no list tells whether they live. */
function checkSilence({ view, quorum, found }: Context): void {
  const listed = new Set(view.configured.map((server) => server.view));
  const silent = view.members.filter((member) => member.isUnreachable && !listed.has(member));
  if (silent.length === 0 || silent.length === view.members.length) return;
  // Ids without a process may be theirs: those are judged by what the others hear.
  const nameless = view.configured.filter((server) => server.view === undefined);
  if (silent.length <= nameless.length) {
    // If none of those is heard, they are the dead that are told of already.
    const isHeard = nameless.some(({ key }) => quorum.voters.some((one) => one.key === key && one.liveness === "live"));
    if (!isHeard) return;
    for (const { member, failure = "no answer" } of silent)
      found.push({ code: "member-unreachable", members: [member], evidence: [{ source: "observer", text: failure }] });
    return;
  }
  const connected = view.members.filter((member) => isClustered(member) && member.row?.connected === true).length;
  const needed = majorityOf(view.members.length);
  // With a list, the list says whether there is a quorum.
  const isLost = view.configured.length === 0 && view.members.some(isClustered) && connected < needed;
  for (const { member, failure = "no answer" } of silent) {
    const count = isLost ? `; ${connected} of ${view.members.length} answer and are connected, ${needed} needed` : "";
    found.push({
      code: "member-silent",
      members: [member],
      evidence: [{ source: "observer", text: `${failure}${count}` }],
      ...(isLost ? { severity: "critical" } : {}),
    });
  }
}

function isNoAnswer(answer: Answer<unknown> | undefined): answer is Extract<Answer<unknown>, { readonly ok: false }> {
  return answer?.ok === false && (answer.error.code === "UNREACHABLE" || answer.error.code === "TIMEOUT");
}

/** One way to a member stands, the other does not. */
function checkPorts({ view, found }: Context): void {
  for (const { member, seen } of view.members) {
    const { server, status } = seen;
    if (status?.ok === true && isNoAnswer(server))
      found.push({
        code: "client-port-silent",
        members: [member],
        evidence: [{ source: "observer", text: failureText(server) }],
      });
    if (server?.ok === true && isNoAnswer(status))
      found.push({
        code: "control-silent",
        members: [member],
        evidence: [{ source: "observer", text: failureText(status) }],
      });
  }
}

/** Two that claim to lead, at least one of which only `_Server` speaks for. */
function checkClaims({ view, found }: Context): void {
  const claims = view.members.filter(
    (one) =>
      !view.foreign.includes(one) &&
      (one.status === undefined
        ? isClustered(one) && one.row?.leader === true && one.row.connected
        : one.status.role === "leader"),
  );
  if (claims.length < 2 || claims.every(({ status }) => status !== undefined)) return;
  const evidence = claims.map(
    ({ member, status, row }): Evidence =>
      status === undefined
        ? { source: "server", member, text: `_Server says leader, index ${row?.index ?? "none"}` }
        : { source: "status", member, text: `role leader in term ${status.term}` },
  );
  found.push({ code: "two-leaders", members: claims.map(({ member }) => member), evidence });
}

/** A member that says of itself that it is cut off; where there is a status, the leader's word is better. */
function checkDisconnected({ view, found }: Context): void {
  const isLed = leaderRow(view) !== undefined || view.leader !== undefined;
  if (!isLed) return;
  for (const one of view.members) {
    const { member, status, row, clusterId } = one;
    if (status !== undefined || row === undefined || !isClustered(one) || row.connected) continue;
    // A server that is joining has neither an id nor a schema, and a finding of its own.
    if (clusterId === undefined && !row.hasSchema) continue;
    const text = `_Server says connected ${row.connected}, leader ${row.leader}, index ${row.index ?? "none"}`;
    found.push({ code: "disconnected", members: [member], evidence: [{ source: "server", member, text }] });
  }
}

function leaderRow({ members, foreign }: DatabaseView): MemberView | undefined {
  return members.find(
    (one) => isClustered(one) && one.row?.leader === true && one.row.connected && !foreign.includes(one),
  );
}

/** Who has applied how much, and whether it moves. */
function checkApplied({ view, history, found }: Context): void {
  const leader = leaderRow(view);
  const index = leader?.row?.index;
  if (leader === undefined || index === undefined) return;
  const before = history?.samples.at(-1);
  const leaderBefore = before?.members[leader.member]?.rowIndex;
  for (const one of view.members) {
    const { member, status, row, clusterId } = one;
    if (row?.index === undefined || one === leader || !isClustered(one) || clusterId !== leader.clusterId) continue;
    if (index - row.index > LAG_MAX) {
      const text = `has applied ${row.index}, the leader ${leader.member} ${index}`;
      found.push({ code: "follower-lagging", members: [member], evidence: [{ source: "server", member, text }] });
    }
    const past = before?.members[member]?.rowIndex;
    if (status !== undefined || past === undefined || leaderBefore === undefined) continue;
    // It lacked entries at the look before, and has applied none of them since.
    if (row.index === past && past < leaderBefore && index > leaderBefore) {
      const text = `has applied ${past} in two sightings, the leader ${leaderBefore}, then ${index}`;
      found.push({ code: "frozen-entries", members: [member], evidence: [{ source: "server", member, text }] });
    }
  }
}
