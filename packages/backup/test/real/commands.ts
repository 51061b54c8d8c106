/** `ovn-backup`, run within the test. */
import { runOvnBackup } from "../../src/edge/cli/ovn-backup.ts";

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export async function runCommandLine(...args: readonly string[]): Promise<Ran> {
  let [out, err] = ["", ""];
  const code = await runOvnBackup(args, {
    out: (text) => {
      out += text;
    },
    err: (text) => {
      err += text;
    },
    signal: new AbortController().signal,
    isTerminal: false,
    progressStream: undefined,
  });
  return { code, out, err };
}
