/** Who counts, who lives, and how many it takes (thesis §4.1: a majority of the configuration, whoever runs). */
import {
  type ConfiguredServer,
  type DatabaseView,
  isSameId,
  lineOf,
  linkState,
  type MemberView,
  printsAges,
} from "./view.ts";
import { ofLastProcess, recentLines } from "./checks/log-lines.ts";
import type { Liveness, Quorum, QuorumState, Voter } from "./types.ts";

/** Votes for an election and acknowledgements for a commit: more than half of the configured ids. */
export function majorityOf(configured: number): number {
  return Math.floor(configured / 2) + 1;
}

/** How many more may fail before fewer than a majority live. */
export function toleranceOf(live: number, configured: number): number {
  return Math.max(0, live - majorityOf(configured));
}

/** Whether this member must have heard the other by now: the leader hears all, a candidate whoever votes. */
function hears(view: MemberView, server: ConfiguredServer, timerMs: number): Liveness {
  if (view.short === server.short && (view.address === undefined || view.address === server.address)) return "live";
  const line = lineOf(view, server);
  const link = linkState(view, server);
  if (line === undefined) return "unknown";
  if (link === "down") return "silent";
  const age = line.lastMessageMs;
  const role = view.status?.role;
  if (age !== undefined && age <= timerMs) return "live";
  if (role === "leader") {
    if (age !== undefined) return "silent";
    const wonAgoMs = view.status?.electionWon?.agoMs ?? Number.POSITIVE_INFINITY;
    if (!printsAges(view) || wonAgoMs < timerMs) return "unknown";
    return "silent";
  }
  // Whoever lives answers a candidate's request for votes; its rounds are at most an election timer and a second apart.
  if (role === "candidate" && age !== undefined && age > 2 * timerMs + 1_000) return "silent";
  return "unknown";
}

/** The process behind an id says itself that it takes part. */
function speaksForItself(view: MemberView | undefined): boolean {
  const state = view?.status?.state;
  return view?.status !== undefined && state !== "left cluster" && state !== "failed";
}

function voterOf(server: ConfiguredServer, view: DatabaseView): Voter {
  const others = view.voices.filter((voice) => voice !== server.view);
  const silentTo: string[] = [];
  const heardBy: string[] = [];
  for (const voice of others) {
    const heard = hears(voice, server, view.timerMs);
    if (heard === "silent") silentTo.push(voice.member);
    else if (heard === "live") heardBy.push(voice.member);
  }
  if (server.view?.isUnreachable === true) silentTo.push("observer");
  const tenant = tenantOf(server, view);
  if (tenant !== undefined) silentTo.push(tenant.member);
  return {
    key: server.key,
    short: server.short,
    address: server.address,
    ...(server.serverId === undefined ? {} : { serverId: server.serverId }),
    ...(server.view === undefined ? {} : { member: server.view.member }),
    liveness: tenant === undefined ? livenessOf(server, view, silentTo, heardBy) : "silent",
    isGhost: tenant !== undefined,
    silentTo: [...new Set(silentTo)],
    heardBy,
  };
}

/**
 * Another id that lives at this id's address; two processes can't listen there. It must have answered, or be heard by the
 * leader: who is merely thought to be there may be this one. And whoever is heard by the leader is replaced by nobody.
 */
export function tenantOf(server: ConfiguredServer, view: DatabaseView): MemberView | undefined {
  const { members, configured, leader, timerMs } = view;
  const isHeard = (one: ConfiguredServer): boolean =>
    leader !== undefined && leader !== one.view && hears(leader, one, timerMs) === "live";
  if (isHeard(server)) return undefined;
  const tenant = members.find(
    ({ address, short, hasAnswered }) =>
      hasAnswered && address === server.address && short !== undefined && short !== server.short,
  );
  if (tenant !== undefined) return tenant;
  // Nobody was asked there, but another id of the list has the same address and lives.
  return configured.find(
    (other) =>
      other !== server &&
      other.address === server.address &&
      other.view !== undefined &&
      (other.view.hasAnswered || isHeard(other)),
  )?.view;
}

