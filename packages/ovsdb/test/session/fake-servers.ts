/** Servers that exist only as data, on a clock that only moves when told: what the session machine is tested against. */
import { expect } from "vitest";
import { type Json, stringifyJson } from "../../src/json.ts";
import { failure, type JsonRpcMessage, notification, RequestObject, success } from "../../src/message.ts";
import { parseRemotes } from "../../src/remote.ts";
import {
  createSession,
  deadlineMs,
  type Effect,
  type Input,
  type SessionOptions,
  type SessionState,
  step,
} from "../../src/session/index.ts";

export const SCHEMA = '{"name":"Lab","version":"1.0.0","tables":{"Host":{"columns":{"name":{"type":"string"}}}}}';
export const CID = "c0000000-0000-4000-8000-000000000001";
export const ZERO = "00000000-0000-0000-0000-000000000000";

/** How a server answers. Change it at any time; {@link World.tell} makes the change known to its clients. */
export type Fake = {
  mode: "up" | "refuses" | "black-hole" | "silent";
  row:
    | {
        model: string;
        connected: boolean;
        leader: boolean;
        schema?: string | undefined;
        cid?: string | undefined;
        sid: string;
        index: number;
      }
    | undefined;
  refused: Set<string>;
  /** Requests to leave unanswered. */
  mute: Set<string>;
  history: boolean;
};

const uuidOr = (id: string | undefined): Json => (id === undefined ? ["set", []] : ["uuid", id]);

export class World {
  readonly state: SessionState;
  readonly servers: Fake[];
  readonly links = new Map<number, { server: number; open: boolean }>();
  readonly effects: Effect[] = [];
  /** Every request: server, method, params. */
  readonly requests: {
    server: number;
    link: number;
    id: number;
    method: string;
    params: readonly Json[];
    atMs: number;
  }[] = [];
  readonly dials: { server: number; atMs: number }[] = [];
  nowMs = 0;
  onSchema: () => Extract<Input, { type: "schemaTaken" }>["monitors"] = () => new Map();

  constructor(count: number, options: Partial<SessionOptions> = {}) {
    const remote = Array.from({ length: count }, (_none, index) => `tcp:10.0.0.${index + 1}:6641`).join(",");
    const { endpoints } = parseRemotes(remote);
    this.servers = Array.from({ length: count }, (_none, index) => ({
      mode: "up",
      row: {
        model: "clustered",
        connected: true,
        leader: index === 0,
        schema: SCHEMA,
        cid: CID,
        sid: `50000000-0000-4000-8000-00000000000${index}`,
        index: 10,
      },
      refused: new Set<string>(),
      mute: new Set<string>(),
      history: true,
    }));
    this.state = createSession(
      {
        database: "Lab",
        endpoints,
        server: "leader",
        parallel: 3,
        staggerMs: 250,
        probeMs: 5_000,
        backoff: { minMs: 1_000, maxMs: 8_000, jitter: 0 },
        limits: { connectMs: 5_000, greetMs: 5_000, snapshotMs: 60_000, growth: 2, maxMs: 600_000 },
        dbChangeAware: true,
        pendingCallsMax: 100,
        shuffle: false,
        seed: 1,
        ...options,
      },
      0,
    );
  }

  start(): this {
    this.feed({ type: "start" });
    return this;
  }

  /** Takes an input and performs what follows from it, servers included. */
  feed(input: Input): void {
    const queue: Input[] = [input];
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      for (const effect of step(this.state, this.nowMs, next)) queue.push(...this.#perform(effect));
    }
  }

  /** Lets time pass, waking the machine whenever it asked for it. */
  advance(ms: number): this {
    const endMs = this.nowMs + ms;
    for (let woken = 0; ; woken++) {
      expect(woken, "the machine spins").toBeLessThan(10_000);
      const atMs = deadlineMs(this.state);
      if (atMs > endMs) break;
      this.nowMs = Math.max(this.nowMs, atMs);
      this.feed({ type: "woke" });
    }
    this.nowMs = endMs;
    return this;
  }

  /** The whole process stands still for so long, then wakes. */
  sleep(ms: number): this {
    this.nowMs += ms;
    this.feed({ type: "woke" });
    return this;
  }

