/** The vocabulary of the session machine: options, inputs, effects and state. All plain data. */
import type { JsonRpcMessage } from "../message.ts";
import type { EndpointReason, OvsdbError } from "../error.ts";
import type { Json } from "../json.ts";
import type { Endpoint } from "../remote.ts";
import type { ServerRow } from "./server-row.ts";

/** Whom to accept: the leader of a cluster, any member that is up to date, or relays as well. */
export type ServerChoice = "leader" | "any" | "relay-ok";

export type SessionOptions = {
  readonly database: string;
  readonly endpoints: readonly Endpoint[];
  /** Cluster id that the servers must have; the database is then found by it. */
  readonly cid?: string;
  readonly server: ServerChoice;
  /** Links that may be opening or greeting at once. */
  readonly parallel: number;
  /** Milliseconds between the starts of two dials, unless the former one has ended. */
  readonly staggerMs: number;
  /** Milliseconds of silence until `echo` is sent, and again until the link is given up; 0 never. */
  readonly probeMs: number;
  readonly backoff: { readonly minMs: number; readonly maxMs: number; readonly jitter: number };
  readonly limits: {
    readonly connectMs: number;
    readonly greetMs: number;
    readonly snapshotMs: number;
    readonly growth: number;
    readonly maxMs: number;
  };
  readonly dbChangeAware: boolean;
  readonly pendingCallsMax: number;
  readonly shuffle: boolean;
  /** Start of the generator that draws jitter and order, below 2^32. */
  readonly seed: number;
};

/** Columns and condition of one table, as in `monitor_cond` (ovsdb-server(7) §4.1.12). */
export type MonitoredTable = { readonly columns: readonly string[]; readonly where?: readonly Json[] };
export type MonitoredTables = { readonly [table: string]: MonitoredTable };
/** `[]` means every row, as on the wire. */
export type Conditions = { readonly [table: string]: readonly Json[] };

export type Input =
  | { readonly type: "start" }
  | { readonly type: "opened"; readonly link: number }
  | { readonly type: "bytes"; readonly link: number }
  | { readonly type: "message"; readonly link: number; readonly message: JsonRpcMessage }
  | { readonly type: "lost"; readonly link: number; readonly error?: OvsdbError | undefined }
  | { readonly type: "woke" }
  /** The owner has looked at the schema; `monitors` are its monitors in terms of it. */
  | { readonly type: "schemaTaken"; readonly monitors: ReadonlyMap<number, MonitoredTables> }
  | { readonly type: "monitor"; readonly monitor: number; readonly tables: MonitoredTables }
  | { readonly type: "conditions"; readonly monitor: number; readonly conditions: Conditions }
  | { readonly type: "unmonitor"; readonly monitor: number }
  | { readonly type: "inconsistent"; readonly monitor: number; readonly reason: string }
  | { readonly type: "call"; readonly token: number; readonly method: string; readonly params: readonly Json[] }
  | { readonly type: "notify"; readonly method: string; readonly params: readonly Json[] }
  | { readonly type: "cancel"; readonly token: number }
  | { readonly type: "lock"; readonly name: string; readonly steal: boolean }
  | { readonly type: "unlock"; readonly name: string }
  | { readonly type: "setEndpoints"; readonly endpoints: readonly Endpoint[]; readonly cid?: string | undefined }
  | { readonly type: "setServer"; readonly server: ServerChoice }
  | { readonly type: "reconnect"; readonly reason: string }
  | { readonly type: "close" };

export type ReloadReason =
  | "initial"
  | "history-expired"
  | "inconsistent"
  | "condition-in-flight"
  | "schema-changed"
  | "cluster-changed";

/** What happens to the connection, for those who watch it. */
export type LifecycleEvent =
  | { readonly type: "connected"; readonly endpoint: string }
  | {
      readonly type: "disconnected";
      readonly endpoint: string;
      readonly cause: string;
      readonly error?: OvsdbError | undefined;
    }
  | { readonly type: "resumed"; readonly monitor: number }
  | { readonly type: "reloaded"; readonly monitor: number; readonly reason: ReloadReason }
  | { readonly type: "cluster-changed"; readonly from: string; readonly to: string }
  | { readonly type: "schema-changed" }
  | { readonly type: "refused"; readonly reason: EndpointReason };

export type SessionStatus = {
  /** "ready": serving. "resyncing": connected, the monitors are catching up. "waiting": nobody is fit to serve. */
  readonly state: "connecting" | "resyncing" | "ready" | "waiting" | "closed";
  readonly endpoint?: string;
  readonly serverId?: string;
  readonly clusterId?: string;
  /** The server's last applied log index as last heard. */
  readonly index?: number;
  /** The caller's clock. */
  readonly sinceMs: number;
  /** Why each other endpoint does not serve, as last seen. */
  readonly reasons: readonly EndpointReason[];
  /** Dials so far. */
  readonly attempts: number;
  /** Servers refused because they were behind what had been seen. */
  readonly staleRefusals: number;
};

