/**
 * Errors that the server reports: RFC 7047 §4.1.3 and §5.2, and the strings that ovsdb-server adds. Each keeps the server's
 * words in `tag` and `details`.
 */
import { type OperationPlace, OvsdbError, type OvsdbErrorCode, type OvsdbErrorFields } from "./error-base.ts";
import type { Json, JsonObject } from "./json.ts";

/** Any error of the server that has no class of its own; every class below is one too. */
export class RemoteError extends OvsdbError {
  override readonly name: string = "RemoteError";
  constructor(message: string, fields: OvsdbErrorFields = {}, code: OvsdbErrorCode = "REMOTE") {
    super(code, message, { origin: "remote", ...fields });
  }
}

/** A value, a row count or a unique index was violated (commit time errors included). */
export class ConstraintError extends RemoteError {
  override readonly name: string = "ConstraintError";
  constructor(message: string, fields: OvsdbErrorFields = {}) {
    super(message, fields, "CONSTRAINT");
  }
}

/** A strong reference would point at a row that does not exist. */
export class ReferentialError extends RemoteError {
  override readonly name: string = "ReferentialError";
  constructor(message: string, fields: OvsdbErrorFields = {}) {
    super(message, fields, "REFERENTIAL");
  }
}

/** An `assert` named a lock that this session does not hold. */
export class NotOwnerError extends RemoteError {
  override readonly name: string = "NotOwnerError";
  constructor(message: string, fields: OvsdbErrorFields = {}) {
    super(message, fields, "NOT_OWNER");
  }
}

/** Role-based access control forbids the operation to this client's certificate. */
export class PermissionError extends RemoteError {
  override readonly name: string = "PermissionError";
  constructor(message: string, fields: OvsdbErrorFields = {}) {
    super(message, fields, "PERMISSION");
  }
}

/** The server is read-only here, or the database is reserved (`_Server`). */
export class NotAllowedError extends RemoteError {
  override readonly name: string = "NotAllowedError";
  constructor(message: string, fields: OvsdbErrorFields = {}) {
    super(message, fields, "NOT_ALLOWED");
  }
}

/** A `wait` operation did not come true in its time; nothing was committed. */
export class TimedOutError extends RemoteError {
  override readonly name: string = "TimedOutError";
  constructor(message: string, fields: OvsdbErrorFields = {}) {
    super(message, fields, "TIMED_OUT");
  }
}

/** The transaction asked for it, with an `abort` operation. */
export class AbortedError extends RemoteError {
  override readonly name: string = "AbortedError";
  constructor(message: string, fields: OvsdbErrorFields = {}) {
    super(message, fields, "ABORTED");
  }
}

/** The request was cancelled: by us, or because its database was removed, converted or replaced. */
export class CanceledError extends RemoteError {
  override readonly name: string = "CanceledError";
  constructor(message: string, fields: OvsdbErrorFields = {}) {
    super(message, fields, "CANCELED");
  }
}

/** An insert chose a row uuid that is, or was in this transaction, taken. */
export class DuplicateUuidError extends RemoteError {
  override readonly name: string = "DuplicateUuidError";
  constructor(message: string, fields: OvsdbErrorFields = {}) {
    super(message, fields, "DUPLICATE_UUID");
  }
}

/** Two inserts of one transaction have the same `uuid-name`. */
export class DuplicateUuidNameError extends RemoteError {
  override readonly name: string = "DuplicateUuidNameError";
  constructor(message: string, fields: OvsdbErrorFields = {}) {
    super(message, fields, "DUPLICATE_UUID_NAME");
  }
}

/** A mutation divided by zero, or its result left the range of the type; `tag` tells which. */
export class ArithmeticError extends RemoteError {
  override readonly name: string = "ArithmeticError";
  constructor(message: string, fields: OvsdbErrorFields = {}) {
    super(message, fields, "ARITHMETIC");
  }
}

/** The server ran out of memory, disk or patience. */
export class ResourcesError extends RemoteError {
  override readonly name: string = "ResourcesError";
  constructor(message: string, fields: OvsdbErrorFields = {}) {
    super(message, fields, "RESOURCES");
  }
}

/** The server could not write its file. */
export class IoError extends RemoteError {
  override readonly name: string = "IoError";
  constructor(message: string, fields: OvsdbErrorFields = {}) {
    super(message, fields, "IO");
  }
}

