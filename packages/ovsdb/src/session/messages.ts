/** Sending, and the words for it. */
import type { Json } from "../json.ts";
import * as rpc from "../message.ts";
import type { LinkState, Pending, SessionState } from "./types.ts";

/** Sends a request and remembers what its reply is for. Ids are numbers that never repeat in one session. */
export function request(
  state: SessionState,
  link: LinkState,
  method: string,
  params: readonly Json[],
  pending: Pending,
): number {
  const id = state.nextRequest++;
  link.pending.set(id, pending);
  state.out.push({ type: "send", link: link.id, message: rpc.request(id, method, params) });
  return id;
}

export function notify(state: SessionState, link: LinkState, method: string, params: readonly Json[]): void {
  state.out.push({ type: "send", link: link.id, message: rpc.notification(method, params) });
}

/** Mulberry32: the next number in [0, 1) of the state's own generator. */
export function draw(state: SessionState): number {
  state.random = (state.random + 0x6d2b79f5) >>> 0;
  let mixed = state.random;
  mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
  mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
}
