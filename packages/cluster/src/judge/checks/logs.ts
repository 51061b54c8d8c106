/** What only the log tells. */
import { FINDINGS, type FindingCode } from "../catalogue/index.ts";
import type { Context, Found } from "../context.ts";
import type { Evidence, Voter } from "../types.ts";
import { hostOf, isSameId, nameOf } from "../view.ts";
import { isAtWork, leaderMissesSince, mayBeListed } from "./log-evidence.ts";
import { decidedElections, type Line, ofLastProcess, recentLines } from "./log-lines.ts";

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

export function checkLogs(context: Context): void {
  for (const { member, seen } of context.view.members) {
    if (seen.logText !== undefined) checkLog(context, member, recentLines(seen.logText, context.wallMs));
  }
}

function checkLog(context: Context, member: string, lines: readonly Line[]): void {
  const { view, quorum, found } = context;
  const ofThisProcess = ofLastProcess(lines);
  const quote: Quote = (matching, pattern) => {
    const last = shorten(matching.at(-1)?.text ?? "", pattern);
    return { source: "log", member, text: matching.length === 1 ? last : `${matching.length} times, last: ${last}` };
  };
  const voter = quorum.voters.find((one) => one.member === member);
  for (const { code, pattern, least = 1 } of LOG_PATTERNS) {
    // A former process had another file, or was healed since: nothing is taken from this one for it.
    const counted = FINDINGS[code].remedy.isDestructive ? ofThisProcess : lines;
    const said = counted.filter(({ text }) => pattern.test(text));
    const matching = withoutConsequences(context, code, said, lines, quote);
    if (matching.length < least) continue;
    // The leader lists it, hears it, and it says that it is a member: the line is of another time, or another file.
    if (code === "kicked-file" && isAtWork(context, member)) continue;
    found.push({
      code,
      members: [member],
      ...(voter === undefined ? {} : { servers: [voter.key] }),
      evidence: [quote(matching, pattern)],
      witnesses: leadersWord(context, code, member, voter, matching),
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

/** The leader as the second source, if it says of the member today what the line makes of it. */
function leadersWord(
  context: Context,
  code: FindingCode,
  member: string,
  voter: Voter | undefined,
  matching: readonly Line[],
): readonly string[] {
  const leader = context.view.leader?.member;
  if (leader === undefined || leader === member) return [];
  if (voter === undefined) return code === "kicked-file" && !mayBeListed(context, member) ? [leader] : [];
  // A server whose writes fail goes on as before, and only its acknowledgements are missing; one that is away may merely hang.
  const isThere = context.view.voices.some((voice) => voice.member === member);
  if (code === "write-errors" && !isThere) return [];
  return leaderMissesSince(context, member, voter, matching) ? [leader] : [];
}

/** What is left when that is taken away which merely follows from something else that is told. */
function withoutConsequences(
  context: Context,
  code: FindingCode,
  matching: readonly Line[],
  lines: readonly Line[],
  quote: Quote,
): readonly Line[] {
  const { view, quorum } = context;
  if (code === "misrouted-messages") return misrouted(context, matching, quote);
  if (code !== "frequent-elections" || matching.length === 0) return matching;
  // Enough live, and none of them is ever elected: then it may be the timer after all.
  const isRiddle = view.leader === undefined && (quorum.state === "at-risk" || quorum.state === "unknown");
  return isRiddle ? matching : decidedElections(lines);
}

/** Whoever sends does so with every heartbeat; what is older than this was sent by somebody who does so no more, in ms. */
const STILL_SENT_MS = 30_000;
const MISROUTED = /misrouted message \(addressed to/;

/**
 * As long as a leader works, messages to an id that another one has replaced at its address follow from that: they are
 * evidence for the ghost. Those to an id that nobody lists any more are over.
 */
function misrouted({ view, quorum, found, wallMs }: Context, said: readonly Line[], quote: Quote): readonly Line[] {
  const isListed = (id: string): boolean =>
    view.voices.some(({ status }) => status?.servers?.some(({ short }) => isSameId(short, id)) === true);
  const isOver = ({ text, atMs }: Line): boolean => {
    const id = addressee(text);
    return id !== undefined && atMs !== undefined && atMs < wallMs - STILL_SENT_MS && !isListed(id);
  };
  const matching = said.filter((line) => !isOver(line));
  if (view.leader === undefined || quorum.state === "no") return matching;
  const rest: Line[] = [];
  const toGhost = new Map<Found, Line[]>();
  for (const line of matching) {
    const id = addressee(line.text);
    if (id === undefined) {
      rest.push(line);
      continue;
    }
    const listed = view.configured.find((one) => isSameId(one.serverId ?? one.short, id));
    if (listed === undefined) continue;
    const isGhost = quorum.voters.some(({ key, isGhost: is }) => key === listed.key && is);
    const cause = found.find((one) => one.code === "duplicate-address" && one.servers?.includes(listed.key) === true);
    if (isGhost && cause !== undefined) toGhost.set(cause, [...(toGhost.get(cause) ?? []), line]);
    else if (!isGhost) rest.push(line);
  }
  for (const [cause, own] of toGhost) found.push({ ...cause, evidence: [quote(own, MISROUTED)], witnesses: [] });
  return rest;
}

function addressee(text: string): string | undefined {
  return /addressed to ([\da-f-]{4,36})/.exec(text)?.[1];
}

type Quote = (matching: readonly Line[], pattern?: RegExp) => Evidence;

const QUOTED_MAX = 300;

/** Of a line that is too long, its time and what matters in it. */
function shorten(text: string, pattern: RegExp | undefined): string {
  const at = pattern === undefined ? -1 : text.search(pattern);
  if (text.length <= QUOTED_MAX || at < 100) return text.slice(0, QUOTED_MAX);
  return `${text.slice(0, text.indexOf("|"))} … ${text.slice(at, at + QUOTED_MAX)}`;
}

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
