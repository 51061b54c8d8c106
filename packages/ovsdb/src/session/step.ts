/** The session machine: inputs in, effects out. `nowMs` is the caller's clock and never goes back. */
import { ClosedError, errorFromResult, LimitError, OvsdbError, ProtocolError } from "../error.ts";
import { type Json, stringifyJson } from "../json.ts";
import {
  echoReply,
  ErrorObject,
  errorValue,
  messageKind,
  paramsOf,
  type JsonRpcMessage,
  type NotificationObject,
  type SuccessObject,
} from "../message.ts";
import { formatEndpoint } from "../remote.ts";
import {
  greet,
  isServerMonitor,
  monitorServer,
  judgeLinks,
  onLegacySchema,
  onSchemaChecked,
  onServerMonitorError,
  onServerReply,
  onServerUpdate,
  takeSchema,
} from "./greet.ts";
import { activeLink, dialDue, endLink, hangUp, newEndpoint, nextDialMs, reasonOf, refuse, shuffled } from "./links.ts";
import { dropLock, onLockNotification, onLockReply, wantLock } from "./locks.ts";
import { notify, request } from "./messages.ts";
import {
  checkSchema,
  dropMonitor,
  endDoubts,
  newMonitor,
  onConditionsReply,
  onMonitorCanceled,
  onMonitorError,
  onMonitorReply,
  onUpdate,
  restartMonitor,
  startMonitor,
  useTables,
  wantConditions,
} from "./monitors.ts";
import { noteSynced, tellStatus } from "./status.ts";
import {
  type Effect,
  type Input,
  type LinkState,
  type Pending,
  type SessionOptions,
  type SessionState,
  ZERO_ID,
} from "./types.ts";
import { expireLinks, linkDeadlineMs, forgiveLateness } from "./time.ts";

export function createSession(options: SessionOptions, nowMs: number): SessionState {
  const state: SessionState = {
    options,
    random: options.seed >>> 0,
    nextLink: 1,
    nextRequest: 1,
    nextTurn: 0,
    nextDialMs: nowMs,
    attempts: 0,
    staleRefusals: 0,
    closed: false,
    started: false,
    endpoints: [],
    links: new Map(),
    active: undefined,
    cluster: undefined,
    schemaText: undefined,
    monitors: new Map(),
    locks: new Map(),
    calls: new Map(),
    linksTouched: false,
    status: { state: "connecting", sinceMs: nowMs, reasons: [], attempts: 0, staleRefusals: 0 },
    statusKey: "",
    out: [],
  };
  const order = options.shuffle ? shuffled(state, options.endpoints) : options.endpoints;
  state.endpoints = order.map((endpoint) => newEndpoint(state, endpoint));
  return state;
}

export function step(state: SessionState, nowMs: number, input: Input): Effect[] {
  state.out = [];
  if (state.closed) {
    if (input.type === "call")
      state.out.push({ type: "callLost", token: input.token, error: new ClosedError("the session is closed") });
    return state.out;
  }
  if (input.type === "woke") forgiveLateness(state, nowMs);
  // Calls, their replies and rows are the hot path: they change nothing about links.
  state.linksTouched =
    input.type !== "call" && input.type !== "notify" && input.type !== "bytes" && input.type !== "message";
  take(state, nowMs, input);
  if (!state.linksTouched) return state.out;
  if (!state.closed) {
    expireLinks(state, nowMs);
    guarded(state, activeLink(state), nowMs, () => judgeLinks(state, nowMs));
    noteSynced(state);
    dialDue(state, nowMs);
  }
  tellStatus(state, nowMs);
  return state.out;
}

/** When to call again with `woke`; Infinity if nothing is due. */
export function deadlineMs(state: SessionState): number {
  return Math.min(nextDialMs(state), linkDeadlineMs(state));
}

/** The monitor that an outstanding request belongs to, so that rows can be taken from a reply that is still arriving. */
export function monitorOfRequest(state: SessionState, link: number, requestId: number): number | undefined {
  const pending = state.links.get(link)?.pending.get(requestId);
  if (pending?.kind !== "monitor") return undefined;
  return state.monitors.get(pending.monitor)?.generation === pending.generation ? pending.monitor : undefined;
}

