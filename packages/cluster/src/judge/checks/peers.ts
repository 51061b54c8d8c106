/** Members that are silent, and links that do not stand. */
import type { Context } from "../context.ts";
import type { Evidence, Voter } from "../types.ts";
import {
  arrivalsOf,
  type ConfiguredServer,
  type DatabaseView,
  keyOf,
  lineOf,
  linkState,
  type MemberView,
  nameOf,
} from "../view.ts";
import { printLinks } from "./leadership.ts";

/** Entries; beyond it a member is no place for a backup (the alert rules of others use the same bound). */
export const LAG_MAX = 1_000;

export function checkPeers(context: Context): void {
  const { view, quorum } = context;
  for (const [index, server] of view.configured.entries()) {
    const voter = quorum.voters[index];
    if (voter === undefined || voter.isGhost) continue;
    if (voter.liveness === "silent") checkSilent(context, server);
    else checkHeard(context, server, voter);
  }
}

/** What each voice says of a silent server, the leader first. */
function silenceOf(view: DatabaseView, server: ConfiguredServer): Evidence[] {
  const evidence: Evidence[] = [];
  const voices = [...view.voices].sort((one, other) => Number(other === view.leader) - Number(one === view.leader));
  for (const voice of voices) {
    if (voice === server.view) continue;
    const line = lineOf(voice, server);
    const link = linkState(voice, server);
    const isWitness = voice === view.leader || link === "down";
    if (line === undefined || !isWitness) continue;
    // Beside a leader, followers hear nothing of each other: of them only the links tell.
    const isHearer = view.leader === undefined || voice === view.leader;
    const heard = line.lastMessageMs === undefined ? "never heard" : `heard ${line.lastMessageMs} ms ago`;
    const age = isHearer ? `${heard}, ` : "";
    const match =
      line.matchIndex === undefined ? "" : `match_index ${line.matchIndex} of ${(voice.status?.log?.end ?? 0) - 1}, `;
    const text = `${server.short}: ${age}${match}link ${link}; election timer ${view.timerMs} ms`;
    evidence.push({ source: "status", member: voice.member, text });
  }
  if (server.view?.isUnreachable === true) {
    evidence.push({ source: "observer", text: `${server.view.member}: ${server.view.failure ?? "no answer"}` });
  }
  return evidence;
}

function checkSilent({ view, found }: Context, server: ConfiguredServer): void {
  const evidence = silenceOf(view, server);
  const about = { members: [nameOf(server)], servers: [server.key], evidence };
  const hub = view.leader ?? view.voices.find((voice) => voice !== server.view);
  const link = hub === undefined ? "unknown" : linkState(hub, server);
  const own = server.view?.status;
  if (server.view?.hasAnswered === true && own !== undefined) {
    const hearsLeader = own.role === "follower" && own.leader !== undefined && own.leader !== "unknown";
    if (hearsLeader) found.push({ ...about, code: "peer-not-replicating" });
    else if (link !== "up" || own.role === "candidate")
      found.push({
        ...about,
        code: "peer-link-down",
        evidence: [
          ...evidence,
          {
            source: "status",
            member: server.view.member,
            text: `${own.role}, leader ${own.leader}, links ${printLinks(server.view)}`,
          },
        ],
      });
    else found.push({ ...about, code: "peer-hung" });
    return;
  }
  const line = view.leader === undefined ? undefined : lineOf(view.leader, server);
  const last = (view.leader?.status?.log?.end ?? 0) - 1;
  if (isFrozen(server.view)) found.push({ ...about, code: "peer-hung" });
  else if (link === "down" || (view.leader === undefined && link !== "up")) found.push({ ...about, code: "peer-down" });
  else if (server.view?.isUnreachable !== true && line?.matchIndex !== undefined && line.matchIndex < last)
    found.push({ ...about, code: "peer-not-replicating" });
  else if (link === "unknown" && server.view?.isUnreachable === true) found.push({ ...about, code: "peer-down" });
  else found.push({ ...about, code: "peer-hung" });
}

/** Its control socket takes calls, as the kernel does for it, and nobody answers: there is a process. */
export function isFrozen(view: MemberView | undefined): boolean {
  const status = view?.seen.status;
  return status?.ok === false && status.error.code === "TIMEOUT" && view?.seen.asked.control === status.via;
}

function checkHeard({ view, quorum, found }: Context, server: ConfiguredServer, voter: Voter): void {
  const name = nameOf(server);
  const servers = [server.key];
  if (server.view?.isUnreachable === true && voter.heardBy.length > 0) {
    const evidence: Evidence[] = [
      { source: "observer", text: `${server.view.failure ?? "no answer"}; heard by ${voter.heardBy.join(", ")}` },
    ];
    found.push({ code: "member-unreachable", members: [name], servers, evidence });
  }
  const arrivals = arrivalsOf(view.voices);
  const isArriving = ({ short = "", address = "" }: MemberView): boolean => arrivals.has(keyOf({ short, address }));
  for (const voice of view.voices) {
    // Links of somebody who is being added are only just made.
    if (arrivals.has(server.key) || isArriving(voice)) continue;
    // Of a member that is silent itself all links are down; that is said once.
    const own = quorum.voters.find(({ member }) => member === voice.member);
    if (voice !== server.view && own?.liveness !== "silent") checkLink({ view, found }, voice, server, voter);
  }
  const { leader } = view;
  const line = leader === undefined ? undefined : lineOf(leader, server);
  const last = (leader?.status?.log?.end ?? 0) - 1;
  if (leader !== undefined && line?.matchIndex !== undefined && !line.isSelf && line.matchIndex > 0) {
    if (last - line.matchIndex > LAG_MAX) {
      const text = `match_index ${line.matchIndex} of ${last}`;
      found.push({
        code: "follower-lagging",
        members: [name],
        servers,
        evidence: [{ source: "status", member: leader.member, text }],
      });
    }
  }
}

type Links = Pick<Context, "view" | "found">;

function checkLink({ found }: Links, voice: MemberView, server: ConfiguredServer, voter: Voter): void {
  const nickname = lineOf(voice, server)?.nickname;
  const links = voice.status?.connections;
  if (nickname === undefined || links === undefined) return;
  const own = links.filter((link) => link.nickname === nickname);
  const about = { members: [voice.member, nameOf(server)], servers: [server.key] };
  const evidence: Evidence[] = [{ source: "status", member: voice.member, text: `links ${printLinks(voice)}` }];
  if (linkState(voice, server) === "down") {
    found.push({
      ...about,
      code: voter.liveness === "live" ? "peer-link-down" : "peer-down",
      ...(voter.liveness === "live" ? {} : { members: [nameOf(server)] }),
      evidence,
    });
    return;
  }
  const isBroken = own.some(({ direction, isConnected }) => direction === "out" && !isConnected);
  const comesIn = own.some(({ direction, isConnected }) => direction === "in" && isConnected);
  if (isBroken && comesIn) found.push({ ...about, code: "one-way-link", evidence });
}
