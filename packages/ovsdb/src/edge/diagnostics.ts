/**
 * What the client tells whoever subscribes, through `node:diagnostics_channel`. Without a subscriber nothing is built:
 * check `hasSubscribers` of a channel before making its event, where making it costs anything.
 */
import { type Channel, channel } from "node:diagnostics_channel";
import type { OvsdbError } from "../error.ts";
import type { JsonRpcMessage } from "../message.ts";
import type { Endpoint } from "../remote.ts";

/** Channel `ovnha:ovsdb:frame`: one message, sent or received. Rows taken on arrival of a large reply are not in it. */
export type FrameEvent = {
  readonly direction: "in" | "out";
  readonly endpoint: Endpoint;
  /** Size on the wire in bytes. */
  readonly bytes: number;
  readonly message: JsonRpcMessage;
};

/** Channel `ovnha:ovsdb:transaction`: one transaction ended. */
export type TransactionEvent = {
  readonly database: string;
  /** How many operations it had. */
  readonly operations: number;
  /** From the call to its end, in milliseconds. */
  readonly durationMs: number;
  readonly outcome: "committed" | "failed" | "unknown";
};

/** Channel `ovnha:ovsdb:state`: a session or database came into another state. */
export type StateEvent = { readonly type: string } & { readonly [detail: string]: unknown };

/** Channel `ovnha:ovsdb:latency`: one call was answered. */
export type LatencyEvent = { readonly method: string; readonly durationMs: number };

/** Channel `ovnha:ovsdb:warning`: something that works, but not as its author will want. */
export type WarningEvent = { readonly message: string; readonly error?: OvsdbError | undefined };

export const frameChannel: Channel<FrameEvent> = channel("ovnha:ovsdb:frame") as Channel<FrameEvent>;
export const transactionChannel: Channel<TransactionEvent> = channel(
  "ovnha:ovsdb:transaction",
) as Channel<TransactionEvent>;
export const stateChannel: Channel<StateEvent> = channel("ovnha:ovsdb:state") as Channel<StateEvent>;
export const latencyChannel: Channel<LatencyEvent> = channel("ovnha:ovsdb:latency") as Channel<LatencyEvent>;
export const warningChannel: Channel<WarningEvent> = channel("ovnha:ovsdb:warning") as Channel<WarningEvent>;

export function publishFrame(
  direction: FrameEvent["direction"],
  endpoint: Endpoint,
  bytes: number,
  message: JsonRpcMessage,
): void {
  if (frameChannel.hasSubscribers) frameChannel.publish({ direction, endpoint, bytes, message });
}

export function publishTransaction(event: TransactionEvent): void {
  if (transactionChannel.hasSubscribers) transactionChannel.publish(event);
}

export function publishState(event: StateEvent): void {
  if (stateChannel.hasSubscribers) stateChannel.publish(event);
}

export function publishLatency(method: string, durationMs: number): void {
  if (latencyChannel.hasSubscribers) latencyChannel.publish({ method, durationMs });
}

export function publishWarning(message: string, error?: OvsdbError): void {
  if (warningChannel.hasSubscribers) warningChannel.publish({ message, error });
}
