/** `quorum-sim twin`: the same schedule on real servers, and whether they do what the simulator says. */
import { profileOf } from "@ovnha/raft";
import type { Command } from "commander";
import type { Scenario } from "../../scenario/types.ts";
import { ovsVersion } from "../twin/commands.ts";
import { compare, simulated } from "../twin/compare.ts";
import { whyNot } from "../twin/perform.ts";
import { runReal } from "../twin/run.ts";
import { integer } from "./arguments.ts";
import { colours, EXIT, type Terminal, table } from "./output.ts";

type Options = { readonly seeds: number; readonly parallel: number; readonly keep?: boolean; readonly json?: boolean };

export function addTwin(program: Command, terminal: Terminal, end: (status: number) => void): void {
  program
    .command("twin")
    .description("Run a schedule on real ovsdb-servers and in the simulator, and compare")
    .argument("[scenarios...]", "files or shipped scenarios; default: every shipped one that processes can run")
    .option("--seeds <n>", "how often it is simulated", integer(1, 100_000), 200)
    .option("--parallel <n>", "how many clusters run at a time", integer(1, 32), 5)
    .option("--keep", "keep the folders of the real servers")
    .option("--json", "print the result as JSON")
    .action(async (names: readonly string[], options: Options) => {
      const { findScenario, shippedScenarios } = await import("../scenarios.ts");
      const version = ovsVersion();
      if (version === undefined) {
        terminal.err("This needs ovsdb-server: apt-get install openvswitch-switch openvswitch-common\n");
        return end(EXIT.usage);
      }
      const scenarios =
        names.length > 0 ? names.map(findScenario) : shippedScenarios().filter((each) => whyNot(each) === undefined);
      for (const scenario of scenarios) {
        const why = whyNot(scenario);
        if (why === undefined) continue;
        terminal.err(`${scenario.name} has no twin on this machine: ${why}\n`);
        return end(EXIT.usage);
      }
      const results = await runAll(terminal, scenarios, version, options);
      if (options.json === true)
        terminal.out(`${JSON.stringify({ version: 1, ovs: version, results }, undefined, 2)}\n`);
      if (terminal.signal.aborted) return end(EXIT.interrupted);
      end(results.every(({ agrees }) => agrees) ? EXIT.met : EXIT.twin);
    });
}

async function runAll(terminal: Terminal, scenarios: readonly Scenario[], version: string, options: Options) {
  const results: { scenario: string; agrees: boolean; error?: string; rows: ReturnType<typeof compare> }[] = [];
  const queue = [...scenarios];
  const worker = async (): Promise<void> => {
    for (let scenario = queue.shift(); scenario !== undefined && !terminal.signal.aborted; scenario = queue.shift()) {
      const result = await runOne(terminal, scenario, version, options);
      results.push(result);
      if (options.json !== true) print(terminal, result, version);
    }
  };
  await Promise.all(Array.from({ length: Math.min(options.parallel, scenarios.length) }, worker));
  return results;
}

/** A release that is newer than all profiles is taken for the newest. */
function profileFor(version: string): string {
  try {
    return profileOf(version).version;
  } catch {
    return "main";
  }
}

async function runOne(terminal: Terminal, scenario: Scenario, version: string, options: Options) {
  try {
    const real = await runReal(scenario, { keep: options.keep === true, signal: terminal.signal });
    const rows = compare(real, simulated(scenario, profileFor(version), options.seeds));
    return { scenario: scenario.name, agrees: rows.every(({ agrees }) => agrees), rows };
  } catch (error) {
    return {
      scenario: scenario.name,
      agrees: false,
      error: error instanceof Error ? error.message : String(error),
      rows: [],
    };
  }
}

function print(terminal: Terminal, result: Awaited<ReturnType<typeof runOne>>, version: string): void {
  const { bold, green, red } = colours(terminal);
  terminal.out(`${bold(result.scenario)}  ${result.agrees ? green("agrees") : red("DISAGREES")}\n`);
  if (result.error !== undefined) terminal.out(`  ${red(result.error)}\n`);
  const rows = result.rows.map(({ what, real, simulated: theirs, agrees }) => [
    `  ${what}`,
    real,
    theirs,
    agrees ? green("agrees") : red("differs"),
  ]);
  if (rows.length > 0) terminal.out(`${table(["", `measured on ${version}`, "simulated", "verdict"], rows)}\n\n`);
}
