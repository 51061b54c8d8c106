/** Monitors on the active link: first request, resume, fall back, conditions (ovsdb-server(7) §4.1.12 to §4.1.15). */
import { type OvsdbError, ProtocolError } from "../error.ts";
import { type Json, stringifyJson } from "../json.ts";
import { request } from "./messages.ts";
import {
  type Conditions,
  HELD_MAX,
  type LinkState,
  type MonitoredTables,
  type MonitorMethod,
  type MonitorState,
  type Pending,
  type ReloadReason,
  type SessionState,
  ZERO_ID,
} from "./types.ts";

const VERSION: Record<MonitorMethod, 1 | 2 | 3> = { monitor: 1, monitor_cond: 2, monitor_cond_since: 3 };
const OLDER: Record<MonitorMethod, MonitorMethod | undefined> = {
  monitor_cond_since: "monitor_cond",
  monitor_cond: "monitor",
  monitor: undefined,
};

export function newMonitor(state: SessionState, id: number, tables: MonitoredTables): MonitorState {
  const wanted = Object.fromEntries(Object.entries(tables).map(([table, { where }]) => [table, where ?? []]));
  return {
    id,
    tables,
    acked: wanted,
    requested: undefined,
    wanted,
    seqno: 0,
    requestedSeqno: 0,
    lastId: ZERO_ID,
    phase: "idle",
    method: "monitor_cond_since",
    generation: 0,
    reloadReason: "initial",
    limitMs: state.options.limits.snapshotMs,
    doubt: undefined,
    held: [],
  };
}

/** The monitor in terms of another schema; a table that it brings comes with its condition. @returns whether it differs. */
export function useTables(monitor: MonitorState, tables: MonitoredTables): boolean {
  const differs = stringifyJson(monitor.tables as unknown as Json) !== stringifyJson(tables as unknown as Json);
  monitor.tables = tables;
  for (const [table, { where }] of Object.entries(tables)) {
    if (monitor.wanted[table] !== undefined) continue;
    monitor.wanted = { ...monitor.wanted, [table]: where ?? [] };
    monitor.acked = { ...monitor.acked, [table]: where ?? [] };
  }
  return differs;
}

/** Sends the monitor request, with the conditions that belong to the transaction id it resumes from. */
export function startMonitor(state: SessionState, link: LinkState, monitor: MonitorState): void {
  const requests: Record<string, Json> = {};
  for (const [table, { columns }] of Object.entries(monitor.tables)) {
    const where = monitor.acked[table] ?? [];
    const conditional = monitor.method !== "monitor" && where.length > 0;
    requests[table] = [conditional ? { columns: [...columns], where } : { columns: [...columns] }];
  }
  monitor.generation++;
  monitor.phase = "requested";
  monitor.doubt = undefined;
  monitor.held.length = 0;
  const params: Json[] = [state.options.database, wireId(monitor), requests];
  if (monitor.method === "monitor_cond_since") params.push(monitor.lastId);
  request(state, link, monitor.method, params, {
    kind: "monitor",
    monitor: monitor.id,
    generation: monitor.generation,
    method: monitor.method,
  });
}

function wireId(monitor: MonitorState): Json {
  return ["ovnha", monitor.id, monitor.generation];
}

function monitorOf(state: SessionState, id: Json | undefined): MonitorState | undefined {
  if (!Array.isArray(id) || id[0] !== "ovnha" || typeof id[1] !== "number") return undefined;
  const monitor = state.monitors.get(id[1]);
  return monitor?.generation === id[2] ? monitor : undefined;
}

