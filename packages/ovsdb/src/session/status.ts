/** How the session stands, in one value that is told whenever something but the log index changes. */
import { activeLink } from "./links.ts";
import type { SessionState, SessionStatus } from "./types.ts";

export function tellStatus(state: SessionState, nowMs: number): void {
  const link = activeLink(state);
  const name = nameState(state);
  const reasons = state.endpoints.flatMap(({ reason, link: open }) =>
    reason === undefined || (open === state.active && open !== undefined) ? [] : [reason],
  );
  const key = [
    name,
    link?.id,
    link?.row?.sid,
    link?.row?.cid,
    ...reasons.map(({ endpoint, reason }) => `${endpoint} ${reason}`),
  ].join("|");
  const isNews = key !== state.statusKey;
  const sinceMs = isNews && name !== state.status.state ? nowMs : state.status.sinceMs;
  const { sid, cid, index } = link?.row ?? {};
  state.status = {
    state: name,
    ...(link === undefined ? {} : { endpoint: link.at.name }),
    ...(sid === undefined ? {} : { serverId: sid }),
    ...(cid === undefined ? {} : { clusterId: cid }),
    ...(index === undefined ? {} : { index }),
    sinceMs,
    reasons,
    attempts: state.attempts,
    staleRefusals: state.staleRefusals,
  };
  if (!isNews) return;
  state.statusKey = key;
  state.out.push({ type: "status", status: state.status });
}

function nameState(state: SessionState): SessionStatus["state"] {
  if (state.closed) return "closed";
  const link = activeLink(state);
  if (link !== undefined) return link.synced ? "ready" : "resyncing";
  const isTrying = state.endpoints.some(({ reason }) => reason === undefined);
  return isTrying ? "connecting" : "waiting";
}

/** Calls are taken from here on: every monitor that was there when the link was taken has caught up. */
export function noteSynced(state: SessionState): void {
  const link = activeLink(state);
  if (link === undefined || link.synced || link.schemaPending || link.unconfirmed) return;
  for (const { phase } of state.monitors.values()) if (phase === "idle" || phase === "requested") return;
  link.synced = true;
}
