/** The server's own word on a database it serves: table `Database` of `_Server` (ovsdb-server(5)). */
import type { EndpointReasonKind } from "../error.ts";
import type { Json, JsonObject } from "../json.ts";
import type { ServerChoice } from "./types.ts";

export type ServerRow = {
  readonly name: string;
  readonly model: "standalone" | "clustered" | "relay" | string;
  readonly connected: boolean;
  readonly leader: boolean;
  /** JSON text; undefined until the server has joined. */
  readonly schema: string | undefined;
  readonly cid: string | undefined;
  readonly sid: string | undefined;
  readonly index: number | undefined;
};

export const SERVER_COLUMNS: readonly string[] = [
  "name",
  "model",
  "connected",
  "leader",
  "schema",
  "cid",
  "sid",
  "index",
];

const BLANK: ServerRow = {
  name: "",
  model: "standalone",
  connected: false,
  leader: false,
  schema: undefined,
  cid: undefined,
  sid: undefined,
  index: undefined,
};

/** Rows by uuid. `initial`, `insert` and `modify` alike carry whole new values, since no column holds more than one atom. */
export function applyServerUpdates(rows: Map<string, ServerRow>, updates: Json): void {
  const table = member(updates, "Database");
  for (const [uuid, update] of Object.entries(isObject(table) ? table : {})) {
    if (!isObject(update) || update["delete"] !== undefined) {
      rows.delete(uuid);
      continue;
    }
    const columns = update["initial"] ?? update["insert"] ?? update["modify"] ?? update["new"];
    rows.set(uuid, merge(rows.get(uuid) ?? BLANK, isObject(columns) ? columns : {}));
  }
}

function merge(row: ServerRow, columns: JsonObject): ServerRow {
  const next: Record<string, unknown> = { ...row };
  for (const name of SERVER_COLUMNS) {
    const value = columns[name];
    if (value === undefined) continue;
    next[name] = atom(value);
  }
  return next as ServerRow;
}

/** An optional column's value: a bare atom, `["uuid", …]`, or `["set", […]]` with at most one of these. */
function atom(value: Json): unknown {
  if (!Array.isArray(value)) return value;
  const [tag, content] = value as readonly Json[];
  if (tag === "uuid") return content;
  if (tag === "set" && Array.isArray(content)) return content.length === 0 ? undefined : atom(content[0] as Json);
  return undefined;
}

const ZERO = "00000000-0000-0000-0000-000000000000";

export function clusterId(row: ServerRow): string | undefined {
  return row.cid === undefined || row.cid === ZERO ? undefined : row.cid;
}

export type VerdictContext = {
  readonly server: ServerChoice;
  readonly pinnedCid: string | undefined;
  readonly cluster: { readonly cid: string; readonly minIndex: number } | undefined;
  /** Another server that can be reached still serves the cluster that was known before. */
  readonly knownClusterAlive: boolean;
};

export type RowVerdict =
  | { readonly fit: true; readonly newCluster: boolean }
  | { readonly fit: false; readonly reason: EndpointReasonKind; readonly detail: string };

/** May this server serve? The rules of ovsdb(7), "Clustered Database Service Model", with a stale guard per cluster id. */
export function judgeServer(row: ServerRow | undefined, context: VerdictContext): RowVerdict {
  const no = (reason: EndpointReasonKind, detail: string): RowVerdict => ({ fit: false, reason, detail });
  if (row === undefined) return no("no-database", "the server does not serve this database");
  if (row.model === "relay") {
    if (context.server !== "relay-ok")
      return no("relay", 'a relay is never the leader; ask for server: "relay-ok" to use it');
    if (row.schema === undefined || !row.connected)
      return no("partitioned", "the relay has no connection to its source");
    return { fit: true, newCluster: false };
  }
  if (row.schema === undefined) return no("not-joined", "the server has not joined its cluster yet");
  if (row.model !== "clustered") {
    if (context.pinnedCid !== undefined)
      return no("wrong-cluster", "the database is not clustered, and a cluster id was asked for");
    return { fit: true, newCluster: false };
  }
  if (!row.connected) return no("partitioned", "the server is disconnected from its cluster");
  const cid = clusterId(row);
  if (context.pinnedCid !== undefined && cid !== context.pinnedCid)
    return no("wrong-cluster", `cluster ${cid ?? "unknown"}, not ${context.pinnedCid}`);
  const known = context.cluster;
  const newCluster = known !== undefined && cid !== undefined && cid !== known.cid;
  if (newCluster && context.knownClusterAlive)
    return no("wrong-cluster", `cluster ${cid}, while ${known.cid} may still be served elsewhere`);
  if (context.server === "leader" && !row.leader) return no("refused-follower", "not the leader");
  if (!newCluster && known !== undefined && (row.index ?? 0) < known.minIndex) {
    return no("stale", `at index ${row.index ?? 0}, while ${known.minIndex} has been seen`);
  }
  return { fit: true, newCluster };
}

function isObject(json: Json | undefined): json is JsonObject {
  return typeof json === "object" && json !== null && !Array.isArray(json);
}

function member(json: Json, name: string): Json | undefined {
  return isObject(json) ? json[name] : undefined;
}
