/**
 * `@ovnha/ovsdb/core`: OVSDB without sockets, files, clocks or chance: values, schema, operations, framing, messages, the
 * session machine and the replica.
 */
export { decodeMessage, encodeMessage, type JsonRpcMessage, messageKind } from "./message.ts";
export {
  columnCodec,
  EMPTY_MAP,
  EMPTY_SET,
  type AtomValue,
  type ColumnCodec,
  type IntegerPolicy,
  type Row as AnyRow,
  RowCodec,
  type Value,
} from "./value.ts";
export {
  type AnySchema,
  anySchema,
  defineSchema,
  type PolicyLiteral,
  type SchemaLiteral,
  type TypedSchema,
} from "./define-schema.ts";
export * from "./error.ts";
export { FrameReader, type ReaderLimits, type RowContext, type RowSink } from "./framer.ts";
export { type Json, type JsonObject, parseJsonExact, stringifyJson } from "./json.ts";
export { printSchemaLiteral, printSchemaModule } from "./literal.ts";
export { type Operation, OperationEncoder } from "./operation.ts";
export { type Endpoint, formatEndpoint, parseEndpoint, parseRemotes } from "./remote.ts";
export { type Difference, diffAgainst } from "./replica/audit.ts";
export type { Batch, BatchCause, TableBatch } from "./replica/batch.ts";
export type { Change, ChangeKind, DeleteChange, InsertChange, UpdateChange } from "./replica/change.ts";
export { InconsistencyError } from "./replica/inconsistency.ts";
export type { IndexDefinition } from "./replica/index-definition.ts";
export { type Freshness, Replica } from "./replica/replica.ts";
export type { BatchesOptions, ChangesOptions } from "./replica/stream-options.ts";
export type { MultiIndex, UniqueIndex } from "./replica/table-index.ts";
export type { TableReplica } from "./replica/table-replica.ts";
export type { TableSpec } from "./replica/table-store.ts";
export type { SelectionOf } from "./replica/typed-replica.ts";
export type {
  ColumnName,
  InsertOf as Insert,
  MutationOf as Mutation,
  MutatorsOf as Mutators,
  RowOf as Row,
  TableName,
  UpdateOf as Update,
  WhereOf as Where,
} from "./row-types.ts";
export {
  type AtomType,
  type BaseType,
  columnKind,
  type ColumnSchema,
  type ColumnType,
  type DatabaseSchema,
  findColumn,
  formatSchema,
  parseSchema,
  type TableSchema,
} from "./schema.ts";
export {
  createSession,
  deadlineMs,
  type Effect,
  type Input,
  type LifecycleEvent,
  type SessionOptions,
  type SessionState,
  type SessionStatus,
  step,
} from "./session/index.ts";
export * from "./text.ts";
export type { Answered, InsertedRow, Pending } from "./transaction/symbols.ts";
export type { Edit, NewRow, RowsOf, Touched, Transaction } from "./transaction/typed.ts";
export { isUuid, type NamedUuid, randomUuid, type Uuid, ZERO_UUID } from "./uuid.ts";
