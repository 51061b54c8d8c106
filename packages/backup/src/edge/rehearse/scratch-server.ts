/** A real ovsdb-server on a file of ours, in a folder of its own, for as long as it is needed. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { localRunner, type Runner, RunnerError } from "@ovnha/runner";
import { BackupError } from "../../error.ts";
import { serverRow } from "../take/ask.ts";
import { RowSession } from "../take/row-session.ts";

export type ScratchOptions = {
  /** The folder for sockets and log; the caller removes it. */
  readonly folder: string;
  readonly file: string;
  readonly database: string;
  /** Default `ovsdb-server`. */
  readonly command?: string | undefined;
  /** Milliseconds until it must serve the database. */
  readonly startMs: number;
  readonly signal?: AbortSignal | undefined;
};

const POLL_MS = 20;
/** Far beyond any rehearsal; it ends when it is told to. */
const LIFE_MS = 86_400_000;

/** The version of ovsdb-server; undefined if it is not installed. */
export async function scratchVersion(
  command = "ovsdb-server",
  runner: Runner = localRunner(),
  signal?: AbortSignal,
): Promise<string | undefined> {
  try {
    const { stdout } = await runner.run(command, ["--version"], signal === undefined ? {} : { signal });
    return /\(Open vSwitch\) (\S+)/.exec(stdout)?.[1];
  } catch (error) {
    if (error instanceof RunnerError && error.code === "NOT_FOUND") return undefined;
    throw error;
  }
}

/** What makes the kernel end the server with this program, however that ends (prctl(2), PR_SET_PDEATHSIG); where it is there. */
async function withParent(signal: AbortSignal | undefined): Promise<readonly string[]> {
  const prefix = ["setpriv", "--pdeathsig", "KILL"];
  const works = localRunner().run("setpriv", ["--pdeathsig", "KILL", "true"], signal === undefined ? {} : { signal });
  return works.then(
    ({ exitCode }) => (exitCode === 0 ? prefix : []),
    () => [],
  );
}

export class ScratchServer implements AsyncDisposable {
  readonly socket: string;
  readonly #log: string;
  readonly #stop = new AbortController();
  readonly #ended: Promise<string>;
  #end: string | undefined;

  private constructor({ folder, file, command = "ovsdb-server" }: ScratchOptions, prefix: readonly string[]) {
    this.socket = join(folder, "db.sock");
    this.#log = join(folder, "log");
    const args = [
      file,
      `--remote=punix:${this.socket}`,
      `--unixctl=${join(folder, "ctl")}`,
      `--log-file=${this.#log}`,
      "--no-chdir",
      "-vconsole:off",
      "-vsyslog:off",
      "-vfile:info",
    ];
    const [first = command, ...rest] = [...prefix, command, ...args];
    const running = localRunner().run(first, rest, { timeoutMs: LIFE_MS, signal: this.#stop.signal });
    this.#ended = running.then(
      ({ exitCode, signal, stderr }) => `it ended with ${exitCode ?? signal}: ${stderr.trim()}`,
      (error: unknown) => (error as Error).message,
    );
    void this.#ended.then((end) => {
      this.#end = end;
    });
  }

  /** Starts it; {@link serving} tells when it serves. */
  static async start(options: ScratchOptions): Promise<ScratchServer> {
    return new ScratchServer(options, await withParent(options.signal));
  }

  /** A session once the database is served and connected. @throws BackupError `TOOL_FAILED`, `LIMIT`, `ABORTED` */
  async serving({ database, startMs, signal }: ScratchOptions): Promise<RowSession> {
    const endMs = performance.now() + startMs;
    for (let last = "it does not answer"; ; ) {
      if (this.#end !== undefined)
        throw new BackupError(
          "TOOL_FAILED",
          `ovsdb-server did not start on the backup: ${this.#end}\n${await this.#tail()}`,
        );
      if (signal?.aborted) throw new BackupError("ABORTED", "the rehearsal was given up", { cause: signal.reason });
      if (performance.now() > endMs)
        throw new BackupError(
          "LIMIT",
          `ovsdb-server does not serve the backup after ${startMs} ms: ${last}\n${await this.#tail()}`,
        );
      const session = new RowSession({ kind: "unix", path: this.socket }, { connectMs: 30_000, signal });
      try {
        const row = await serverRow(session, database);
        if (row.connected && row.leader && row.hasSchema) return session;
        last = "it is not connected yet";
      } catch (error) {
        last = (error as Error).message;
      }
      // A session that the signal has closed ends the loop above.
      await session.session.close();
      await delay(POLL_MS);
    }
  }

  async #tail(): Promise<string> {
    return (await readFile(this.#log, "utf8").catch(() => "")).slice(-2_000);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#ended;
  }
}
