/** An observation and its verdict as text: a headline, a table and the findings of each database. */
import { stripVTControlCharacters } from "node:util";
import type { DatabaseVerdict, Finding, Verdict, Voter } from "../../judge/types.ts";
import {
  type DatabaseObservation,
  type MemberObservation,
  type Observation,
  serverRowOf,
  statusOf,
} from "../../observe/types.ts";
import type { ClusterStatus, ServerLine } from "../../status/types.ts";
import { colours, duration, healthInColour, severityInColour, table, type Terminal } from "./terminal.ts";

export function renderStatus(terminal: Terminal, observation: Observation, verdict: Verdict): string {
  const parts = observation.databases.map((seen) => {
    const judged = verdict.databases.find(({ database }) => database === seen.database);
    return renderDatabase(terminal, seen, judged);
  });
  return parts.join("\n");
}

function renderDatabase(terminal: Terminal, seen: DatabaseObservation, judged: DatabaseVerdict | undefined): string {
  const { bold } = colours(terminal);
  const words = judged === undefined ? [] : headline(judged);
  const health = judged === undefined ? "" : `  ${healthInColour(terminal, judged.health)}`;
  const head = `${bold(seen.database)}${health}${words.length === 0 ? "" : `  ${words.join(", ")}`}\n`;
  const findings = (judged?.findings ?? []).map((finding) => renderFinding(terminal, finding)).join("");
  return `${head}${renderMembers(terminal, seen, judged)}${findings}`;
}

function headline({ quorum, leader, term, electionTimerMs, clusterId, answered, asked }: DatabaseVerdict): string[] {
  if (quorum.state === "not-applicable") return [`${answered} of ${asked} answer`];
  const left = quorum.toleranceLeft;
  return [
    leader === undefined ? "no leader" : `${leader.member ?? leader.short ?? "somebody"} leads`,
    ...(term === undefined ? [] : [`term ${term}`]),
    ...(quorum.configured === 0
      ? []
      : [
          `${quorum.live} of ${quorum.configured} live, ${quorum.needed} needed`,
          left > 0 ? `${left} more may fail` : "no more may fail",
        ]),
    ...(electionTimerMs === undefined ? [] : [`timer ${electionTimerMs} ms`]),
    ...(clusterId === undefined ? [] : [`cluster ${clusterId.slice(0, 8)}`]),
  ];
}

const HEAD = ["member", "role", "state", "id", "address", "term", "last entry", "behind", "heard", "links", "says"];

function renderMembers(terminal: Terminal, seen: DatabaseObservation, judged: DatabaseVerdict | undefined): string {
  const leader = seen.members.map(statusOf).find((status) => isLeader(status, judged));
  const voters = judged?.quorum.voters ?? [];
  const rows = seen.members.map((member) => {
    const voter = voters.find((one) => one.member === member.member);
    return memberRow(terminal, member, voter, leader);
  });
  const strangers = voters.filter(({ member }) => member === undefined);
  for (const voter of strangers) rows.push(strangerRow(terminal, voter, leader));
  return fit(terminal, HEAD, rows);
}

/** What a narrow terminal can do without, the first first. */
const DISPENSABLE = ["says", "links", "last entry", "address", "heard", "term", "id", "behind"];

/** The table without the columns for which a terminal has no room; elsewhere there is room for all. */
function fit(terminal: Terminal, head: readonly string[], rows: readonly (readonly string[])[]): string {
  const { dim } = colours(terminal);
  let kept = [...head.keys()];
  for (let dropped = 0; ; dropped++) {
    const text = table(
      kept.map((column) => dim(head[column] ?? "")),
      rows.map((row) => kept.map((column) => row[column] ?? "")),
      "  ",
    );
    const width = Math.max(
      ...stripVTControlCharacters(text)
        .split("\n")
        .map(({ length }) => length),
    );
    const next = DISPENSABLE[dropped];
    if (!terminal.isTerminal || width <= terminal.columns || next === undefined) return text;
    kept = kept.filter((column) => head[column] !== next);
  }
}

/** Of two that say so, the one with the higher term. */
function isLeader(status: ClusterStatus | undefined, judged: DatabaseVerdict | undefined): boolean {
  return status?.role === "leader" && (judged?.term === undefined || status.term === judged.term);
}

