/** The lower floor: one connection, raw calls. No replica, no reconnect, no cluster rules; `openDatabase` has those. */
import {
  ClosedError,
  errorFromResult,
  LimitError,
  OutcomeUnknownError,
  type OvsdbError,
  ProtocolError,
  TimeoutError,
  TransportError,
  UnavailableError,
} from "../error.ts";
import { EventQueue } from "../event-queue.ts";
import type { Json } from "../json.ts";
import {
  echoReply,
  encodeMessage,
  ErrorObject,
  errorValue,
  failure,
  type JsonRpcMessage,
  type NotificationObject,
  notification,
  paramsOf,
  RequestObject,
  request,
  SuccessObject,
} from "../message.ts";
import { type Endpoint, formatEndpoint, parseRemotes } from "../remote.ts";
import type { Connection, Dialer, OpenedInfo } from "./connection.ts";
import { publishLatency, publishWarning } from "./diagnostics.ts";
import type { LinkLimits } from "./link.ts";
import { socketDialer } from "./socket.ts";
import type { TlsSource } from "./tls.ts";

export type RawSessionOptions = {
  readonly tls?: TlsSource | undefined;
  readonly limits?: LinkLimits | undefined;
  /** Milliseconds for the attempt on one remote, TLS handshake included. Default 5,000. */
  readonly connectMs?: number | undefined;
  /** Milliseconds for one call, unless it says otherwise. Default 15,000. */
  readonly timeoutMs?: number | undefined;
  /** Calls that may wait for a reply. Default 10,000. */
  readonly pendingCallsMax?: number | undefined;
  /** Notifications that may wait in one `notifications()`. Default 10,000. */
  readonly notificationsMax?: number | undefined;
  /** Closes the session. */
  readonly signal?: AbortSignal | undefined;
  /** Another transport than sockets, as tests use. */
  readonly transport?: Dialer | undefined;
};

export type RawCallOptions = {
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds until the call is given up; Infinity waits for ever. */
  readonly timeoutMs?: number | undefined;
};

export type Notification = { readonly method: string; readonly params: readonly Json[] };

/** Methods whose effect may have happened although their reply never came. */
const CHANGING = new Set(["transact", "convert"]);

type Pending = {
  readonly method: string;
  readonly startedMs: number;
  readonly settle: (outcome: { readonly result: Json } | { readonly error: unknown }) => void;
};

/**
 * Opens a session with the first of the remotes that answers, in their order. Returns at once: calls made before the
 * connection stands wait for it, and `ready()` tells when it does.
 *
 *     await using session = openSession("unix:/run/ovn/ovnnb_db.sock");
 *     await session.call("list_dbs", []);
 *
 * @throws ValueError if the remotes can't be understood.
 */
export function openSession(remote: string | readonly string[], options: RawSessionOptions = {}): RawSession {
  return new RawSession(parseRemotes(remote).endpoints, options);
}

export class RawSession implements AsyncDisposable {
  readonly #options: RawSessionOptions;
  readonly #dial: Dialer;
  readonly #pending = new Map<number, Pending>();
  readonly #streams = new Set<EventQueue<Notification>>();
  readonly #ready: Promise<OpenedInfo>;
  #settleReady: { resolve: (info: OpenedInfo) => void; reject: (error: unknown) => void } | undefined;
  readonly #closed: Promise<void>;
  #settleClosed: () => void = () => {};
  #connection: Connection | undefined;
  #early: RequestObject[] | undefined = [];
  #earlyNotifications: NotificationObject[] = [];
  #error: OvsdbError | undefined;
  #nextId = 1;

