/** How each line of `cluster/status` begins and what follows: the one table that the parser reads and the writer fills. */
import {
  readAddresses,
  readChange,
  readConnections,
  readId,
  readLog,
  readTimer,
  scanInteger,
  wholeInteger,
} from "./scan.ts";
import type { ClusterStatus, LineName, MembershipChange, ServerLine, UnknownLine } from "./types.ts";

type Known = Omit<ClusterStatus, "adding" | "servers" | "unknownLines">;

/** A status in the making. */
export type Draft = { -readonly [K in keyof Known]: Known[K] } & {
  adding: MembershipChange[];
  servers?: ServerLine[];
  unknownLines: UnknownLine[];
};

/** Lines that begin with words of their own. */
export type Labelled = Exclude<LineName, "nickname" | "blank" | "server">;

export type LineForm = {
  readonly name: Labelled;
  /** The line begins with this, exactly. */
  readonly label: string;
  /** For errors: what follows it. */
  readonly expects: string;
  /**
   * Stores what stands from `at`, right after the label, to the end of the line; undefined if it can't be read. Each
   * form stores its own field, which is several times as fast as one store by name for all.
   */
  readonly read: (draft: Draft, line: string, at: number) => unknown;
};

/** The rest of the line, without the blank after the label. */
function rest(line: string, at: number): string {
  return line.slice(afterBlank(line, at));
}

function afterBlank(line: string, at: number): number {
  return line[at] === " " ? at + 1 : at;
}

function integer(line: string, at: number): number | undefined {
  return wholeInteger(line, afterBlank(line, at));
}

function electionStarted(line: string, at: number): Draft["electionStarted"] {
  const ago = scanInteger(line, at);
  const words = " ms ago, reason: ";
  if (ago === undefined || !line.startsWith(words, ago.end)) return undefined;
  return { agoMs: ago.value, reason: line.slice(ago.end + words.length) };
}

function electionWon(line: string, at: number): Draft["electionWon"] {
  const ago = scanInteger(line, afterBlank(line, at));
  return ago !== undefined && line.endsWith(" ms ago") && line.length === ago.end + 7
    ? { agoMs: ago.value }
    : undefined;
}

function clusterId(line: string, at: number): Draft["clusterId"] {
  return line.endsWith("not yet known") && rest(line, at) === "not yet known"
    ? "not yet known"
    : readId(line, afterBlank(line, at));
}

/** Stores a value that was read; an absent field stays absent. */
function form<Value>(
  name: Labelled,
  label: string,
  expects: string,
  read: (line: string, at: number) => Value | undefined,
  store: (draft: Draft, value: Value) => void,
): LineForm {
  return {
    name,
    label,
    expects,
    read: (draft, line, at) => {
      const value = read(line, at);
      if (value !== undefined) store(draft, value);
      return value;
    },
  };
}

const NUMBER = "a whole number";
const TEXT = "a text";
const CHANGE = '"NICKNAME (ID at ADDRESS) (PHASE)"';

const FORMS: readonly LineForm[] = [
  form("name", "Name:", TEXT, rest, (draft, value) => {
    draft.name = value;
  }),
  form("clusterId", "Cluster ID:", '"not yet known" or "f32e (f32e5d2d-…)"', clusterId, (draft, value) => {
    draft.clusterId = value;
  }),
  form(
    "serverId",
    "Server ID:",
    'an id as in "f32e (f32e5d2d-…)"',
    (line, at) => readId(line, afterBlank(line, at)),
    (draft, value) => {
      draft.serverId = value;
    },
  ),
  form("address", "Address:", TEXT, rest, (draft, value) => {
    draft.address = value;
  }),
  form("state", "Status:", TEXT, rest, (draft, value) => {
    draft.state = value;
  }),
  form(
    "remotesForJoining",
    "Remotes for joining:",
    "addresses that begin with tcp:, ssl: or unix:",
    readAddresses,
    (draft, value) => {
      draft.remotesForJoining = value;
    },
  ),
  form("adding", "Adding server ", CHANGE, readChange, (draft, value) => void draft.adding.push(value)),
  form("removing", "Removing server ", CHANGE, readChange, (draft, value) => {
    draft.removing = value;
  }),
  form("role", "Role:", TEXT, rest, (draft, value) => {
    draft.role = value;
  }),
  form("term", "Term:", NUMBER, integer, (draft, value) => {
    draft.term = value;
  }),
  form("leader", "Leader:", TEXT, rest, (draft, value) => {
    draft.leader = value;
  }),
  form("vote", "Vote:", TEXT, rest, (draft, value) => {
    draft.vote = value;
  }),
  form("electionStarted", "Last Election started ", '"N ms ago, reason: WORD"', electionStarted, (draft, value) => {
    draft.electionStarted = value;
  }),
  form("electionWon", "Last Election won:", '"N ms ago"', electionWon, (draft, value) => {
    draft.electionWon = value;
  }),
  form(
    "electionTimer",
    "Election timer:",
    '"N" or "N (changing to M)"',
    (line, at) => readTimer(line, afterBlank(line, at)),
    (draft, value) => {
      draft.electionTimer = value;
    },
  ),
  form(
    "log",
    "Log:",
    '"[START, END]"',
    (line, at) => readLog(line, afterBlank(line, at)),
    (draft, value) => {
      draft.log = value;
    },
  ),
  form("uncommitted", "Entries not yet committed:", NUMBER, integer, (draft, value) => {
    draft.uncommitted = value;
  }),
  form("unapplied", "Entries not yet applied:", NUMBER, integer, (draft, value) => {
    draft.unapplied = value;
  }),
  form("connections", "Connections:", 'links such as "->f32e" or "(<-f32e)"', readConnections, (draft, value) => {
    draft.connections = value;
  }),
  form("disconnections", "Disconnections:", NUMBER, integer, (draft, value) => {
    draft.disconnections = value;
  }),
  form(
    "servers",
    "Servers:",
    "nothing on the same line",
    (line, at): ServerLine[] | undefined => (line.length === at ? [] : undefined),
    (draft, value) => {
      draft.servers = value;
    },
  ),
];

const BY_FIRST = new Map<number, readonly LineForm[]>();
for (const each of FORMS) {
  const first = each.label.charCodeAt(0);
  BY_FIRST.set(first, [...(BY_FIRST.get(first) ?? []), each]);
}

/** The form of a line by how it begins. */
export function formOf(line: string): LineForm | undefined {
  const forms = BY_FIRST.get(line.charCodeAt(0));
  if (forms === undefined) return undefined;
  for (const each of forms) if (line.startsWith(each.label)) return each;
  return undefined;
}
