/** What shows only in how things move: what lasts too long, what stands still, what comes again and again. */
import type { FindingCode } from "../catalogue/index.ts";
import type { Context } from "../context.ts";
import { findingKey, HOUR_MS } from "../history.ts";
import { nameOf } from "../view.ts";

/** The hour's elections that are a warning. */
export const ELECTIONS_PER_HOUR = 5;
export const TRANSFERS_PER_HOUR = 4;
const FLAP_WINDOW_MS = 600_000;

type Lasting = {
  readonly of: FindingCode;
  readonly code: FindingCode;
  readonly timers: number;
  readonly leastMs: number;
};

/** What is normal for a while: which finding, which finding it becomes, and after how many election timers. */
const LASTING: readonly Lasting[] = [
  { of: "joining", code: "joining-stuck", timers: 10, leastMs: 10_000 },
  { of: "join-in-progress", code: "catchup-stuck", timers: 10, leastMs: 10_000 },
  { of: "removing", code: "removal-stuck", timers: 2, leastMs: 2_000 },
  { of: "election-timer-changing", code: "timer-change-stuck", timers: 2, leastMs: 2_000 },
  { of: "leaving", code: "leaving-stuck", timers: 4, leastMs: 4_000 },
];

export function checkOverTime(context: Context): void {
  if (context.history === undefined) return;
  checkLasting(context);
  checkElections(context);
  checkStandstill(context);
  checkFlapping(context);
  checkIdentity(context);
}

function checkLasting({ view, history, nowMs, found }: Context): void {
  for (const { of, code, timers, leastMs } of LASTING) {
    for (const one of found.filter((finding) => finding.code === of)) {
      const before = history?.findings[findingKey(of, one.members)];
      if (before === undefined) continue;
      const lastsMs = nowMs - before.firstMs;
      if (lastsMs < Math.max(leastMs, timers * view.timerMs)) continue;
      const evidence = [
        ...one.evidence,
        {
          source: "history" as const,
          text: `for ${Math.round(lastsMs / 1_000)} s, in ${before.sightings + 1} sightings`,
        },
      ];
      found.push({ ...one, code, evidence });
    }
  }
}

function checkElections({ view, quorum, history, nowMs, found }: Context): void {
  const recent = (times: readonly number[] = []): number => times.filter((atMs) => atMs > nowMs - HOUR_MS).length;
  const last = history?.samples.at(-1)?.term;
  const now = view.leader?.status?.term ?? view.authority?.status?.term;
  // Without a majority the term rises for as long as that lasts, and nobody is elected.
  const rose = quorum.state !== "no" && last !== undefined && now !== undefined && now > last;
  const elections = recent(history?.elections) + Number(rose);
  const transfers = recent(history?.transfers);
  const members = view.leader === undefined ? [] : [view.leader.member];
  if (transfers >= TRANSFERS_PER_HOUR)
    found.push({
      code: "compaction-elections",
      members,
      evidence: [{ source: "history", text: `${transfers} hand-overs within the hour` }],
    });
  else if (elections >= ELECTIONS_PER_HOUR)
    found.push({
      code: "frequent-elections",
      members,
      evidence: [
        {
          source: "history",
          text: `the term rose between ${elections} pairs of looks within the hour; election timer ${view.timerMs} ms`,
        },
      ],
    });
}

function checkStandstill({ view, quorum, history, found }: Context): void {
  const before = history?.samples.at(-1);
  const { leader } = view;
  const last = (leader?.status?.log?.end ?? 0) - 1;
  if (before === undefined || leader?.status === undefined || before.leaderLastIndex === undefined) return;
  const isSameLeader = before.term === leader.status.term;
  for (const server of view.configured) {
    const line = leader.status.servers?.find((one) => one.short === server.short && one.address === server.address);
    const matched = before.matched[server.key];
    const voter = quorum.voters.find(({ key }) => key === server.key);
    if (line?.matchIndex === undefined || line.isSelf || matched === undefined || voter?.liveness === "silent")
      continue;
    // It was missing entries at the look before, and has acknowledged none of them since.
    if (isSameLeader && line.matchIndex === matched && matched < before.leaderLastIndex) {
      const text = `match_index ${matched} in two sightings; the log ended with ${before.leaderLastIndex}, then ${last}`;
      found.push({
        code: "peer-not-replicating",
        members: [nameOf(server)],
        servers: [server.key],
        evidence: [{ source: "status", member: leader.member, text }],
      });
    }
  }
  for (const { member, status } of view.voices) {
    const past = before.members[member];
    const applied = status?.log === undefined ? undefined : status.log.end - 1 - (status.unapplied ?? 0);
    if (applied === undefined || past?.applied === undefined || (status?.unapplied ?? 0) <= (status?.uncommitted ?? 0))
      continue;
    if (applied === past.applied && last > before.leaderLastIndex) {
      const text = `has applied ${applied} in two sightings, ${status?.unapplied} entries wait`;
      found.push({ code: "frozen-entries", members: [member], evidence: [{ source: "status", member, text }] });
    }
  }
}

function checkFlapping({ view, history, nowMs, found }: Context): void {
  const samples = history?.samples.filter(({ atMs }) => atMs > nowMs - FLAP_WINDOW_MS) ?? [];
  for (const { member, status } of view.members) {
    if (status?.disconnections === undefined) continue;
    const counts = [...samples.map((sample) => sample.members[member]?.disconnections), status.disconnections].filter(
      (count) => count !== undefined,
    );
    let rises = 0;
    let total = 0;
    for (const [index, count] of counts.entries()) {
      const past = counts[index - 1];
      if (past === undefined || count <= past) continue;
      rises++;
      total += count - past;
    }
    // A restarted peer costs each of the others one or two, once.
    if (rises < 3 || total < 6) continue;
    const text = `${total} links lost within ${Math.round(FLAP_WINDOW_MS / 60_000)} minutes, in ${rises} sightings`;
    const code = status.state === "joining cluster" ? "joiner-disconnects" : "link-flapping";
    found.push({ code, members: [member], evidence: [{ source: "status", member, text }] });
  }
}

function checkIdentity({ view, history, found }: Context): void {
  for (const { member, serverId, status } of view.members) {
    const past = history?.idOfMember[member];
    if (serverId !== undefined && past !== undefined && past !== serverId) {
      const text = `server id ${serverId}, was ${past}`;
      found.push({ code: "identity-changed", members: [member], evidence: [{ source: "status", member, text }] });
    }
    const reached = serverId === undefined ? undefined : history?.reached[serverId];
    if (reached === undefined || status?.term === undefined || status.log === undefined) continue;
    const last = status.log.end - 1;
    if (status.term < reached.term || last < reached.acknowledged) {
      const text = `term ${status.term}, last entry ${last}; had term ${reached.term} and acknowledged ${reached.acknowledged}`;
      found.push({ code: "state-went-backwards", members: [member], evidence: [{ source: "status", member, text }] });
    }
  }
}
