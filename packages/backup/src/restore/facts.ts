/** What a plan is made of: the members as described, and what was found on them and in the source. */
import type { Command, DatabaseKey, DatabaseLayout, LayoutProfile, Owner } from "../layout/profile.ts";
import type { ServerRef } from "./types.ts";
import { DATABASE_NAMES } from "../layout/profile.ts";
import { HERE } from "./types.ts";

/** One member as its operator describes it, with the profile's paths and commands filled in. */
export interface MemberDescription {
  /** A word for people and for the ids of steps; unique, and not `here`. */
  readonly name: string;
  /** Raft addresses as the members write them, such as `tcp:10.0.0.1:6643`; they are compared as text. */
  readonly addresses: Readonly<Partial<Record<DatabaseKey, string>>>;
  readonly databases: Readonly<Record<DatabaseKey, DatabaseLayout>>;
  /** Remotes for clients; the Unix socket of the layout unless told. */
  readonly remotes: Readonly<Partial<Record<DatabaseKey, string>>>;
  /** Where its servers are asked: on its own host, or from the operator's machine. */
  readonly askedAt: "member" | "here";
}

export interface ClusterDescription {
  readonly profile: LayoutProfile;
  /** The first one bootstraps. */
  readonly members: readonly MemberDescription[];
  /** Options of ovsdb-client, such as `--private-key=…`. */
  readonly clientArgs: readonly string[];
  /** Where each member's host remembers who it is (`check-dirs --identity`); /var/lib/ovnha/identity.json unless told. */
  readonly identityPath?: string | undefined;
}

/** As in the examples of `deploy/`. */
export const IDENTITY_PATH = "/var/lib/ovnha/identity.json";

/** How a member's server of a database is asked. */
export function serverRef(cluster: ClusterDescription, member: MemberDescription, key: DatabaseKey): ServerRef {
  const layout = member.databases[key];
  const here = member.askedAt === "here";
  return {
    at: here ? HERE : member.name,
    member: member.name,
    databaseName: DATABASE_NAMES[key],
    remote: member.remotes[key] ?? `unix:${layout.clientSocket}`,
    control: here ? undefined : layout.controlSocket,
    toolPrefix: here ? [] : layout.toolPrefix,
    clientArgs: cluster.clientArgs,
  };
}

/** The row of `_Server.Database` (ovsdb-server(5)). */
export interface ServerFacts {
  readonly model: "standalone" | "clustered" | "relay";
  readonly connected: boolean;
  readonly leader: boolean;
  readonly cid: string | undefined;
  readonly sid: string | undefined;
  readonly index: number | undefined;
}

/** One line of the `Servers:` of cluster/status. */
export interface ConfiguredServer {
  /** The first four digits; of raft addresses that are Unix sockets, the file's name. */
  readonly shortId: string;
  readonly address: string;
  readonly self: boolean;
}

export interface FileFacts {
  readonly sizeBytes: number;
  readonly modifiedMs: number;
  /** Permission bits. */
  readonly mode: number;
  readonly owner: Owner;
}

export interface MemberDatabaseFacts {
  readonly file: FileFacts | undefined;
  /** Server id that the file names, where that could be found out. */
  readonly fileSid: string | undefined;
  readonly lock: "free" | "held" | "unknown";
  readonly folder: "writable" | "missing" | "not writable";
  readonly freeBytes: number | undefined;
  /** Undefined if the server does not answer. */
  readonly server: ServerFacts | undefined;
  readonly configured: readonly ConfiguredServer[];
  /** Of the schema that is installed there; undefined if it was not found. */
  readonly schemaVersion: string | undefined;
}

export type MemberFacts =
  | { readonly name: string; readonly where: string; readonly reachable: false; readonly reason: string }
  | {
      readonly name: string;
      readonly where: string;
      readonly reachable: true;
      /** Programs that steps need and that are missing. */
      readonly missingTools: readonly string[];
      /** The file in which the host remembers who the member is, if there is one. */
      readonly identity?: string | undefined;
      readonly databases: Readonly<Partial<Record<DatabaseKey, MemberDatabaseFacts>>>;
    };

/** The file that a database is restored from. */
export interface SourceFacts {
  readonly database: DatabaseKey;
  /** `here`, or the member whose file it is. */
  readonly at: string;
  readonly path: string;
  readonly kind: "backup" | "standalone file" | "clustered file";
  readonly databaseName: string;
  readonly schemaVersion: string | undefined;
  readonly sizeBytes: number;
  /** Of the standalone database in it; an estimate for clustered files. */
  readonly contentBytes: number;
  /** Of the file as it lies there. */
  readonly sha256: string;
  /** Milliseconds since 1970. */
  readonly takenMs: number;
  /** Rows by table, where a manifest tells. */
  readonly rows: Readonly<Record<string, number>> | undefined;
  /** When it was last verified, in ms since 1970; undefined: never. */
  readonly verifiedMs: number | undefined;
  /** What is wrong with it, one sentence each. */
  readonly problems: readonly string[];
  readonly cid: string | undefined;
  readonly index: number | undefined;
  readonly term: number | undefined;
  /** Entries of a clustered file beyond its commit index. */
  readonly uncommitted: number;
  /** The file of a server that left or was kicked. */
  readonly left: boolean;
  /** The pair that it was taken in. */
  readonly setId: string | undefined;
}

export interface RestoreFacts {
  readonly members: readonly MemberFacts[];
  readonly sources: readonly SourceFacts[];
  /** Of the work folder's file system, in bytes. */
  readonly workFreeBytes: number;
}

/** A command for people, with arguments quoted as POSIX shells read them (XCU §2.2; `$'…'` since Issue 8). */
export function commandText(command: Command | readonly string[]): string {
  return command.map(quote).join(" ");
}

function quote(word: string): string {
  if (/^[A-Za-z0-9_@%+:,./=-]+$/.test(word)) return word;
  if (!CONTROL.test(word)) return `'${word.replaceAll("'", `'\\''`)}'`;
  return `$'${visible(word.replace(/[\\']/g, (character) => `\\${character}`))}'`;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for.
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;

/** Control characters as escapes, so that a name can neither break a line nor drive a terminal. */
export function visible(text: string): string {
  if (!CONTROL.test(text)) return text;
  return [...text]
    .map((character) => {
      if (!CONTROL.test(character)) return character;
      if (character === "\n") return "\\n";
      return `\\x${(character.codePointAt(0) ?? 0).toString(16).padStart(2, "0")}`;
    })
    .join("");
}
