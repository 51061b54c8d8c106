#!/usr/bin/env node
/** `ovn-ha`: what the cluster is doing, what is wrong with it, and what may be done next. */
import { realpathSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { Command, CommanderError } from "commander";
import { ClusterError } from "../../error.ts";
import { VERSION } from "../../version.ts";
import { COMMANDS } from "./commands.ts";
import { processTerminal } from "./process-terminal.ts";
import { EXIT, type Terminal } from "./terminal.ts";

const HELP = `
Examples:
  ovn-ha status --nb tcp:10.0.0.1:6641,tcp:10.0.0.2:6641,tcp:10.0.0.3:6641 --sb tcp:10.0.0.1:6642,…
  ovn-ha status --members cluster.yaml --json
  ovn-ha status --layout kube-ovn --runner kubectl
  ovn-ha watch --layout plain --runner ssh --host ovn1,ovn2,ovn3
  ovn-ha status                                  the servers of this machine, by their usual sockets

Exit status: 0 well; 1 warning; 2 critical; 3 cannot tell, or wrong usage; 130 interrupted before
there was a verdict. For plan, gate and metrics see their --help.`;

/** Runs one command and gives its exit code. */
export async function runOvnHa(args: readonly string[], terminal: Terminal): Promise<number> {
  let status: number | undefined;
  const end = (code: number): void => {
    status = code;
  };
  const program = new Command("ovn-ha")
    .description("Reads all members of OVN's clustered databases at once, judges them, and says what may be done next.")
    .version(VERSION)
    .addHelpText("after", HELP)
    .exitOverride()
    .configureOutput({ writeOut: terminal.out, writeErr: terminal.err });
  // The first word that is no option, or the one after "help": what comes later may be a member's name.
  const [first, second] = args.filter((arg) => !arg.startsWith("-"));
  const asked = first === "help" ? second : first;
  for (const { name, summary, load } of COMMANDS) {
    const command = program.command(name).description(summary);
    if (name === asked) (await load()).define(command, { terminal, end });
  }
  for (const command of program.commands) override(command, program);
  try {
    await program.parseAsync(args, { from: "user" });
    return status ?? (terminal.signal.aborted ? EXIT.interrupted : EXIT.ok);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.unknown;
    if (error instanceof ClusterError && error.code === "ABORTED" && terminal.signal.aborted) return EXIT.interrupted;
    if (isExpected(error)) {
      terminal.err(`ovn-ha: ${error.message}\n`);
      return EXIT.unknown;
    }
    // Node.js would end with 1, which is "warning" here; nobody can tell what the cluster is doing.
    terminal.err(
      `ovn-ha: this is a fault of ovn-ha itself:\n${error instanceof Error ? error.stack : String(error)}\n`,
    );
    return EXIT.unknown;
  }
}

/** Subcommands too report to us instead of ending the process. */
function override(command: Command, parent: Command): void {
  command.exitOverride().copyInheritedSettings(parent);
  for (const each of command.commands) override(each, command);
}

/** Errors whose message tells the user what to do; all others are bugs, and are told as such. */
function isExpected(error: unknown): error is Error {
  if (error instanceof ClusterError) return true;
  const { name, syscall } = error as { name?: unknown; syscall?: unknown };
  return (
    error instanceof Error &&
    (syscall !== undefined || name === "RunnerError" || name === "ValueError" || name === "TlsError")
  );
}

async function main(): Promise<void> {
  const args = process.argv.slice(2);
  process.exitCode = await runOvnHa(args, processTerminal(args.includes("--execute")));
}

const entry = process.argv[1];
if (entry !== undefined && import.meta.url === pathToFileURL(realpathSync(entry)).href) await main();
