/**
 * The text of `cluster/status` to a status. Every line becomes a field or is kept with its place; a line that begins as
 * one of the server's and can't be read is an error that names it, unless it is the last, which a cut explains.
 */
import { ClusterError } from "../error.ts";
import { type Draft, formOf } from "./forms.ts";
import { isHead, isUsual } from "./layout.ts";
import { readServer } from "./scan.ts";
import type { ClusterStatus, LineName, StatusAnswer } from "./types.ts";

type Reader = {
  readonly draft: Draft;
  /** The known lines so far, in their order. */
  readonly lines: LineName[];
  hasBlank: boolean;
  /** Right below `Servers:`. */
  isInServers: boolean;
  /** Behind a line that came twice: the beginning of another status, whose members must not be taken for this one's. */
  isForeign: boolean;
};

const COMMAND_UNKNOWN = /^"[^"]{0,100}" is not a valid command/;
const SERVER_FORM = '"NICKNAME (ID at ADDRESS)" and what is known of that server';
const BLANK = 32;
const TAB = 9;

/**
 * What the server said to `cluster/status`: a status, or one of the two answers of a server that has none.
 * @throws ClusterError MALFORMED_STATUS, with the line.
 */
export function readStatusAnswer(text: string): StatusAnswer {
  const begin = text.search(/\S|$/);
  if (/^unknown cluster[ \r]*(\n|$)/.test(text.slice(begin, begin + 100))) return { type: "unknown-cluster" };
  if (COMMAND_UNKNOWN.test(text.slice(begin, begin + 200))) return { type: "unknown-command" };
  return { type: "status", status: parseLines(text) };
}

/**
 * Parses what `ovs-appctl cluster/status DB` printed, of ovsdb-server 2.9 to 3.7. The text may be cut at either end and
 * may have foreign lines around it. Takes linear time.
 *
 * @throws ClusterError MALFORMED_STATUS with `line` and `text`; UNKNOWN_CLUSTER and UNKNOWN_COMMAND for the two answers of
 * a server that has no such clustered database; {@link readStatusAnswer} gives these as values.
 */
export function parseClusterStatus(text: string): ClusterStatus {
  const answer = readStatusAnswer(text);
  if (answer.type === "status") return answer.status;
  const [code, message] =
    answer.type === "unknown-cluster"
      ? (["UNKNOWN_CLUSTER", UNKNOWN_CLUSTER] as const)
      : (["UNKNOWN_COMMAND", UNKNOWN_COMMAND] as const);
  const line = text.slice(0, text.search(/\S|$/)).split("\n").length;
  throw new ClusterError(code, message, { line, text: text.trim().split("\n", 1)[0]?.slice(0, 200) });
}

const UNKNOWN_CLUSTER =
  "the server has no such clustered database open: check the name; a member that left or was removed, or whose storage failed, answers this too";
const UNKNOWN_COMMAND =
  "the server does not know cluster/status: it has opened no clustered database since it started; check the control socket, and whether the database is standalone or a relay";

function parseLines(text: string): ClusterStatus {
  const reader: Reader = {
    draft: { adding: [], unknownLines: [] },
    lines: [],
    hasBlank: false,
    isInServers: false,
    isForeign: false,
  };
  const { draft, lines } = reader;
  let number = 0;
  for (let begin = 0; begin < text.length; ) {
    const newline = text.indexOf("\n", begin);
    const end = newline === -1 ? text.length : newline;
    const line = text.slice(begin, text.charCodeAt(end - 1) === 13 && end > begin ? end - 1 : end);
    begin = end + 1;
    number++;
    const problem = takeLine(reader, line, number);
    if (problem === undefined) continue;
    // What can't be read in the last line was cut off.
    if (problem !== "" && begin < text.length) refuse(number, line, problem);
    draft.unknownLines.push({ line: number, text: line });
  }
  if (lines.length === 0) refuse(1, text.slice(0, 200).split("\n", 1)[0] ?? "", "");
  if (!isUsual(lines)) draft.layout = lines;
  return draft;
}

/** @returns undefined if the line is taken; "" if it isn't one of the server's; else what it should be. */
function takeLine(reader: Reader, line: string, number: number): string | undefined {
  const { draft, lines } = reader;
  if (reader.isForeign) return "";
  const first = line.charCodeAt(0);
  if (first === BLANK || first === TAB) return takeServer(reader, line);
  reader.isInServers = false;
  if (line === "") {
    if (lines.length === 0 || reader.hasBlank || draft.servers !== undefined) return "";
    reader.hasBlank = true;
    lines.push("blank");
    return undefined;
  }
  const form = formOf(line);
  if (form === undefined) return "";
  const { name } = form;
  if (name !== "adding" && draft[name] !== undefined) {
    reader.isForeign = true;
    return "";
  }
  if (form.read(draft, trimEnd(line), form.label.length) === undefined)
    return `"${form.label.trimEnd()}" and ${form.expects}`;
  if (lines.length === 0 && isHead(name)) takeNickname(reader, number);
  lines.push(name);
  reader.isInServers = name === "servers";
  return undefined;
}

function takeServer(reader: Reader, line: string): string | undefined {
  const { servers } = reader.draft;
  if (servers === undefined) return "";
  let start = 1;
  while (line.charCodeAt(start) === BLANK || line.charCodeAt(start) === TAB) start++;
  if (start === line.length) return "";
  const server = readServer(trimEnd(line), start);
  if (server === undefined) return reader.isInServers ? SERVER_FORM : "";
  servers.push(server);
  reader.lines.push("server");
  return undefined;
}

/** The line right before the first one with a label is how the server calls itself. */
function takeNickname({ draft, lines }: Reader, number: number): void {
  const before = draft.unknownLines.at(-1);
  // It is 4 hex digits or a file's name up to its first dot (raft_address_to_nickname), which a prompt hardly is.
  if (before?.line !== number - 1 || before.text.trim() === "" || /[./]/.test(before.text)) return;
  draft.unknownLines.pop();
  draft.nickname = before.text;
  lines.push("nickname");
}

/** Blanks at the end of a line come from copying. */
function trimEnd(line: string): string {
  const last = line.charCodeAt(line.length - 1);
  return last === BLANK || last === TAB ? line.trimEnd() : line;
}

function refuse(line: number, text: string, expected: string): never {
  const shown = text.slice(0, 200);
  const what = expected === "" ? "none of the lines is one of cluster/status" : `expected ${expected}`;
  throw new ClusterError(
    "MALFORMED_STATUS",
    `line ${line}, ${JSON.stringify(shown)}: ${what}; give the output of "ovs-appctl cluster/status DATABASE" as it was printed`,
    { line, text: shown },
  );
}
