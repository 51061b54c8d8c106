/** Locks (RFC 7047 §4.1.8): asked for on each new link, never twice under one name on one link. */
import type { Json } from "../json.ts";
import { request } from "./messages.ts";
import type { LinkState, LockEntry, SessionState } from "./types.ts";

export function wantLock(state: SessionState, name: string, steal: boolean): void {
  const known = state.locks.get(name);
  const entry: LockEntry = known ?? { name, steal, generation: 0, phase: "idle" };
  if (known !== undefined && known.phase !== "idle") return;
  entry.steal = steal;
  state.locks.set(name, entry);
  const link = state.active === undefined ? undefined : state.links.get(state.active);
  if (link !== undefined) askForLock(state, link, entry);
}

export function dropLock(state: SessionState, name: string): void {
  const entry = state.locks.get(name);
  if (entry === undefined) return;
  state.locks.delete(name);
  const link = state.active === undefined ? undefined : state.links.get(state.active);
  if (link !== undefined && entry.phase !== "idle") request(state, link, "unlock", [name], { kind: "ignored" });
}

/** A new link starts without locks. */
export function askForLocks(state: SessionState, link: LinkState): void {
  for (const entry of state.locks.values()) askForLock(state, link, entry);
}

function askForLock(state: SessionState, link: LinkState, entry: LockEntry): void {
  entry.generation++;
  entry.phase = "requested";
  request(state, link, entry.steal ? "steal" : "lock", [entry.name], {
    kind: "lock",
    name: entry.name,
    generation: entry.generation,
  });
  // Stealing is a deed of the moment: after a reconnect the lock is asked for like any other.
  entry.steal = false;
}

export function onLockReply(state: SessionState, name: string, generation: number, result: Json): void {
  const entry = state.locks.get(name);
  if (entry === undefined || entry.generation !== generation || entry.phase !== "requested") return;
  const owned =
    typeof result === "object" &&
    result !== null &&
    !Array.isArray(result) &&
    (result as { locked?: Json }).locked === true;
  entry.phase = owned ? "owned" : "waiting";
  state.out.push({ type: "lock", name, state: entry.phase });
}

/** `locked` and `stolen`. While a request is unanswered they can only speak of an earlier one. */
export function onLockNotification(state: SessionState, method: "locked" | "stolen", name: Json | undefined): void {
  const entry = typeof name === "string" ? state.locks.get(name) : undefined;
  if (entry === undefined) return;
  if (method === "locked" && entry.phase === "waiting") {
    entry.phase = "owned";
    state.out.push({ type: "lock", name: entry.name, state: "owned" });
  } else if (method === "stolen" && entry.phase === "owned") {
    // The server keeps the victim in the queue: `locked` comes when the thief lets go.
    entry.phase = "waiting";
    state.out.push({ type: "lock", name: entry.name, state: "stolen" });
  }
}

export function loseLocks(state: SessionState): void {
  for (const entry of state.locks.values()) {
    if (entry.phase !== "idle") state.out.push({ type: "lock", name: entry.name, state: "lost" });
    entry.phase = "idle";
  }
}
