/** `quorum-sim replay` and `shrink`: a schedule that went wrong, again, and smaller. */
import type { Command } from "commander";
import { storyOf } from "../../picture/story.ts";
import { integer, profile } from "./arguments.ts";
import { breathe } from "./progress.ts";
import { ScenarioError } from "../../scenario/error.ts";
import type { Scenario } from "../../scenario/types.ts";
import { colours, EXIT, exitOf, mustBeWritable, printRun, type Terminal } from "./output.ts";
import type { Shrunk } from "../../replay/shrink.ts";

const OUTCOMES = {
  same: "the same trace as when it was saved",
  moved: "the code has changed since it was saved, and the same seed fails as it did",
  "other-seed": "the code has changed since it was saved: another seed of the schedule fails as it did",
  gone: "not reproducible: it does not fail any more",
} as const;

export function addReplay(program: Command, terminal: Terminal, end: (status: number) => void): void {
  program
    .command("replay")
    .description("Run a saved failure again, also after the code has changed, and tell its story")
    .argument("<scenario>", "a file that sweep --save or shrink --save wrote")
    .option(
      "--seeds <n>",
      "other seeds that are tried when its own does not fail any more",
      integer(0, 1_000_000),
      1000,
    )
    .option("--json", "print the result as JSON")
    .action(async (what: string, { seeds, json }: { readonly seeds: number; readonly json?: boolean }) => {
      const { findScenario } = await import("../scenarios.ts");
      const { replay } = await import("../../replay/finding.ts");
      const scenario = findScenario(what);
      if (scenario.found === undefined)
        throw new ScenarioError(
          `${what}: no failure is saved in it. shrink ${what} --save FILE and sweep --save write such files; run ${what} runs it`,
        );
      const { run, ...found } = await replay(scenario, { seeds, signal: terminal.signal, breathe });
      if (json === true)
        terminal.out(
          `${JSON.stringify({ version: 1, ...found, found: scenario.found, run: { ...run, trace: undefined } }, undefined, 2)}\n`,
        );
      else {
        const { bold } = colours(terminal);
        terminal.out(`${bold(OUTCOMES[found.outcome])} (seed ${run.seed}, ${found.tried} tried)\n\n`);
        printRun(terminal, run, { story: true, failures: found.failures });
      }
      if (found.outcome === "gone") return end(EXIT.gone);
      end(found.failures.length === 0 ? EXIT.met : exitOf(run.verdict.word, false));
    });
}

export function addShrink(program: Command, terminal: Terminal, end: (status: number) => void): void {
  program
    .command("shrink")
    .description("Make a schedule that goes wrong as small as it can be and still go wrong in the same way")
    .argument("<scenario>", "a file, or a shipped scenario")
    .option("--seed <n>", "the seed that goes wrong; default the one that the file names, or 1", integer(0))
    .option(
      "--towards <outcome>",
      "keep what leads to this, whatever the scenario expects: brief, outage, permanent, violation, lost-writes, or a checker",
    )
    .option("--profile <version>", "behave as this release of OVS", profile)
    .option("--attempts <n>", "at most as many simulations", integer(1, 1_000_000), 2000)
    .option("--save <file>", "write it, to be replayed")
    .option("--json", "print the result as JSON")
    .action(
      async (
        what: string,
        options: {
          seed?: number;
          profile?: string;
          towards?: string;
          attempts: number;
          save?: string;
          json?: boolean;
        },
      ) => {
        mustBeWritable("--save", options.save);
        const { findScenario } = await import("../scenarios.ts");
        const { OUTCOMES: outcomes, shrink } = await import("../../replay/shrink.ts");
        const { towards } = options;
        if (towards !== undefined && !outcomes.includes(towards))
          throw new ScenarioError(`--towards ${towards}: no outcome; there are ${outcomes.join(", ")}`);
        const scenario = findScenario(what);
        const seed = options.seed ?? scenario.found?.seed ?? 1;
        const { attempts } = options;
        const small = await shrink(scenario, seed, {
          attempts,
          profile: options.profile,
          towards,
          signal: terminal.signal,
          breathe,
        });
        if (small === undefined) {
          terminal.err(await whyNothing(scenario, seed, options));
          return end(EXIT.gone);
        }
        await save(terminal, small, options.save);
        if (options.json === true) {
          const { run, ...rest } = small;
          terminal.out(`${JSON.stringify({ version: 1, ...rest, run: { ...run, trace: undefined } }, undefined, 2)}\n`);
        } else await printShrunk(terminal, small, scenario.steps.length, options.save);
        end(terminal.signal.aborted ? EXIT.interrupted : exitOf(small.run.verdict.word, false));
      },
    );
}

/** Why there is nothing to make smaller, and what to ask for instead. */
async function whyNothing(
  scenario: Scenario,
  seed: number,
  { profile: release, towards }: { readonly profile?: string; readonly towards?: string },
): Promise<string> {
  const { simulate } = await import("../../simulate.ts");
  const { verdict } = simulate(scenario, { seed, profile: release, trace: "none" });
  const comes = `seed ${seed} of ${scenario.name} comes to "${verdict.word}" (${verdict.text})`;
  if (towards !== undefined) return `${comes}, and not to ${towards}: try another seed\n`;
  const isMet = scenario.expect.verdict?.includes(verdict.word) === true;
  const why = isMet ? "as the scenario expects: nothing goes wrong that could be made smaller" : "and nothing is wrong";
  const next =
    verdict.word === "safe"
      ? "--seed tries another one"
      : `to find what of the schedule leads to it: quorum-sim shrink ${scenario.name} --towards ${verdict.word}`;
  return `${comes}, ${why}; ${next}\n`;
}

export async function save(
  terminal: Terminal,
  { scenario }: Pick<Shrunk, "scenario">,
  file: string | undefined,
): Promise<void> {
  if (file === undefined) return;
  const { formatScenario } = await import("../../scenario/format.ts");
  terminal.writeFile(file, formatScenario(scenario));
}

export async function printShrunk(
  terminal: Terminal,
  { scenario, run, failures, attempts }: Shrunk,
  steps: number,
  file: string | undefined,
): Promise<void> {
  const { formatScenario } = await import("../../scenario/format.ts");
  const { bold, red } = colours(terminal);
  terminal.out(`${red(bold("goes wrong"))}: ${failures.length > 0 ? failures.join(", ") : run.verdict.text}\n`);
  terminal.out(
    `${bold("the smallest schedule that does it")} (${scenario.steps.length} of ${steps} steps, ${attempts} tries):\n\n${formatScenario(scenario)}\n${storyOf(run).join("\n")}\n`,
  );
  if (file !== undefined) terminal.out(`\nAgain: quorum-sim replay ${file}\n`);
}
