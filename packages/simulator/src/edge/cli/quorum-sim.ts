#!/usr/bin/env node
/** `quorum-sim`: what happens to a cluster if …? */
import { setMaxListeners } from "node:events";
import { realpathSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { Command, CommanderError } from "commander";
import { ScenarioError } from "../../scenario/error.ts";
import { VERSION } from "../../version.ts";
import { EXIT, type Terminal } from "./output.ts";
import { addDiff } from "./diff.ts";
import { addOdds } from "./odds.ts";
import { addPlan } from "./plan.ts";
import { addReplay, addShrink } from "./replay.ts";
import { addList, addRun, addSchema, addShow } from "./run.ts";
import { addSweep } from "./sweep.ts";
import { addExplore } from "./explore.ts";
import { addMap } from "./map.ts";
import { addMeasures } from "./measures.ts";
import { addTimer } from "./timer.ts";
import { addTwin } from "./twin.ts";
import { addWhatIf } from "./what-if.ts";

const HELP = `
Examples:
  quorum-sim what-if --restart m1,m2,m3 --down 40s --wait 10s --timer 5s
  quorum-sim what-if --restart m1,m2,m3 --down 40s --wait healthy --how exit
  quorum-sim map --timer 5s --html map.html
  quorum-sim run s5 --story
  quorum-sim run my-plan.yaml --seed 7 --html report.html
  quorum-sim sweep s1 --seeds 1000
  quorum-sim explore --wipes 1 --profile 3.1.0
  quorum-sim twin s4
  quorum-sim sweep --members 5 --faults 12 --save smallest.yaml
  quorum-sim plan --wipe --wait joined
  quorum-sim diff s1@3.1.0 s1@3.7.1
  quorum-sim odds --members 3,5 --mtbf 30d --mttr 2h
  quorum-sim timer --rtt 5ms --stall 500ms

Exit status: 0 as expected; 1 not as expected; 2 wrong usage; 3 a rule of Raft broke or writes were lost;
4 quorum lost for good; 5 real servers do otherwise; 6 not reproducible; 130 interrupted (what there is is printed).`;

const COMMANDS = [
  ...[addWhatIf, addMap, addPlan, addRun, addSweep, addReplay, addShrink, addDiff, addExplore],
  ...[addOdds, addTimer, addTwin, addMeasures, addList, addShow, addSchema],
];

/** Runs one command and gives its exit status. */
export async function runQuorumSim(args: readonly string[], terminal: Terminal): Promise<number> {
  let status: number = EXIT.met;
  const end = (code: number): void => {
    status = code;
  };
  const program = new Command("quorum-sim")
    .description(
      "A simulator of OVSDB clusters (OVN Northbound and Southbound): restarts, faults, lost disks, and what comes of them.",
    )
    .version(VERSION)
    .addHelpText("after", HELP)
    .exitOverride()
    .configureOutput({ writeOut: terminal.out, writeErr: terminal.err });
  const writeFile = (path: string, text: string): void => {
    try {
      terminal.writeFile(path, text);
    } catch (error) {
      throw new ScenarioError(`${path} cannot be written: ${error instanceof Error ? error.message : String(error)}`);
    }
  };
  for (const add of COMMANDS) add(program, { ...terminal, writeFile }, end);
  for (const command of program.commands) command.exitOverride().copyInheritedSettings(program);
  try {
    await program.parseAsync(args, { from: "user" });
    return status;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.met : EXIT.usage;
    if (error instanceof ScenarioError || isSystemError(error)) {
      terminal.err(`${error.message}\n`);
      return EXIT.usage;
    }
    throw error;
  }
}

function isSystemError(error: unknown): error is Error {
  return error instanceof Error && "code" in error && "syscall" in error;
}

/** After a first Ctrl-C that is being heeded, a second one counts after this long, in ms. */
const AGAIN_MS = 1000;

/** The command in this process; `more` replaces parts of what it touches. */
export async function main(args: readonly string[], more: Partial<Terminal> = {}): Promise<void> {
  const abort = new AbortController();
  // Commands hang many short waits on it.
  setMaxListeners(0, abort.signal);
  // A terminal and a launcher such as npm or tsx may both pass one Ctrl-C on; only one that comes later ends at once.
  let interruptedMs: number | undefined;
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    process.on(signal, () => {
      const nowMs = performance.now();
      if (interruptedMs !== undefined && nowMs - interruptedMs > AGAIN_MS) process.exit(EXIT.interrupted);
      interruptedMs ??= nowMs;
      abort.abort();
    });
  for (const stream of [process.stdout, process.stderr])
    stream.on("error", (error: NodeJS.ErrnoException) => {
      // A reader such as head(1) that has seen enough is no error.
      if (error.code === "EPIPE" && !abort.signal.aborted) process.exit(EXIT.met);
      // A terminal that was closed takes nothing any more; what runs is to be brought to its end all the same.
      if (error.code !== "EIO" && error.code !== "EPIPE") throw error;
      abort.abort();
    });
  process.exitCode = await runQuorumSim(args, {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    isTerminal: process.stdout.isTTY === true,
    showsProgress: process.stderr.isTTY === true,
    columns: process.stdout.columns ?? 100,
    signal: abort.signal,
    writeFile: (path, text) => writeFileSync(path, text),
    ...more,
  });
}

const entry = process.argv[1];
if (entry !== undefined && import.meta.url === pathToFileURL(realpathSync(entry)).href)
  await main(process.argv.slice(2));
