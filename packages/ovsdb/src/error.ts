/** The whole family of errors; see error-base.ts for what every one of them carries. */

export type { ErrorOrigin, OperationPlace, OvsdbErrorCode, OvsdbErrorFields } from "./error-base.ts";
export { OvsdbError } from "./error-base.ts";
export {
  ClosedError,
  ConflictError,
  ExpectationError,
  IntegerRangeError,
  LimitError,
  SchemaError,
  TimeoutError,
  ValueError,
} from "./error-local.ts";
export {
  AbortedError,
  ArithmeticError,
  CanceledError,
  ClusterError,
  ConstraintError,
  DatabaseNotAvailableError,
  DuplicateUuidError,
  DuplicateUuidNameError,
  errorFromResult,
  IoError,
  NotAllowedError,
  NotOwnerError,
  OvsdbSyntaxError,
  PermissionError,
  ReferentialError,
  RemoteError,
  ResourcesError,
  TimedOutError,
  UnknownDatabaseError,
  UnknownMethodError,
} from "./error-remote.ts";
export type { EndpointReason, EndpointReasonKind, OutcomeResolution, TlsReason } from "./error-transport.ts";
export { OutcomeUnknownError, ProtocolError, TlsError, TransportError, UnavailableError } from "./error-transport.ts";
