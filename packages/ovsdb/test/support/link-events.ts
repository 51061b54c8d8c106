/** A connection whose events can be awaited. */
import type { OvsdbError } from "../../src/error.ts";
import type { RowSink } from "../../src/framer.ts";
import type { JsonRpcMessage } from "../../src/message.ts";
import type { Endpoint } from "../../src/remote.ts";
import type { Connection, ConnectionEvents, Dialer, OpenedInfo } from "../../src/edge/connection.ts";

export class Watched implements ConnectionEvents {
  readonly opening: Promise<OpenedInfo>;
  readonly closing: Promise<OvsdbError | undefined>;
  readonly messages: JsonRpcMessage[] = [];
  readonly log: string[] = [];
  bytesHeard = 0;
  onMessage: (message: JsonRpcMessage, bytes: number) => void = () => {};
  #opened: (info: OpenedInfo) => void = () => {};
  #failed: (error: unknown) => void = () => {};
  #closed: (error: OvsdbError | undefined) => void = () => {};
  #waiters: { readonly count: number; readonly resolve: () => void }[] = [];

  constructor() {
    this.opening = new Promise((resolve, reject) => {
      this.#opened = resolve;
      this.#failed = reject;
    });
    this.opening.catch(() => {});
    this.closing = new Promise((resolve) => {
      this.#closed = resolve;
    });
  }

  /** Resolves once so many messages have come. */
  count(count: number): Promise<void> {
    return new Promise((resolve) => {
      if (this.messages.length >= count) resolve();
      else this.#waiters.push({ count, resolve });
    });
  }

  opened(info: OpenedInfo): void {
    this.log.push("opened");
    this.#opened(info);
  }

  bytes(count: number): void {
    this.bytesHeard += count;
  }

  message(message: JsonRpcMessage, bytes: number): void {
    this.log.push("message");
    this.messages.push(message);
    this.onMessage(message, bytes);
    for (const { count, resolve } of this.#waiters) if (this.messages.length >= count) resolve();
  }

  closed(error: OvsdbError | undefined): void {
    this.log.push("closed");
    this.#failed(error ?? new Error("closed by its owner"));
    this.#closed(error);
  }
}

export function dialWatched(
  dial: Dialer,
  endpoint: Endpoint,
  sink?: RowSink,
): { connection: Connection; watched: Watched } {
  const watched = new Watched();
  return { connection: dial(endpoint, watched, sink), watched };
}
