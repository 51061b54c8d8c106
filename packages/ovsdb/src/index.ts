/** `@ovnha/ovsdb`: everything, for Node.js. `@ovnha/ovsdb/core` is the part that needs no Node.js. */
export * from "./core.ts";
export type { CallOptions } from "./edge/calls.ts";
export { type Clock, systemClock } from "./edge/clock.ts";
export type { Connection, ConnectionEvents, Dialer, OpenedInfo } from "./edge/connection.ts";
export { Database, openDatabase, type SelectOptions } from "./edge/database.ts";
export {
  frameChannel,
  type FrameEvent,
  latencyChannel,
  type LatencyEvent,
  stateChannel,
  type StateEvent,
  transactionChannel,
  type TransactionEvent,
  warningChannel,
  type WarningEvent,
} from "./edge/diagnostics.ts";
export type { EditOptions } from "./edge/edit.ts";
export type { Lock, LockState } from "./edge/locks.ts";
export { DEFAULT_LIMITS, type Limits, type OpenOptions } from "./edge/options.ts";
export type { LiveReplica, ReplicateOptions, ReplicaOwnMembers } from "./edge/replicas.ts";
export type { SchemaDifference, ServerSchema } from "./edge/server-schema.ts";
export { openSession, RawSession, type RawSessionOptions } from "./edge/session.ts";
export { socketDialer, type SocketOptions } from "./edge/socket.ts";
export { listen } from "./edge/listen.ts";
export { filesTls, memoryTls, type TlsFiles, type TlsMaterial, type TlsOptions, type TlsSource } from "./edge/tls.ts";
export type { TransactOptions } from "./edge/transact.ts";
