/** What can be wrong with what this package is given. */
export type RaftErrorCode =
  /** A message that no ovsdb-server would take (ovsdb/raft-rpc.c). */
  | "BAD_MESSAGE"
  /** A header or record that ovsdb-server would refuse to open (ovsdb/raft-private.c). */
  | "BAD_RECORD"
  /** A file whose records contradict each other. */
  | "BAD_LOG"
  /** The file belongs to a server that has left its cluster, or was never in it. */
  | "NOT_A_MEMBER"
  /** A request that this server cannot do now, as `ovs-appctl` would say it. */
  | "REFUSED"
  /** An unknown version or behaviour. */
  | "BAD_PROFILE";

/** The one error of this package: `code` is for programs, the message names the place and the reason. */
export class RaftError extends Error {
  override readonly name: string = "RaftError";
  readonly code: RaftErrorCode;
  constructor(code: RaftErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
