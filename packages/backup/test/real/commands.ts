/** The commands of this half, run within the test. */
import { Command, CommanderError } from "commander";
import { BackupError } from "../../src/index.ts";
import { defineCheckDirs } from "../../src/edge/cli/check-dirs.ts";
import { type CommandEdge, defineRestore } from "../../src/edge/cli/restore.ts";

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export async function runCommandLine(...args: readonly string[]): Promise<Ran> {
  let [out, err, code] = ["", "", 0];
  const edge: CommandEdge = {
    out: (text) => {
      out += text;
    },
    err: (text) => {
      err += text;
    },
    signal: new AbortController().signal,
    end: (to) => {
      code = to;
    },
  };
  const program = new Command("ovn-backup").exitOverride().configureOutput({ writeOut: edge.out, writeErr: edge.err });
  defineRestore(program.command("restore"), edge);
  defineCheckDirs(program.command("check-dirs"), edge);
  for (const command of program.commands) command.exitOverride().copyInheritedSettings(program);
  try {
    await program.parseAsync(args, { from: "user" });
  } catch (error) {
    if (error instanceof BackupError) return { code: 2, out, err: `${err}${error.message}\n` };
    if (error instanceof CommanderError) return { code: error.exitCode === 0 ? 0 : 2, out, err };
    throw error;
  }
  return { code, out, err };
}
