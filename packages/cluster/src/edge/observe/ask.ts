/** One question to one member, answered or not within its limit: never an exception for what the member did. */
import { type FileHandle, open } from "node:fs/promises";
import {
  OvsdbError,
  openSession,
  OutcomeUnknownError,
  type RawSession,
  type TlsSource,
  TransportError,
} from "@ovnha/ovsdb";
import { RunnerError } from "@ovnha/runner";
import type { Control } from "../../control/control.ts";
import { ClusterError, type ClusterErrorCode } from "../../error.ts";
import type { Target } from "../../observe/members.ts";
import { readServerAnswer, serverQuestion } from "../../observe/server-row.ts";
import type { Answer, AnswerError, ServerRow } from "../../observe/types.ts";
import { unixctl } from "../control/socket.ts";
import { unixctlThrough } from "../control/through-runner.ts";

export type AskOptions = {
  /** Milliseconds for one question. */
  readonly timeoutMs: number;
  readonly tls?: TlsSource | undefined;
  readonly signal?: AbortSignal | undefined;
};

/** Asks, and takes the time. @throws what is neither an answer nor the lack of one: a bug, or an aborted signal. */
export async function timed<T>(via: string, question: () => Promise<T>): Promise<Answer<T>> {
  const startMs = performance.now();
  const when = (): { readonly via: string; readonly atMs: number; readonly tookMs: number } => ({
    via,
    atMs: Date.now(),
    tookMs: Math.round(performance.now() - startMs),
  });
  try {
    const value = await question();
    return { ok: true, value, ...when() };
  } catch (error) {
    return { ok: false, error: answerError(error), ...when() };
  }
}

/** What went wrong as data. */
export function answerError(error: unknown): AnswerError {
  if (error instanceof ClusterError) {
    if (error.code === "ABORTED") throw error;
    return { code: error.code, message: error.message };
  }
  if (error instanceof RunnerError) return { code: RUNNER_CODES[error.code] ?? "RUNNER", message: error.message };
  if (!(error instanceof OvsdbError)) throw error;
  // A select that was sent and not answered: it changed nothing, so only the reason counts.
  const reason = error instanceof OutcomeUnknownError && error.cause instanceof OvsdbError ? error.cause : error;
  return { code: CODES[reason.code] ?? (reason.origin === "remote" ? "REFUSED" : "PROTOCOL"), message: reason.message };
}

const CODES: Readonly<Record<string, ClusterErrorCode>> = {
  TRANSPORT: "UNREACHABLE",
  UNAVAILABLE: "UNREACHABLE",
  TLS: "UNREACHABLE",
  TIMEOUT: "TIMEOUT",
  LIMIT: "LIMIT",
  PROTOCOL: "PROTOCOL",
  VALUE: "INVALID_CONFIG",
};

const RUNNER_CODES: Readonly<Record<string, ClusterErrorCode>> = {
  TIMED_OUT: "TIMEOUT",
  TOO_MUCH_OUTPUT: "LIMIT",
  UNREACHABLE: "UNREACHABLE",
};

/** The control socket of a target, here or through its runner. */
export function controlOf(target: Target, options: AskOptions): Control | undefined {
  const { control, runner, appctl } = target;
  if (control === undefined) return undefined;
  const limits = { timeoutMs: options.timeoutMs, signal: options.signal };
  return runner === undefined ? unixctl(control, limits) : unixctlThrough(runner, control, { appctl, ...limits });
}

/** Whether `_Server` is asked through `ovsdb-client` over there. */
export function isThere(target: Target): boolean {
  return target.runner !== undefined && target.remotes.some((remote) => remote.startsWith("unix:"));
}

/** Asks for the row of `_Server`, whichever way the target gives. */
export function askServer(target: Target, options: AskOptions): Promise<Answer<ServerRow | undefined>> {
  if (isThere(target)) return askServerThere(target, options);
  const via = target.remotes.join(",");
  return timed(via, async () => {
    await using session = openSession([...target.remotes], sessionOptions(options));
    return await selectServer(session, target.database, options.timeoutMs);
  });
}

export function sessionOptions(options: AskOptions): {
  readonly tls: TlsSource | undefined;
  readonly connectMs: number;
  readonly signal: AbortSignal | undefined;
} {
  return { tls: options.tls, connectMs: options.timeoutMs, signal: options.signal };
}

/** Asks in a session that is open or being opened. */
export async function selectServer(
  session: RawSession,
  database: string,
  timeoutMs: number,
): Promise<ServerRow | undefined> {
  return readServerAnswer(await session.call("transact", serverQuestion(database), { timeoutMs }));
}

/** `ovsdb-client transact` over there. */
function askServerThere(target: Target, options: AskOptions): Promise<Answer<ServerRow | undefined>> {
  const { runner, remotes, database } = target;
  const remote = remotes.find((each) => each.startsWith("unix:")) ?? "";
  return timed(`${remote} (${runner?.name})`, async () => {
    const seconds = Math.max(1, Math.ceil(options.timeoutMs / 1_000));
    const args = [`--timeout=${seconds}`, "transact", remote, JSON.stringify(serverQuestion(database))];
    const result = await runner?.run("ovsdb-client", args, {
      timeoutMs: options.timeoutMs + 10_000,
      signal: options.signal,
    });
    if (result?.exitCode === 0) return readServerAnswer(parseJson(result.stdout));
    const words = (result?.stderr ?? "").trimEnd().slice(-500);
    if (/failed to connect|connection attempt|Connection refused|No such file/.test(words))
      throw new TransportError(words, { reason: "ECONNREFUSED" });
    if (result?.exitCode === undefined || result.exitCode === 142)
      throw new ClusterError("TIMEOUT", `${remote}: no answer within ${options.timeoutMs} ms`);
    throw new ClusterError("RUNNER", `ovsdb-client at ${runner?.name} ended with ${result?.exitCode}: ${words}`);
  });
}

function parseJson(text: string): ReturnType<typeof serverQuestion>[number] {
  try {
    return JSON.parse(text) as ReturnType<typeof serverQuestion>[number];
  } catch (cause) {
    throw new ClusterError("PROTOCOL", `ovsdb-client wrote no JSON: ${text.slice(0, 200)}`, { cause });
  }
}

/** The end of a log file, at most so many bytes; the first line may be cut and is left out. */
export async function askLog(target: Target, bytesMax: number, options: AskOptions): Promise<string | undefined> {
  const { logFile, runner } = target;
  if (logFile === undefined) return undefined;
  try {
    if (runner === undefined) return await readTail(logFile, bytesMax);
    const run = await runner.run("tail", ["-c", String(bytesMax), "--", logFile], {
      timeoutMs: options.timeoutMs + 10_000,
      signal: options.signal,
    });
    return run.exitCode === 0 ? wholeLines(run.stdout, Buffer.byteLength(run.stdout) >= bytesMax) : undefined;
  } catch (error) {
    // A log that can't be read is one piece of evidence less.
    if (error instanceof RunnerError || (error as NodeJS.ErrnoException).code !== undefined) return undefined;
    throw error;
  }
}

async function readTail(path: string, bytesMax: number): Promise<string> {
  let file: FileHandle | undefined;
  try {
    file = await open(path, "r");
    const { size } = await file.stat();
    const start = Math.max(0, size - bytesMax);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(Math.min(size, bytesMax)), 0, undefined, start);
    return wholeLines(buffer.subarray(0, bytesRead).toString("utf8"), start > 0);
  } finally {
    await file?.close();
  }
}

function wholeLines(text: string, isCut: boolean): string {
  return isCut ? text.slice(text.indexOf("\n") + 1) : text;
}
