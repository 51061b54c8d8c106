/** Remembering: one step of the history per observation. Pure; the history is plain data and bounded. */
import type { DatabaseObservation, Observation } from "../observe/types.ts";
import {
  type DatabaseHistory,
  EMPTY_DATABASE,
  emptyHistory,
  findingKeys,
  type History,
  IDS_MAX,
  type MemberSample,
  type Sample,
  SAMPLES_MAX,
  type Seen,
  TIMES_MAX,
} from "./history.ts";
import { assess, type AssessOptions } from "./assess.ts";
import { judgeTime, type Moment, momentOf } from "../observe/elapsed.ts";
import type { DatabaseVerdict, Verdict } from "./types.ts";
import { type DatabaseView, isSameId, keyOf, linkState, viewDatabase } from "./view.ts";

/** What was longer ago than this between two looks is not "in a row". */
const GAP_MAX_MS = 600_000;

/** Judges with the history, and gives the history for the next time. */
export function track(
  history: History | undefined,
  observation: Observation,
  options: Omit<AssessOptions, "history"> = {},
): { readonly history: History; readonly verdict: Verdict } {
  const before = history ?? emptyHistory();
  const verdict = assess(observation, { ...options, history: before });
  return { history: remember(before, observation, verdict), verdict };
}

export function remember(history: History, observation: Observation, verdict: Verdict): History {
  const databases: Record<string, DatabaseHistory> = { ...history.databases };
  for (const seen of observation.databases) {
    const judged = verdict.databases.find(({ database }) => database === seen.database);
    if (judged === undefined) continue;
    const now = momentOf(observation, verdict.atMs);
    databases[seen.database] = rememberDatabase(history.databases[seen.database] ?? EMPTY_DATABASE, seen, judged, now);
  }
  return { version: 1, databases };
}

function rememberDatabase(
  before: DatabaseHistory,
  seen: DatabaseObservation,
  judged: DatabaseVerdict,
  now: Moment,
): DatabaseHistory {
  const view = viewDatabase(seen, before);
  const last = before.samples.at(-1);
  const nowMs = judgeTime(last, now);
  const sample = {
    ...sampleOf(view, nowMs),
    ...defined({ wallMs: now.atMs, monotonicMs: now.monotonicMs, boot: now.boot }),
  };
  const isElected = judged.quorum.state !== "no";
  const rose = isElected && last?.term !== undefined && sample.term !== undefined && sample.term > last.term;
  const moved = rose && sample.leader !== last?.leader && sample.leaderReason === "leadership_transfer";
  const isRecent = last !== undefined && nowMs - last.atMs <= GAP_MAX_MS;
  return {
    ...defined({ clusterId: agreedClusterId(view, judged) ?? before.clusterId }),
    findings: rememberFindings(isRecent ? before.findings : {}, judged, nowMs),
    serverIds: bounded(before.serverIds, { ...listedIds(before, view), ...idsOf(view) }),
    idOfMember: bounded(before.idOfMember, idsByMember(view)),
    reached: bounded(before.reached, rememberReached(before.reached, view)),
    elections: rose ? [...before.elections, nowMs].slice(-TIMES_MAX) : before.elections,
    transfers: moved ? [...before.transfers, nowMs].slice(-TIMES_MAX) : before.transfers,
    samples: [...before.samples, sample].slice(-SAMPLES_MAX),
  };
}

function rememberFindings(
  before: Readonly<Record<string, Seen>>,
  judged: DatabaseVerdict,
  nowMs: number,
): Record<string, Seen> {
  const findings: Record<string, Seen> = {};
  for (const { code, members } of judged.findings) {
    for (const key of findingKeys(code, members)) {
      const past = before[key];
      findings[key] = { firstMs: past?.firstMs ?? nowMs, lastMs: nowMs, sightings: (past?.sightings ?? 0) + 1 };
    }
  }
  return findings;
}

/**
 * The cluster id that is beyond doubt: all who were asked say it, and it has a quorum. As long as one is silent, that one
 * may hold the old cluster's data, and the others have begun anew without it. One that was rebuilt takes the place of the
 * old one as soon as everybody is in it.
 */