  /** Changes a server's `_Server` row, and tells all that are connected to it. */
  tell(server: number, row: Partial<NonNullable<Fake["row"]>>): this {
    const fake = this.fake(server);
    if (fake.row !== undefined) Object.assign(fake.row, row);
    for (const [link, { server: owner, open }] of this.links) {
      if (owner !== server || !open || fake.mode !== "up") continue;
      this.feed({
        type: "message",
        link,
        message: notification("update2", [
          ["ovnha", "_Server"],
          { Database: { [this.#rowUuid(server)]: { modify: this.#columns(fake) } } },
        ]),
      });
    }
    return this;
  }

  /** The server's process dies: connections end, new ones are refused. */
  kill(server: number): this {
    this.fake(server).mode = "refuses";
    for (const [link, { server: owner }] of [...this.links]) {
      if (owner !== server) continue;
      this.links.delete(link);
      this.feed({ type: "lost", link });
    }
    return this;
  }

  notify(method: string, params: readonly Json[]): void {
    const link = this.state.active;
    if (link === undefined) throw new Error("no active link");
    this.feed({ type: "message", link, message: notification(method, params) });
  }

  reply(id: number, result: Json): void {
    const asked = this.requests.find((request) => request.id === id);
    if (asked !== undefined && this.links.has(asked.link))
      this.feed({ type: "message", link: asked.link, message: success(id, result) });
  }

  fake(server: number): Fake {
    const fake = this.servers[server];
    if (fake === undefined) throw new Error(`no server ${server}`);
    return fake;
  }

  get active(): number | undefined {
    return this.state.active === undefined ? undefined : this.links.get(this.state.active)?.server;
  }

  get events(): string[] {
    return this.effects.flatMap((effect) => (effect.type === "lifecycle" ? [effect.event.type] : []));
  }

  asked(method: string): typeof this.requests {
    return this.requests.filter((request) => request.method === method && request.params[0] !== "_Server");
  }

  #perform(effect: Effect): Input[] {
    this.effects.push(effect);
    switch (effect.type) {
      case "dial": {
        const server = Number(/10\.0\.0\.(\d+)/.exec(stringifyJson(effect.endpoint as unknown as Json))?.[1]) - 1;
        this.dials.push({ server, atMs: this.nowMs });
        const { mode } = this.fake(server);
        if (mode === "refuses") return [{ type: "lost", link: effect.link }];
        this.links.set(effect.link, { server, open: mode !== "black-hole" });
        return mode === "black-hole" ? [] : [{ type: "opened", link: effect.link }];
      }
      case "hangUp":
        this.links.delete(effect.link);
        return [];
      case "send":
        expect(this.links.get(effect.link)?.open, "a message on a link that is not open").toBe(true);
        return this.#answer(effect.link, effect.message);
      case "schema":
        return [{ type: "schemaTaken", monitors: this.onSchema() }];
      default:
        return [];
    }
  }

  #answer(link: number, message: JsonRpcMessage): Input[] {
    const server = this.links.get(link)?.server ?? -1;
    const fake = this.fake(server);
    if (!(message instanceof RequestObject)) return [];
    const id = message.id as number;
    const params = (message.params ?? []) as unknown as readonly Json[];
    this.requests.push({ server, link, id, method: message.method, params, atMs: this.nowMs });
    if (fake.mode !== "up" || fake.mute.has(message.method)) return [];
    const say = (reply: JsonRpcMessage): Input[] => [{ type: "message", link, message: reply }];
    if (fake.refused.has(message.method) && params[0] !== "_Server") return say(failure(id, "unknown method"));
    switch (message.method) {
      case "monitor_cond":
        if (params[0] === "_Server")
          return say(
            success(
              id,
              fake.row === undefined
                ? { Database: {} }
                : { Database: { [this.#rowUuid(server)]: { initial: this.#columns(fake) } } },
            ),
          );
        return say(success(id, {}));
      case "monitor_cond_since":
        return say(
          success(id, [
            fake.history && params[3] !== ZERO,
            `e0000000-0000-4000-8000-0000000000${String(this.requests.length % 100).padStart(2, "0")}`,
            {},
          ]),
        );
      case "get_schema":
        return say(success(id, JSON.parse(fake.row?.schema ?? "{}") as Json));
      case "lock":
      case "steal":
        return say(success(id, { locked: true }));
      case "transact":
        return [];
      default:
        return say(success(id, message.method === "echo" ? [] : {}));
    }
  }

  #rowUuid(server: number): string {
    return `d0000000-0000-4000-8000-00000000000${server}`;
  }

  #columns(fake: Fake): { [column: string]: Json } {
    const row = fake.row as NonNullable<Fake["row"]>;
    return {
      name: "Lab",
      model: row.model,
      connected: row.connected,
      leader: row.leader,
      schema: row.schema ?? ["set", []],
      cid: uuidOr(row.cid),
      sid: uuidOr(row.sid),
      index: row.index,
    };
  }
}
