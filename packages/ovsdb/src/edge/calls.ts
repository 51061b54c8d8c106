import {
  CanceledError,
  ClosedError,
  LimitError,
  OutcomeUnknownError,
  type OvsdbError,
  TimeoutError,
  type UnavailableError,
} from "../error.ts";
import type { Json } from "../json.ts";
import type { Clock } from "./clock.ts";
import { publishLatency } from "./diagnostics.ts";
import type { SessionDriver } from "./driver.ts";

export type CallOptions = {
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds for the whole call, waiting for a server included. */
  readonly timeoutMs?: number | undefined;
  /** What to do while no server is fit to serve: wait within the call's own limit, or refuse at once. */
  readonly whileDown?: "wait" | "reject" | undefined;
  /** The call changes data: if its reply is lost, the outcome is unknown. */
  readonly changes?: boolean | undefined;
};

/** What only this package gives to a call. */
export type InnerOptions = CallOptions & {
  /** Told to which server it goes; again if it goes to another. */
  readonly onSent?: ((endpoint: string | undefined) => void) | undefined;
};

type Call = {
  readonly method: string;
  readonly params: readonly Json[];
  readonly startedMs: number;
  readonly deadlineMs: number;
  readonly changes: boolean;
  readonly onSent: InnerOptions["onSent"];
  readonly settle: (outcome: { readonly result: Json } | { readonly error: unknown }) => void;
  sentMs: number | undefined;
};

/** Calls to the one server that serves: each ends exactly once, by a reply, a lost link, its limit, or its signal. */
export class Calls {
  readonly #driver: () => SessionDriver;
  readonly #clock: Clock;
  readonly #unavailable: () => UnavailableError;
  readonly #isReady: () => boolean;
  readonly #max: number;
  readonly #sent = new Map<number, Call>();
  readonly #waiting = new Map<number, Call>();
  #nextToken = 1;
  #closed: OvsdbError | undefined;

  constructor(parts: {
    driver: () => SessionDriver;
    clock: Clock;
    unavailable: () => UnavailableError;
    isReady: () => boolean;
    max: number;
  }) {
    this.#driver = parts.driver;
    this.#clock = parts.clock;
    this.#unavailable = parts.unavailable;
    this.#isReady = parts.isReady;
    this.#max = parts.max;
  }

  get pending(): number {
    return this.#sent.size + this.#waiting.size;
  }

  start(method: string, params: readonly Json[], timeoutMs: number, options: InnerOptions): Promise<Json> {
    if (this.#closed !== undefined) return Promise.reject(this.#closed);
    const { signal } = options;
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (this.pending >= this.#max) {
      return Promise.reject(
        new LimitError(
          "pendingCallsMax",
          `${this.#max} calls are pending already; wait for some, or raise limits.pendingCallsMax`,
        ),
      );
    }
    if (options.whileDown === "reject" && !this.#isReady()) return Promise.reject(this.#unavailable());
    const token = this.#nextToken++;
    const startedMs = this.#clock.nowMs();
    return new Promise<Json>((resolve, reject) => {
      const disarm =
        timeoutMs === Number.POSITIVE_INFINITY
          ? () => {}
          : this.#clock.after(timeoutMs, () => this.#expire(token, timeoutMs));
      const onAbort = (): void => this.#abort(token, signal?.reason);
      signal?.addEventListener("abort", onAbort, { once: true });
      const settle: Call["settle"] = (outcome) => {
        disarm();
        signal?.removeEventListener("abort", onAbort);
        this.#sent.delete(token);
        this.#waiting.delete(token);
        if ("error" in outcome) reject(outcome.error);
        else resolve(outcome.result);
      };
      const deadlineMs = startedMs + timeoutMs;
      this.#waiting.set(token, {
        method,
        params,
        startedMs,
        deadlineMs,
        changes: options.changes === true,
        onSent: options.onSent,
        settle,
        sentMs: undefined,
      });
      if (this.#isReady()) this.#send(token);
    });
  }

  /** A server is fit to serve: what waited goes out, oldest first. */
  ready(): void {
    for (const token of [...this.#waiting.keys()]) {
      if (!this.#isReady()) return;
      this.#send(token);
    }
  }

  #send(token: number): void {
    const call = this.#waiting.get(token);
    if (call === undefined) return;
    this.#waiting.delete(token);
    call.sentMs = this.#clock.nowMs();
    call.onSent?.(this.#driver().state.status.endpoint);
    this.#sent.set(token, call);
    this.#driver().feed({ type: "call", token, method: call.method, params: call.params });
  }

  /** The machine had no server for it after all; nothing was sent. */
  notReady(token: number): void {
    const call = this.#sent.get(token);
    if (call === undefined) return;
    this.#sent.delete(token);
    call.sentMs = undefined;
    this.#waiting.set(token, call);
  }

  replied(token: number, outcome: { readonly result: Json } | { readonly error: unknown }): void {
    const call = this.#sent.get(token);
    if (call === undefined) return;
    publishLatency(call.method, this.#clock.nowMs() - (call.sentMs ?? call.startedMs));
    // A server that exits, or replaces the database, drops what it has begun. The cluster may still commit it.
    if ("error" in outcome && outcome.error instanceof CanceledError) return this.#dropped(token, call, outcome.error);
    call.settle(outcome);
  }

  /** The link went away with the reply still to come. */
  lost(token: number, error: OvsdbError | undefined): void {
    const call = this.#sent.get(token);
    if (call === undefined) return;
    this.#dropped(token, call, error, "the link was lost after it was sent");
  }

  #dropped(
    token: number,
    call: Call,
    error: OvsdbError | undefined,
    why = "the server canceled it after it was sent",
  ): void {
    if (call.changes) return call.settle({ error: outcomeUnknown(call, why, error) });
    // A read changes nothing: it is asked again of the next server, within its own limit.
    this.#sent.delete(token);
    call.sentMs = undefined;
    this.#waiting.set(token, call);
    if (this.#isReady()) this.#send(token);
  }

  close(error: OvsdbError = new ClosedError("the database was closed")): void {
    this.#closed = error;
    for (const call of [...this.#sent.values()]) {
      call.settle({
        error: call.changes ? outcomeUnknown(call, "the database was closed after it was sent", error) : error,
      });
    }
    for (const call of [...this.#waiting.values()]) call.settle({ error });
  }

  #expire(token: number, timeoutMs: number): void {
    const waiting = this.#waiting.get(token);
    if (waiting !== undefined) return waiting.settle({ error: this.#unavailable() });
    const call = this.#sent.get(token);
    if (call === undefined) return;
    this.#driver().feed({ type: "cancel", token });
    const error = new TimeoutError(`${call.method}: no reply within ${timeoutMs} ms`);
    call.settle({ error: call.changes ? outcomeUnknown(call, `no reply came within ${timeoutMs} ms`, error) : error });
  }

  #abort(token: number, reason: unknown): void {
    const call = this.#sent.get(token);
    if (call === undefined) return this.#waiting.get(token)?.settle({ error: reason });
    this.#driver().feed({ type: "cancel", token });
    call.settle({ error: call.changes ? outcomeUnknown(call, "it was aborted after it was sent", reason) : reason });
  }
}

function outcomeUnknown(call: Call, why: string, cause: unknown): OutcomeUnknownError {
  return new OutcomeUnknownError(`${call.method}: ${why}; it may have been committed or not`, { cause });
}
