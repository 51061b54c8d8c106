/** A `Connection` on a stream socket: back-pressure both ways, and work in slices so that the event loop keeps turning. */
import type { Socket } from "node:net";
import { LimitError, OvsdbError, ProtocolError, TransportError } from "../error.ts";
import { FrameReader, type ReaderLimits, type RowSink, type TextDecoding } from "../framer.ts";
import type { Json } from "../json.ts";
import { decodeMessage, encodeMessage, type JsonRpcMessage } from "../message.ts";
import { type Endpoint, formatEndpoint } from "../remote.ts";
import type { Connection, ConnectionEvents, OpenedInfo } from "./connection.ts";
import { frameChannel, publishFrame } from "./diagnostics.ts";
import { socketError } from "./socket-error.ts";

/** Bounds of one connection. */
export type LinkLimits = ReaderLimits & {
  /** Bytes that may wait to be written. Default 256 MiB. */
  readonly sendQueueBytesMax?: number | undefined;
  /** Milliseconds of work on incoming messages before other work gets its turn. Default 8. */
  readonly sliceMs?: number | undefined;
};

const SEND_QUEUE_BYTES_MAX = 256 * 1024 * 1024;
const SLICE_MS = 8;
/** The reader is fed in pieces of at most this size, since it works on what it has until a message is complete. */
const PIECE_BYTES = 64 * 1024;

const latin1Slice = (
  Buffer.prototype as unknown as { latin1Slice: (this: Uint8Array, start: number, end: number) => string }
).latin1Slice;
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** `Buffer` decodes ASCII several times faster than `TextDecoder`. */
export const bufferDecoding: TextDecoding = {
  ascii: (bytes, start, end) => latin1Slice.call(bytes, start, end),
  utf8: (bytes, start, end) => utf8.decode(bytes.subarray(start, end)),
};

export class SocketLink implements Connection {
  readonly endpoint: Endpoint;
  readonly #events: ConnectionEvents;
  readonly #reader: FrameReader;
  readonly #sendQueueBytesMax: number;
  readonly #sliceMs: number;
  /** Gives up the attempt that is under way. */
  #abandon: (() => void) | undefined;
  #socket: Socket | undefined;
  /** Text sent before the connection stands. */
  #early: Buffer[] = [];
  #earlyBytes = 0;
  #arrived: Uint8Array[] = [];
  #sliceStartMs: number | undefined;
  #isPaused = false;
  /** Set by `close()` and by errors on this side: nothing more is delivered. */
  #isShut = false;
  /** The socket is gone; messages that had arrived may still be under work. */
  #isGone = false;
  #isReported = false;
  #hasHeard = false;
  #error: OvsdbError | undefined;

  constructor(endpoint: Endpoint, events: ConnectionEvents, sink: RowSink | undefined, limits: LinkLimits) {
    this.endpoint = endpoint;
    this.#events = events;
    this.#reader = new FrameReader(limits, sink, bufferDecoding);
    this.#sendQueueBytesMax = limits.sendQueueBytesMax ?? SEND_QUEUE_BYTES_MAX;
    this.#sliceMs = limits.sliceMs ?? SLICE_MS;
  }

  get backlogBytes(): number {
    return this.#earlyBytes + (this.#socket?.writableLength ?? 0);
  }

