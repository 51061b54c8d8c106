/**
 * One connection to a database server: messages out, messages in. What makes it, a socket or a test's double, is a
 * `Dialer`; everything above sees only these types.
 */
import type { OvsdbError } from "../error.ts";
import type { RowSink } from "../framer.ts";
import type { JsonRpcMessage } from "../message.ts";
import type { Endpoint } from "../remote.ts";

export type { RowContext, RowSink } from "../framer.ts";

/** How a connection was made. */
export type OpenedInfo = {
  /** The server's IP address; undefined for a Unix socket. */
  readonly remoteAddress?: string | undefined;
  readonly remotePort?: number | undefined;
  readonly localAddress?: string | undefined;
  readonly localPort?: number | undefined;
  /** Only for `ssl:` and `pssl:`. */
  readonly tls?: { readonly protocol: string; readonly cipher: string; readonly peer: string } | undefined;
};

/** What a connection tells its owner. No event comes from within a call into the connection or the dialer. */
export type ConnectionEvents = {
  /** The connection stands, TLS handshake included. At most once. */
  opened(info: OpenedInfo): void;
  /** So many bytes arrived, of a message that may still be incomplete: the server is alive. */
  bytes(count: number): void;
  /** One whole message, in the order of arrival, with its size on the wire; none after `close()` was called. */
  message(message: JsonRpcMessage, bytes: number): void;
  /**
   * The connection is gone, or could not be made. Exactly once, and the last event; undefined after `close()` without
   * a cause.
   */
  closed(error: OvsdbError | undefined): void;
};

export interface Connection {
  readonly endpoint: Endpoint;
  /** Bytes that wait to be written. */
  readonly backlogBytes: number;
  /**
   * Queues a message; nothing after `close()`. If more than `sendQueueBytesMax` would wait, the connection ends with a
   * `LimitError`: a message left out in the middle would be worse.
   */
  send(message: JsonRpcMessage): void;
  /** Queues text as it is, for a message that is encoded already. */
  sendText(text: string): void;
  /** Ends the attempt or the connection at once; `closed(cause)` follows. */
  close(cause?: OvsdbError): void;
}

/** Starts a connection. The sink, if given, is offered the rows of large messages (see `FrameReader`). */
export type Dialer = (endpoint: Endpoint, events: ConnectionEvents, sink?: RowSink) => Connection;
