/** Which endpoints are dialled when, and what becomes of a link (ovsdb-server(7), ovsdb(7) "Connection Methods"). */
import { type EndpointReason, type EndpointReasonKind, type OvsdbError, TimeoutError } from "../error.ts";
import { type Endpoint, formatEndpoint, isPassive } from "../remote.ts";
import { loseLocks } from "./locks.ts";
import { draw } from "./messages.ts";
import { onLinkLost } from "./monitors.ts";
import type { EndpointState, LinkState, SessionState } from "./types.ts";

export function newEndpoint(state: SessionState, endpoint: Endpoint): EndpointState {
  return {
    endpoint,
    name: formatEndpoint(endpoint),
    backoffMs: 0,
    retryMs: 0,
    turn: state.nextTurn++,
    link: undefined,
    reason: undefined,
  };
}

/** Fisher-Yates with the state's own generator, so that many clients spread over the servers. */
export function shuffled<Item>(state: SessionState, items: readonly Item[]): Item[] {
  const result = [...items];
  for (let last = result.length - 1; last > 0; last--) {
    const other = Math.floor(draw(state) * (last + 1));
    [result[last], result[other]] = [result[other] as Item, result[last] as Item];
  }
  return result;
}

export function activeLink(state: SessionState): LinkState | undefined {
  return state.active === undefined ? undefined : state.links.get(state.active);
}

/** Links that have yet to show what the server is. */
function unknownLinks(state: SessionState): number {
  let count = 0;
  for (const { phase } of state.links.values()) if (phase === "dialing" || phase === "greeting") count++;
  return count;
}

function nextToDial(state: SessionState): EndpointState | undefined {
  let best: EndpointState | undefined;
  for (const candidate of state.endpoints) {
    if (candidate.link !== undefined) continue;
    if (
      best === undefined ||
      candidate.retryMs < best.retryMs ||
      (candidate.retryMs === best.retryMs && candidate.turn < best.turn)
    )
      best = candidate;
  }
  return best;
}

/** The time at which the next dial is due; Infinity if none is. */
export function nextDialMs(state: SessionState): number {
  if (state.closed || !state.started || state.active !== undefined) return Number.POSITIVE_INFINITY;
  const unknown = unknownLinks(state);
  if (unknown >= state.options.parallel) return Number.POSITIVE_INFINITY;
  const next = nextToDial(state);
  if (next === undefined) return Number.POSITIVE_INFINITY;
  return unknown === 0 ? next.retryMs : Math.max(next.retryMs, state.nextDialMs);
}

export function dialDue(state: SessionState, nowMs: number): void {
  while (nextDialMs(state) <= nowMs) {
    const at = nextToDial(state) as EndpointState;
    const id = state.nextLink++;
    at.link = id;
    at.turn = state.nextTurn++;
    state.attempts++;
    state.nextDialMs = nowMs + state.options.staggerMs;
    state.links.set(id, {
      id,
      at,
      phase: "dialing",
      // Who waits to be dialled has no say in when that happens.
      deadlineMs: isPassive(at.endpoint) ? Number.POSITIVE_INFINITY : nowMs + state.options.limits.connectMs,
      heardMs: nowMs,
      probeSentMs: undefined,
      rows: new Map(),
      row: undefined,
      rowSchema: undefined,
      legacy: false,
      activeSinceMs: 0,
      synced: false,
      unconfirmed: false,
      schemaPending: false,
      pending: new Map(),
    });
    state.out.push({ type: "dial", link: id, endpoint: at.endpoint });
  }
}

/** Notes why an endpoint does not serve; told as an event when the reason is another one than before. */
export function refuse(
  state: SessionState,
  at: EndpointState,
  reason: EndpointReasonKind,
  detail: string,
  error?: OvsdbError,
): void {
  const isNews = at.reason?.reason !== reason;
  const noted: EndpointReason = { endpoint: at.name, reason, detail, error };
  at.reason = noted;
  if (!isNews) return;
  if (reason === "stale") state.staleRefusals++;
  state.out.push({ type: "lifecycle", event: { type: "refused", reason: noted } });
}

export function reasonOf(error: OvsdbError | undefined): EndpointReasonKind {
  if (error === undefined) return "lost";
  if (error.code === "TLS") return "tls";
  if (error.code === "TIMEOUT") return "timeout";
  if (error.code === "PROTOCOL" || error.code === "LIMIT") return "protocol";
  const cause = (error as { reason?: unknown }).reason;
  return typeof cause === "string" && cause !== "" ? "refused" : "lost";
}

/** Pauses grow per endpoint from `minMs` to `maxMs`, each spread by the jitter. */
export function backOff(state: SessionState, at: EndpointState, nowMs: number): void {
  const { minMs, maxMs, jitter } = state.options.backoff;
  at.backoffMs = at.backoffMs === 0 ? minMs : Math.min(maxMs, at.backoffMs * 2);
  at.retryMs = nowMs + at.backoffMs * (1 + jitter * (2 * draw(state) - 1));
}

/**
 * A link has ended, by itself or because it is hung up. After a deliberate move there is no pause; an endpoint that had
 * served for longer than its pause starts over, though after the others, since its `turn` is the newest.
 */
export function endLink(
  state: SessionState,
  link: LinkState,
  nowMs: number,
  end: { deliberate: boolean; why: string; error?: OvsdbError | undefined },
): void {
  state.links.delete(link.id);
  if (link.at.link === link.id) link.at.link = undefined;
  link.at.turn = state.nextTurn++;
  const served =
    link.phase === "active" && nowMs - link.activeSinceMs >= Math.max(state.options.backoff.minMs, link.at.backoffMs);
  if (end.deliberate || served) {
    link.at.backoffMs = 0;
    link.at.retryMs = nowMs;
  } else backOff(state, link.at, nowMs);
  if (state.active !== link.id) return;
  state.active = undefined;
  // Others are asked at once, however they failed before: the situation is a new one. Their pauses go on growing.
  for (const other of state.endpoints)
    if (other !== link.at && other.link === undefined) other.retryMs = Math.min(other.retryMs, nowMs);
  onLinkLost(state);
  loseLocks(state);
  for (const [token, call] of [...state.calls]) {
    if (call.link !== link.id) continue;
    state.calls.delete(token);
    state.out.push({ type: "callLost", token, error: end.error });
  }
  state.out.push({
    type: "lifecycle",
    event: { type: "disconnected", endpoint: link.at.name, cause: end.why, error: end.error },
  });
}

export function hangUp(
  state: SessionState,
  link: LinkState,
  nowMs: number,
  end: { deliberate: boolean; why: string; error?: OvsdbError | undefined },
): void {
  state.out.push({ type: "hangUp", link: link.id, error: end.error });
  endLink(state, link, nowMs, end);
}

/** A link that says nothing useful in time is given up. */
export function giveUp(state: SessionState, link: LinkState, nowMs: number, why: string): void {
  const error = new TimeoutError(`${link.at.name}: ${why}`, { origin: "transport" });
  refuse(state, link.at, "timeout", why, error);
  hangUp(state, link, nowMs, { deliberate: false, why, error });
}
