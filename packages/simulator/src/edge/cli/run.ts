/** `quorum-sim run`, `list` and `show`. */
import { readFileSync } from "node:fs";
import type { Command } from "commander";
import { disappointments } from "../../expectation.ts";
import { mermaid } from "../../picture/mermaid.ts";
import { simulate } from "../../simulate.ts";
import { integer, seconds as secondsOption, profile } from "./arguments.ts";
import { colours, EXIT, exitOf, mustBeWritable, printRun, type Terminal, table } from "./output.ts";

type RunOptions = {
  readonly seed: number;
  readonly profile?: string;
  readonly story?: boolean;
  readonly html?: string;
  readonly mermaid?: string;
  readonly trace?: string;
  readonly until?: number;
  readonly json?: boolean;
};

export function addRun(program: Command, terminal: Terminal, end: (status: number) => void): void {
  program
    .command("run")
    .description("Run one seed of a scenario, and tell what became of it")
    .argument("<scenario>", "a YAML or JSON file, or a shipped scenario such as s5 (see list)")
    .option("--seed <n>", "which seed", integer(0), 1)
    .option("--profile <version>", "behave as this release of OVS, such as 3.1.0", profile)
    .option("--until <seconds>", "end earlier or later than the scenario says", secondsOption)
    .option("--story", "tell what happened, line by line")
    .option("--html <file>", "write a report for a browser")
    .option("--mermaid <file>", "write a sequence diagram")
    .option("--trace <file>", "write every event as a line of JSON")
    .option("--json", "print the run as JSON")
    .action(async (what: string, options: RunOptions) => {
      mustBeWritable("--html", options.html);
      mustBeWritable("--mermaid", options.mermaid);
      mustBeWritable("--trace", options.trace);
      const { findScenario } = await import("../scenarios.ts");
      const { report } = await import("../../picture/html.ts");
      const found = findScenario(what);
      const scenario = options.until === undefined ? found : { ...found, forMs: options.until * 1000 };
      const isFull = options.trace !== undefined || options.mermaid !== undefined || options.html !== undefined;
      const run = simulate(scenario, {
        seed: options.seed,
        profile: options.profile,
        trace: isFull ? "full" : "story",
      });
      const failures = options.until === undefined ? disappointments(scenario.expect, run) : [];
      if (options.json === true)
        terminal.out(`${JSON.stringify({ version: 1, ...run, trace: undefined, failures }, undefined, 2)}\n`);
      else printRun(terminal, run, { story: options.story === true, failures });
      const firstMs = Math.min(...scenario.steps.map((step) => ("at" in step ? step.at.ms : 0)));
      if (options.until !== undefined && Number.isFinite(firstMs) && firstMs >= scenario.forMs)
        terminal.err(
          `The run ends after ${options.until} s, before the first step of ${scenario.name} at ${firstMs / 1000} s: nothing was done to the cluster.\n`,
        );
      if (options.html !== undefined) terminal.writeFile(options.html, report(run, scenario));
      if (options.mermaid !== undefined) terminal.writeFile(options.mermaid, mermaid(run));
      if (options.trace !== undefined)
        terminal.writeFile(options.trace, run.trace.map((event) => `${JSON.stringify(event)}\n`).join(""));
      if (run.isTraceCut)
        terminal.err("The trace is longer than is kept: the files end before the run does; use --until.\n");
      end(exitOf(run.verdict.word, failures.length === 0));
    });
}

export function addList(program: Command, terminal: Terminal, end: (status: number) => void): void {
  program
    .command("list")
    .description("Name the shipped scenarios")
    .option("--json", "print them as JSON")
    .action(async ({ json }: { readonly json?: boolean }) => {
      const { shippedScenarios } = await import("../scenarios.ts");
      const scenarios = shippedScenarios();
      if (json === true) {
        const brief = scenarios.map(({ name, title, reason, expect }) => ({ name, title, reason, expect }));
        terminal.out(`${JSON.stringify({ version: 1, scenarios: brief }, undefined, 2)}\n`);
      } else {
        const rows = scenarios.map(({ name, title, expect }) => [name, expect.verdict?.join(", ") ?? "", title]);
        terminal.out(`${table(["scenario", "ends", "what happens"], rows)}\n`);
      }
      end(EXIT.met);
    });
}

export function addShow(program: Command, terminal: Terminal, end: (status: number) => void): void {
  program
    .command("show")
    .description("Print a scenario: what is done, what must come of it, and why")
    .argument("<scenario>", "a file, or a shipped scenario")
    .option("--json", "print it as it was understood, as JSON")
    .action(async (what: string, { json }: { readonly json?: boolean }) => {
      const { findScenario, shippedFiles } = await import("../scenarios.ts");
      const scenario = findScenario(what);
      if (json === true) terminal.out(`${JSON.stringify({ version: 1, scenario }, undefined, 2)}\n`);
      else {
        const { bold } = colours(terminal);
        const file = shippedFiles().find((path) => path.endsWith(`/${scenario.name}.yaml`)) ?? what;
        terminal.out(`${bold(scenario.title)}\n${scenario.reason}\n\n${readFileSync(file, "utf8")}`);
      }
      end(EXIT.met);
    });
}

export function addSchema(program: Command, terminal: Terminal, end: (status: number) => void): void {
  program
    .command("schema")
    .description("Print the JSON Schema of scenario files, for an editor")
    .option("--json", "print it as JSON, which it is anyway")
    .action(async () => {
      const { scenarioSchema } = await import("../../scenario/schema.ts");
      terminal.out(`${JSON.stringify(scenarioSchema(), undefined, 2)}\n`);
      end(EXIT.met);
    });
}
