/** What a server is, by its `_Server` database; who of those that are known may serve; and moving when that changes. */
import { type OvsdbError, ProtocolError } from "../error.ts";
import { type Json, parseJsonExact, stringifyJson } from "../json.ts";
import { activeLink, endLink, hangUp, refuse } from "./links.ts";
import { askForLocks } from "./locks.ts";
import { request } from "./messages.ts";
import { endDoubts, forgetLastId } from "./monitors.ts";
import {
  applyServerUpdates,
  clusterId,
  judgeServer,
  type RowVerdict,
  SERVER_COLUMNS,
  type ServerRow,
} from "./server-row.ts";
import type { LinkState, SessionState } from "./types.ts";

const SERVER_MONITOR: Json = ["ovnha", "_Server"];

/** First words on a new link. */
export function greet(state: SessionState, link: LinkState, nowMs: number): void {
  link.phase = "greeting";
  link.deadlineMs = nowMs + state.options.limits.greetMs;
  link.heardMs = nowMs;
  monitorServer(state, link);
  if (state.options.dbChangeAware) request(state, link, "set_db_change_aware", [true], { kind: "ignored" });
}

export function monitorServer(state: SessionState, link: LinkState): void {
  const requests = { Database: [{ columns: [...SERVER_COLUMNS] }] };
  request(state, link, "monitor_cond", ["_Server", SERVER_MONITOR, requests], { kind: "server-monitor" });
}

export function onServerReply(state: SessionState, link: LinkState, result: Json): void {
  link.rows.clear();
  onServerUpdate(state, link, result);
}

export function onServerUpdate(state: SessionState, link: LinkState, updates: Json): void {
  const { rows, row: before } = link;
  applyServerUpdates(rows, updates);
  const { cid, database } = state.options;
  const isOurs = (row: ServerRow): boolean =>
    row.name === database && (cid === undefined || row.cid === cid || row.model !== "clustered");
  link.row = [...rows.values()].find(isOurs) ?? [...rows.values()].find(({ name }) => name === database);
  if (link.phase === "active" && before !== undefined && link.row !== undefined && onlyIndexDiffers(before, link.row))
    return noteProgress(state, link);
  state.linksTouched = true;
  if (link.phase === "greeting") link.phase = "watching";
  link.deadlineMs = Number.POSITIVE_INFINITY;
}

/** What every transaction of the cluster brings: nothing to decide, only the stale guard rises. */
function onlyIndexDiffers(before: ServerRow, after: ServerRow): boolean {
  if ((after.index ?? 0) < (before.index ?? 0)) return false;
  return SERVER_COLUMNS.every(
    (column) => column === "index" || before[column as keyof ServerRow] === after[column as keyof ServerRow],
  );
}

/** No `_Server`: a server from before 2.9, which has no clusters either. */
export function onServerMonitorError(state: SessionState, link: LinkState): void {
  link.legacy = true;
  request(state, link, "get_schema", [state.options.database], { kind: "legacy-schema" });
}

export function onLegacySchema(link: LinkState, schema: Json): void {
  link.row = {
    name: "",
    model: "standalone",
    connected: true,
    leader: true,
    schema: stringifyJson(schema),
    cid: undefined,
    sid: undefined,
    index: undefined,
  };
  link.phase = "watching";
  link.deadlineMs = Number.POSITIVE_INFINITY;
}

export function isServerMonitor(id: Json | undefined): boolean {
  return Array.isArray(id) && id[0] === "ovnha" && id[1] === "_Server";
}

function verdictOn(state: SessionState, link: LinkState): RowVerdict {
  const { cluster, options } = state;
  const others = [...state.links.values()].filter((other) => other !== link);
  const isServed = others.some(({ row }) => row?.connected === true && clusterId(row) === cluster?.cid);
  // Who has not been asked yet may still serve the cluster that was known; the limits of dialling bound this doubt.
  const isOpen = state.endpoints.some(({ link: id, reason }) => {
    const phase = id === undefined ? undefined : state.links.get(id)?.phase;
    return id === undefined ? reason === undefined : phase === "dialing" || phase === "greeting";
  });
  const knownClusterAlive = cluster !== undefined && (isServed || isOpen);
  return judgeServer(link.row, { server: options.server, pinnedCid: options.cid, cluster, knownClusterAlive });
}

/** Looks at every link anew: leaves a server that is no longer fit, takes the first one that is. */
export function judgeLinks(state: SessionState, nowMs: number): void {
  const active = activeLink(state);
  if (active !== undefined) {
    const verdict = verdictOn(state, active);
    if (verdict.fit) return noteProgress(state, active);
    leave(state, active, nowMs, verdict.reason, verdict.detail);
  }
  for (const link of [...state.links.values()]) {
    if (link.phase !== "watching") continue;
    const verdict = verdictOn(state, link);
    if (verdict.fit) return activate(state, link, nowMs, verdict.newCluster);
    refuse(state, link.at, verdict.reason, verdict.detail);
    // These do not mend themselves by waiting on this link.
    const isFinal =
      verdict.reason === "relay" || (verdict.reason === "wrong-cluster" && state.options.cid !== undefined);
    if (isFinal) hangUp(state, link, nowMs, { deliberate: false, why: verdict.detail });
  }
}

