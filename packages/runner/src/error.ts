/** Why a command has no result. A command that ran and failed is no error: it has an exit code. */
export type RunnerErrorCode =
  /** There is no such program here; of `kubectl` and `ssh` too. */
  | "NOT_FOUND"
  /** It could not be started: no permission, too many processes. */
  | "NOT_STARTED"
  /** It had not ended after `timeoutMs`, and was killed. */
  | "TIMED_OUT"
  /** It wrote more than `outputBytesMax`, and was killed. */
  | "TOO_MUCH_OUTPUT"
  /** The caller's signal was aborted, and the command was killed. */
  | "CANCELED"
  /** The pod or the host could not be reached, so whether the command ran is not known. */
  | "UNREACHABLE"
  /** An argument, a host or an option that no program can be given. */
  | "BAD_ARGUMENT";

/** The one error of this package: `code` is for programs, the message names the command, the reason and the remedy. */
export class RunnerError extends Error {
  override readonly name: string = "RunnerError";
  readonly code: RunnerErrorCode;
  constructor(code: RunnerErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
