import type { Json } from "../json.ts";
import type { Endpoint } from "../remote.ts";
import {
  createSession,
  deadlineMs,
  type Effect,
  type Input,
  monitorOfRequest,
  type SessionOptions,
  type SessionState,
  step,
} from "../session/index.ts";
import type { Clock } from "./clock.ts";
import type { Connection, Dialer, RowContext } from "./connection.ts";

/** What a driver does with the effects that are not about links and timers. */
export interface DriverHost {
  onEffect(effect: Exclude<Effect, { type: "dial" | "hangUp" | "send" }>): void;
  /** A row of a large monitor reply, as it arrives; true if it was taken. */
  onRow(
    monitor: number,
    requestId: number,
    head: readonly Json[],
    table: string,
    uuid: string,
    rowUpdate: Json,
  ): boolean;
}

/** Runs the pure session machine on real links and a real clock. It holds no rule of the protocol. */
export class SessionDriver {
  readonly state: SessionState;
  readonly #host: DriverHost;
  readonly #dial: Dialer;
  readonly #clock: Clock;
  readonly #connections = new Map<number, Connection>();
  readonly #inputs: Input[] = [];
  #stepping = false;
  #disarm: (() => void) | undefined;
  #armedMs = Number.POSITIVE_INFINITY;

  constructor(options: SessionOptions, host: DriverHost, dial: Dialer, clock: Clock) {
    this.state = createSession(options, clock.nowMs());
    this.#host = host;
    this.#dial = dial;
    this.#clock = clock;
  }

  /** Takes one input. An input that comes while another is being worked on waits its turn, so order is kept. */
  feed(input: Input): void {
    this.#inputs.push(input);
    if (this.#stepping) return;
    this.#stepping = true;
    try {
      for (let next = this.#inputs.shift(); next !== undefined; next = this.#inputs.shift()) {
        for (const effect of step(this.state, this.#clock.nowMs(), next)) this.#perform(effect);
      }
    } finally {
      this.#stepping = false;
      this.#arm();
    }
  }

  /** Connections that are open or being opened. */
  get openLinks(): number {
    return this.#connections.size;
  }

  #perform(effect: Effect): void {
    switch (effect.type) {
      case "dial":
        return this.#open(effect.link, effect.endpoint);
      case "hangUp":
        this.#connections.get(effect.link)?.close();
        this.#connections.delete(effect.link);
        return;
      case "send":
        this.#connections.get(effect.link)?.send(effect.message);
        return;
      default:
        return this.#host.onEffect(effect);
    }
  }

  #open(link: number, endpoint: Endpoint): void {
    const isOurs = (): boolean => this.#connections.has(link);
    const sink = (context: RowContext, table: string, uuid: string, rowUpdate: Json): boolean => {
      if (typeof context.id !== "number" || !isOurs()) return false;
      const monitor = monitorOfRequest(this.state, link, context.id);
      return monitor !== undefined && this.#host.onRow(monitor, context.id, context.head, table, uuid, rowUpdate);
    };
    const events = {
      opened: (): void => this.#fromLink(link, { type: "opened", link }),
      bytes: (): void => this.#fromLink(link, { type: "bytes", link }),
      message: (message: Extract<Input, { type: "message" }>["message"]): void =>
        this.#fromLink(link, { type: "message", link, message }),
      closed: (error: Extract<Input, { type: "lost" }>["error"]): void => {
        if (!this.#connections.delete(link)) return;
        this.feed({ type: "lost", link, error });
      },
    };
    this.#connections.set(link, this.#dial(endpoint, events, sink));
  }

  #fromLink(link: number, input: Input): void {
    if (this.#connections.has(link)) this.feed(input);
  }

  #arm(): void {
    const wantedMs = deadlineMs(this.state);
    // A deadline that has moved away is looked at when the timer fires; moving the timer each time would cost more.
    if (wantedMs >= this.#armedMs) return;
    this.#disarm?.();
    this.#disarm = undefined;
    this.#armedMs = wantedMs;
    if (wantedMs === Number.POSITIVE_INFINITY) return;
    this.#disarm = this.#clock.after(wantedMs - this.#clock.nowMs(), () => {
      this.#disarm = undefined;
      this.#armedMs = Number.POSITIVE_INFINITY;
      this.feed({ type: "woke" });
    });
  }
}
