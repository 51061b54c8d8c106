/** What a twin leaves behind is cleared even when the process ends at once, with one listener for all twins. */
import { spawnSync } from "node:child_process";

const cleaners = new Set<() => void>();

/** Calls this as the process ends. Must be synchronous. Gives what takes it back. */
export function atExit(clean: () => void): () => void {
  if (cleaners.size === 0) process.on("exit", cleanAll);
  cleaners.add(clean);
  return () => {
    cleaners.delete(clean);
    if (cleaners.size === 0) process.off("exit", cleanAll);
  };
}

function cleanAll(): void {
  for (const clean of cleaners) clean();
}

let wrapper: readonly string[] | undefined;

/**
 * What makes the kernel kill a child with us, even if we are killed outright: `setpriv` of util-linux, which sets
 * PR_SET_PDEATHSIG (prctl(2)) and becomes the command. Nothing where it is absent: there servers outlive a SIGKILL.
 */
export function withParent(): readonly string[] {
  const command = ["setpriv", "--pdeathsig", "KILL"];
  wrapper ??= spawnSync("setpriv", [...command.slice(1), "true"]).status === 0 ? command : [];
  return wrapper;
}
