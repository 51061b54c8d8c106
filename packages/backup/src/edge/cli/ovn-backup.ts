#!/usr/bin/env node
/** `ovn-backup`: backups of OVN's databases that one can trust. */
import { realpathSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { DbFileError } from "@ovnha/dbfile";
import { OvsdbError } from "@ovnha/ovsdb";
import { RunnerError } from "@ovnha/runner";
import { Command, CommanderError } from "commander";
import { BackupError } from "../../error.ts";
import { VERSION } from "../../version.ts";
import { fromDbFile } from "../take/from-file.ts";
import { defineCheckDirs } from "./check-dirs.ts";
import { defineHistory } from "./history.ts";
import { defineInspect } from "./inspect.ts";
import { defineList } from "./list.ts";
import { defineRank } from "./rank.ts";
import { defineRehearse } from "./rehearse.ts";
import { defineRestore } from "./restore.ts";
import { defineRotate } from "./rotate.ts";
import { defineTake } from "./take.ts";
import { EXIT, exitOf, JSON_VERSION, type Terminal } from "./terminal.ts";
import { defineVerify } from "./verify.ts";

const HELP = `
Exit status of every command: 0 well; 1 the answer is bad; 2 wrong usage; 3 it could not be done;
4 a restore has stopped on the way; 130 interrupted.
Each command says more: ovn-backup <command> --help.`;

const COMMANDS: { readonly [name: string]: (command: Command, terminal: Terminal) => void } = {
  take: defineTake,
  verify: defineVerify,
  list: defineList,
  rotate: defineRotate,
  rehearse: defineRehearse,
  restore: defineRestore,
  inspect: defineInspect,
  rank: defineRank,
  history: defineHistory,
  "check-dirs": defineCheckDirs,
};

/** The whole command line; examples in files are held against it. */
export function ovnBackup(terminal: Terminal): Command {
  const program = new Command("ovn-backup")
    .description(
      "Backups of OVN's databases that one can trust: taken from a current member, verified, rehearsed, restored.",
    )
    .version(VERSION)
    .addHelpText("after", HELP)
    .exitOverride()
    .configureOutput({ writeOut: terminal.out, writeErr: terminal.err });
  for (const [name, define] of Object.entries(COMMANDS)) {
    const command = program.command(name).exitOverride().copyInheritedSettings(program);
    define(command, terminal);
  }
  return program;
}

/** Runs one command and gives its exit status. */
export async function runOvnBackup(args: readonly string[], terminal: Omit<Terminal, "end">): Promise<number> {
  let status: number = EXIT.ok;
  const end = (code: number): void => {
    status = code;
  };
  try {
    await ovnBackup({ ...terminal, end }).parseAsync(args, { from: "user" });
    return status;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    const told = toldError(error);
    if (told === undefined) throw error;
    // Whatever failed because of the signal is that; what knows of it tells how to go on.
    const isTold = !terminal.signal.aborted || told.code === "ABORTED";
    const { code, message, path, remedy } = isTold ? told : new BackupError("ABORTED", "interrupted");
    if (args.includes("--json"))
      terminal.out(
        `${JSON.stringify({ version: JSON_VERSION, error: { code, message, path, remedy } }, undefined, 2)}\n`,
      );
    terminal.err(`ovn-backup: ${message}\n`);
    return terminal.signal.aborted ? EXIT.interrupted : exitOf(told);
  }
}

/** What other packages throw is told like our own errors; a fault of this program is not. */
function toldError(error: unknown): BackupError | undefined {
  if (error instanceof BackupError) return error;
  if (error instanceof OvsdbError) return new BackupError("NO_SOURCE", error.message, { cause: error });
  if (error instanceof RunnerError) return new BackupError("TOOL_FAILED", error.message, { cause: error });
  return error instanceof DbFileError ? (fromDbFile(error, error.path ?? "") as BackupError) : undefined;
}

/** Signals that come closer together are one, in ms. */
const SAME_MS = 300;

async function main(): Promise<void> {
  const abort = new AbortController();
  // The first one cleans up; whoever is in a hurry sends a second. The listener stays: execa, which runs the commands,
  // would end this process at once if it were the only one that listens.
  let abortedMs: number | undefined;
  const onSignal = (signal: NodeJS.Signals): void => {
    const nowMs = performance.now();
    abortedMs ??= nowMs;
    abort.abort(new Error(signal));
    // One Ctrl-C may come twice, by the terminal and by a wrapper.
    if (nowMs - abortedMs > SAME_MS) process.exit(EXIT.interrupted);
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, onSignal);
  // A reader such as head(1) that has seen enough is no error, and no reason to stop in the middle of a restore.
  for (const stream of [process.stdout, process.stderr])
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE") throw error;
    });
  process.exitCode = await runOvnBackup(process.argv.slice(2), {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    signal: abort.signal,
    isTerminal: process.stdout.isTTY === true,
    progressStream: process.stderr.isTTY === true ? process.stderr : undefined,
  });
}

const entry = process.argv[1];
if (entry !== undefined && import.meta.url === pathToFileURL(realpathSync(entry)).href) await main();
