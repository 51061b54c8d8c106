/** Runs ovsdb-tool and judges what came of it. */
import { localRunner, type Runner, RunnerError, type RunResult } from "@ovnha/runner";
import { BackupError } from "../../error.ts";
import type { CallOptions, ToolOptions, ToolVersion } from "./types.ts";

const TIMEOUT_MS = 600_000;
const OUTPUT_BYTES_MAX = 256 * 2 ** 20;
const INSTALL =
  "install Open vSwitch (Debian: openvswitch-common), name the program with `command`, or use engine native";

export class ToolRunner {
  readonly runner: Runner;
  readonly #command: string;
  readonly #timeoutMs: number;
  readonly #outputBytesMax: number;
  #version: Promise<ToolVersion> | undefined;

  constructor(options: ToolOptions) {
    this.runner = options.runner ?? localRunner();
    this.#command = options.command ?? "ovsdb-tool";
    this.#timeoutMs = options.timeoutMs ?? TIMEOUT_MS;
    this.#outputBytesMax = options.outputBytesMax ?? OUTPUT_BYTES_MAX;
  }

  /** The outcome, whatever the exit status. @throws BackupError `NO_TOOL`, `LIMIT`, `ABORTED`, `TOOL_FAILED` */
  async attempt(args: readonly string[], options: CallOptions = {}): Promise<RunResult> {
    return this.#run(this.#command, args, options);
  }

  /** What it prints, without the line feed at the end. @throws BackupError `TOOL_FAILED` unless the exit status is 0. */
  async text(args: readonly string[], options: CallOptions = {}): Promise<string> {
    const result = await this.attempt(args, options);
    if (result.exitCode !== 0) throw this.failed(args, result);
    return result.stdout.replace(/\n$/, "");
  }

  /** Exit status 0 is yes, 2 is no, anything else an error. */
  async question(args: readonly string[], options: CallOptions = {}): Promise<boolean> {
    const result = await this.attempt(args, options);
    if (result.exitCode === 0) return true;
    if (result.exitCode === 2 && result.stderr === "") return false;
    throw this.failed(args, result);
  }

  failed(args: readonly string[], result: RunResult, remedy?: string): BackupError {
    const [subcommand = ""] = args.filter((arg) => !arg.startsWith("-"));
    const end =
      result.exitCode === undefined ? `was ended by ${result.signal}` : `failed with exit status ${result.exitCode}`;
    const option = /unrecognized option '(--[a-z-]+)/.exec(result.stderr)?.[1];
    if (option !== undefined)
      return new BackupError("UNSUPPORTED", `this ovsdb-tool ${subcommand} has no ${option}`, { remedy: NEWER });
    const said = result.stderr.replace(/^ovsdb-tool: /gm, "").trim() || result.stdout.trim() || "and said nothing";
    return new BackupError("TOOL_FAILED", `ovsdb-tool ${subcommand} ${end}: ${said.slice(0, 2_000)}`, { remedy });
  }

  /** Another program at the same place, for what ovsdb-tool doesn't do itself: `test`, `ln`, `rm`. */
  async other(command: string, args: readonly string[]): Promise<RunResult> {
    return this.#run(command, args, {});
  }

  version(options: CallOptions = {}): Promise<ToolVersion> {
    this.#version ??= this.#askVersion(options).catch((error: unknown) => {
      this.#version = undefined;
      throw error;
    });
    return this.#version;
  }

  /** @throws BackupError `UNSUPPORTED` if the program that is installed has no such subcommand. */
  async needs(subcommand: string, options: CallOptions = {}): Promise<void> {
    const { version, commands } = await this.version(options);
    if (commands.has(subcommand)) return;
    throw new BackupError("UNSUPPORTED", `ovsdb-tool ${version} has no ${subcommand}`, {
      remedy: KUBE_OVN.has(subcommand) ? "only Kube-OVN's build has it" : NEWER,
    });
  }

  async #askVersion(options: CallOptions): Promise<ToolVersion> {
    const [about, list] = [await this.text(["--version"], options), await this.text(["list-commands"], options)];
    const version = /\(Open vSwitch\) (\S+)/.exec(about)?.[1];
    if (version === undefined)
      throw new BackupError(
        "TOOL_FAILED",
        `${this.#command} is no ovsdb-tool: it says ${JSON.stringify(about.slice(0, 200))}`,
      );
    const commands = new Set([...list.matchAll(/^ {2}([a-z][a-z-]*)/gm)].map(([, name = ""]) => name));
    return { version, commands };
  }

  async #run(command: string, args: readonly string[], { signal }: CallOptions): Promise<RunResult> {
    try {
      return await this.runner.run(command, args, {
        timeoutMs: this.#timeoutMs,
        outputBytesMax: this.#outputBytesMax,
        signal,
      });
    } catch (cause) {
      if (!(cause instanceof RunnerError)) throw cause;
      throw this.#broken(command, cause);
    }
  }

  #broken(command: string, cause: RunnerError): BackupError {
    const place = this.runner.name === "local" ? "" : ` (${this.runner.name})`;
    switch (cause.code) {
      case "NOT_FOUND":
        return new BackupError("NO_TOOL", `${command} is not installed${place}`, { cause, remedy: INSTALL });
      case "CANCELED":
        return new BackupError("ABORTED", `${command}${place} was given up`, { cause });
      case "TIMED_OUT":
        return new BackupError("LIMIT", `${command}${place}: ${cause.message}`, { cause, remedy: "raise timeoutMs" });
      case "TOO_MUCH_OUTPUT":
        return new BackupError("LIMIT", `${command}${place}: ${cause.message}`, {
          cause,
          remedy: "raise outputBytesMax",
        });
      case "BAD_ARGUMENT":
        return new BackupError("ARGUMENT", cause.message, { cause });
      default:
        return new BackupError("TOOL_FAILED", `${command}${place}: ${cause.message}`, { cause });
    }
  }
}

const NEWER = "use a newer Open vSwitch, or engine native";
const KUBE_OVN = new Set(["fix-cluster", "db-raft-header", "rejoin-cluster"]);