function livenessOf(
  server: ConfiguredServer,
  view: DatabaseView,
  silentTo: readonly string[],
  heardBy: readonly string[],
): Liveness {
  // The leader's word comes first: whom it does not hear acknowledges nothing, whatever that one says of itself.
  const { leader } = view;
  if (leader !== undefined) {
    const heard = hears(leader, server, view.timerMs);
    if (heard !== "unknown") return heard;
  }
  const isCutOff = silentTo.length > 0 && heardBy.length === 0;
  if (speaksForItself(server.view)) {
    const others = view.configured.filter((other) => other.key !== server.key);
    const links = others.map((other) => (server.view === undefined ? "unknown" : linkState(server.view, other)));
    const isAlone = links.length > 0 && links.every((link) => link === "down");
    // Before there is a leader, a vote is worth what reaches a candidate.
    return leader !== undefined && isCutOff && isAlone ? "silent" : "live";
  }
  if (heardBy.length > 0) return "live";
  return isCutOff ? "silent" : "unknown";
}

/** The most votes that one of those who answered could collect: itself and whom it is linked with. */
function votesTogether(view: DatabaseView, voters: readonly Voter[]): { certain: number; possible: number } {
  let best = { certain: 0, possible: 0 };
  for (const voice of view.voices) {
    let certain = 0;
    let possible = 0;
    for (const [index, server] of view.configured.entries()) {
      const voter = voters[index];
      if (voter === undefined) continue;
      const isSelf = server.view === voice;
      const link = isSelf ? "up" : linkState(voice, server);
      const back = server.view === undefined ? "unknown" : linkBack(server.view, voice, view);
      if (voter.liveness === "silent" || (link === "down" && back !== "up")) continue;
      possible++;
      if (voter.liveness === "live" && (isSelf || link === "up" || back === "up" || link === "unknown")) certain++;
    }
    if (certain > best.certain || (certain === best.certain && possible > best.possible)) best = { certain, possible };
  }
  return best;
}

function linkBack(from: MemberView, to: MemberView, view: DatabaseView): "up" | "down" | "unknown" {
  const target = view.configured.find((server) => server.view === to);
  return target === undefined ? "unknown" : linkState(from, target);
}

/** Of two ids at one address, the one that is silent while the other is heard can never vote again. */
function markGhosts(voters: readonly Voter[]): Voter[] {
  return voters.map((voter) => {
    const isReplaced = voters.some(
      (other) => other !== voter && other.address === voter.address && other.liveness === "live",
    );
    return voter.liveness === "silent" && isReplaced ? { ...voter, isGhost: true } : voter;
  });
}

export function computeQuorum(
  view: DatabaseView,
  options: { readonly expectedMembers?: number | undefined } = {},
): Quorum {
  const voters = markGhosts(view.configured.map((server) => voterOf(server, view)));
  const configured = voters.length;
  const needed = majorityOf(configured);
  const live = voters.filter(({ liveness }) => liveness === "live").length;
  const state = stateOf(view, voters, needed, options);
  const shown = state === "yes" || state === "own" || state === "presumed" || state === "at-risk";
  // A follower can't hear the others; whoever is not known to be silent is given the benefit of the doubt.
  const counted =
    state === "presumed" || view.leader === undefined
      ? voters.filter(({ liveness }) => liveness !== "silent").length
      : live;
  return {
    state,
    voters,
    configured,
    needed,
    live,
    ghosts: voters.filter(({ isGhost }) => isGhost).length,
    toleranceLeft: shown ? toleranceOf(counted, configured) : 0,
  };
}

function stateOf(
  view: DatabaseView,
  voters: readonly Voter[],
  needed: number,
  { expectedMembers }: { readonly expectedMembers?: number | undefined },
): QuorumState {
  const { leader, authority } = view;
  if (authority === undefined) return stateWithoutVoices(view);
  if (leader !== undefined) {
    if (looksLikeSecondCluster(view, expectedMembers)) return "own";
    return stateByLeader(view, leader, voters, needed);
  }
  const following = followedLeader(view);
  if (following !== undefined) return following;
  if (view.voices.every(({ status }) => status?.role === undefined)) return "unknown";
  const { certain, possible } = votesTogether(view, voters);
  if (possible < needed) return "no";
  return certain >= needed ? "at-risk" : "unknown";
}

