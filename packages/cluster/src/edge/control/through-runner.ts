/** The control protocol through `ovs-appctl` at another place: in a pod, over ssh, or here as another user. */
import { type Runner, RunnerError, type RunResult } from "@ovnha/runner";
import { Control } from "../../control/control.ts";
import { refusalOf, unanswered } from "../../control/errors.ts";
import {
  CONTROL_ANSWER_BYTES_MAX,
  CONTROL_TIMEOUT_MS,
  type ControlCaller,
  type ControlCallOptions,
  type JsonAnswer,
} from "../../control/types.ts";
import { ClusterError } from "../../error.ts";

export type ThroughRunnerOptions = {
  /** The program and its first arguments; default `["ovs-appctl"]`. `ovn-appctl` and `["sudo", "ovs-appctl"]` work too. */
  readonly appctl?: readonly string[] | undefined;
  readonly timeoutMs?: number | undefined;
  readonly answerBytesMax?: number | undefined;
  readonly signal?: AbortSignal | undefined;
};

/** What the way there may take beyond the call itself, in ms: a pod's exec, an ssh handshake. */
const WAY_MS = 10_000;

/**
 * The control socket `target` of a server where the runner runs, such as "/run/ovn/ovnnb_db.ctl", or a daemon's name as
 * `ovs-appctl -t` takes it.
 */
export function unixctlThrough(runner: Runner, target: string, options: ThroughRunnerOptions = {}): Control {
  if (target === "")
    throw new ClusterError("INVALID_CONFIG", "the control socket is not named; give it as in /run/ovn/ovnnb_db.ctl");
  return new Control(new RunnerCaller(runner, target, options));
}

class RunnerCaller implements ControlCaller {
  readonly name: string;
  readonly #runner: Runner;
  readonly #target: string;
  readonly #options: ThroughRunnerOptions;

  constructor(runner: Runner, target: string, options: ThroughRunnerOptions) {
    this.name = `${target} (${runner.name})`;
    this.#runner = runner;
    this.#target = target;
    this.#options = options;
  }

  async call(command: string, args: readonly string[] = [], options: ControlCallOptions = {}): Promise<string> {
    const { exitCode, stdout, stderr } = await this.#run([], command, args, options);
    if (exitCode === 0) return withoutLineFeed(stdout);
    throw this.#failure(command, exitCode, stderr, options);
  }

  async callJson(command: string, args: readonly string[] = [], options: ControlCallOptions = {}): Promise<JsonAnswer> {
    const json = await this.#run(["--format", "json"], command, args, options);
    if (json.exitCode === 0) return jsonAnswer(json.stdout);
    // An ovs-appctl or a server from before 3.4 has no such mode; neither has done anything yet.
    const isOld = /unrecognized option|invalid option|"set-options" is not a valid command/.test(json.stderr);
    if (!isOld) throw this.#failure(command, json.exitCode, json.stderr, options);
    return { type: "text", text: await this.call(command, args, options) };
  }

  async #run(
    flags: readonly string[],
    command: string,
    args: readonly string[],
    options: ControlCallOptions,
  ): Promise<RunResult> {
    const [program = "ovs-appctl", ...before] = this.#options.appctl ?? ["ovs-appctl"];
    const timeoutMs = options.timeoutMs ?? this.#options.timeoutMs ?? CONTROL_TIMEOUT_MS;
    const seconds = String(Math.max(1, Math.ceil(timeoutMs / 1_000)));
    const line = [...before, "-t", this.#target, `--timeout=${seconds}`, ...flags, command, ...args];
    const signals = [options.signal, this.#options.signal].filter((signal) => signal !== undefined);
    try {
      return await this.#runner.run(program, line, {
        // ovs-appctl's own limit is in whole seconds and ends it over there; this one ends the way there.
        timeoutMs: timeoutMs + WAY_MS,
        outputBytesMax: options.answerBytesMax ?? this.#options.answerBytesMax ?? CONTROL_ANSWER_BYTES_MAX,
        signal: signals.length > 1 ? AbortSignal.any(signals) : signals[0],
      });
    } catch (error) {
      throw error instanceof RunnerError ? this.#notRun(command, error) : error;
    }
  }

  /** The command line did not come to its end. */
  #notRun(command: string, error: RunnerError): ClusterError {
    const message = `${this.name}: ${command}: ${error.message}`;
    switch (error.code) {
      case "TIMED_OUT":
        return unanswered("TIMEOUT", command, true, message, error);
      case "TOO_MUCH_OUTPUT":
        return unanswered("LIMIT", command, true, message, error);
      case "CANCELED":
        return unanswered("ABORTED", command, true, message, error);
      case "UNREACHABLE":
        return unanswered("UNREACHABLE", command, true, message, error);
      case "NOT_FOUND":
      case "NOT_STARTED":
      case "BAD_ARGUMENT":
        return unanswered("RUNNER", command, false, message, error);
    }
  }

  /** ovs-appctl ends with 2 and the server's words for a refusal, with 1 if the server can't be reached (ovs-appctl(8)). */
  #failure(command: string, exitCode: number | undefined, stderr: string, options: ControlCallOptions): ClusterError {
    const where = `${this.name}: ${command}`;
    const words = stderr.split(/^\S*appctl: .*: server returned an error$/m, 1)[0] ?? "";
    if (exitCode === 2 && /server returned an error/.test(stderr)) return refusalOf(this.name, command, words);
    if (/cannot connect to|cannot read pidfile|could not open/.test(stderr))
      return unanswered("UNREACHABLE", command, false, `${where}: ${lastLine(stderr)}`);
    if (/transaction error/.test(stderr))
      return unanswered(
        "PROTOCOL",
        command,
        true,
        `${where}: the server hung up without an answer: ${lastLine(stderr)}`,
      );
    // 14 is SIGALRM, by which --timeout ends the program.
    if (exitCode === undefined || exitCode === 142 || /SIGALRM|Alarm clock|terminating with signal 14/.test(stderr)) {
      const timeoutMs = options.timeoutMs ?? this.#options.timeoutMs ?? CONTROL_TIMEOUT_MS;
      return unanswered(
        "TIMEOUT",
        command,
        true,
        `${where}: no answer within ${timeoutMs} ms; the server is busy, frozen or stopped`,
      );
    }
    const isMissing = exitCode === 126 || exitCode === 127;
    return unanswered(
      "RUNNER",
      command,
      !isMissing,
      `${where}: ${isMissing ? "ovs-appctl can't be run there" : `ended with ${exitCode}`}: ${lastLine(stderr)}`,
    );
  }
}

function jsonAnswer(stdout: string): JsonAnswer {
  try {
    const value = JSON.parse(stdout) as Extract<JsonAnswer, { type: "json" }>["value"];
    const { "reply-format": format, reply } = (value ?? {}) as Record<string, unknown>;
    if (format === "plain" && typeof reply === "string") return { type: "text", text: withoutLineFeed(reply) };
    return { type: "json", value };
  } catch {
    return { type: "text", text: withoutLineFeed(stdout) };
  }
}

function withoutLineFeed(text: string): string {
  return text.endsWith("\n") ? text.slice(0, -1) : text;
}

/** The last line that says something, at most 500 characters of it. */
function lastLine(text: string): string {
  return (text.trimEnd().split("\n").at(-1) ?? "").slice(-500);
}
