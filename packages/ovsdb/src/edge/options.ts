import { ValueError } from "../error.ts";
import { type Endpoint, parseRemotes } from "../remote.ts";
import type { SessionOptions } from "../session/index.ts";
import type { Clock } from "./clock.ts";
import type { Dialer } from "./connection.ts";
import type { TlsSource } from "./tls.ts";

/** Limits of time in milliseconds and of size; every one has a default that a cluster of 84 MB fits in. */
export type Limits = {
  /** Until the first server is found fit, for `openDatabase` itself. Default 30,000; Infinity waits for ever. */
  readonly openMs?: number;
  /** TCP and TLS handshake of one attempt. Default 5,000. */
  readonly connectMs?: number;
  /** The first replies of one server. Default 5,000. */
  readonly greetMs?: number;
  /** A monitor's first reply, counted from its last byte. Default 60,000. */
  readonly snapshotMs?: number;
  /** One transaction or call. Default 15,000. */
  readonly transactMs?: number;
  /** By how much `snapshotMs` grows each time it was too short. Default 2. */
  readonly growth?: number;
  /** How far `snapshotMs` may grow. Default 600,000. */
  readonly maxMs?: number;
  /** One JSON-RPC message, in bytes. Default 1 GiB. */
  readonly frameBytesMax?: number;
  /** Brackets inside brackets in one message. Default 1,000. */
  readonly depthMax?: number;
  /** Bytes that may wait to be written to one server. Default 256 MiB. */
  readonly sendQueueBytesMax?: number;
  /** Calls that may wait for a reply. Default 10,000. */
  readonly pendingCallsMax?: number;
  /** Events that may wait in `lifecycle()` or `statusChanges()`. Default 10,000. */
  readonly eventsMax?: number;
};

export type OpenOptions = {
  /** `tcp:10.0.0.1:6641,ssl:[::1]:6641,unix:/run/ovn/ovnnb_db.sock,cid:UUID`, or a list of such (ovsdb(7)). */
  readonly remote: string | readonly string[];
  /**
   * Whom to use: "leader" (default) the leader of a cluster, "any" every member that is joined, connected and not
   * behind, "relay-ok" relays too.
   */
  readonly server?: "leader" | "any" | "relay-ok";
  /** For `ssl:` remotes; see `filesTls`. */
  readonly tls?: TlsSource | undefined;
  readonly limits?: Limits;
  /** Milliseconds of silence until the server is asked (`echo`), and again until it is given up. Default 5,000; 0 never. Local sockets are probed too, since a stopped server is silent there as well. */
  readonly probeMs?: number;
  readonly backoff?: { readonly minMs?: number; readonly maxMs?: number; readonly jitter?: number };
  /** Servers tried side by side. Default 3. */
  readonly parallel?: number;
  /** Milliseconds between the starts of two tries. Default 250. */
  readonly staggerMs?: number;
  /** Whether to shuffle the remotes, so that many clients spread over them. Default true. */
  readonly shuffle?: boolean;
  /** Send `set_db_change_aware`. Default true; a client that refuses it can lose its monitors without being told (ovsdb-server(7) §4.1.17). */
  readonly dbChangeAware?: boolean;
  /** Text for the `comment` of each transaction, such as the program's name. */
  readonly comment?: string;
  /** Gives up opening, and closes the database later. */
  readonly signal?: AbortSignal | undefined;
  /** Another transport than sockets, as tests use. */
  readonly transport?: Dialer;
  /** Another clock than the system's, as tests use. */
  readonly clock?: Clock;
};

export const DEFAULT_LIMITS: Required<Limits> = {
  openMs: 30_000,
  connectMs: 5_000,
  greetMs: 5_000,
  snapshotMs: 60_000,
  transactMs: 15_000,
  growth: 2,
  maxMs: 600_000,
  frameBytesMax: 2 ** 30,
  depthMax: 1_000,
  sendQueueBytesMax: 2 ** 28,
  pendingCallsMax: 10_000,
  eventsMax: 10_000,
};

export function limitsOf(given: Limits = {}): Required<Limits> {
  for (const [name, value] of Object.entries(given)) {
    if (!(name in DEFAULT_LIMITS))
      throw new ValueError(
        undefined,
        undefined,
        `limits.${name} is not a limit; there are ${Object.keys(DEFAULT_LIMITS).join(", ")}`,
      );
    if (typeof value !== "number" || !(value > 0))
      throw new ValueError(undefined, undefined, `limits.${name} must be a positive number, not ${String(value)}`);
  }
  return { ...DEFAULT_LIMITS, ...given };
}

export function endpointsOf(remote: string | readonly string[]): { endpoints: Endpoint[]; cid: string | undefined } {
  const parsed = parseRemotes(typeof remote === "string" ? remote : remote.join(","));
  if (parsed.endpoints.length === 0)
    throw new ValueError(undefined, undefined, "remote names no server; give at least one such as tcp:127.0.0.1:6641");
  return { endpoints: [...parsed.endpoints], cid: parsed.cid };
}

export function sessionOptions(
  database: string,
  options: OpenOptions,
  limits: Required<Limits>,
  clock: Clock,
): SessionOptions {
  const { endpoints, cid } = endpointsOf(options.remote);
  return {
    database,
    endpoints,
    ...(cid === undefined ? {} : { cid }),
    server: options.server ?? "leader",
    parallel: options.parallel ?? 3,
    staggerMs: options.staggerMs ?? 250,
    probeMs: options.probeMs ?? 5_000,
    backoff: {
      minMs: options.backoff?.minMs ?? 1_000,
      maxMs: options.backoff?.maxMs ?? 8_000,
      jitter: options.backoff?.jitter ?? 0.2,
    },
    limits: {
      connectMs: limits.connectMs,
      greetMs: limits.greetMs,
      snapshotMs: limits.snapshotMs,
      growth: limits.growth,
      maxMs: limits.maxMs,
    },
    dbChangeAware: options.dbChangeAware ?? true,
    pendingCallsMax: limits.pendingCallsMax,
    shuffle: options.shuffle ?? true,
    seed: clock.seed(),
  };
}