  /** @internal Use {@link openSession}. */
  constructor(endpoints: readonly Endpoint[], options: RawSessionOptions) {
    this.#options = options;
    this.#dial = options.transport ?? socketDialer({ tls: options.tls, limits: options.limits });
    this.#ready = new Promise((resolve, reject) => {
      this.#settleReady = { resolve, reject };
    });
    // Whoever does not ask `ready()` learns of a failure from his calls.
    this.#ready.catch(() => {});
    this.#closed = new Promise((resolve) => {
      this.#settleClosed = resolve;
    });
    const { signal } = options;
    if (signal !== undefined) {
      const onAbort = (): void => void this.close();
      signal.addEventListener("abort", onAbort, { once: true });
      void this.#closed.then(() => signal.removeEventListener("abort", onAbort));
    }
    this.#tryNext(endpoints, 0, []);
    if (signal?.aborted) void this.close();
  }

  /** The remote in use; undefined before the connection stands. */
  get endpoint(): Endpoint | undefined {
    return this.#early === undefined ? this.#connection?.endpoint : undefined;
  }

  /** Calls that wait for a reply. */
  get pendingCalls(): number {
    return this.#pending.size;
  }

  /**
   * Resolves when the connection stands.
   * @throws UnavailableError with one reason per remote if none can be reached.
   */
  ready(): Promise<OpenedInfo> {
    return this.#ready;
  }

  /** Resolves when the connection is gone, whoever ended it; {@link failure} tells why. */
  get closed(): Promise<void> {
    return this.#closed;
  }

  /** Why the session ended; undefined while it lives and after `close()`. */
  get failure(): OvsdbError | undefined {
    return this.#error instanceof ClosedError ? undefined : this.#error;
  }

  /**
   * Calls a method and resolves with its result, as JSON. A `transact` resolves even if an operation failed: the results
   * say so (RFC 7047 §4.1.3). A call given up by signal or time is forgotten; a `transact` is also cancelled
   * (RFC 7047 §4.1.4), which may come too late.
   *
   * @throws the error of `errorFromResult` for an error reply; OutcomeUnknownError if a `transact` or `convert` was sent
   * and its reply can't come any more (link lost, time out, signal); TransportError or TimeoutError for other methods;
   * LimitError if too many calls or bytes wait; ClosedError after `close()`.
   */
  call(method: string, params: readonly Json[], options: RawCallOptions = {}): Promise<Json> {
    if (this.#error !== undefined) return Promise.reject(this.#error);
    if (options.signal?.aborted) return Promise.reject(options.signal.reason);
    const pendingMax = this.#options.pendingCallsMax ?? 10_000;
    if (this.#pending.size >= pendingMax) {
      return Promise.reject(
        new LimitError(
          "pendingCallsMax",
          `${pendingMax} calls wait for a reply; wait for some, or raise pendingCallsMax`,
        ),
      );
    }
    const id = this.#nextId++;
    const message = request(id, method, params);
    const timeoutMs = options.timeoutMs ?? this.#options.timeoutMs ?? 15_000;
    return new Promise<Json>((resolve, reject) => {
      const giveUp = (why: string, error: unknown): void => this.#giveUp(id, why, error);
      const timer =
        timeoutMs === Number.POSITIVE_INFINITY
          ? undefined
          : setTimeout(
              () =>
                giveUp(
                  `no reply came within ${timeoutMs} ms`,
                  new TimeoutError(`${method}: no reply within ${timeoutMs} ms`),
                ),
              timeoutMs,
            );
      const onAbort = (): void => giveUp("it was aborted", options.signal?.reason);
      options.signal?.addEventListener("abort", onAbort, { once: true });
      const settle: Pending["settle"] = (outcome) => {
        clearTimeout(timer);
        options.signal?.removeEventListener("abort", onAbort);
        this.#pending.delete(id);
        if ("error" in outcome) reject(outcome.error);
        else resolve(outcome.result);
      };
      this.#pending.set(id, { method, startedMs: performance.now(), settle });
      if (this.#early === undefined) this.#connection?.send(message);
      else this.#early.push(message);
    });
  }

  /** Sends a notification; no reply comes. Dropped after the session has ended. */
  notify(method: string, params: readonly Json[]): void {
    const message = notification(method, params);
    if (this.#early === undefined) this.#connection?.send(message);
    else this.#earlyNotifications.push(message);
  }

  /** Sends text as it is, for what the codec would not write. */
  sendText(text: string): void {
    this.#connection?.sendText(text);
  }

  /**
   * What the server tells unasked (`update3`, `locked`, `monitor_canceled`, …) from now on. Ends with the session. If
   * more than `notificationsMax` wait to be read, the stream ends with a LimitError after those.
   */
  notifications(): EventQueue<Notification> {
    const stream: EventQueue<Notification> = new EventQueue(
      "notificationsMax",
      this.#options.notificationsMax ?? 10_000,
      () => this.#streams.delete(stream),
    );
    if (this.#error === undefined) this.#streams.add(stream);
    else stream.end(this.failure);
    return stream;
  }

  /** Ends the session; resolves when the socket is gone. Calls that wait are rejected. */
  async close(): Promise<void> {
    this.#end(new ClosedError("the session was closed"));
    this.#connection?.close();
    await this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #tryNext(
    endpoints: readonly Endpoint[],
    index: number,
    reasons: readonly { endpoint: string; reason: "refused" | "tls" | "timeout"; detail: string; error: OvsdbError }[],
  ): void {
    const endpoint = endpoints[index];
    if (endpoint === undefined) {
      const [only] = reasons;
      this.#end(
        reasons.length === 1 && only !== undefined
          ? only.error
          : new UnavailableError("no remote can be reached", reasons),
      );
      this.#settleClosed();
      return;
    }
    const connectMs = this.#options.connectMs ?? 5_000;
    const place = formatEndpoint(endpoint);
    let isOpen = false;
    const timer = setTimeout(
      () =>
        connection.close(new TransportError(`${place}: no connection within ${connectMs} ms`, { reason: "ETIMEDOUT" })),
      connectMs,
    );
    const connection = this.#dial(endpoint, {
      opened: (info) => {
        clearTimeout(timer);
        isOpen = true;
        this.#opened(connection, info);
      },
      bytes: () => {},
      message: (message) => this.#take(message),
      closed: (error) => {
        clearTimeout(timer);
        if (!isOpen && this.#error === undefined && error !== undefined) {
          const reason =
            error.code === "TLS" ? "tls" : (error as TransportError).reason === "ETIMEDOUT" ? "timeout" : "refused";
          this.#tryNext(endpoints, index + 1, [...reasons, { endpoint: place, reason, detail: error.message, error }]);
          return;
        }
        this.#end(error ?? new ClosedError("the session was closed"));
        this.#settleClosed();
      },
    });
    this.#connection = connection;
  }

  #opened(connection: Connection, info: OpenedInfo): void {
    const early = [...this.#earlyNotifications, ...(this.#early ?? [])];
    this.#early = undefined;
    this.#earlyNotifications = [];
    for (const message of early) {
      // A call that was given up meanwhile is not sent at all.
      if (!(message instanceof RequestObject) || this.#pending.has(message.id as number)) connection.send(message);
    }
    this.#settleReady?.resolve(info);
  }

  #take(message: JsonRpcMessage): void {
    if (message instanceof SuccessObject || message instanceof ErrorObject) this.#takeReply(message);
    else if (message instanceof RequestObject) {
      this.#connection?.send(echoReply(message) ?? failure(message.id as Json, "unknown method"));
    } else {
      const { method } = message;
      for (const stream of [...this.#streams]) stream.push({ method, params: paramsOf(message) });
    }
  }

  #takeReply(message: SuccessObject | ErrorObject): void {
    const id = message.id as Json;
    const call = typeof id === "number" ? this.#pending.get(id) : undefined;
    if (call !== undefined) {
      publishLatency(call.method, performance.now() - call.startedMs);
      call.settle(
        message instanceof SuccessObject
          ? { result: message.result as Json }
          : { error: errorFromResult(errorValue(message)) },
      );
      return;
    }
    // Late replies to calls that were given up are normal; an id never used is not.
    if (typeof id === "number" && Number.isInteger(id) && id > 0 && id < this.#nextId) return;
    const error = new ProtocolError("the server sent a reply to a request that was never made");
    publishWarning(`${error.message}: id ${encodeMessage(failure(id, "")).slice(6, 60)}`, error);
    this.#connection?.close(error);
  }

  #giveUp(id: number, why: string, error: unknown): void {
    const call = this.#pending.get(id);
    if (call === undefined) return;
    const isSent = this.#early === undefined;
    if (isSent && call.method === "transact") this.#connection?.send(notification("cancel", [id]));
    call.settle({ error: isSent && CHANGING.has(call.method) ? outcomeUnknown(call.method, why, error) : error });
  }

  #end(error: OvsdbError): void {
    if (this.#error !== undefined) return;
    this.#error = error;
    const isSent = this.#early === undefined;
    for (const call of [...this.#pending.values()]) {
      call.settle({
        error: isSent && CHANGING.has(call.method) ? outcomeUnknown(call.method, "the connection ended", error) : error,
      });
    }
    for (const stream of [...this.#streams]) stream.end(this.failure);
    this.#settleReady?.reject(error);
  }
}

function outcomeUnknown(method: string, why: string, cause: unknown): OutcomeUnknownError {
  return new OutcomeUnknownError(`${method} was sent, but ${why}: it may have taken effect or not`, { cause });
}
