/** `quorum-sim sweep`: many seeds of a scenario, or of chance itself. */
import type { Command } from "commander";
import { ScenarioError } from "../../scenario/error.ts";
import type { Scenario } from "../../scenario/types.ts";
import { failuresOf, findingOf } from "../../replay/finding.ts";
import type { Smallest } from "../../search/swarm.ts";
import type { Sweep } from "../../search/sweep.ts";
import { storyOf } from "../../picture/story.ts";
import { sweep } from "../sweep.ts";
import { integer, lasting, profile } from "./arguments.ts";
import { breathe, progress } from "./progress.ts";
import { printShrunk, save } from "./replay.ts";
import { colours, EXIT, mustBeWritable, seconds, type Terminal, table, wordInColour } from "./output.ts";

type SweepOptions = {
  readonly seeds?: number;
  readonly firstSeed: number;
  readonly profile?: string;
  readonly workers?: number;
  readonly json?: boolean;
  readonly members: number;
  readonly faults: number;
  readonly save?: string;
  readonly identityFaults?: boolean;
  readonly timer: number;
};

export function addSweep(program: Command, terminal: Terminal, end: (status: number) => void): void {
  program
    .command("sweep")
    .description("Run many seeds of a scenario; without one, random faults until a rule of Raft breaks")
    .argument("[scenario]", "a file, or a shipped scenario; leave it out for random faults")
    .option("--seeds <n>", "how many; default what the scenario says, or 1000", integer(1, 10_000_000))
    .option("--first-seed <n>", "where to begin", integer(0), 1)
    .option("--profile <version>", "behave as this release of OVS", profile)
    .option("--workers <n>", "processes; default one for each core", integer(1, 64))
    .option("--members <n>", "random faults: members of the cluster", integer(1, 9), 3)
    .addOption(lasting("--timer <duration>", "random faults: election timer", "1s"))
    .option("--faults <n>", "random faults: at most as many in a schedule", integer(1, 40), 8)
    .option("--identity-faults", "random faults: also reused server ids, rolled back disks and second bootstraps")
    .option("--save <file>", "write the smallest schedule that goes wrong, to be replayed")
    .option("--json", "print the result as JSON")
    .action(async (what: string | undefined, options: SweepOptions, command: Command) => {
      mustBeWritable("--save", options.save);
      if (what === undefined) return end(await random(terminal, options));
      const vain = ["members", "timer", "faults", "identityFaults"].find(
        (name) => command.getOptionValueSource(name) === "cli",
      );
      if (vain !== undefined)
        throw new ScenarioError(
          `--${vain === "identityFaults" ? "identity-faults" : vain} is for random faults, and ${what} has a schedule of its own: leave one of the two out`,
        );
      const { findScenario } = await import("../scenarios.ts");
      end(await seeds(terminal, findScenario(what), options));
    });
}

async function seeds(terminal: Terminal, scenario: Scenario, options: SweepOptions): Promise<number> {
  const bar = await progress(terminal);
  const result = await sweep(scenario, {
    seeds: options.seeds,
    firstSeed: options.firstSeed,
    profile: options.profile,
    workers: options.workers,
    signal: terminal.signal,
    onProgress: bar.update,
  }).finally(bar.stop);
  if (options.json === true) terminal.out(`${JSON.stringify({ version: 1, ...result }, undefined, 2)}\n`);
  else printSweep(terminal, result);
  if (terminal.signal.aborted) return EXIT.interrupted;
  await shrinkFirst(terminal, scenario, result, options);
  if (result.failedCount === 0 && result.failures.length === 0) return EXIT.met;
  if (result.words.violation > 0 && scenario.expect.verdict?.includes("violation") !== true) return EXIT.violation;
  return result.words.permanent > 0 && scenario.expect.verdict?.includes("permanent") !== true
    ? EXIT.permanent
    : EXIT.unmet;
}

/** The first seed that is not as expected, made small and told: on standard error where standard output is JSON. */
async function shrinkFirst(
  terminal: Terminal,
  scenario: Scenario,
  result: Sweep,
  options: SweepOptions,
): Promise<void> {
  const [first] = result.failed;
  if (first === undefined) return;
  const { shrink } = await import("../../replay/shrink.ts");
  const small = await shrink(scenario, first.seed, {
    attempts: 500,
    profile: options.profile,
    signal: terminal.signal,
    breathe,
  });
  if (small === undefined) return;
  await save(terminal, small, options.save);
  const told = options.json === true ? { ...terminal, out: terminal.err } : terminal;
  await printShrunk(told, small, scenario.steps.length, options.save);
}

