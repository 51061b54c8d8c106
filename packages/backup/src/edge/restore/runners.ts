/** Runners as a description names them. */
import { kubectlRunner, localRunner, type Runner, sshRunner } from "@ovnha/runner";
import type { RunnerSpec } from "../../restore/description.ts";
import type { Runners } from "./context.ts";

export function runnerOf(spec: RunnerSpec): Runner {
  switch (spec.kind) {
    case "local":
      return localRunner();
    case "ssh":
      return sshRunner(spec);
    case "kubectl":
      return kubectlRunner(spec);
    default:
      return spec satisfies never;
  }
}

export function runnersOf(specs: Readonly<Record<string, RunnerSpec>>): Runners {
  return Object.fromEntries(Object.entries(specs).map(([name, spec]) => [name, runnerOf(spec)]));
}