/** Raft refused. ovsdb-server retries these itself, so a client sees one only from `convert` or another implementation. */
export class ClusterError extends RemoteError {
  override readonly name: string = "ClusterError";
  constructor(message: string, fields: OvsdbErrorFields = {}) {
    super(message, fields, "CLUSTER");
  }
}

export class UnknownDatabaseError extends RemoteError {
  override readonly name: string = "UnknownDatabaseError";
  constructor(message: string, fields: OvsdbErrorFields = {}) {
    super(message, fields, "UNKNOWN_DATABASE");
  }
}

/** The server has the database but cannot serve it yet: it is still joining its cluster. */
export class DatabaseNotAvailableError extends RemoteError {
  override readonly name: string = "DatabaseNotAvailableError";
  constructor(message: string, fields: OvsdbErrorFields = {}) {
    super(message, fields, "DATABASE_NOT_AVAILABLE");
  }
}

export class UnknownMethodError extends RemoteError {
  override readonly name: string = "UnknownMethodError";
  constructor(message: string, fields: OvsdbErrorFields = {}) {
    super(message, fields, "UNKNOWN_METHOD");
  }
}

/** Text or a request that does not parse. From the server: also an unknown table, column, function or mutator. */
export class OvsdbSyntaxError extends RemoteError {
  override readonly name: string = "OvsdbSyntaxError";
  constructor(message: string, fields: OvsdbErrorFields = {}) {
    super(message, fields, "SYNTAX");
  }
}

type RemoteErrorClass = new (message: string, fields?: OvsdbErrorFields) => RemoteError;

const CLASS_BY_TAG: ReadonlyMap<string, RemoteErrorClass> = new Map<string, RemoteErrorClass>([
  ["aborted", AbortedError],
  ["canceled", CanceledError],
  ["cluster error", ClusterError],
  ["constraint violation", ConstraintError],
  ["database not available", DatabaseNotAvailableError],
  ["domain error", ArithmeticError],
  ["duplicate uuid", DuplicateUuidError],
  ["duplicate uuid-name", DuplicateUuidNameError],
  // The RFC's own spelling; ovsdb-server writes the one above.
  ["duplicate uuid name", DuplicateUuidNameError],
  ["I/O error", IoError],
  ["invalid parameters", OvsdbSyntaxError],
  ["not allowed", NotAllowedError],
  ["not owner", NotOwnerError],
  ["permission error", PermissionError],
  ["range error", ArithmeticError],
  ["referential integrity violation", ReferentialError],
  ["resources exhausted", ResourcesError],
  ["syntax error", OvsdbSyntaxError],
  ["timed out", TimedOutError],
  ["unknown column", OvsdbSyntaxError],
  ["unknown database", UnknownDatabaseError],
  ["unknown function", OvsdbSyntaxError],
  ["unknown method", UnknownMethodError],
  ["unknown mutator", OvsdbSyntaxError],
  ["unknown table", OvsdbSyntaxError],
]);

/**
 * The typed error for an `error` value of the server, which is an object `{error, details?, syntax?}` or a bare string.
 * `place` names the operation it belongs to, where there is one.
 */
export function errorFromResult(
  json: Json | undefined,
  place: { readonly operation?: OperationPlace | undefined } = {},
): RemoteError {
  const object: JsonObject | undefined =
    typeof json === "object" && json !== null && !Array.isArray(json) ? (json as JsonObject) : undefined;
  const tag = typeof json === "string" ? json : text(object?.["error"]);
  const details = text(object?.["details"]);
  const syntax = text(object?.["syntax"]);
  const fields: OvsdbErrorFields = { details, syntax, tag, operation: place.operation };
  const head =
    tag ??
    `the server reported an error without a name: ${clip(String(object === undefined ? json : Object.keys(object)))}`;
  const message =
    head +
    (details === undefined ? "" : `: ${details}`) +
    describe(place.operation) +
    (syntax === undefined ? "" : `, at ${clip(syntax)}`);
  const Class = (tag === undefined ? undefined : CLASS_BY_TAG.get(tag)) ?? RemoteError;
  return new Class(message, fields);
}

function text(json: Json | undefined): string | undefined {
  return typeof json === "string" ? json : undefined;
}

function clip(long: string): string {
  return long.length > 200 ? `${long.slice(0, 200)}…` : long;
}

function describe(operation: OperationPlace | undefined): string {
  if (operation === undefined) return "";
  if (operation.op === undefined) return " (at commit)";
  return ` (operation ${operation.index}, ${operation.op}${operation.table === undefined ? "" : ` on ${operation.table}`})`;
}