/** The active server cannot serve any more, but is healthy: it is watched, and others are asked without a pause. */
function leave(
  state: SessionState,
  link: LinkState,
  nowMs: number,
  reason: Parameters<typeof refuse>[2],
  detail: string,
): void {
  refuse(state, link.at, reason, detail);
  // A new link is dialled for watching: one that has monitors and locks on it is not reused under another role.
  hangUp(state, link, nowMs, { deliberate: true, why: detail });
}

function activate(state: SessionState, link: LinkState, nowMs: number, newCluster: boolean): void {
  const cid = link.row === undefined ? undefined : clusterId(link.row);
  if (newCluster && state.cluster !== undefined && cid !== undefined) {
    state.out.push({ type: "lifecycle", event: { type: "cluster-changed", from: state.cluster.cid, to: cid } });
    state.cluster = undefined;
    for (const monitor of state.monitors.values()) forgetLastId(monitor, "cluster-changed");
  }
  state.active = link.id;
  link.phase = "active";
  link.activeSinceMs = nowMs;
  link.at.reason = undefined;
  link.synced = false;
  link.unconfirmed = link.row?.model === "standalone" && !link.legacy;
  noteProgress(state, link);
  for (const other of [...state.links.values()]) {
    if (other === link) continue;
    state.out.push({ type: "hangUp", link: other.id });
    const backoffMs = other.at.backoffMs;
    endLink(state, other, nowMs, { deliberate: true, why: "another server was taken" });
    other.at.backoffMs = backoffMs;
  }
  state.out.push({ type: "lifecycle", event: { type: "connected", endpoint: link.at.name } });
  askForLocks(state, link);
  link.rowSchema = link.row?.schema;
  takeSchema(state, link, link.row?.schema ?? "");
}

/** The stale guard rises with what the server shows. */
function noteProgress(state: SessionState, link: LinkState): void {
  const row = link.row;
  const cid = row === undefined ? undefined : clusterId(row);
  if (row !== undefined && cid !== undefined) {
    state.cluster = {
      cid,
      minIndex: Math.max(state.cluster?.cid === cid ? state.cluster.minIndex : 0, row.index ?? 0),
    };
    if (row.index !== undefined && state.status.index !== row.index && state.status.state === "ready")
      state.status = { ...state.status, index: row.index };
  }
  if (row?.schema === undefined || row.schema === link.rowSchema || link.schemaPending) return;
  // Only what is news in this row counts: after a conversion `get_schema` may have told the new schema before the row does.
  link.rowSchema = row.schema;
  if (!sameSchema(row.schema, state.schemaText)) takeSchema(state, link, row.schema);
}

/** The server writes one schema in several ways: with or without its checksum, members in any order. */
function sameSchema(a: string, b: string | undefined): boolean {
  if (a === b || b === undefined) return a === b;
  try {
    return canonical(withoutCksum(parseJsonExact(a))) === canonical(withoutCksum(parseJsonExact(b)));
  } catch {
    return false;
  }
}

function withoutCksum(schema: Json): Json {
  if (typeof schema !== "object" || schema === null || Array.isArray(schema)) return schema;
  const { cksum: _cksum, ...rest } = schema as Record<string, Json>;
  return rest;
}

function canonical(json: Json): string {
  if (Array.isArray(json)) return `[${json.map(canonical).join(",")}]`;
  if (typeof json !== "object" || json === null) return stringifyJson(json);
  const members = Object.entries(json).sort(([x], [y]) => (x < y ? -1 : 1));
  return `{${members.map(([name, value]) => `${name}:${canonical(value)}`).join(",")}}`;
}

/** Behind the monitors that rest on it, the schema is read again: a conversion in between would go unnoticed else. */
export function onSchemaChecked(state: SessionState, link: LinkState, text: string): void {
  link.unconfirmed = false;
  if (link.id !== state.active || link.schemaPending) return;
  if (sameSchema(text, state.schemaText)) endDoubts(state);
  else takeSchema(state, link, text);
}

/** Tells the owner of a schema; monitors wait until it has put them in terms of it. */
export function takeSchema(state: SessionState, link: LinkState, text: string): void {
  let schema: Json;
  try {
    schema = parseJsonExact(text);
  } catch (error) {
    throw new ProtocolError("the schema in the server's _Server database is not JSON", { cause: error as OvsdbError });
  }
  const changed = state.schemaText !== undefined && !sameSchema(state.schemaText, text);
  state.schemaText = text;
  link.schemaPending = true;
  if (changed) {
    for (const monitor of state.monitors.values()) forgetLastId(monitor, "schema-changed");
    state.out.push({ type: "lifecycle", event: { type: "schema-changed" } });
  }
  state.out.push({ type: "schema", schema, changed });
}
