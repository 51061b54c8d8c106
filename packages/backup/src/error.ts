/** What can go wrong with a backup, as a code that programs may rely on and a sentence for people. */

/** Codes of {@link BackupError}; stable. */
export type BackupErrorCode =
  /** An argument makes no sense: an unknown database, a negative count, an empty path. */
  | "ARGUMENT"
  /** Something is there that must not be overwritten. */
  | "EXISTS"
  /** A file, folder or database is not there. */
  | "NOT_FOUND"
  /** A file system refused: no space, no permission, input or output error. `cause` has the system's code. */
  | "IO"
  /** No member is fit to be backed up: unreachable, disconnected, stale or of another cluster. */
  | "NO_SOURCE"
  /** The source changed under the backup so that it isn't one moment: a lost link, a conversion. */
  | "INCONSISTENT"
  /** A backup or database file is damaged, or isn't what its manifest says. */
  | "DAMAGED"
  /** A manifest doesn't parse, or is of a format version that this program doesn't know. */
  | "MANIFEST"
  /** A program such as ovsdb-tool isn't installed. */
  | "NO_TOOL"
  /** A program ran and failed, or said that it succeeded and didn't. */
  | "TOOL_FAILED"
  /** The program that is installed is too old for this, or the native engine has no counterpart. */
  | "UNSUPPORTED"
  /** A limit of size, time or count was reached. */
  | "LIMIT"
  /** What is remembered of a member cannot be read. */
  | "IDENTITY"
  /** A restore's journal is damaged in its middle, or belongs to another plan. */
  | "JOURNAL"
  /** Another process works on the same restore. */
  | "BUSY"
  /** A plan must not be carried out, or an undo is no longer possible; the message has every reason. */
  | "REFUSED"
  /** The caller's signal was raised. */
  | "ABORTED";

export type BackupErrorOptions = {
  readonly cause?: unknown;
  /** The file or folder that it is about. */
  readonly path?: string | undefined;
  /** What an operator does about it. */
  readonly remedy?: string | undefined;
};

/** Every error that this package throws by itself. `message` names the place, and ends with the remedy where there is one. */
export class BackupError extends Error {
  override readonly name = "BackupError";
  readonly code: BackupErrorCode;
  readonly path: string | undefined;
  readonly remedy: string | undefined;

  constructor(code: BackupErrorCode, message: string, options: BackupErrorOptions = {}) {
    super(
      options.remedy === undefined ? message : `${message}; ${options.remedy}`,
      options.cause === undefined ? undefined : { cause: options.cause },
    );
    this.code = code;
    this.path = options.path;
    this.remedy = options.remedy;
  }
}
