/** Where the members are and how they are asked: what the operator configures. */
import type { Runner } from "@ovnha/runner";
import { ClusterError } from "../error.ts";
import { DATABASE_OF } from "./types.ts";

/** The ways to one member's server of one database. At least one of `remote` and `control`. */
export type DatabaseAccess = {
  /**
   * Where that one member serves clients, as in `ssl:10.0.0.1:6641`: there it is asked for `_Server`. Several are tried
   * in their order. With a runner, a `unix:` one is a socket over there and asked through `ovsdb-client`.
   */
  readonly remote?: string | readonly string[] | undefined;
  /** Its control socket, as in `/run/ovn/ovnnb_db.ctl`; with a runner, over there. */
  readonly control?: string | undefined;
  /** Its log file, for the extra "log"; with a runner, over there. */
  readonly logFile?: string | undefined;
  /** Its database file, for plans; with a runner, over there. */
  readonly file?: string | undefined;
};

export type MemberAccess = {
  /** For people, such as the node's name; unique. */
  readonly name: string;
  /** OVN_Northbound and OVN_Southbound. */
  readonly nb?: DatabaseAccess | undefined;
  readonly sb?: DatabaseAccess | undefined;
  /** Any database by the name of its schema. */
  readonly databases?: Readonly<Record<string, DatabaseAccess>> | undefined;
  /** Where its control sockets, log files and `unix:` remotes are; absent: on this machine. */
  readonly runner?: Runner | undefined;
  /** The program that reaches a control socket through the runner; default `["ovs-appctl"]`. */
  readonly appctl?: readonly string[] | undefined;
};

/** One member's server of one database, as it will be asked. */
export type Target = {
  readonly member: string;
  readonly database: string;
  readonly remotes: readonly string[];
  readonly control: string | undefined;
  readonly logFile: string | undefined;
  readonly file: string | undefined;
  readonly runner: Runner | undefined;
  readonly appctl: readonly string[] | undefined;
};

/** More is no cluster; Raft's own advice ends at 7. */
export const MEMBERS_MAX = 100;

/**
 * What is to be asked, database by database and in the order of the members.
 * @throws ClusterError INVALID_CONFIG naming the member and the remedy.
 */
export function targetsOf(members: readonly MemberAccess[], databases?: readonly string[]): Map<string, Target[]> {
  if (members.length === 0) throw invalid("no member is given; name at least one, with a remote or a control socket");
  if (members.length > MEMBERS_MAX) throw invalid(`${members.length} members are given; ${MEMBERS_MAX} is the most`);
  const wanted = databases?.map(databaseName);
  const found = new Map<string, Target[]>((wanted ?? []).map((database) => [database, []]));
  const names = new Set<string>();
  for (const member of members) {
    if (member.name === "") throw invalid("a member has no name; give it the name of its node");
    if (names.has(member.name)) throw invalid(`two members have the name ${member.name}; each needs its own`);
    names.add(member.name);
    const accesses = accessesOf(member);
    if (accesses.size === 0) throw invalid(`member ${member.name} has no database; give it nb, sb or databases`);
    for (const [database, access] of accesses) {
      if (wanted !== undefined && !wanted.includes(database)) continue;
      const target = targetOf(member, database, access);
      const targets = found.get(database);
      if (targets === undefined) found.set(database, [target]);
      else targets.push(target);
    }
  }
  for (const [database, targets] of found)
    if (targets.length === 0) throw invalid(`no member has the database ${database}; check its name`);
  return found;
}

function accessesOf(member: MemberAccess): Map<string, DatabaseAccess> {
  const found = new Map<string, DatabaseAccess>();
  if (member.nb !== undefined) found.set(DATABASE_OF.nb, member.nb);
  if (member.sb !== undefined) found.set(DATABASE_OF.sb, member.sb);
  for (const [key, access] of Object.entries(member.databases ?? {})) {
    const database = databaseName(key);
    if (found.has(database)) throw invalid(`member ${member.name} has the database ${database} twice; keep one`);
    found.set(database, access);
  }
  return found;
}

function targetOf(member: MemberAccess, database: string, access: DatabaseAccess): Target {
  const { remote, control, logFile, file } = access;
  const remotes = remote === undefined ? [] : typeof remote === "string" ? [remote] : [...remote];
  if (remotes.length === 0 && control === undefined) {
    throw invalid(
      `member ${member.name} has no way to ${database}; give a remote such as tcp:10.0.0.1:6641, or a control socket such as /run/ovn/ovnnb_db.ctl`,
    );
  }
  const { name, runner, appctl } = member;
  return { member: name, database, remotes, control, logFile, file, runner, appctl };
}

/** `nb` and `sb` stand for OVN's two; any other name is a schema's. */
export function databaseName(name: string): string {
  return name === "nb" || name === "sb" ? DATABASE_OF[name] : name;
}

function invalid(message: string): ClusterError {
  return new ClusterError("INVALID_CONFIG", message);
}
