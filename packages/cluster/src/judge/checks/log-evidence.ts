/** What stands against, or beside, a line of a log: the leader's words, and the time at which either was said. */
import { BETWEEN_SIGHTINGS_MS, type Context } from "../context.ts";
import type { DatabaseHistory } from "../history.ts";
import type { Voter } from "../types.ts";
import { type ConfiguredServer, type DatabaseView, lineOf } from "../view.ts";
import type { Line } from "./log-lines.ts";

/** How far two clocks may be apart before nobody can tell what was first, in ms. */
const SKEW_MAX_MS = 5_000;

/**
 * Whether the leader misses the member since about the time of the line: it does not hear it, or waits in vain for its
 * acknowledgements, and neither heard of it after the line was written. A line that the member outlived is no evidence
 * about the silence of today: both may come of one slow disk, or of nothing that has to do with the other.
 */
export function leaderMissesSince(
  context: Context,
  member: string,
  voter: Voter | undefined,
  lines: readonly Line[],
): boolean {
  const { view, history, nowMs, wallMs } = context;
  const { leader } = view;
  const atMs = lines.at(-1)?.atMs;
  const server = view.configured.find(({ key }) => key === voter?.key);
  if (leader === undefined || leader.member === member || voter === undefined || server === undefined) return false;
  // A log whose clock is ahead of ours tells no order.
  if (atMs === undefined || atMs > wallMs + SKEW_MAX_MS) return false;
  const isSilent = voter.silentTo.includes(leader.member);
  const ageMs = lineOf(leader, server)?.lastMessageMs;
  if (isSilent && ageMs !== undefined) return atMs >= wallMs - ageMs - SKEW_MAX_MS;
  if (!isSilent && !standsStill(view, history, server, nowMs)) return false;
  return atMs >= lastAcknowledgedMs(history, server.key, wallMs) - SKEW_MAX_MS;
}

/**
 * Until when it may have acknowledged something, by the wall clock: the look before it stood still, else, where nobody
 * looked before, the first look.
 */
function lastAcknowledgedMs(history: DatabaseHistory | undefined, key: string, wallMs: number): number {
  const samples = history?.samples ?? [];
  const current = samples.at(-1)?.matched[key];
  const grew = samples.findLastIndex((sample) => sample.matched[key] !== current);
  const { wallMs: lookMs, atMs = wallMs } = samples[Math.max(0, grew)] ?? {};
  return lookMs ?? atMs;
}

/**
 * It was missing entries some time ago, and has acknowledged none since, in all looks from then on; one look, or two in
 * quick succession, show only what is under way.
 */
function standsStill(
  { leader, timerMs }: DatabaseView,
  history: DatabaseHistory | undefined,
  server: ConfiguredServer,
  nowMs: number,
): boolean {
  const samples = history?.samples ?? [];
  const leastMs = Math.min(BETWEEN_SIGHTINGS_MS, timerMs);
  const from = samples.findLastIndex(({ atMs }) => nowMs - atMs >= leastMs);
  if (leader?.status?.log === undefined || from < 0) return false;
  const committed = leader.status.log.end - 1 - (leader.status.uncommitted ?? 0);
  const matched = lineOf(leader, server)?.matchIndex;
  const wasBehind = (samples[from]?.matched[server.key] ?? 0) < (samples[from]?.leaderLastIndex ?? 0);
  const isSame = samples.slice(from).every((sample) => sample.matched[server.key] === matched);
  return matched !== undefined && matched < committed && wasBehind && isSame;
}

/** A member that works: whoever says that it was removed speaks of another file, or of another time. */
export function isAtWork({ view, quorum }: Context, member: string): boolean {
  const seen = view.members.find((one) => one.member === member);
  const isMember = seen?.status?.state === "cluster member";
  return isMember && quorum.voters.some((voter) => voter.member === member && voter.liveness === "live");
}

/** Whether an id of the list may be the member's, which nobody knows by name; what is remembered of it tells them apart. */
export function mayBeListed({ view, history }: Context, member: string): boolean {
  const former = history?.idOfMember[member];
  return view.configured.some(({ view: own, short, serverId }) => {
    if (own !== undefined) return own.member === member;
    if (former === undefined) return true;
    return serverId === undefined ? former.startsWith(short) : former === serverId;
  });
}
