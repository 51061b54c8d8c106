/**
 * What only the file tells. The evidence is what `@ovnha/dbfile` gives, taken by its shape: whatever is absent is not
 * judged. Indexes and terms are Raft's.
 */
import type { FileEvidence } from "../../observe/types.ts";
import type { Context } from "../context.ts";
import type { Evidence } from "../types.ts";
import { type ConfiguredServer, lineOf } from "../view.ts";
import { isAtWork } from "./log-evidence.ts";

/** The facts about a clustered file that the judge and the planner use. */
export type FileFacts = {
  readonly path: string;
  readonly serverId?: string;
  readonly clusterId?: string;
  /** Its own Raft address. */
  readonly address?: string;
  /** The newest that it knows of; a candidate that nobody votes for raises it without an entry to show for it. */
  readonly term?: number;
  /** The term of the last entry: with `lastIndex` it tells whose log is newer (thesis §3.6.1). */
  readonly lastTerm?: number;
  readonly lastIndex?: number;
  readonly commitIndex?: number;
  /** Whole server ids and their addresses, of the newest list in the file. */
  readonly servers?: Readonly<Record<string, string>>;
  readonly hasLeft?: boolean;
  readonly hasJoined?: boolean;
  /** Why a server would refuse the file, or forget what follows. */
  readonly damage?: string;
  /** The damage is a record cut short at the very end, which a server drops with a warning. */
  readonly isTorn?: boolean;
};

function pick<T>(file: FileEvidence, names: readonly string[], isRight: (value: unknown) => value is T): T | undefined {
  for (const name of names) {
    const value = name
      .split(".")
      .reduce<unknown>(
        (at, part) => (typeof at === "object" && at !== null ? (at as Record<string, unknown>)[part] : undefined),
        file,
      );
    if (isRight(value)) return value;
  }
  return undefined;
}

const isNumber = (value: unknown): value is number => typeof value === "number";
const isText = (value: unknown): value is string => typeof value === "string" && value !== "";
const isFlag = (value: unknown): value is boolean => typeof value === "boolean";
const isRecord = (value: unknown): value is Record<string, string> =>
  typeof value === "object" &&
  value !== null &&
  !Array.isArray(value) &&
  Object.values(value).every((one) => typeof one === "string");
const isPresent = (value: unknown): value is object | string =>
  (typeof value === "object" && value !== null) || isText(value);

/** Reads evidence by matching shape: that of `inspect` of `@ovnha/dbfile`, and the names of `ovsdb-tool`. */
export function fileFacts(file: FileEvidence): FileFacts {
  const damage = pick(file, ["damage", "damages.0", "violations.0"], isPresent);
  const format = pick(file, ["format"], isText);
  const hasLeft = pick(file, ["hasLeft", "left", "isLeft"], isFlag);
  const isMember = pick(file, ["isMember"], isFlag);
  // That it left, or lists itself no more, has a finding of its own.
  const refusal = hasLeft === true || isMember === false ? undefined : pick(file, ["refusal"], isText);
  const isCut = typeof damage === "object" && (damage as { kind?: unknown }).kind === "length";
  const facts = {
    path: file.path,
    serverId: pick(file, ["serverId", "sid", "server_id"], isText),
    clusterId: pick(file, ["clusterId", "cid", "cluster_id"], isText),
    address: pick(file, ["localAddress", "local_address", "address"], isText),
    term: pick(file, ["term", "lastTerm"], isNumber),
    lastTerm: pick(file, ["lastTerm", "log.lastTerm"], isNumber),
    lastIndex: pick(file, ["lastIndex", "log.last"], isNumber) ?? minusOne(pick(file, ["logEnd", "log.end"], isNumber)),
    commitIndex: pick(file, ["commitIndex", "commit_index"], isNumber),
    servers: pick(file, ["servers", "members"], isRecord),
    hasLeft,
    hasJoined: format === "joining" ? false : pick(file, ["hasJoined", "joined"], isFlag),
    damage: refusal ?? (damage === undefined ? undefined : typeof damage === "string" ? damage : describe(damage)),
    isTorn: refusal === undefined && isCut ? true : pick(file, ["isTorn", "torn"], isFlag),
  };
  return Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== undefined)) as FileFacts;
}

function minusOne(value: number | undefined): number | undefined {
  return value === undefined ? undefined : value - 1;
}

function describe(damage: object): string {
  const { message, kind, offset } = damage as { message?: unknown; kind?: unknown; offset?: unknown };
  if (typeof message === "string") return message;
  return (
    [kind, offset === undefined ? undefined : `at offset ${String(offset)}`].filter(Boolean).join(" ") || "damaged"
  );
}

export function checkFiles(context: Context): void {
  for (const { member, seen } of context.view.members) {
    if (seen.file !== undefined) checkFile(context, member, fileFacts(seen.file), seen.file.atMs);
  }
}

