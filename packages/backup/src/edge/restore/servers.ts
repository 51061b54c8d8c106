/** Servers asked through runners: `ovsdb-client query` and `ovs-appctl`, or, from this machine, over a socket of our own. */
import { openSession } from "@ovnha/ovsdb";
import { BackupError } from "../../error.ts";
import type { ConfiguredServer, ServerFacts } from "../../restore/facts.ts";
import { HERE, type ServerRef } from "../../restore/types.ts";
import type { Host } from "./hosts.ts";

const ASK_MS = 10_000;
/** For the uuids of all rows, in ms and bytes. */
const ROWS_MS = 300_000;
const ROWS_BYTES_MAX = 1 << 30;

type JsonValue = string | number | boolean | null | readonly JsonValue[] | { readonly [name: string]: JsonValue };

/** Results of one transaction of selects, in the form of the wire (RFC 7047 §4.1.3). */
async function ask(
  host: Host,
  server: ServerRef,
  transaction: readonly JsonValue[],
  timeoutMs: number,
): Promise<readonly JsonValue[]> {
  if (server.at === HERE && server.clientArgs.length === 0) {
    // A call that is given up tells the server so; the session's own end would leave it waiting for its limit.
    const { signal } = host;
    await using session = openSession(server.remote, { timeoutMs, connectMs: ASK_MS, signal });
    return (await session.call("transact", transaction as never, { signal })) as unknown as readonly JsonValue[];
  }
  const timeout = `--timeout=${Math.ceil(timeoutMs / 1000)}`;
  const command = [
    ...server.toolPrefix,
    ...["ovsdb-client", ...server.clientArgs, timeout, "query", server.remote, JSON.stringify(transaction)],
  ];
  const { exitCode, stdout, stderr } = await host.exec(command, {
    timeoutMs: timeoutMs + 5_000,
    outputBytesMax: ROWS_BYTES_MAX,
  });
  if (exitCode !== 0)
    throw new BackupError(
      "TOOL_FAILED",
      `${where(server)} does not answer: ${stderr.trim() || `exit code ${exitCode}`}`,
    );
  return JSON.parse(stdout) as readonly JsonValue[];
}

const where = (server: ServerRef): string => `${server.member}'s ${server.databaseName} at ${server.remote}`;

function rowsOf(result: JsonValue | undefined, server: ServerRef): readonly { readonly [name: string]: JsonValue }[] {
  const rows = (result as { readonly rows?: readonly { readonly [name: string]: JsonValue }[] } | undefined)?.rows;
  if (rows !== undefined) return rows;
  const { error, details } = (result ?? {}) as { readonly error?: string; readonly details?: string };
  throw new BackupError(
    "TOOL_FAILED",
    `${where(server)} refuses: ${error ?? "no result"}${details === undefined ? "" : `: ${details}`}`,
  );
}

/** What the server says of itself. Undefined: it does not serve the database. @throws BackupError or the runner's error if it does not answer */
export async function askServer(host: Host, server: ServerRef): Promise<ServerFacts | undefined> {
  const columns = ["model", "connected", "leader", "cid", "sid", "index"];
  const where_ = [["name", "==", server.databaseName]];
  const [result] = await ask(
    host,
    server,
    ["_Server", { op: "select", table: "Database", where: where_, columns }],
    ASK_MS,
  );
  const [row] = rowsOf(result, server);
  if (row === undefined) return undefined;
  const uuid = (value: JsonValue | undefined): string | undefined =>
    Array.isArray(value) && value[0] === "uuid" ? String(value[1]) : undefined;
  const { model, connected, leader, cid, sid, index } = row;
  return {
    model: model === "clustered" || model === "relay" ? model : "standalone",
    connected: connected === true,
    leader: leader === true,
    cid: uuid(cid),
    sid: uuid(sid),
    index: typeof index === "number" ? index : undefined,
  };
}

/** The uuids of all rows, by table. */
export async function rowUuids(
  host: Host,
  server: ServerRef,
  tables: readonly string[],
): Promise<Map<string, Set<string>>> {
  const selects = tables.map((table) => ({ op: "select", table, where: [], columns: ["_uuid"] }));
  const results = await ask(host, server, [server.databaseName, ...selects], ROWS_MS);
  return new Map(
    tables.map((table, index) => {
      const rows = rowsOf(results[index], server);
      return [table, new Set(rows.map((row) => String((row["_uuid"] as readonly JsonValue[] | undefined)?.[1])))];
    }),
  );
}

/** The servers that a member has configured, out of its cluster/status. */
export async function configuredServers(host: Host, server: ServerRef): Promise<ConfiguredServer[]> {
  if (server.control === undefined) return [];
  const command = [
    ...server.toolPrefix,
    ...["ovs-appctl", "--timeout=10", "-t", server.control, "cluster/status", server.databaseName],
  ];
  const { exitCode, stdout, stderr } = await host.exec(command, { timeoutMs: ASK_MS + 5_000 });
  if (exitCode !== 0) throw new BackupError("TOOL_FAILED", `${where(server)}: cluster/status fails: ${stderr.trim()}`);
  return parseConfigured(stdout);
}

/** The lines below `Servers:`, such as `    a2b3 (a2b3 at tcp:10.0.0.1:6643) (self) next_index=5 match_index=4`. */
export function parseConfigured(status: string): ConfiguredServer[] {
  const [, list = ""] = /^Servers:\n((?:[ \t].*\n?)*)/m.exec(status) ?? [];
  return [...list.matchAll(/^\s+(\S+) \(\S+ at (.+?)\)( \(self\))?/gm)].map(([, shortId = "", address = "", self]) => ({
    shortId,
    address,
    self: self !== undefined,
  }));
}
