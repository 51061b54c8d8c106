/** The tools of Open vSwitch, each call bounded in time. */
import { execFile, spawnSync } from "node:child_process";

const LIMIT_MS = 15_000;

/** Gives what it printed; rejects with what it complained about. */
export function command(
  name: string,
  args: readonly string[],
  limitMs: number = LIMIT_MS,
  signal?: AbortSignal,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { encoding: "utf8", timeout: limitMs, maxBuffer: 1 << 24, ...(signal && { signal }) } as const;
    execFile(name, args, options, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else
        reject(new Error(`${name} ${args.slice(0, 4).join(" ")}: ${stderr.trim() || error.message}`, { cause: error }));
    });
  });
}

/** Such as "3.1.0"; undefined where there is no ovsdb-server. */
export function ovsVersion(): string | undefined {
  const { stdout, error } = spawnSync("ovsdb-server", ["--version"], { encoding: "utf8" });
  return error === undefined ? /\(Open vSwitch\) (\d+\.\d+\.\d+)/.exec(stdout)?.[1] : undefined;
}