/** The first reply of a monitor: everything, or what has changed since its last transaction id. */
export function onMonitorReply(
  state: SessionState,
  link: LinkState,
  requestId: number,
  pending: Extract<Pending, { kind: "monitor" }>,
  result: Json,
): void {
  const monitor = state.monitors.get(pending.monitor);
  if (monitor === undefined || monitor.generation !== pending.generation) return;
  const version = VERSION[pending.method];
  let found = false;
  let lastId: string | undefined;
  let updates = result;
  if (version === 3) {
    const [wasFound, id, rows] = Array.isArray(result) ? (result as readonly Json[]) : [];
    if (typeof wasFound !== "boolean" || typeof id !== "string" || rows === undefined)
      throw new ProtocolError("the reply to monitor_cond_since is not [found, last-txn-id, updates]");
    [found, lastId, updates] = [wasFound, id, rows];
    // The id in the reply counts: without it a second reconnect would apply the same difference twice.
    monitor.lastId = id;
  }
  monitor.phase = "live";
  monitor.limitMs = state.options.limits.snapshotMs;
  const reason = monitor.reloadReason;
  monitor.reloadReason = "history-expired";
  state.out.push({ type: "snapshot", monitor: monitor.id, requestId, found, lastId, updates, version });
  state.out.push({
    type: "lifecycle",
    event: found ? { type: "resumed", monitor: monitor.id } : { type: "reloaded", monitor: monitor.id, reason },
  });
  if (sameConditions(monitor.wanted, monitor.acked)) acknowledge(state, monitor, monitor.wanted, monitor.seqno);
  for (const { method, params } of monitor.held.splice(0)) onUpdate(state, method, params);
  sendConditions(state, link, monitor);
}

/** Falls back to an older method, waits for the database to come back, or gives the monitor up. */
export function onMonitorError(
  state: SessionState,
  link: LinkState,
  pending: Extract<Pending, { kind: "monitor" }>,
  error: OvsdbError,
): void {
  const monitor = state.monitors.get(pending.monitor);
  if (monitor === undefined || monitor.generation !== pending.generation) return;
  const older = OLDER[pending.method];
  if (error.code === "UNKNOWN_METHOD" && older !== undefined) {
    monitor.method = older;
    if (older === "monitor") acknowledge(state, monitor, monitor.wanted, monitor.seqno);
    return startMonitor(state, link, monitor);
  }
  if (error.code === "UNKNOWN_DATABASE" || error.code === "DATABASE_NOT_AVAILABLE") {
    // The database is going away or has yet to come: the `_Server` row will tell.
    monitor.phase = "idle";
    return;
  }
  // The database may have been converted since its schema was read, which nobody tells to a client without monitors.
  monitor.phase = "idle";
  monitor.doubt = error;
  checkSchema(state, link);
}

/** Asks whether the schema is still the one that was taken; `_Server` of a standalone server shows the old one for ever. */
export function checkSchema(state: SessionState, link: LinkState): void {
  request(state, link, "get_schema", [state.options.database], { kind: "schema-check" });
}

/** The schema is as was thought: what the server refused is refused. */
export function endDoubts(state: SessionState): void {
  for (const monitor of state.monitors.values()) {
    if (monitor.doubt === undefined || monitor.phase !== "idle") continue;
    monitor.phase = "failed";
    state.out.push({ type: "monitorFailed", monitor: monitor.id, error: monitor.doubt });
  }
}

/** `update`, `update2` and `update3`. */
export function onUpdate(state: SessionState, method: string, params: readonly Json[]): void {
  const monitor = monitorOf(state, params[0]);
  if (monitor === undefined) return;
  if (monitor.phase === "requested") {
    if (monitor.held.length >= HELD_MAX)
      throw new ProtocolError(`the server sent ${HELD_MAX} updates before the reply to the monitor request`);
    monitor.held.push({ method, params });
    return;
  }
  if (monitor.phase !== "live") return;
  const cause = monitor.requested === undefined ? "update" : "condition";
  if (method === "update3") {
    const [, lastId, updates] = params;
    if (typeof lastId !== "string" || updates === undefined)
      throw new ProtocolError("update3 is not [monitor, last-txn-id, updates]");
    monitor.lastId = lastId;
    state.out.push({ type: "update", monitor: monitor.id, version: 3, updates, lastId, cause });
    return;
  }
  const updates = params[1];
  if (updates === undefined) throw new ProtocolError(`${method} is not [monitor, updates]`);
  state.out.push({
    type: "update",
    monitor: monitor.id,
    version: method === "update" ? 1 : 2,
    updates,
    lastId: undefined,
    cause,
  });
}

/** The server dropped a monitor: its database was converted, removed, or replaced by a snapshot of the leader. */
export function onMonitorCanceled(state: SessionState, id: Json | undefined): boolean {
  const monitor = monitorOf(state, id);
  if (monitor === undefined) return false;
  monitor.phase = "idle";
  forgetConditionsInFlight(monitor);
  return true;
}

