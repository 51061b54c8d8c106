import { execa, type Options } from "execa";
import { checkArguments, type CommandLine } from "../command-line.ts";
import { RunnerError } from "../error.ts";
import type { RunOptions, RunResult } from "../types.ts";
import { Group } from "./group.ts";

const TIMEOUT_MS = 30_000;
const OUTPUT_BYTES_MAX = 16 * 1024 * 1024;
/** How long a program that was asked to end may take to do so before it is killed, in ms. */
const GRACE_MS = 2_000;

/** How long the outputs of a program that has ended are still read, in ms. */
const DRAIN_MS = 500;

/** Where a process starts, for local ones. */
export interface Surroundings {
  readonly cwd?: string | undefined;
  /** Added to the environment of this process. */
  readonly env?: Readonly<Record<string, string>> | undefined;
}

/** Runs a command line here. `graceMs`: how long it has to end once it was asked to. */
export async function execute(
  [command, ...args]: CommandLine,
  options: RunOptions = {},
  surroundings: Surroundings = {},
  graceMs: number = GRACE_MS,
): Promise<RunResult> {
  checkArguments(command, args);
  const { input, timeoutMs = TIMEOUT_MS, outputBytesMax = OUTPUT_BYTES_MAX, signal, onStdout } = options;
  const { ownGroup = false } = options;
  if (signal?.aborted === true) throw canceled(command, signal);
  // The outputs are counted here and not by execa, so that what was too much does not pass for the whole.
  const settings = {
    ...(input === undefined ? { stdin: "ignore" } : isStream(input) ? { stdin: [chunksOf(input)] } : { input }),
    buffer: false,
    encoding: "buffer",
    reject: false,
    // A group is ended by us, as a whole.
    ...(ownGroup ? { detached: true } : { forceKillAfterDelay: graceMs, timeout: timeoutMs }),
    ...(signal === undefined || ownGroup ? {} : { cancelSignal: signal }),
    ...(surroundings.cwd === undefined ? {} : { cwd: surroundings.cwd }),
    ...(surroundings.env === undefined ? {} : { env: surroundings.env }),
  } satisfies Options;
  const child = execa(command, args, settings as Options);
  const group = ownGroup && child.pid !== undefined ? new Group(child.pid, { timeoutMs, signal, graceMs }) : undefined;
  const kill = (): void => (group === undefined ? void child.kill("SIGKILL") : group.kill());
  let overflow: string | undefined;
  let taker: unknown;
  const tooMuch = (name: string): void => {
    overflow ??= name;
    kill();
  };
  const stdout = collect(
    child.stdout,
    outputBytesMax,
    () => tooMuch("output"),
    onStdout,
    (error) => {
      taker ??= error;
      kill();
    },
  );
  const stderr = collect(child.stderr, outputBytesMax, () => tooMuch("error output"));
  // What the program has started may hold its outputs open for ever, as a daemon does: it is not waited for.
  let over: Promise<void> | undefined;
  child.once("exit", () => {
    over = Promise.resolve(group?.over()).then(() => {
      const drained = setTimeout(() => {
        child.stdout?.destroy();
        child.stderr?.destroy();
      }, DRAIN_MS);
      child.finally(() => clearTimeout(drained)).catch(() => {});
    });
  });
  const result = await child;
  await over;
  group?.[Symbol.dispose]();
  if (taker !== undefined) throw taker;
  if (overflow !== undefined)
    throw new RunnerError("TOO_MUCH_OUTPUT", `${command} wrote more than ${outputBytesMax} bytes of ${overflow}`);
  if (result.isCanceled || group?.ended === "canceled") throw canceled(command, signal);
  if (result.timedOut || group?.ended === "timed out")
    throw new RunnerError("TIMED_OUT", `${command} had not ended after ${timeoutMs} ms and was killed`, {
      cause: said(stderr()),
    });
  if (result.exitCode === undefined && result.signal === undefined) throw notStarted(command, result);
  return {
    exitCode: result.exitCode,
    signal: result.signal,
    stdout: stdout(),
    stderr: stderr(),
    durationMs: result.durationMs,
  };
}

function isStream(input: NonNullable<RunOptions["input"]>): input is AsyncIterable<Uint8Array> {
  return typeof input === "object" && Symbol.asyncIterator in input;
}

/** A generator for every kind of async iterable: execa takes a ReadStream of Node.js for something else. */
async function* chunksOf(input: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield* input;
}

/** Keeps what a stream gives, up to a bound, or hands it on; returns how to read what was kept. */
function collect(
  stream: NodeJS.ReadableStream | null | undefined,
  bytesMax: number,
  overflow: () => void,
  take?: (chunk: Uint8Array) => void,
  failed?: (error: unknown) => void,
): () => string {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  stream?.on("data", (chunk: Uint8Array) => {
    if (take !== undefined) {
      try {
        take(chunk);
      } catch (error) {
        failed?.(error);
      }
      return;
    }
    bytes += chunk.length;
    if (bytes > bytesMax) overflow();
    else chunks.push(chunk);
  });
  return () => Buffer.concat(chunks).toString("utf8");
}

function said(stderr: string): Error | undefined {
  return stderr === "" ? undefined : new Error(stderr.slice(0, 4096).trim());
}

function canceled(command: string, signal: AbortSignal | undefined): RunnerError {
  return new RunnerError("CANCELED", `${command} was canceled`, { cause: signal?.reason });
}

function notStarted(
  command: string,
  result: { readonly code?: string | undefined; readonly cause?: unknown },
): RunnerError {
  const cause = result.cause as NodeJS.ErrnoException | undefined;
  if ((result.code ?? cause?.code) === "ENOENT")
    return new RunnerError("NOT_FOUND", `there is no program ${command}: install it, or give its path`, { cause });
  return new RunnerError("NOT_STARTED", `${command} could not be started: ${cause?.message ?? "unknown reason"}`, {
    cause,
  });
}