function take(state: SessionState, nowMs: number, input: Input): void {
  const active = activeLink(state);
  switch (input.type) {
    case "start":
      state.started = true;
      return;
    case "woke":
      return;
    case "opened":
    case "bytes":
    case "message":
    case "lost": {
      const link = state.links.get(input.link);
      if (link !== undefined) fromLink(state, link, nowMs, input);
      return;
    }
    case "schemaTaken": {
      if (active === undefined) return;
      active.schemaPending = false;
      for (const [id, tables] of input.monitors) {
        const monitor = state.monitors.get(id);
        if (monitor !== undefined && useTables(monitor, tables) && monitor.phase === "requested")
          restartMonitor(state, active, monitor, "schema-changed");
      }
      for (const monitor of state.monitors.values()) {
        if (monitor.phase === "idle") startMonitor(state, active, monitor);
        else if (monitor.lastId === ZERO_ID && monitor.phase === "live")
          restartMonitor(state, active, monitor, "schema-changed");
      }
      checkSchema(state, active);
      return;
    }
    case "monitor": {
      const monitor = newMonitor(state, input.monitor, input.tables);
      state.monitors.set(input.monitor, monitor);
      if (active !== undefined && !active.schemaPending) startMonitor(state, active, monitor);
      return;
    }
    case "conditions": {
      const monitor = state.monitors.get(input.monitor);
      if (monitor !== undefined) wantConditions(state, active, monitor, input.conditions);
      return;
    }
    case "unmonitor":
      return dropMonitor(state, active, input.monitor);
    case "inconsistent": {
      const monitor = state.monitors.get(input.monitor);
      if (monitor !== undefined) restartMonitor(state, active, monitor, "inconsistent");
      return;
    }
    case "call":
      return call(state, active, input);
    case "notify":
      if (active !== undefined) notify(state, active, input.method, input.params);
      return;
    case "cancel":
      return cancel(state, input.token);
    case "lock":
      return wantLock(state, input.name, input.steal);
    case "unlock":
      return dropLock(state, input.name);
    case "setEndpoints":
      return setEndpoints(state, nowMs, input);
    case "setServer":
      state.options = { ...state.options, server: input.server };
      return;
    case "reconnect":
      if (active !== undefined) hangUp(state, active, nowMs, { deliberate: active.synced, why: input.reason });
      for (const endpoint of state.endpoints)
        endpoint.retryMs = Math.min(endpoint.retryMs, active === undefined ? nowMs : endpoint.retryMs);
      return;
    case "close":
      return close(state, nowMs);
    default:
      input satisfies never;
  }
}

function fromLink(state: SessionState, link: LinkState, nowMs: number, input: Extract<Input, { link: number }>): void {
  if (input.type === "lost") {
    const why = input.error?.message ?? "the server closed the connection";
    refuse(state, link.at, reasonOf(input.error), why, input.error);
    return endLink(state, link, nowMs, { deliberate: false, why, error: input.error });
  }
  link.heardMs = nowMs;
  link.probeSentMs = undefined;
  if (input.type === "opened") return greet(state, link, nowMs);
  if (input.type === "message") guarded(state, link, nowMs, () => onMessage(state, link, input.message));
}

/** What a server sends that makes no sense costs it the link, never the process. */
function guarded(state: SessionState, link: LinkState | undefined, nowMs: number, run: () => void): void {
  try {
    run();
  } catch (error) {
    state.linksTouched = true;
    if (!(error instanceof OvsdbError) || link === undefined || !state.links.has(link.id)) throw error;
    refuse(state, link.at, "protocol", error.message, error);
    hangUp(state, link, nowMs, { deliberate: false, why: error.message, error });
  }
}

function onMessage(state: SessionState, link: LinkState, message: JsonRpcMessage): void {
  const kind = messageKind(message);
  if (kind === "request") {
    const reply = echoReply(message);
    if (reply !== undefined) state.out.push({ type: "send", link: link.id, message: reply });
    return;
  }
  if (kind === "notification") return onNotification(state, link, message as NotificationObject);
  const { id } = message as SuccessObject;
  const pending = typeof id === "number" ? link.pending.get(id) : undefined;
  if (pending === undefined || typeof id !== "number") {
    if (id === "echo") return;
    throw new ProtocolError(
      `a reply to a request that was never sent, id ${stringifyJson((id ?? null) as Json).slice(0, 100)}`,
    );
  }
  link.pending.delete(id);
  if (message instanceof ErrorObject) return onError(state, link, pending, errorFromResult(errorValue(message)));
  onResult(state, link, id, pending, (message as SuccessObject).result as Json);
}

