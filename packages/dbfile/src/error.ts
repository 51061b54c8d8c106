/** Everything that reading, judging and writing database files can refuse. Damage in a file is a value, see record.ts. */

export type DbFileErrorCode =
  /** The caller gave something that cannot be meant. */
  | "ARGUMENT"
  /** The signal that the caller gave was aborted. */
  | "ABORTED"
  /** A well-formed record of a clustered file that ovsdb-server refuses (ovsdb(5), "Clustered Format"). */
  | "BAD_RECORD"
  /** A schema that ovsdb-server refuses. */
  | "BAD_SCHEMA"
  /** A transaction that cannot be applied: unknown table or column, deleted row that is not there, value out of type. */
  | "BAD_TRANSACTION"
  /** Damage where no answer is possible without the damaged part. */
  | "DAMAGED"
  /** The target is there already; nothing was touched. */
  | "EXISTS"
  /** Neither a standalone nor a clustered OVSDB file. */
  | "FORMAT"
  /** The operating system refused; `cause` has its error. */
  | "IO"
  /** The file of a server that has not joined: it has neither schema nor rows. */
  | "JOINING"
  /** A bound of this package was reached. */
  | "LIMIT"
  /** A running ovsdb-server, or another tool, holds the lock of the file. */
  | "LOCKED"
  /** No such file, table, row or index. */
  | "NOT_FOUND"
  /** A clustered file where a standalone one is wanted, or the other way. */
  | "WRONG_FORMAT";

export type DbFileErrorFields = {
  readonly path?: string | undefined;
  /** Bytes from the start of the file. */
  readonly offset?: number | undefined;
  readonly cause?: unknown;
};

/** `code` is stable and safe to switch on; `message` names the place and the remedy, and may change. */
export class DbFileError extends Error {
  override readonly name: string = "DbFileError";
  readonly code: DbFileErrorCode;
  readonly path: string | undefined;
  readonly offset: number | undefined;

  constructor(code: DbFileErrorCode, message: string, fields: DbFileErrorFields = {}) {
    super(message, fields.cause === undefined ? undefined : { cause: fields.cause });
    this.code = code;
    this.path = fields.path;
    this.offset = fields.offset;
  }
}