function agreedClusterId(
  { members, foreign }: DatabaseView,
  { clusterId, quorum }: DatabaseVerdict,
): string | undefined {
  if (clusterId?.length !== 36 || foreign.length > 0) return undefined;
  if (quorum.state !== "yes" && quorum.state !== "presumed") return undefined;
  const isOwn = (id: string | undefined): boolean => id !== undefined && isSameId(id, clusterId);
  return members.every((one) => isOwn(one.clusterId)) ? clusterId : undefined;
}

/** What was seen last is kept, whenever it was seen first. */
function bounded<T>(before: Readonly<Record<string, T>>, seen: Readonly<Record<string, T>>): Record<string, T> {
  const rest = Object.entries(before).filter(([key]) => !Object.hasOwn(seen, key));
  return Object.fromEntries([...rest, ...Object.entries(seen)].slice(-IDS_MAX));
}

/** Of those who are listed and silent: a kick needs them. */
function listedIds({ serverIds }: DatabaseHistory, { configured }: DatabaseView): Record<string, string> {
  return Object.fromEntries(
    configured.flatMap(({ key }) => {
      const id = Object.hasOwn(serverIds, key) ? serverIds[key] : undefined;
      return id === undefined ? [] : [[key, id]];
    }),
  );
}

function idsOf(view: DatabaseView): Record<string, string> {
  const ids: Record<string, string> = {};
  for (const { serverId, short, address } of view.members) {
    if (serverId !== undefined && short !== undefined && address !== undefined)
      ids[keyOf({ short, address })] = serverId;
  }
  return ids;
}

function idsByMember(view: DatabaseView): Record<string, string> {
  return Object.fromEntries(
    view.members.flatMap(({ member, serverId }) => (serverId === undefined ? [] : [[member, serverId]])),
  );
}

/** Of those that are seen now. */
function rememberReached(known: DatabaseHistory["reached"], view: DatabaseView): DatabaseHistory["reached"] {
  const reached: Record<string, { readonly term: number; readonly acknowledged: number }> = {};
  const beforeOf = (serverId: string): { readonly term: number; readonly acknowledged: number } | undefined =>
    reached[serverId] ?? (Object.hasOwn(known, serverId) ? known[serverId] : undefined);
  for (const { serverId, status } of view.voices) {
    if (serverId === undefined || status?.term === undefined) continue;
    const past = beforeOf(serverId);
    reached[serverId] = { term: Math.max(past?.term ?? 0, status.term), acknowledged: past?.acknowledged ?? 0 };
  }
  for (const server of view.configured) {
    const line = view.leader?.status?.servers?.find(
      ({ short, address }) => short === server.short && address === server.address,
    );
    if (server.serverId === undefined || line?.matchIndex === undefined) continue;
    const past = beforeOf(server.serverId);
    const acknowledged = Math.max(past?.acknowledged ?? 0, line.matchIndex);
    reached[server.serverId] = { term: past?.term ?? 0, acknowledged };
  }
  return reached;
}

function sampleOf(view: DatabaseView, atMs: number): Sample {
  const { leader } = view;
  const status = leader?.status;
  const own = status?.servers?.find(({ isSelf }) => isSelf);
  const members: Record<string, MemberSample> = {};
  for (const { member, serverId, status: one, row } of view.members) {
    members[member] = defined({
      serverId,
      term: one?.term,
      lastIndex: one?.log === undefined ? undefined : one.log.end - 1,
      applied: one?.log === undefined ? undefined : one.log.end - 1 - (one.unapplied ?? 0),
      disconnections: one?.disconnections,
      rowIndex: row?.index,
      isJoining: one?.state === "joining cluster" ? true : undefined,
    });
  }
  const matched: Record<string, number> = {};
  for (const line of status?.servers ?? []) if (line.matchIndex !== undefined) matched[keyOf(line)] = line.matchIndex;
  return {
    atMs,
    members,
    linked: view.configured
      .filter((server) => view.voices.some((voice) => voice !== server.view && linkState(voice, server) === "up"))
      .map(({ key }) => key),
    matched,
    ...defined({
      term: status?.term ?? view.authority?.status?.term,
      leader: own === undefined ? undefined : keyOf(own),
      leaderReason: status?.electionStarted?.reason,
      leaderLogStart: status?.log?.start,
      leaderLastIndex: status?.log === undefined ? undefined : status.log.end - 1,
    }),
  };
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

function defined<T extends object>(fields: T): Defined<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Defined<T>;
}
