/** One question to a server in raw JSON-RPC, without the client under test. */
import { connect, type Socket } from "node:net";

export type RawJson = null | boolean | number | string | readonly RawJson[] | { readonly [member: string]: RawJson };

/** Dials `tcp:HOST:PORT` or `unix:PATH`, or the TCP side of `ssl:HOST:PORT`. */
export function dialRemote(remote: string): Socket {
  if (remote.startsWith("unix:")) return connect(remote.slice(5));
  const [, host = "127.0.0.1", port = "6640"] = /^(?:tcp|ssl):\[?([^\]]*?)\]?:(\d+)$/.exec(remote) ?? [];
  return connect(Number(port), host);
}

/** One call on a connection of its own; rejects on an error reply, a lost connection, or after `timeoutMs`. */
export function rawCall(
  remote: string,
  method: string,
  params: readonly RawJson[],
  timeoutMs = 10_000,
): Promise<RawJson> {
  return new Promise((resolve, reject) => {
    const socket = dialRemote(remote);
    const chunks: Buffer[] = [];
    const end = (error: Error | undefined, result?: RawJson): void => {
      clearTimeout(timer);
      socket.destroy();
      if (error === undefined) resolve(result ?? null);
      else reject(error);
    };
    const timer = setTimeout(() => end(new Error(`${remote} ${method}: no reply within ${timeoutMs} ms`)), timeoutMs);
    socket.on("error", (error) => end(error));
    socket.on("close", () => end(new Error(`${remote} ${method}: the connection was closed`)));
    socket.on("data", (chunk) => {
      chunks.push(chunk);
      // A whole reply ends in a brace; parsing decides whether it is whole.
      if (chunk[chunk.length - 1] !== 0x7d) return;
      try {
        const reply = JSON.parse(Buffer.concat(chunks).toString()) as { error?: RawJson; result?: RawJson };
        if (reply.error === null || reply.error === undefined) end(undefined, reply.result);
        else end(new Error(`${remote} ${method}: ${JSON.stringify(reply.error)}`));
      } catch {
        // More is to come.
      }
    });
    socket.write(JSON.stringify({ id: 1, method, params }));
  });
}

export type ServerDatabaseRow = {
  readonly name: string;
  readonly model: string;
  readonly connected: boolean;
  readonly leader: boolean;
  readonly cid: string | undefined;
  readonly sid: string | undefined;
  readonly index: number | undefined;
};

/** The server's own row of a database (ovsdb-server(5), `_Server`). */
export async function serverRow(remote: string, database: string): Promise<ServerDatabaseRow | undefined> {
  const columns = ["name", "model", "connected", "leader", "cid", "sid", "index"];
  const [result] = (await rawCall(
    remote,
    "transact",
    ["_Server", { op: "select", table: "Database", where: [["name", "==", database]], columns }],
    3_000,
  )) as { rows?: Record<string, RawJson>[] }[];
  const row = result?.rows?.[0];
  if (row === undefined) return undefined;
  const one = (value: RawJson | undefined): RawJson | undefined =>
    Array.isArray(value) ? (value[0] === "uuid" ? value[1] : undefined) : value;
  return Object.fromEntries(columns.map((column) => [column, one(row[column])])) as unknown as ServerDatabaseRow;
}

/** Every row of every table, in the form of the wire: table → uuid → row. The oracle for replicas. */
export async function dumpRows(
  remote: string,
  database: string,
): Promise<Map<string, Map<string, Record<string, RawJson>>>> {
  const schema = (await rawCall(remote, "get_schema", [database])) as { tables: Record<string, RawJson> };
  const tables = Object.keys(schema.tables);
  const results = (await rawCall(
    remote,
    "transact",
    [database, ...tables.map((table) => ({ op: "select", table, where: [] }))],
    60_000,
  )) as { rows: Record<string, RawJson>[] }[];
  return new Map(
    tables.map((table, index) => [
      table,
      new Map((results[index]?.rows ?? []).map((row) => [String((row["_uuid"] as RawJson[])[1]), row])),
    ]),
  );
}
