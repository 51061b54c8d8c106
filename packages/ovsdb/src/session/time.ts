/** Time: limits of dialling and greeting, probes of silent servers, and monitors whose first reply does not come. */
import { TimeoutError } from "../error.ts";
import { giveUp, hangUp, refuse } from "./links.ts";
import { request } from "./messages.ts";
import type { LinkState, MonitorState, SessionState } from "./types.ts";

/** Beyond this a late wake-up means that the process stood still, not that servers were silent. */
const LATENESS_MS_MAX = 500;

/** The earliest time at which one of the links wants something. */
export function linkDeadlineMs(state: SessionState): number {
  if (state.closed) return Number.POSITIVE_INFINITY;
  let earliestMs = Number.POSITIVE_INFINITY;
  for (const link of state.links.values()) {
    earliestMs = Math.min(earliestMs, link.deadlineMs, probeMs(state, link));
    if (link.id === state.active)
      for (const monitor of state.monitors.values())
        earliestMs = Math.min(earliestMs, monitorDeadlineMs(link, monitor));
  }
  return earliestMs;
}

function probeMs(state: SessionState, link: LinkState): number {
  if (link.phase === "dialing" || state.options.probeMs === 0) return Number.POSITIVE_INFINITY;
  return (link.probeSentMs ?? link.heardMs) + state.options.probeMs;
}

/** A first reply may take long, as long as something arrives. */
function monitorDeadlineMs(link: LinkState, monitor: MonitorState): number {
  return monitor.phase === "requested"
    ? Math.max(link.heardMs, link.activeSinceMs) + monitor.limitMs
    : Number.POSITIVE_INFINITY;
}

/** While this process was not running, nobody could be heard: that time does not count against the servers. */
export function forgiveLateness(state: SessionState, nowMs: number): void {
  const lateMs = nowMs - linkDeadlineMs(state);
  if (!(lateMs > LATENESS_MS_MAX)) return;
  for (const link of state.links.values()) {
    link.heardMs += lateMs;
    link.deadlineMs += lateMs;
    if (link.probeSentMs !== undefined) link.probeSentMs += lateMs;
  }
}

export function expireLinks(state: SessionState, nowMs: number): void {
  for (const link of [...state.links.values()]) {
    if (link.deadlineMs <= nowMs) {
      giveUp(
        state,
        link,
        nowMs,
        link.phase === "dialing"
          ? `no connection within ${state.options.limits.connectMs} ms`
          : `no answer to the greeting within ${state.options.limits.greetMs} ms`,
      );
    } else if (probeMs(state, link) <= nowMs) {
      probe(state, link, nowMs);
    } else if (link.id === state.active) expireMonitors(state, link, nowMs);
  }
}

/** Silence is first questioned with `echo` (RFC 7047 §4.1.11), then believed. */
function probe(state: SessionState, link: LinkState, nowMs: number): void {
  if (link.probeSentMs !== undefined)
    return giveUp(state, link, nowMs, `no sign of life for ${2 * state.options.probeMs} ms`);
  link.probeSentMs = nowMs;
  request(state, link, "echo", [], { kind: "probe" });
}

function expireMonitors(state: SessionState, link: LinkState, nowMs: number): void {
  const { growth, maxMs } = state.options.limits;
  for (const monitor of state.monitors.values()) {
    if (monitorDeadlineMs(link, monitor) > nowMs) continue;
    const why = `no snapshot within ${monitor.limitMs} ms`;
    // A database that is slow to arrive must not be asked for in a circle: the next try has more time.
    monitor.limitMs = Math.min(maxMs, monitor.limitMs * growth);
    const error = new TimeoutError(`${link.at.name}: ${why}`, { origin: "transport" });
    refuse(state, link.at, "timeout", why, error);
    return hangUp(state, link, nowMs, { deliberate: false, why, error });
  }
}