/** Asks for other conditions; the number is acknowledged when they are in force. */
export function wantConditions(
  state: SessionState,
  link: LinkState | undefined,
  monitor: MonitorState,
  conditions: Conditions,
): void {
  const wanted = { ...monitor.wanted, ...conditions };
  monitor.seqno++;
  monitor.wanted = wanted;
  const isInForce = monitor.requested === undefined && sameConditions(wanted, monitor.acked);
  // Nothing of the replica is known by any server yet: the first request simply carries them.
  const isUnasked = monitor.phase === "idle" && monitor.lastId === ZERO_ID;
  if (isInForce || isUnasked || monitor.method === "monitor") return acknowledge(state, monitor, wanted, monitor.seqno);
  if (link !== undefined) sendConditions(state, link, monitor);
}

/** One change at a time; the newest wish is the one that is sent next. */
export function sendConditions(state: SessionState, link: LinkState, monitor: MonitorState): void {
  if (monitor.phase !== "live" || monitor.requested !== undefined || monitor.method === "monitor") return;
  if (sameConditions(monitor.wanted, monitor.acked)) return;
  const changes: Record<string, Json> = {};
  for (const [table, where] of Object.entries(monitor.wanted)) {
    if (!sameJson(where, monitor.acked[table] ?? [])) changes[table] = [{ where }];
  }
  monitor.requested = monitor.wanted;
  monitor.requestedSeqno = monitor.seqno;
  request(state, link, "monitor_cond_change", [wireId(monitor), wireId(monitor), changes], {
    kind: "conditions",
    monitor: monitor.id,
    generation: monitor.generation,
  });
}

export function onConditionsReply(
  state: SessionState,
  link: LinkState,
  pending: Extract<Pending, { kind: "conditions" }>,
): void {
  const monitor = state.monitors.get(pending.monitor);
  if (monitor?.requested === undefined || monitor.generation !== pending.generation) return;
  acknowledge(state, monitor, monitor.requested, monitor.requestedSeqno);
  sendConditions(state, link, monitor);
}

function acknowledge(state: SessionState, monitor: MonitorState, conditions: Conditions, seqno: number): void {
  monitor.acked = conditions;
  monitor.requested = undefined;
  state.out.push({ type: "conditionsAcked", monitor: monitor.id, seqno });
}

/** The link is gone. A condition change that was not answered leaves no transaction id to resume from. */
export function onLinkLost(state: SessionState): void {
  for (const monitor of state.monitors.values()) {
    if (monitor.phase !== "failed") monitor.phase = "idle";
    monitor.method = "monitor_cond_since";
    monitor.held.length = 0;
    forgetConditionsInFlight(monitor);
  }
}

function forgetConditionsInFlight(monitor: MonitorState): void {
  if (monitor.requested === undefined) return;
  monitor.requested = undefined;
  monitor.acked = monitor.wanted;
  forgetLastId(monitor, "condition-in-flight");
}

/** Conditions that were wanted all along count once a full reply in terms of them is in. */
export function forgetLastId(monitor: MonitorState, reason: ReloadReason): void {
  monitor.lastId = ZERO_ID;
  if (monitor.reloadReason !== "initial") monitor.reloadReason = reason;
  monitor.acked = monitor.wanted;
}

/** The replica contradicts the server: everything anew, on the same link. */
export function restartMonitor(
  state: SessionState,
  link: LinkState | undefined,
  monitor: MonitorState,
  reason: ReloadReason,
): void {
  const wasLive = monitor.phase === "live" || monitor.phase === "requested";
  if (link !== undefined && wasLive) request(state, link, "monitor_cancel", [wireId(monitor)], { kind: "ignored" });
  monitor.phase = "idle";
  monitor.requested = undefined;
  forgetLastId(monitor, reason);
  if (link !== undefined && !link.schemaPending) startMonitor(state, link, monitor);
}

export function dropMonitor(state: SessionState, link: LinkState | undefined, id: number): void {
  const monitor = state.monitors.get(id);
  if (monitor === undefined) return;
  state.monitors.delete(id);
  if (link !== undefined && (monitor.phase === "live" || monitor.phase === "requested")) {
    request(state, link, "monitor_cancel", [wireId(monitor)], { kind: "ignored" });
  }
}

export function sameConditions(a: Conditions, b: Conditions): boolean {
  const tables = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...tables].every((table) => sameJson(a[table] ?? [], b[table] ?? []));
}

function sameJson(a: Json, b: Json): boolean {
  return stringifyJson(a) === stringifyJson(b);
}
