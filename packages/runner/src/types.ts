/** What a command may be given, and how long and how much it may take. */
export interface RunOptions {
  /** What it reads; without it, its input is empty. */
  readonly input?: string | Uint8Array | AsyncIterable<Uint8Array> | undefined;
  /** When it is killed, in ms; 30,000 unless told. */
  readonly timeoutMs?: number | undefined;
  /** How much it may write to each of its outputs; 16 MiB unless told. What `onStdout` takes does not count. */
  readonly outputBytesMax?: number | undefined;
  /** Kills it. */
  readonly signal?: AbortSignal | undefined;
  /**
   * Whether it runs in a session and a process group of its own, without a terminal: Ctrl-C, which the terminal gives to all
   * in the foreground, does not reach it. Whatever kills it then goes to all that it has started and that has not made a
   * group of its own. So does the end of this process, by `process.exit`, an error nobody caught, or a SIGTERM, SIGHUP or
   * SIGINT that nothing else listens to: what is left of it a third of a second later is killed. Only SIGKILL of this
   * process leaves it running. False unless told.
   */
  readonly ownGroup?: boolean | undefined;
  /** Takes its output as it comes, so that none is kept: `stdout` of the result is empty then. */
  readonly onStdout?: ((chunk: Uint8Array) => void) | undefined;
}

/** What became of a command that ran. */
export interface RunResult {
  /** 0 to 255; undefined if a signal ended it. */
  readonly exitCode: number | undefined;
  /** Such as `SIGKILL`; undefined if it ended by itself. Of commands far away it is often told as exit code 128 + n. */
  readonly signal: string | undefined;
  /** UTF-8; what is none is replaced. */
  readonly stdout: string;
  readonly stderr: string;
  readonly durationMs: number;
}

/** A place where commands run. */
export interface Runner {
  /** For people: `local`, `pod kube-system/ovn-central-0`, `ssh root@10.0.0.1`. */
  readonly name: string;
  /**
   * Runs a program with these arguments, each of them as it is, whatever it holds: no shell takes them apart.
   * Resolves with what became of it, whatever its exit code; rejects with a `RunnerError` if it did not come to its end.
   */
  run(command: string, args: readonly string[], options?: RunOptions): Promise<RunResult>;
}