function onResult(state: SessionState, link: LinkState, id: number, pending: Pending, result: Json): void {
  if (pending.kind !== "call" && pending.kind !== "probe" && pending.kind !== "ignored") state.linksTouched = true;
  switch (pending.kind) {
    case "server-monitor":
      return onServerReply(state, link, result);
    case "legacy-schema":
      return onLegacySchema(link, result);
    case "schema":
      return takeSchema(state, link, stringifyJson(result));
    case "schema-check":
      return onSchemaChecked(state, link, stringifyJson(result));
    case "monitor":
      return onMonitorReply(state, link, id, pending, result);
    case "conditions":
      return onConditionsReply(state, link, pending);
    case "lock":
      return onLockReply(state, pending.name, pending.generation, result);
    case "call":
      if (state.calls.get(pending.token)?.method === "convert") checkSchema(state, link);
      if (state.calls.delete(pending.token)) state.out.push({ type: "reply", token: pending.token, result });
      return;
    case "probe":
    case "ignored":
      return;
    default:
      pending satisfies never;
  }
}

function onError(state: SessionState, link: LinkState, pending: Pending, error: OvsdbError): void {
  if (pending.kind !== "call") state.linksTouched = true;
  switch (pending.kind) {
    case "server-monitor":
      return onServerMonitorError(state, link);
    case "monitor":
      return onMonitorError(state, link, pending, error);
    case "call":
      if (state.calls.delete(pending.token)) state.out.push({ type: "replyError", token: pending.token, error });
      return;
    case "legacy-schema":
    case "schema":
    case "conditions":
      throw new ProtocolError(`${link.at.name} refused what every server grants: ${error.message}`, { cause: error });
    case "schema-check":
      link.unconfirmed = false;
      return endDoubts(state);
    case "lock":
    case "probe":
    case "ignored":
      return;
    default:
      pending satisfies never;
  }
}

function onNotification(state: SessionState, link: LinkState, message: NotificationObject): void {
  const params = paramsOf(message);
  switch (message.method) {
    case "update":
    case "update2":
    case "update3":
      if (isServerMonitor(params[0])) return onServerUpdate(state, link, params[1] ?? null);
      return onUpdate(state, message.method, params);
    case "monitor_canceled":
      state.linksTouched = true;
      if (isServerMonitor(params[0])) {
        monitorServer(state, link);
      } else if (onMonitorCanceled(state, params[0]) && link.id === state.active && !link.schemaPending) {
        // The new schema may be on its way in `_Server`, behind this; what the server says now is what counts.
        link.schemaPending = true;
        request(state, link, "get_schema", [state.options.database], { kind: "schema" });
      }
      return;
    case "locked":
    case "stolen":
      return onLockNotification(state, message.method, params[0]);
    default:
      state.out.push({ type: "notification", method: message.method, params: [...params] });
  }
}

function call(state: SessionState, active: LinkState | undefined, input: Extract<Input, { type: "call" }>): void {
  if (active === undefined || !active.synced) {
    state.out.push({ type: "notReady", token: input.token });
    return;
  }
  if (state.calls.size >= state.options.pendingCallsMax) {
    const error = new LimitError(
      "pendingCallsMax",
      `${state.options.pendingCallsMax} calls wait for replies; raise limits.pendingCallsMax, or wait for some`,
    );
    state.out.push({ type: "replyError", token: input.token, error });
    return;
  }
  const id = request(state, active, input.method, input.params, { kind: "call", token: input.token });
  state.calls.set(input.token, { link: active.id, request: id, method: input.method });
}

/** The caller has lost interest: `cancel` for a transaction (a notification, RFC 7047 §4.1.4), silence for the reply. */
function cancel(state: SessionState, token: number): void {
  const known = state.calls.get(token);
  const link = known === undefined ? undefined : state.links.get(known.link);
  if (known === undefined || link === undefined) return;
  state.calls.delete(token);
  link.pending.set(known.request, { kind: "ignored" });
  if (known.method === "transact") notify(state, link, "cancel", [known.request]);
}

function setEndpoints(state: SessionState, nowMs: number, input: Extract<Input, { type: "setEndpoints" }>): void {
  const { cid: _old, ...options } = state.options;
  state.options = { ...options, endpoints: input.endpoints, ...(input.cid === undefined ? {} : { cid: input.cid }) };
  const known = new Map(state.endpoints.map((endpoint) => [endpoint.name, endpoint]));
  const next = input.endpoints.map((endpoint) => known.get(formatEndpoint(endpoint)) ?? newEndpoint(state, endpoint));
  state.endpoints = next;
  for (const link of [...state.links.values()]) {
    if (!next.includes(link.at))
      hangUp(state, link, nowMs, { deliberate: true, why: `${link.at.name} is no longer among the remotes` });
  }
}

function close(state: SessionState, nowMs: number): void {
  const error = new ClosedError("the session was closed");
  for (const link of [...state.links.values()])
    hangUp(state, link, nowMs, { deliberate: true, why: "closed by its owner", error });
  state.closed = true;
  state.monitors.clear();
  state.locks.clear();
}
