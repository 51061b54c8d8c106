import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type KubectlOptions, kubectlLine, sharesConnection, type SshOptions, sshLine } from "../command-line.ts";
import { RunnerError } from "../error.ts";
import type { Runner, RunResult } from "../types.ts";
import { execute, type Surroundings } from "./execute.ts";

/** Runs programs on this machine. */
export function localRunner(surroundings: Surroundings = {}): Runner {
  return { name: "local", run: (command, args, options) => execute([command, ...args], options, surroundings) };
}

/** Runs programs in a pod, with `kubectl exec`. Rejects with `UNREACHABLE` if the pod is not there or does not run. */
export function kubectlRunner(options: KubectlOptions): Runner {
  const name = `pod ${options.namespace === undefined ? "" : `${options.namespace}/`}${options.pod}`;
  return {
    name,
    async run(command, args, runOptions) {
      const line = kubectlLine(options, command, args, runOptions?.input !== undefined);
      const result = await execute(line, runOptions);
      if (refusedByKubectl(result)) throw unreachable(name, command, result);
      return result;
    },
  };
}

/** Runs programs on another host, with `ssh`. Rejects with `UNREACHABLE` where ssh itself fails (its exit code 255). */
export function sshRunner(options: SshOptions): Runner {
  const name = `ssh ${options.user === undefined ? "" : `${options.user}@`}${options.host}`;
  // Another key or other options are another connection.
  const folder = sharesConnection(options) ? `${++socketFolders}` : undefined;
  return {
    name,
    async run(command, args, runOptions) {
      const sockets = folder === undefined ? undefined : socketFolder(folder);
      const result = await execute(sshLine(options, command, args, sockets), runOptions);
      if (result.exitCode === 255) throw unreachable(name, command, result);
      return result;
    },
  };
}

let socketFolders = 0;
let socketsOf: string | undefined;

/** One folder for each runner, which goes with this process; ssh ends by itself, some time after its last command. */
function socketFolder(name: string): string | undefined {
  try {
    if (socketsOf === undefined) {
      const made = mkdtempSync(join(tmpdir(), "ovnha-ssh-"));
      process.once("exit", () => rmSync(made, { recursive: true, force: true }));
      socketsOf = made;
    }
    const folder = join(socketsOf, name);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    // `%C` is 40 characters, and ssh puts 17 behind it while it connects.
    return Buffer.byteLength(folder) + 58 < SOCKET_PATH_BYTES_MAX ? folder : undefined;
  } catch {
    // Without a place for sockets, every command has a connection of its own.
    return undefined;
  }
}

/** Of `sun_path` (unix(7)), the least that a system has. */
const SOCKET_PATH_BYTES_MAX = 104;

/** kubectl has one exit code of its own, 1, which programs have too; but then it says which of the two it was. */
function refusedByKubectl({ exitCode, stderr }: RunResult): boolean {
  if (exitCode !== 1) return false;
  return /^(error: |Error from server|Unable to connect to the server|The connection to the server )/m.test(stderr);
}

function unreachable(name: string, command: string, { stderr }: RunResult): RunnerError {
  const reason = stderr.trim().slice(0, 1000) || "no reason was given";
  return new RunnerError("UNREACHABLE", `${name}: ${command} could not be run: ${reason}`);
}
