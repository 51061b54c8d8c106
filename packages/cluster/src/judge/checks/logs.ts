/** What only the log tells. Lines look like `2026-11-25T20:03:03.283Z|00012|raft|INFO|text`. */
import { FINDINGS, type FindingCode } from "../catalogue/index.ts";
import { BETWEEN_SIGHTINGS_MS, type Context } from "../context.ts";
import { type DatabaseHistory, HOUR_MS } from "../history.ts";
import type { Evidence } from "../types.ts";
import { type DatabaseView, hostOf, lineOf, nameOf } from "../view.ts";

/** Characters of the end of a log that are read, so that no log can hold the judge up. */
export const LOG_CHARACTERS_MAX = 1_000_000;

/** Of one line, in characters: what a pattern may look at from one place is bounded as well, so that the work grows as the log does. */
export const LINE_CHARACTERS_MAX = 2_048;

type Pattern = {
  readonly code: FindingCode;
  readonly pattern: RegExp;
  /** How many such lines within the hour it takes; 1 unless told. */
  readonly least?: number;
};

export const LOG_PATTERNS: readonly Pattern[] = [
  { code: "kicked-file", pattern: /server has left the cluster|shows that the server left the cluster/ },
  {
    code: "commit-beyond-log",
    pattern: /advances commit index to \d+ but last log index is \d+|skips past expected index/,
  },
  { code: "committed-entries-cut", pattern: /attempts to truncate log.{0,300}commit index is already/ },
  {
    code: "file-damaged",
    pattern: /bytes starting at offset \d+ have SHA-1 hash|parse error at offset \d+ in header line/,
  },
  { code: "file-torn", pattern: /error reading \d+ bytes starting at offset \d+: End of file/ },
  // A leader also says of another that it "reported I/O error".
  {
    code: "write-errors",
    pattern: /write failed|(?<!reported )I\/O error|past last synced index [1-9]|No space left on device/,
  },
  { code: "vote-deferred", pattern: /deferred vote_request.{0,300}past last synced index 0/ },
  { code: "misrouted-messages", pattern: /misrouted message \(addressed to/, least: 2 },
  { code: "foreign-server-at-address", pattern: /(wrong cluster|unexpected server ID) \S+ \(expected/, least: 2 },
  { code: "zero-cluster-id", pattern: /missing or zero cluster ID/i },
  { code: "host-not-in-list", pattern: /host ip .{0,300} not in env/i },
  {
    code: "unreadable-address",
    pattern: /name resolution (failed|is not)|could not (be resolved|resolve)|expected a numeric address/i,
  },
  { code: "cluster-command-on-standalone", pattern: /not a clustered database|Database is not clustered/i },
  { code: "clients-see-stale-data", pattern: /clustered database server has stale data/ },
  { code: "clients-disconnected", pattern: /clustered database server is disconnected from cluster/, least: 3 },
  { code: "send-backlog", pattern: /excessive sending backlog/ },
  {
    code: "tls-error",
    pattern:
      /certificate (has )?expired|certificate verify failed|Private key must be configured|SSL_(accept|connect): .{0,300}error/i,
  },
  { code: "schema-differs", pattern: /unknown column|No column \S+ in table|unexpected record/i },
  { code: "prerequisite-storm", pattern: /does not match prerequisite \S+|prerequisite check failed/, least: 100 },
  { code: "forced-compaction", pattern: /compacting \S+ database by user request/, least: 4 },
  { code: "compaction-elections", pattern: /Transferring leadership to write a snapshot/, least: 4 },
  {
    code: "frequent-elections",
    pattern: /timeout expired, starting election/,
    least: 5,
  },
  {
    code: "joiner-disconnects",
    pattern: /joining.{0,300}(connection dropped|no response to inactivity probe)|disconnected while joining/i,
    least: 3,
  },
];

/** Hosts whose clients gave no answer to a probe within the hour; one host may be that host's trouble. */
export const SILENT_CLIENTS_LEAST = 10;

const STAMP = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z)\|/;

type Line = { readonly atMs: number | undefined; readonly text: string };

/** The lines of the hour before `nowMs`; those without a time count as well. */
export function recentLines(logText: string, nowMs: number): Line[] {
  const lines: Line[] = [];
  for (const whole of logText.slice(-LOG_CHARACTERS_MAX).split("\n")) {
    if (whole === "") continue;
    const text = whole.slice(0, LINE_CHARACTERS_MAX);
    const stamp = STAMP.exec(text)?.[1];
    const atMs = stamp === undefined ? undefined : Date.parse(stamp);
    if (atMs === undefined || atMs > nowMs - HOUR_MS) lines.push({ atMs, text });
  }
  return lines;
}

export function checkLogs(context: Context): void {
  for (const { member, seen } of context.view.members) {
    if (seen.logText !== undefined) checkLog(context, member, recentLines(seen.logText, context.wallMs));
  }
}

/** The first line of every process; a log that is merely opened anew goes on counting. */
const FIRST_LINE = "|00001|vlog|INFO|opened log file";

function checkLog({ view, quorum, history, nowMs, found }: Context, member: string, lines: readonly Line[]): void {
  const started = lines.findLastIndex(({ text }) => text.includes(FIRST_LINE));
  const ofThisProcess = started < 0 ? lines : lines.slice(started);
  const quote: Quote = (matching) => {
    const last = matching.at(-1)?.text.slice(0, 300) ?? "";
    return { source: "log", member, text: matching.length === 1 ? last : `${matching.length} times, last: ${last}` };
  };
  for (const { code, pattern, least = 1 } of LOG_PATTERNS) {
    // A former process had another file, or was healed since: nothing is taken from this one for it.
    const counted = FINDINGS[code].remedy.isDestructive ? ofThisProcess : lines;
    const matching = counted.filter(({ text }) => pattern.test(text));
    if (matching.length < least) continue;
    const voter = quorum.voters.find((one) => one.member === member);
    // The leader is the second source, if it does not hear the member, or waits for its acknowledgements in vain.
    const leader = view.leader?.member;
    const isConfirmed =
      leader !== undefined &&
      leader !== member &&
      (voter?.silentTo.includes(leader) === true || standsStill(view, history, voter?.key, nowMs));
    const isGone = leader !== undefined && leader !== member && voter === undefined && code === "kicked-file";
    found.push({
      code,
      members: [member],
      ...(voter === undefined ? {} : { servers: [voter.key] }),
      evidence: [quote(matching)],
      witnesses: isConfirmed || isGone ? [leader] : [],
    });
  }
  const slow = lines.filter(({ text }) => {
    const ms = /Unreasonably long (\d+)ms poll interval/i.exec(text)?.[1];
    return ms !== undefined && Number(ms) > view.timerMs / 2;
  });
  if (slow.length > 0) found.push({ code: "slow-poll", members: [member], evidence: [quote(slow)] });
  checkClients({ view, found }, member, lines, quote);
  checkReported({ view, found }, member, lines, quote);
  checkHandover({ found, member }, lines, quote);
}

type Quote = (matching: readonly Line[]) => Evidence;

/** Clients that are dropped, from many hosts that are no members'. */
function checkClients(
  { view, found }: Pick<Context, "view" | "found">,
  member: string,
  lines: readonly Line[],
  quote: Quote,
): void {
  const own = new Set(view.configured.map(({ address }) => hostOf(address)));
  const hosts = new Map<string, Line>();
  for (const line of lines) {
    const end = line.text.indexOf(": no response to inactivity probe");
    const remote = end < 0 ? undefined : line.text.slice(line.text.lastIndexOf(" ", end - 1) + 1, end);
    const host = remote === undefined ? undefined : hostOf(remote.replace(/^.*\|/, ""));
    if (host !== undefined && !own.has(host)) hosts.set(host, line);
  }
  if (hosts.size >= SILENT_CLIENTS_LEAST)
    found.push({ code: "client-reconnects", members: [member], evidence: [quote([...hosts.values()])] });
}

/** What a leader's log says of the disk of another. */
function checkReported(
  { view, found }: Pick<Context, "view" | "found">,
  member: string,
  lines: readonly Line[],
  quote: Quote,
): void {
  const servers = view.members.find((one) => one.member === member)?.status?.servers ?? [];
  for (const { nickname, short, address, isSelf } of servers) {
    const matching = lines.filter(({ text }) => text.endsWith(`|${nickname} reported I/O error`));
    const server = view.configured.find((one) => one.short === short && one.address === address);
    if (isSelf || matching.length === 0 || server === undefined) continue;
    found.push({
      code: "write-errors",
      members: [nameOf(server)],
      servers: [server.key],
      evidence: [quote(matching)],
    });
  }
}

/**
 * It was missing entries some time ago, and has acknowledged none since, in all looks from then on; one look, or two in
 * quick succession, show only what is under way.
 */
function standsStill(
  { leader, configured, timerMs }: DatabaseView,
  history: DatabaseHistory | undefined,
  key: string | undefined,
  nowMs: number,
): boolean {
  const server = configured.find((one) => one.key === key);
  const samples = history?.samples ?? [];
  const leastMs = Math.min(BETWEEN_SIGHTINGS_MS, timerMs);
  const from = samples.findLastIndex(({ atMs }) => nowMs - atMs >= leastMs);
  if (leader?.status?.log === undefined || server === undefined || from < 0) return false;
  const committed = leader.status.log.end - 1 - (leader.status.uncommitted ?? 0);
  const matched = lineOf(leader, server)?.matchIndex;
  const wasBehind = (samples[from]?.matched[server.key] ?? 0) < (samples[from]?.leaderLastIndex ?? 0);
  const isSame = samples.slice(from).every((sample) => sample.matched[server.key] === matched);
  return matched !== undefined && matched < committed && wasBehind && isSame;
}

/** A leadership handed over to a server that compacts first: no leader until it is done. */
function checkHandover(
  { found, member }: { readonly found: Context["found"]; readonly member: string },
  lines: readonly Line[],
  quote: Quote,
): void {
  const received = lines.findLastIndex(({ text }) => /received leadership transfer/.test(text));
  if (received < 0) return;
  const after = lines.slice(received);
  const elected = after.findIndex(({ text }) => /elected leader/.test(text));
  const until = elected < 0 ? after : after.slice(0, elected);
  const compaction = until.filter(({ text }) => /Database compaction took (\d+)ms/i.test(text));
  if (compaction.length > 0)
    found.push({ code: "successor-compacting", members: [member], evidence: [quote(compaction)] });
}
