/**
 * Everything that can go wrong, as one family. `code` is stable and safe to switch on; `message` is for people and may
 * change. `origin` says who refused: this client before sending, the server, or the link between.
 */
export type ErrorOrigin = "local" | "remote" | "transport";

/** Which operation of a transaction an error belongs to. */
export type OperationPlace = {
  /** Position in the transaction, from 0; equal to the number of operations for an error at commit. */
  readonly index: number;
  /** "insert", "update", …; undefined at commit. */
  readonly op?: string | undefined;
  readonly table?: string | undefined;
};

export type OvsdbErrorFields = {
  readonly origin?: ErrorOrigin | undefined;
  readonly table?: string | undefined;
  readonly column?: string | undefined;
  readonly operation?: OperationPlace | undefined;
  /** The server's `details` text, or ours. */
  readonly details?: string | undefined;
  /** The server's `error` string, such as "constraint violation". */
  readonly tag?: string | undefined;
  /** The part of the request that the server complains about. */
  readonly syntax?: string | undefined;
  readonly cause?: unknown;
};

export type OvsdbErrorCode =
  | "ABORTED"
  | "ARITHMETIC"
  | "CANCELED"
  | "CLOSED"
  | "CLUSTER"
  | "CONFLICT"
  | "CONSTRAINT"
  | "DATABASE_NOT_AVAILABLE"
  | "DUPLICATE_UUID"
  | "DUPLICATE_UUID_NAME"
  | "EXPECTATION"
  | "INTEGER_RANGE"
  | "IO"
  | "LIMIT"
  | "NOT_ALLOWED"
  | "NOT_OWNER"
  | "OUTCOME_UNKNOWN"
  | "PERMISSION"
  | "PROTOCOL"
  | "REFERENTIAL"
  | "REMOTE"
  | "RESOURCES"
  | "SCHEMA"
  | "SYNTAX"
  | "TIMED_OUT"
  | "TIMEOUT"
  | "TLS"
  | "TRANSPORT"
  | "UNAVAILABLE"
  | "UNKNOWN_DATABASE"
  | "UNKNOWN_METHOD"
  | "VALUE";

export class OvsdbError extends Error {
  override readonly name: string = "OvsdbError";
  readonly code: OvsdbErrorCode;
  readonly origin: ErrorOrigin;
  readonly table: string | undefined;
  readonly column: string | undefined;
  readonly operation: OperationPlace | undefined;
  readonly details: string | undefined;
  readonly tag: string | undefined;
  readonly syntax: string | undefined;

  constructor(code: OvsdbErrorCode, message: string, fields: OvsdbErrorFields = {}) {
    super(message, fields.cause === undefined ? undefined : { cause: fields.cause });
    this.code = code;
    this.origin = fields.origin ?? "local";
    this.table = fields.table ?? fields.operation?.table;
    this.column = fields.column;
    this.operation = fields.operation;
    this.details = fields.details;
    this.tag = fields.tag;
    this.syntax = fields.syntax;
  }
}