export function printSweep(terminal: Terminal, result: Sweep, isJudged = true): void {
  const { out } = terminal;
  const { dim, red, green } = colours(terminal);
  if (result.seeds === 0) return out("interrupted before a seed was done\n");
  const words = Object.entries(result.words).filter(([, count]) => count > 0);
  out(
    `${words.map(([word, count]) => `${wordInColour(terminal, word as "safe")} ${count}`).join("   ")}   ${dim(`of ${result.seeds} seeds, ${result.scenario}, OVS ${result.profile}`)}\n\n`,
  );
  const { p50, p90, p99, max } = result.outageMs;
  out(
    `${table(["longest time without writes", "p50", "p90", "p99", "worst"], [["", seconds(p50), seconds(p90), seconds(p99), `${seconds(max)} (seed ${result.worstSeed})`]])}\n\n`,
  );
  out(
    `acknowledged writes lost: ${result.ackedLost}   applied twice: ${result.duplicates}   writes unavailable: ${seconds(result.unavailableMs.mean)} on average\n`,
  );
  for (const failure of result.failures) out(`${red("unexpected")} ${failure}\n`);
  for (const { seed, failures } of result.failed) out(`${red("unexpected")} seed ${seed}: ${failures.join("; ")}\n`);
  if (result.failedCount > result.failed.length)
    out(`${red("unexpected")} and ${result.failedCount - result.failed.length} more seeds\n`);
  if (isJudged && result.failedCount === 0 && result.failures.length === 0) out(`${green("as expected")}\n`);
  if (terminal.signal.aborted) out(`interrupted: this is what ${result.seeds} seeds said by then\n`);
}

async function random(terminal: Terminal, options: SweepOptions): Promise<number> {
  const { swarm } = await import("../../search/swarm.ts");
  const { formatScenario } = await import("../../scenario/format.ts");
  const bar = await progress(terminal);
  const found = await swarm({
    members: options.members,
    electionTimerMs: options.timer,
    profile: options.profile ?? "3.7.1",
    runs: options.seeds ?? 1000,
    seed: options.firstSeed,
    faultsMax: options.faults,
    identityFaults: options.identityFaults === true,
    signal: terminal.signal,
    onProgress: bar.update,
    breathe,
  }).finally(bar.stop);
  const { out } = terminal;
  const { red, green, bold } = colours(terminal);
  const text = found.smallest === undefined ? undefined : formatScenario(withFinding(found.smallest));
  if (text !== undefined && options.save !== undefined) terminal.writeFile(options.save, text);
  if (options.json === true)
    out(
      `${JSON.stringify({ version: 1, runs: found.runs, seen: found.seen, smallest: found.smallest && { ...found.smallest, run: { ...found.smallest.run, trace: undefined } } }, undefined, 2)}\n`,
    );
  else if (found.smallest === undefined) {
    out(`${green(bold("nothing broke"))} in ${found.runs} random schedules\n`);
    out(
      `${table(
        ["seen in them", "runs"],
        Object.entries(found.seen).map(([name, count]) => [name, String(count)]),
      )}\n`,
    );
  } else {
    const { failures, run, shrinks, scenario } = found.smallest;
    out(`${red(bold("broken"))} after ${found.runs} random schedules: ${failures.join("; ")}\n`);
    out(
      `${bold("the smallest schedule that does it")} (${shrinks} times made smaller, ${scenario.steps.length} steps):\n\n${text}\n${storyOf(run).join("\n")}\n`,
    );
    if (options.save !== undefined) out(`\nAgain: quorum-sim replay ${options.save}\n`);
  }
  if (terminal.signal.aborted) return EXIT.interrupted;
  return found.smallest === undefined ? EXIT.met : EXIT.violation;
}

function withFinding({ scenario, run }: Smallest): Scenario {
  return { ...scenario, found: findingOf(run, failuresOf(run)) };
}