  /** For the dialer: how to give up while there is no socket yet. */
  opening(abandon: () => void): void {
    if (this.#isShut) abandon();
    else this.#abandon = abandon;
  }

  /** For the dialer: the connection stands. */
  attach(socket: Socket, info: OpenedInfo): void {
    this.#abandon = undefined;
    this.#socket = socket;
    socket.on("error", (error) => {
      this.#error ??= socketError(this.endpoint, error, { isOpen: true, hasHeard: this.#hasHeard });
    });
    socket.on("close", () => this.#gone());
    if (this.#isShut) {
      socket.destroy();
      return;
    }
    socket.on("data", (chunk: Uint8Array) => this.#take(chunk));
    for (const bytes of this.#early) socket.write(bytes);
    this.#early = [];
    this.#earlyBytes = 0;
    this.#events.opened(info);
  }

  /** For the dialer: the connection could not be made. */
  fail(error: OvsdbError): void {
    this.#abandon = undefined;
    this.#error ??= error;
    this.#isShut = true;
    this.#report();
  }

  send(message: JsonRpcMessage): void {
    if (this.#isShut) return;
    const bytes = this.#write(encodeMessage(message));
    if (frameChannel.hasSubscribers && bytes > 0) publishFrame("out", this.endpoint, bytes, message);
  }

  sendText(text: string): void {
    if (!this.#isShut) this.#write(text);
  }

  close(cause?: OvsdbError): void {
    if (this.#isShut) return;
    this.#isShut = true;
    this.#error = cause;
    this.#arrived = [];
    const socket = this.#socket;
    if (socket !== undefined) {
      // What is queued goes out if the peer takes it at once; a peer that does not read must not keep the socket alive.
      if (socket.writableLength === 0) socket.end();
      socket.destroy();
      if (this.#isGone) setImmediate(() => this.#report());
      return;
    }
    this.#abandon?.();
    this.#abandon = undefined;
    setImmediate(() => this.#report());
  }

  #write(text: string): number {
    const bytes = Buffer.from(text);
    if (this.backlogBytes + bytes.length > this.#sendQueueBytesMax) {
      const waiting = `${this.backlogBytes} bytes wait to be written to ${formatEndpoint(this.endpoint)} and ${bytes.length} more came`;
      this.close(
        new LimitError("sendQueueBytesMax", `${waiting}; the server does not read, or sendQueueBytesMax is too low`, {
          origin: "transport",
        }),
      );
      return 0;
    }
    if (this.#socket === undefined) {
      this.#early.push(bytes);
      this.#earlyBytes += bytes.length;
    } else this.#socket.write(bytes);
    return bytes.length;
  }

  #take(chunk: Uint8Array): void {
    if (this.#isShut) return;
    this.#hasHeard = true;
    for (let start = 0; start < chunk.length; start += PIECE_BYTES)
      this.#arrived.push(chunk.subarray(start, start + PIECE_BYTES));
    this.#events.bytes(chunk.length);
    if (!this.#isPaused) this.#work();
  }

  /** Reads messages until there are none, or until the slice of time is used up; then it goes on in the next turn. */
  #work(): void {
    if (this.#sliceStartMs === undefined) {
      this.#sliceStartMs = performance.now();
      // One poll of the event loop can bring many chunks: the slice is counted over all of them.
      setImmediate(() => this.#nextTurn());
    }
    while (!this.#isShut) {
      if (performance.now() - this.#sliceStartMs > this.#sliceMs) {
        this.#isPaused = true;
        this.#socket?.pause();
        return;
      }
      if (!this.#readOne()) return;
    }
  }

  #nextTurn(): void {
    this.#sliceStartMs = undefined;
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#work();
    if (this.#isPaused) return;
    if (this.#isGone) this.#finish();
    else this.#socket?.resume();
  }

  /** False if all that has arrived is read. */
  #readOne(): boolean {
    let message: JsonRpcMessage | undefined;
    try {
      const value = this.#reader.next();
      if (value !== undefined) message = decodeMessage(value as Json);
    } catch (error) {
      const place = formatEndpoint(this.endpoint);
      this.close(
        error instanceof OvsdbError
          ? error
          : new ProtocolError(`${place}: a message could not be taken: ${String(error)}`, { cause: error }),
      );
      return false;
    }
    if (message !== undefined) {
      const bytes = this.#reader.frameBytes;
      if (frameChannel.hasSubscribers) publishFrame("in", this.endpoint, bytes, message);
      this.#events.message(message, bytes);
      return true;
    }
    const piece = this.#arrived.shift();
    if (piece === undefined) return false;
    this.#reader.push(piece);
    return true;
  }

  #gone(): void {
    this.#isGone = true;
    // Messages that came before the end are delivered before the end is.
    if (!this.#isPaused || this.#isShut) this.#finish();
  }

  #finish(): void {
    if (!this.#isShut) {
      const place = formatEndpoint(this.endpoint);
      const what = this.#reader.idle
        ? "the server closed the connection"
        : "the connection ended in the middle of a message";
      this.#error ??=
        socketError(this.endpoint, undefined, { isOpen: true, hasHeard: this.#hasHeard }) ??
        new TransportError(`${place}: ${what}`, { reason: "EOF" });
    }
    this.#isShut = true;
    this.#report();
  }

  #report(): void {
    if (this.#isReported) return;
    this.#isReported = true;
    this.#arrived = [];
    this.#early = [];
    this.#events.closed(this.#error);
  }
}