/** `voter`: as what the others know it, if they do: of one that is silent nobody else tells who it is. */
function memberRow(
  terminal: Terminal,
  member: MemberObservation,
  voter: Voter | undefined,
  leader: ClusterStatus | undefined,
): string[] {
  const { bold, red, yellow } = colours(terminal);
  const status = statusOf(member);
  const row = serverRowOf(member);
  const own = { short: status?.serverId?.short ?? voter?.short, address: status?.address ?? voter?.address };
  const line = leader?.servers?.find(({ short, address }) => short === own.short && address === own.address);
  const role = status?.role ?? (row === undefined ? "" : roleOfRow(row.model, row.leader));
  const state = stateOf(member);
  const index = status?.log === undefined ? row?.index : status.log.end - 1;
  return [
    bold(member.member),
    role === "leader" ? bold(role) : role === "candidate" ? yellow(role) : role,
    state === "member" || state === "connected" ? state : red(state),
    own.short ?? row?.sid?.slice(0, 4) ?? "",
    own.address ?? "",
    String(status?.term ?? ""),
    String(index ?? ""),
    ...peerCells(line, leader),
    linksOf(terminal, status),
    saysOf(member),
  ];
}

function roleOfRow(model: string, leader: boolean): string {
  if (model !== "clustered") return model;
  return leader ? "leader" : "follower";
}

/** What the leader knows of it: entries not acknowledged, and how long it was silent. */
function peerCells(line: ServerLine | undefined, leader: ClusterStatus | undefined): [behind: string, heard: string] {
  if (line === undefined || line.isSelf) return ["", ""];
  const last = (leader?.log?.end ?? 0) - 1;
  const behind = line.matchIndex === undefined ? "" : String(Math.max(0, last - line.matchIndex));
  return [behind, line.lastMessageMs === undefined ? "" : duration(line.lastMessageMs)];
}

function strangerRow(terminal: Terminal, voter: Voter, leader: ClusterStatus | undefined): string[] {
  const { dim, red } = colours(terminal);
  const line = leader?.servers?.find(({ short, address }) => short === voter.short && address === voter.address);
  const state = voter.isGhost ? red("ghost") : voter.liveness === "silent" ? red("silent") : voter.liveness;
  return [dim("(unnamed)"), "", state, voter.short, voter.address, "", "", ...peerCells(line, leader), "", ""];
}

/** The state in a word, from whatever the member said. */
function stateOf(member: MemberObservation): string {
  const status = statusOf(member);
  if (status?.state !== undefined) return SHORT[status.state] ?? status.state;
  if (member.status?.ok === true && member.status.value.type === "unknown-cluster") return "no such cluster";
  const row = serverRowOf(member);
  if (row !== undefined) return row.connected ? "connected" : "not connected";
  if (member.server?.ok === true) return "not served";
  return member.status?.ok === true ? "not clustered" : "no answer";
}

const SHORT: Readonly<Record<string, string>> = {
  "cluster member": "member",
  "joining cluster": "joining",
  "leaving cluster": "leaving",
  "left cluster": "left",
  "disconnected from the cluster (election timeout)": "disconnected",
};

function linksOf(terminal: Terminal, status: ClusterStatus | undefined): string {
  const { red } = colours(terminal);
  if (status?.connections === undefined) return "";
  const up = status.connections.filter(({ isConnected }) => isConnected).length;
  const down = status.connections.length - up;
  return down === 0 ? `${up} up` : `${up} up, ${red(`${down} down`)}`;
}

/** Who of the two it can be asked through answered. */
function saysOf({ server, status }: MemberObservation): string {
  const words: string[] = [];
  if (server !== undefined) words.push(server.ok ? "_Server" : `_Server: ${server.error.code}`);
  if (status !== undefined) words.push(status.ok ? "control" : `control: ${status.error.code}`);
  return words.join(", ");
}

const EVIDENCE_MAX = 3;

export function renderFinding(terminal: Terminal, finding: Finding): string {
  const { dim, bold } = colours(terminal);
  const { severity, code, title, members, evidence, remedy, sightings, sightingsNeeded, isConfirmed } = finding;
  const who = members.length === 0 ? "" : ` (${members.join(", ")})`;
  const count =
    sightings < sightingsNeeded ? `${sightings} of ${sightingsNeeded} times` : "for too short a time to be sure";
  const early = isConfirmed ? "" : dim(`, seen ${count}`);
  const lines = [`  ${severityInColour(terminal, severity)} ${bold(code)}: ${title}${who}${early}\n`];
  for (const { member, source, text } of evidence.slice(0, EVIDENCE_MAX))
    lines.push(dim(`      ${member === undefined ? source : `${member}, ${source}`}: ${text}\n`));
  if (evidence.length > EVIDENCE_MAX) lines.push(dim(`      and ${evidence.length - EVIDENCE_MAX} more\n`));
  if (remedy.kind !== "none") lines.push(`      → ${remedy.text}\n`);
  return lines.join("");
}
