/** One command of a step, at its place: bounded, and what became of it told as far as it is known. */
import { type Runner, RunnerError, type RunResult } from "@ovnha/runner";
import { ClusterError } from "../../error.ts";
import { commandLine } from "../../plan/render.ts";
import type { Command } from "../../plan/types.ts";

/** Where commands run: by the member's name, and "here". */
export type Runners = Readonly<Record<string, Runner>> | ((at: string) => Runner | undefined);

export type CommandOptions = {
  readonly runners: Runners;
  /** For each command, in ms; 60,000 unless told. */
  readonly commandMs?: number | undefined;
};

/** What a runner may take beyond the limit that it was given, to end what it started, in ms; at most that limit again. */
const GRACE_MS = 5_000;

/** @throws ClusterError INVALID_CONFIG */
export function runnerFor(runners: Runners, at: string): Runner {
  const runner = typeof runners === "function" ? runners(at) : Object.hasOwn(runners, at) ? runners[at] : undefined;
  if (runner === undefined)
    throw new ClusterError("INVALID_CONFIG", `nothing is known about how to run commands at ${at}; give it a runner`);
  return runner;
}

/**
 * Runs the command to its end. No signal ends it early: half a restart is worse than one that is late, and the time that
 * it may take is bounded, by us if the runner does not keep to it.
 *
 * @param where for messages, such as "step 3, Restart ovn1".
 * @throws ClusterError RUNNER if it was not started or its result was not 0, with its words; OUTCOME_UNKNOWN if it was
 * started and nobody knows what became of it; INVALID_CONFIG if there is no runner.
 */
export async function runCommand(where: string, command: Command, options: CommandOptions): Promise<string> {
  const runner = runnerFor(options.runners, command.at);
  const timeoutMs = options.commandMs ?? 60_000;
  const line = `${where}: ${commandLine(command)} at ${command.at}`;
  let result: RunResult;
  try {
    result = await inTime(
      // What is under way is finished: Ctrl-C is for us, and a restart that it cut in the middle would be the worst of both.
      runner.run(command.program, command.args, { timeoutMs, ownGroup: true }),
      timeoutMs + Math.min(GRACE_MS, timeoutMs),
    );
  } catch (error) {
    throw failure(line, error);
  }
  const output = `${result.stdout}${result.stderr}`.trim();
  if (result.exitCode === 0) return output;
  const words = output.slice(-500) || "it said nothing";
  if (result.exitCode !== undefined)
    throw new ClusterError("RUNNER", `${line} ended with ${result.exitCode}: ${words}`);
  throw new ClusterError(
    "OUTCOME_UNKNOWN",
    `${line} was ended by ${result.signal ?? "a signal"}: ${words}; ${UNKNOWN}`,
  );
}

const UNKNOWN = "it may have taken effect, or half of it: look before anything else is done";

/** These mean that nothing was started. */
const NOT_STARTED: ReadonlySet<string> = new Set(["NOT_FOUND", "NOT_STARTED", "BAD_ARGUMENT"]);

function failure(line: string, error: unknown): ClusterError {
  if (error instanceof ClusterError) return error;
  const { message } = error as Error;
  return error instanceof RunnerError && NOT_STARTED.has(error.code)
    ? new ClusterError("RUNNER", `${line}: ${message}; nothing was done`, { cause: error })
    : new ClusterError("OUTCOME_UNKNOWN", `${line}: ${message}; ${UNKNOWN}`, { cause: error });
}

async function inTime<T>(work: Promise<T>, limitMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`the runner gave no result within ${limitMs} ms`)), limitMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** The reason of a signal as an error of this package; `what` says where it came in between. */
export function interruption(signal: AbortSignal, what: string): ClusterError {
  const { reason } = signal;
  return reason instanceof ClusterError
    ? new ClusterError(reason.code, `${reason.message}; ${what}`, { cause: reason })
    : new ClusterError("ABORTED", `interrupted; ${what}`, { cause: reason });
}