function checkFile(context: Context, member: string, facts: FileFacts, atMs: number | undefined): void {
  const { view, quorum, found } = context;
  // Of a server that runs with another id it is not the file, but one of a former life, or of somebody else.
  const running = view.members.find((one) => one.member === member && one.hasAnswered)?.serverId;
  if (running !== undefined && facts.serverId !== undefined && running !== facts.serverId) return;
  const say = (text: string): Evidence[] => [{ source: "file", member, text: `${facts.path}: ${text}` }];
  const server = view.configured.find(({ short, serverId }) =>
    facts.serverId === undefined
      ? false
      : serverId === facts.serverId || (serverId === undefined && short === facts.serverId.slice(0, 4)),
  );
  const voter = quorum.voters.find(({ key }) => key === server?.key);
  const leader = view.leader?.member;
  // The leader agrees if it does not hear that id, or does not list it.
  const agrees = leader !== undefined && leader !== member && (voter === undefined || voter.silentTo.includes(leader));
  const about = {
    members: [member],
    ...(server === undefined ? {} : { servers: [server.key] }),
    witnesses: agrees ? [leader] : [],
  };
  if (facts.hasLeft === true && !isAtWork(context, member))
    found.push({ ...about, code: "kicked-file", evidence: say("says that its server has left the cluster") });
  if (facts.damage !== undefined) {
    const isCut = /truncate/.test(facts.damage);
    const code = facts.isTorn === true ? "file-torn" : isCut ? "committed-entries-cut" : "file-damaged";
    found.push({ ...about, code, evidence: say(facts.damage) });
  }
  const { commitIndex, lastIndex } = facts;
  if (commitIndex !== undefined && lastIndex !== undefined) {
    if (commitIndex > lastIndex)
      found.push({
        ...about,
        code: "commit-beyond-log",
        evidence: say(`commit index ${commitIndex}, last entry ${lastIndex}`),
      });
    else if (lastIndex > commitIndex)
      found.push({
        ...about,
        code: "uncommitted-in-file",
        evidence: say(`commit index ${commitIndex}, last entry ${lastIndex}`),
      });
  }
  if (facts.clusterId !== undefined && /^0{8}-/.test(facts.clusterId))
    found.push({ ...about, code: "zero-cluster-id", evidence: say("cluster id is all zeros") });
  if (
    facts.clusterId !== undefined &&
    view.clusterId?.length === 36 &&
    facts.clusterId !== view.clusterId &&
    facts.hasJoined !== false
  )
    found.push({
      ...about,
      code: "cluster-id-mismatch",
      evidence: [
        ...say(`cluster id ${facts.clusterId}`),
        {
          source: "status",
          ...(view.authority === undefined ? {} : { member: view.authority.member }),
          text: `cluster id ${view.clusterId}`,
        },
      ],
      isAgreed: false,
    });
  if (
    facts.serverId !== undefined &&
    facts.servers !== undefined &&
    facts.servers[facts.serverId] === undefined &&
    facts.hasLeft !== true &&
    facts.hasJoined !== false
  )
    found.push({
      ...about,
      code: "own-id-missing",
      evidence: say(
        `lists ${Object.keys(facts.servers)
          .map((id) => id.slice(0, 4))
          .join(", ")} and not ${facts.serverId.slice(0, 4)}`,
      ),
    });
  if (isUpToDate(context, member, atMs)) checkAge(context, member, facts, server, about);
}

/** A file that was looked at while its server ran, or before it did, says nothing of what the server has written since. */
function isUpToDate(
  { view, history, nowMs, wallMs }: Context,
  member: string,
  atMs = Number.POSITIVE_INFINITY,
): boolean {
  const isRunning = view.members.some((one) => one.member === member && one.hasAnswered && one.serverId !== undefined);
  const seenMs = history?.samples.findLast(({ members }) => members[member]?.serverId !== undefined)?.atMs;
  // The file's time is of the wall clock; what is remembered goes by the time that passed.
  return !isRunning && (seenMs === undefined || atMs - (wallMs - nowMs) >= seenMs);
}

/** Raft state never goes back: neither the term, nor what was acknowledged, which the leader and the memory know. */
function checkAge(
  { view, history, found }: Context,
  member: string,
  { path, serverId, term, lastIndex }: FileFacts,
  server: ConfiguredServer | undefined,
  about: {
    readonly members: readonly string[];
    readonly servers?: readonly string[];
    readonly witnesses: readonly string[];
  },
): void {
  const push = (text: string, more: readonly Evidence[] = []): unknown =>
    found.push({
      ...about,
      code: "state-went-backwards",
      evidence: [{ source: "file", member, text: `${path}: ${text}` }, ...more],
    });
  const reached = serverId === undefined ? undefined : history?.reached[serverId];
  if (reached !== undefined && term !== undefined && term < reached.term) {
    push(`term ${term}, had ${reached.term}`);
    return;
  }
  if (lastIndex === undefined) return;
  const { leader } = view;
  const matched = leader === undefined || server === undefined ? undefined : lineOf(leader, server)?.matchIndex;
  if (leader !== undefined && matched !== undefined && lastIndex < matched)
    push(`last entry ${lastIndex}, had acknowledged ${matched}`, [
      { source: "status", member: leader.member, text: `match_index ${matched} of ${server?.short}` },
    ]);
  else if (reached !== undefined && lastIndex < reached.acknowledged)
    push(`last entry ${lastIndex}, had acknowledged ${reached.acknowledged}`);
}
