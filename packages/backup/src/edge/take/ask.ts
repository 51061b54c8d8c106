/** Asks every member what it is, side by side. */
import { type Endpoint, formatEndpoint, type JsonObject, OvsdbError, parseRemotes } from "@ovnha/ovsdb";
import { BackupError } from "../../error.ts";
import type { MemberView } from "../../take/choose-member.ts";
import { memberRow, SERVER_COLUMNS } from "../../take/wire.ts";
import { RowSession, type RowSessionOptions } from "./row-session.ts";

export type Asked = {
  readonly views: readonly MemberView[];
  /** The sessions of the members that answered, by remote. The caller closes them. */
  readonly sessions: ReadonlyMap<string, RowSession>;
  /** From `cid:` in the remotes. */
  readonly cid: string | undefined;
};

/** @throws BackupError `ARGUMENT` for remotes that can't be understood. */
export async function askMembers(remotes: string, database: string, options: RowSessionOptions): Promise<Asked> {
  const { endpoints, cid } = readRemotes(remotes);
  const sessions = new Map<string, RowSession>();
  const views = await Promise.all(
    endpoints.map(async (endpoint): Promise<MemberView> => {
      const session = new RowSession(endpoint, options);
      try {
        const row = await serverRow(session, database);
        sessions.set(session.remote, session);
        return { remote: session.remote, row };
      } catch (error) {
        await session.session.close();
        const isAbsent = error instanceof BackupError && error.code === "NOT_FOUND";
        return { remote: session.remote, problem: (error as Error).message, isAbsent };
      }
    }),
  );
  return { views, sessions, cid };
}

function readRemotes(remotes: string): { endpoints: readonly Endpoint[]; cid: string | undefined } {
  try {
    const { endpoints, cid } = parseRemotes(remotes);
    const passive = endpoints.find(({ kind }) => kind.startsWith("p"));
    if (passive === undefined) return { endpoints, cid };
    throw new BackupError("ARGUMENT", `${formatEndpoint(passive)} waits for a server to connect`, {
      remedy: "give remotes that can be connected to: tcp:, ssl: or unix:",
    });
  } catch (cause) {
    if (cause instanceof BackupError) throw cause;
    throw new BackupError("ARGUMENT", (cause as Error).message, { cause });
  }
}

/**
 * What the server says of the database at this moment.
 * @throws if it doesn't answer, or doesn't serve the database.
 */
export async function serverRow(session: RowSession, database: string): Promise<NonNullable<MemberView["row"]>> {
  const select: JsonObject = {
    op: "select",
    table: "Database",
    where: [["name", "==", database]],
    columns: SERVER_COLUMNS,
  };
  try {
    const [answer] = (await session.session.call("transact", ["_Server", select])) as { rows?: JsonObject[] }[];
    const row = memberRow(answer?.rows?.[0]);
    if (row !== undefined) return row;
  } catch (error) {
    // Servers before 2.9 have no `_Server`, and no clusters either.
    if (!(error instanceof OvsdbError) || error.code !== "UNKNOWN_DATABASE") throw error;
    const names = (await session.session.call("list_dbs", [])) as string[];
    if (names.includes(database))
      return memberRow({ model: "standalone", connected: true, leader: true, schema: "?" })!;
  }
  throw new BackupError("NOT_FOUND", `${session.remote} does not serve ${database}`);
}

/** The term that `cluster/status` tells on the control socket; undefined if it doesn't. */
export async function readTerm(control: string, database: string, signal?: AbortSignal): Promise<number | undefined> {
  await using session = new RowSession({ kind: "unix", path: control }, { connectMs: 2_000, signal });
  try {
    const text = await session.session.call("cluster/status", [database]);
    const term = /^Term: ([0-9]+)$/m.exec(typeof text === "string" ? text : "")?.[1];
    return term === undefined ? undefined : Number(term);
  } catch {
    // A standalone database has no status, and nothing depends on the term.
    return undefined;
  }
}
