/**
 * Everything that this package throws. `code` is stable and safe to switch on; `message` is for people, names the place
 * and the remedy, and may change. Expected bad news (a member that does not answer, a cluster without a leader) is a
 * value in the Observation and never an error.
 */
export type ClusterErrorCode =
  /** The text is no `cluster/status`, or one of its lines can't be read; `line` and `text` name it. */
  | "MALFORMED_STATUS"
  /** The server has no such clustered database open: wrong name, standalone, relay, left or failed. */
  | "UNKNOWN_CLUSTER"
  /** The server does not know the command: it is too old, or it never opened a clustered database. */
  | "UNKNOWN_COMMAND"
  /** A status, plan or other value that can't be written down or contradicts itself. */
  | "INVALID_VALUE"
  /** A members file, an option or an argument that can't be understood. */
  | "INVALID_CONFIG"
  /** The control socket can't be reached: absent, refused, not permitted. */
  | "UNREACHABLE"
  /** No answer within the limit. */
  | "TIMEOUT"
  /** The other side broke the protocol, or hung up in the middle of an answer. */
  | "PROTOCOL"
  /** The server answered that it can't or won't; `message` holds its words. */
  | "REFUSED"
  /** An answer or a queue grew over its limit. */
  | "LIMIT"
  /** The runner's command failed; `message` holds the end of what it wrote to stderr. */
  | "RUNNER"
  /** The command may have taken effect or not: it was sent, and no answer came. */
  | "OUTCOME_UNKNOWN"
  /** A precondition of a plan's step does not hold; nothing was done. */
  | "PRECONDITION"
  /** Somebody else holds the operation lock. */
  | "LOCKED"
  /** The signal was aborted. */
  | "ABORTED"
  /** The connection or the watch was closed by its owner. */
  | "CLOSED";

export type ClusterErrorFields = {
  /** The line of the text, counted from 1. */
  readonly line?: number | undefined;
  /** That line as it stands, at most 200 characters. */
  readonly text?: string | undefined;
  /** The member that it is about. */
  readonly member?: string | undefined;
  readonly cause?: unknown;
};

export class ClusterError extends Error {
  override readonly name: string = "ClusterError";
  readonly code: ClusterErrorCode;
  readonly line: number | undefined;
  readonly text: string | undefined;
  readonly member: string | undefined;

  constructor(code: ClusterErrorCode, message: string, fields: ClusterErrorFields = {}) {
    super(message, fields.cause === undefined ? undefined : { cause: fields.cause });
    this.code = code;
    this.line = fields.line;
    this.text = fields.text;
    this.member = fields.member;
  }
}
