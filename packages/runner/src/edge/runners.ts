import { type KubectlOptions, kubectlLine, type SshOptions, sshLine } from "../command-line.ts";
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
  return {
    name,
    async run(command, args, runOptions) {
      const result = await execute(sshLine(options, command, args), runOptions);
      if (result.exitCode === 255) throw unreachable(name, command, result);
      return result;
    },
  };
}

/** kubectl has one exit code of its own, 1, which programs have too; but then it says which of the two it was. */
function refusedByKubectl({ exitCode, stderr }: RunResult): boolean {
  if (exitCode !== 1) return false;
  return /^(error: |Error from server|Unable to connect to the server|The connection to the server )/m.test(stderr);
}

function unreachable(name: string, command: string, { stderr }: RunResult): RunnerError {
  const reason = stderr.trim().slice(0, 1000) || "no reason was given";
  return new RunnerError("UNREACHABLE", `${name}: ${command} could not be run: ${reason}`);
}
