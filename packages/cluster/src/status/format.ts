/** A status back to the text that the server would print: the inverse of the parser, which checks it each time. */
import { ClusterError } from "../error.ts";
import { usualLayout } from "./layout.ts";
import { parseClusterStatus } from "./parse.ts";
import type { ClusterStatus, Connection, LineName, MembershipChange, PrintedId, ServerLine } from "./types.ts";

/**
 * The text of a status, each line ended by a line feed. Unknown lines stand at their place, and `layout` orders the rest.
 * @throws ClusterError INVALID_VALUE if the text would not be read back as the same status: a line feed in a name, a
 * layout that leaves lines out, a number that is no safe integer.
 */
export function formatClusterStatus(status: ClusterStatus): string {
  const text = formatLines(status);
  const problem = problemOf(status, text);
  if (problem === undefined) return text;
  throw new ClusterError("INVALID_VALUE", `the status can't be written as cluster/status prints it: ${problem}`);
}

/** Why the text would not be read back as this status. */
function problemOf(status: ClusterStatus, text: string): string | undefined {
  try {
    const read = parseClusterStatus(text);
    // What a broken line becomes, an unknown line, is not the place of the mistake.
    const path =
      differs({ ...status, unknownLines: [], adding: [] }, { ...read, unknownLines: [], adding: [] }, "") ??
      differs(status, read, "");
    return path === undefined ? undefined : `${path} would not be read back the same`;
  } catch (error) {
    if (error instanceof ClusterError) return error.message;
    throw error;
  }
}

function formatLines(status: ClusterStatus): string {
  const unknown = [...status.unknownLines];
  const known = formatKnown(status);
  const lines: string[] = [];
  let nextUnknown = 0;
  let nextKnown = 0;
  while (nextKnown < known.length || nextUnknown < unknown.length) {
    const foreign = unknown[nextUnknown];
    if (foreign !== undefined && (foreign.line === lines.length + 1 || nextKnown === known.length)) {
      lines.push(foreign.text);
      nextUnknown++;
    } else lines.push(known[nextKnown++] ?? "");
  }
  return lines.map((line) => `${line}\n`).join("");
}

function formatKnown(status: ClusterStatus): string[] {
  let adding = 0;
  let server = 0;
  const write = (name: LineName): string => {
    if (name === "adding") return `Adding server ${formatChange(status.adding[adding++])}`;
    if (name === "server") return `    ${formatServer(status.servers?.[server++])}`;
    return formatLine(status, name);
  };
  return (status.layout ?? usualLayout(status)).map(write);
}

function formatLine(status: ClusterStatus, name: Exclude<LineName, "adding" | "server">): string {
  switch (name) {
    case "nickname":
      return String(status.nickname);
    case "name":
      return `Name: ${status.name}`;
    case "clusterId":
      return `Cluster ID: ${status.clusterId === "not yet known" ? status.clusterId : formatId(status.clusterId)}`;
    case "serverId":
      return `Server ID: ${formatId(status.serverId)}`;
    case "address":
      return `Address: ${status.address}`;
    case "state":
      return `Status: ${status.state}`;
    case "remotesForJoining":
      return ["Remotes for joining:", ...(status.remotesForJoining ?? [])].join(" ");
    case "removing":
      return `Removing server ${formatChange(status.removing)}`;
    case "role":
      return `Role: ${status.role}`;
    case "term":
      return `Term: ${formatInteger(status.term)}`;
    case "leader":
      return `Leader: ${status.leader}`;
    case "vote":
      return `Vote: ${status.vote}`;
    case "blank":
      return "";
    case "electionStarted":
      return `Last Election started ${formatInteger(status.electionStarted?.agoMs)} ms ago, reason: ${status.electionStarted?.reason}`;
    case "electionWon":
      return `Last Election won: ${formatInteger(status.electionWon?.agoMs)} ms ago`;
    case "electionTimer":
      return `Election timer: ${formatTimer(status.electionTimer)}`;
    case "log":
      return `Log: [${formatInteger(status.log?.start)}, ${formatInteger(status.log?.end)}]`;
    case "uncommitted":
      return `Entries not yet committed: ${formatInteger(status.uncommitted)}`;
    case "unapplied":
      return `Entries not yet applied: ${formatInteger(status.unapplied)}`;
    case "connections":
      return ["Connections:", ...(status.connections ?? []).map(formatConnection)].join(" ");
    case "disconnections":
      return `Disconnections: ${formatInteger(status.disconnections)}`;
    case "servers":
      return "Servers:";
  }
}

/** As an unsigned number of 64 bits. */
function formatInteger(value: number | undefined): string {
  if (value === undefined || !Number.isSafeInteger(value)) return String(value);
  return value >= 0 ? String(value) : String(BigInt.asUintN(64, BigInt(value)));
}

function formatId(id: PrintedId | undefined): string {
  return `${id?.short} (${id?.uuid})`;
}

function formatTimer(timer: ClusterStatus["electionTimer"]): string {
  const suffix = timer?.changingToMs === undefined ? "" : ` (changing to ${formatInteger(timer.changingToMs)})`;
  return `${formatInteger(timer?.ms)}${suffix}`;
}

function formatConnection({ direction, nickname, isConnected }: Connection): string {
  const link = `${direction === "out" ? "->" : "<-"}${nickname}`;
  return isConnected ? link : `(${link})`;
}

function formatChange(change: MembershipChange | undefined): string {
  return `${change?.nickname} (${change?.short} at ${change?.address}) (${change?.phase})`;
}

function formatServer(server: ServerLine | undefined): string {
  if (server === undefined) return "";
  return [
    `${server.nickname} (${server.short} at ${server.address})`,
    server.isSelf ? " (self)" : "",
    server.phase === undefined ? "" : ` (${server.phase})`,
    server.votedFor === undefined ? "" : ` (voted for ${server.votedFor})`,
    server.nextIndex === undefined ? "" : ` next_index=${formatInteger(server.nextIndex)}`,
    server.matchIndex === undefined ? "" : ` match_index=${formatInteger(server.matchIndex)}`,
    server.lastMessageMs === undefined ? "" : ` last msg ${formatInteger(server.lastMessageMs)} ms ago`,
    server.rest ?? "",
  ].join("");
}

/** Where two values of plain data differ, as "servers[1].address"; undefined if they don't. A field that is undefined counts as absent. */
function differs(a: unknown, b: unknown, path: string): string | undefined {
  if (Object.is(a, b) || (a === 0 && b === 0)) return undefined;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return path;
  if (Array.isArray(a) !== Array.isArray(b)) return path;
  if (Array.isArray(a) && Array.isArray(b) && a.length !== b.length) return path;
  const isArray = Array.isArray(a);
  for (const key of new Set([...Object.keys(a), ...Object.keys(b)])) {
    const place = isArray ? `${path}[${key}]` : path === "" ? key : `${path}.${key}`;
    const found = differs((a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key], place);
    if (found !== undefined) return found;
  }
  return undefined;
}
