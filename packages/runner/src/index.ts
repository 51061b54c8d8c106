/** `@ovnha/runner`: a command run here, in a pod, or on another host, with bounds on time and output. */
export {
  type CommandLine,
  type KubectlOptions,
  kubectlLine,
  quote,
  type SshOptions,
  sshLine,
} from "./command-line.ts";
export type { Surroundings } from "./edge/execute.ts";
export { kubectlRunner, localRunner, sshRunner } from "./edge/runners.ts";
export { RunnerError, type RunnerErrorCode } from "./error.ts";
export type { Runner, RunOptions, RunResult } from "./types.ts";