export type Effect =
  | { readonly type: "dial"; readonly link: number; readonly endpoint: Endpoint }
  | { readonly type: "hangUp"; readonly link: number; readonly error?: OvsdbError | undefined }
  | { readonly type: "send"; readonly link: number; readonly message: JsonRpcMessage }
  | { readonly type: "status"; readonly status: SessionStatus }
  | { readonly type: "lifecycle"; readonly event: LifecycleEvent }
  | { readonly type: "schema"; readonly schema: Json; readonly changed: boolean }
  | {
      readonly type: "snapshot";
      readonly monitor: number;
      readonly requestId: number;
      readonly found: boolean;
      readonly lastId: string | undefined;
      readonly updates: Json;
      readonly version: 1 | 2 | 3;
    }
  | {
      readonly type: "update";
      readonly monitor: number;
      readonly version: 1 | 2 | 3;
      readonly updates: Json;
      readonly lastId: string | undefined;
      readonly cause: "update" | "condition";
    }
  | { readonly type: "monitorFailed"; readonly monitor: number; readonly error: OvsdbError }
  | { readonly type: "conditionsAcked"; readonly monitor: number; readonly seqno: number }
  | { readonly type: "reply"; readonly token: number; readonly result: Json }
  | { readonly type: "replyError"; readonly token: number; readonly error: OvsdbError }
  | { readonly type: "callLost"; readonly token: number; readonly error: OvsdbError | undefined }
  | { readonly type: "notReady"; readonly token: number }
  | { readonly type: "lock"; readonly name: string; readonly state: "owned" | "waiting" | "stolen" | "lost" }
  | { readonly type: "notification"; readonly method: string; readonly params: Json };

export type EndpointState = {
  readonly endpoint: Endpoint;
  readonly name: string;
  /** 0 after success; else the last pause. */
  backoffMs: number;
  /** Not dialled before this time. */
  retryMs: number;
  /** Order among endpoints that may be dialled: the lowest first. */
  turn: number;
  link: number | undefined;
  reason: EndpointReason | undefined;
};

/** What a request was for; the reply is handled by it. */
export type Pending =
  | { readonly kind: "server-monitor" }
  | { readonly kind: "legacy-schema" }
  | { readonly kind: "schema" }
  /** Whether the schema that was taken is still the one; asked behind the requests that rest on it. */
  | { readonly kind: "schema-check" }
  | { readonly kind: "monitor"; readonly monitor: number; readonly generation: number; readonly method: MonitorMethod }
  | { readonly kind: "conditions"; readonly monitor: number; readonly generation: number }
  | { readonly kind: "call"; readonly token: number }
  | { readonly kind: "lock"; readonly name: string; readonly generation: number }
  | { readonly kind: "probe" }
  | { readonly kind: "ignored" };

export type LinkState = {
  readonly id: number;
  readonly at: EndpointState;
  /** "watching": healthy, but not fit to serve now; kept open to hear when that changes. */
  phase: "dialing" | "greeting" | "watching" | "active";
  /** End of dialling or greeting. */
  deadlineMs: number;
  heardMs: number;
  probeSentMs: number | undefined;
  /** All rows of `_Server`, and the one of our database among them. */
  readonly rows: Map<string, ServerRow>;
  row: ServerRow | undefined;
  /** The schema text of `row` that has been looked at. */
  rowSchema: string | undefined;
  /** The server is too old to have a `_Server` database. */
  legacy: boolean;
  activeSinceMs: number;
  /** Every monitor that was there at the start has its first reply. */
  synced: boolean;
  /** The server has yet to confirm the schema of its `_Server` row, which is an old one after a conversion if it is standalone. */
  unconfirmed: boolean;
  /** The owner has yet to take the schema. */
  schemaPending: boolean;
  readonly pending: Map<number, Pending>;
};

export type MonitorMethod = "monitor_cond_since" | "monitor_cond" | "monitor";

export type MonitorState = {
  readonly id: number;
  tables: MonitoredTables;
  /** In force on the server as far as known. */
  acked: Conditions;
  /** Sent and not answered. */
  requested: Conditions | undefined;
  wanted: Conditions;
  /** Counts condition changes; `wanted` is in force once this number is acknowledged. */
  seqno: number;
  requestedSeqno: number;
  lastId: string;
  phase: "idle" | "requested" | "live" | "failed";
  method: MonitorMethod;
  /** Part of the id on the wire, new with each request, so that an old monitor is never taken for a new one. */
  generation: number;
  reloadReason: ReloadReason;
  limitMs: number;
  /** The server's refusal, until it is known whether the schema that the request rested on is still the one. */
  doubt: OvsdbError | undefined;
  /** Updates that overtook the reply; at most {@link HELD_MAX}. */
  readonly held: { readonly method: string; readonly params: readonly Json[] }[];
};

export type LockEntry = {
  readonly name: string;
  steal: boolean;
  generation: number;
  phase: "idle" | "requested" | "owned" | "waiting";
};

export type SessionState = {
  options: SessionOptions;
  random: number;
  nextLink: number;
  nextRequest: number;
  nextTurn: number;
  nextDialMs: number;
  attempts: number;
  staleRefusals: number;
  closed: boolean;
  started: boolean;
  endpoints: EndpointState[];
  readonly links: Map<number, LinkState>;
  active: number | undefined;
  /** The cluster as last accepted, and the highest index seen in it. */
  cluster: { cid: string; minIndex: number } | undefined;
  schemaText: string | undefined;
  readonly monitors: Map<number, MonitorState>;
  readonly locks: Map<string, LockEntry>;
  readonly calls: Map<number, { readonly link: number; readonly request: number; readonly method: string }>;
  /** The present step may have changed which links there are, or which one serves. */
  linksTouched: boolean;
  status: SessionStatus;
  statusKey: string;
  /** Effects of the present step. */
  out: Effect[];
};

export const ZERO_ID = "00000000-0000-0000-0000-000000000000";
export const HELD_MAX = 10_000;