function stateWithoutVoices({ members }: DatabaseView): QuorumState {
  if (members.length > 0 && members.every(({ isStandalone, hasAnswered }) => isStandalone && hasAnswered))
    return "not-applicable";
  const isJoining = members.some(({ status }) => status !== undefined);
  if (isJoining) return "no";
  const rows = members.filter(({ row }) => row?.model === "clustered");
  if (rows.length > 0) return stateByRows(members, rows);
  const answered = members.filter(({ hasAnswered }) => hasAnswered);
  return answered.length > 0 ? "not-applicable" : "unknown";
}

/** With `_Server` alone: a leader and a majority of the asked that is connected and close to it. */
function stateByRows(members: readonly MemberView[], rows: readonly MemberView[]): QuorumState {
  const connected = rows.filter(({ row }) => row?.connected === true).length;
  // A relay was asked too, and has no vote.
  const needed = majorityOf(members.filter(({ row }) => row?.model !== "relay").length);
  if (!rows.some(({ row }) => row?.leader === true && row.connected)) {
    return connected >= needed ? "unknown" : "no";
  }
  return connected >= needed ? "presumed" : "unknown";
}

/** One member where more are wanted, and others that knock: it made a cluster of its own. */
export function looksLikeSecondCluster({ leader, configured }: DatabaseView, expectedMembers?: number): boolean {
  if (configured.length !== 1 || (expectedMembers ?? 3) <= 1) return false;
  const shorts = new Set(configured.map(({ nickname }) => nickname));
  return (
    leader?.status?.connections?.some(
      (link) => link.direction === "in" && link.isConnected && !shorts.has(link.nickname),
    ) === true
  );
}

function stateByLeader(view: DatabaseView, leader: MemberView, voters: readonly Voter[], needed: number): QuorumState {
  const live = voters.filter(({ liveness }) => liveness === "live").length;
  const unknown = voters.filter(({ liveness }) => liveness === "unknown").length;
  if (live + unknown < needed) return "no";
  if (live < needed) {
    const wonAgoMs = leader.status?.electionWon?.agoMs ?? Number.POSITIVE_INFINITY;
    return wonAgoMs < view.timerMs ? "yes" : "presumed";
  }
  return isReplicationStalled(view, leader, needed) ? "at-risk" : "yes";
}

/** Something waits for a majority, and too few have answered within a quarter of the election timer. */
export function isReplicationStalled(view: DatabaseView, leader: MemberView, needed: number): boolean {
  const { status } = leader;
  if ((status?.uncommitted ?? 0) === 0 || status?.log === undefined || !printsAges(leader)) return false;
  const last = status.log.end - 1;
  const prompt = view.configured.filter((server) => {
    const line = lineOf(leader, server);
    if (line === undefined) return false;
    if (line.isSelf) return true;
    const isFresh = (line.lastMessageMs ?? Number.POSITIVE_INFINITY) <= view.timerMs / 4;
    return (line.matchIndex ?? 0) >= last || isFresh;
  });
  return prompt.length < needed;
}

/** No leader answered, but followers name one. */
function followedLeader(view: DatabaseView): QuorumState | undefined {
  const follow = view.voices.filter(
    ({ status }) => status?.role === "follower" && status.leader !== undefined && status.leader !== "unknown",
  );
  let best: QuorumState | undefined;
  for (const follower of follow) {
    const named = follower.status?.servers?.find(({ nickname, short }) => {
      const name = follower.status?.leader;
      return nickname === name || (name !== undefined && isSameId(short, name));
    });
    const age = named?.lastMessageMs;
    if (hasWriteErrors(follower)) best ??= "unknown";
    else if (age !== undefined && age <= view.timerMs) return "yes";
    else best = "presumed";
  }
  return best;
}

const WRITE_ERROR = /write failed|(?<!reported )I\/O error|past last synced index [1-9]/;

/** A member that wrote nothing within the hour may say what it likes: its acknowledgements are not to be had. */
export function hasWriteErrors({ seen }: MemberView): boolean {
  if (seen.logText === undefined) return false;
  const lines = ofLastProcess(recentLines(seen.logText, seen.status?.atMs ?? 0));
  return lines.some(({ text }) => WRITE_ERROR.test(text));
}
