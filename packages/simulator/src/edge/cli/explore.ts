/** `quorum-sim explore`: every state of a small cluster. */
import type { Command } from "commander";
import { integer, profile } from "./arguments.ts";
import { breathe } from "./progress.ts";
import { colours, EXIT, type Terminal, table } from "./output.ts";

type Options = {
  readonly members: number;
  readonly terms: number;
  readonly writes: number;
  readonly crashes: number;
  readonly wipes: number;
  readonly depth: number;
  readonly states: number;
  readonly profile: string;
  readonly json?: boolean;
};

export function addExplore(program: Command, terminal: Terminal, end: (status: number) => void): void {
  program
    .command("explore")
    .description("Go through every state of a small cluster, without time: any timer may fire, any message may be next")
    .option("--members <n>", "servers", integer(2, 5), 3)
    .option("--terms <n>", "no election beyond this term; it begins in 1", integer(2, 6), 2)
    .option("--writes <n>", "writes by clients", integer(0, 5), 1)
    .option("--crashes <n>", "crashes", integer(0, 5), 1)
    .option("--wipes <n>", "crashes that lose the file and keep the server id", integer(0, 3), 0)
    .option("--depth <n>", "moves from the beginning", integer(1, 200), 30)
    .option("--states <n>", "states to look at", integer(100, 20_000_000), 200_000)
    .option("--profile <version>", "behave as this release of OVS", profile, "3.7.1")
    .option("--json", "print the result as JSON")
    .action(async (options: Options) => {
      const { exploreSteps } = await import("../../explore/explore.ts");
      const { json, ...scope } = options;
      let done = 0;
      const onProgress = (states: number, depth: number): void => {
        terminal.onProgress?.();
        if (terminal.showsProgress === true && states >= done + 1000)
          terminal.err(`\r${states} states, ${depth} moves deep`);
        if (states >= done + 1000) done = states;
      };
      const search = exploreSteps({ ...scope, signal: terminal.signal, onProgress });
      let step = search.next();
      for (; step.done !== true; step = search.next()) await breathe();
      const found = step.value;
      if (terminal.showsProgress === true) terminal.err("\r\x1b[K");
      if (json === true) terminal.out(`${JSON.stringify({ version: 1, ...found }, undefined, 2)}\n`);
      else {
        const { bold, green, red } = colours(terminal);
        const { counterexample, isComplete, states, depth } = found;
        const size = `${states} states, at most ${depth} moves from the beginning`;
        const ending = isComplete
          ? ": all there are in this scope"
          : terminal.signal.aborted
            ? "; interrupted: this is what was looked at by then"
            : "; the search ended at its limits";
        if (counterexample === undefined) terminal.out(`${green(bold("nothing broke"))} in ${size}${ending}\n`);
        else {
          terminal.out(
            `${red(bold(counterexample.property))} is broken: ${counterexample.text}\n${size}. A shortest way:\n`,
          );
          for (const [i, step] of counterexample.steps.entries())
            terminal.out(`  ${String(i + 1).padStart(2)}. ${step}\n`);
        }
        terminal.out(
          `\n${table(
            ["seen", "times"],
            Object.entries(found.seen).map(([name, count]) => [name, String(count)]),
          )}\n`,
        );
      }
      if (terminal.signal.aborted) return end(EXIT.interrupted);
      end(found.counterexample === undefined ? EXIT.met : EXIT.violation);
    });
}
