/** `quorum-sim twin`: the same schedule on real servers, and whether they do what the simulator says. */
import { profileOf } from "@ovnha/raft";
import type { Command } from "commander";
import type { Scenario } from "../../scenario/types.ts";
import { ovsVersion } from "../twin/commands.ts";
import { type Comparison, compare, simulated } from "../twin/compare.ts";
import { type Interruption, tellInterruption } from "../twin/diary.ts";
import { whyNot } from "../twin/perform.ts";
import { type RealRun, runReal } from "../twin/run.ts";
import { integer } from "./arguments.ts";
import { colours, EXIT, seconds, type Terminal, table } from "./output.ts";
import { breathe, statusLine } from "./progress.ts";

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
      const { results, notBegun } = await runAll(terminal, scenarios, version, options);
      if (options.json === true)
        terminal.out(
          `${JSON.stringify({ version: 1, ovs: version, results, ...(notBegun.length > 0 && { notBegun }) }, undefined, 2)}\n`,
        );
      else if (notBegun.length > 0) terminal.out(`not begun: ${notBegun.join(", ")}\n`);
      if (terminal.signal.aborted) return end(EXIT.interrupted);
      end(results.every(({ agrees }) => agrees) ? EXIT.met : EXIT.twin);
    });
}

type Result = {
  readonly scenario: string;
  readonly agrees: boolean;
  readonly error?: string;
  /** Of a run that was interrupted: where, and what its writer had seen by then. */
  readonly interrupted?: Interruption & Pick<RealRun, "acked" | "unknown" | "longestOutageMs" | "refusals">;
  readonly rows: readonly Comparison[];
  /** With --keep: where the files and logs of the servers are. */
  readonly kept?: readonly string[];
};

async function runAll(terminal: Terminal, scenarios: readonly Scenario[], version: string, options: Options) {
  const results: Result[] = [];
  const queue = [...scenarios];
  const line = statusLine(terminal);
  const now = new Map<string, string>();
  const tell = (name: string, text: string | undefined): void => {
    if (text === undefined) now.delete(name);
    else now.set(name, text);
    const each = [...now].map(([scenario, at]) => `${scenario.split("-")[0]} ${at}`);
    line.show(`${results.length}/${scenarios.length} done  ${each.join(" · ")}`);
  };
  const worker = async (): Promise<void> => {
    for (let scenario = queue.shift(); scenario !== undefined; scenario = queue.shift()) {
      const { name } = scenario;
      const result = await runOne(terminal, scenario, version, options, (text) => tell(name, text));
      results.push(result);
      tell(name, undefined);
      line.clear();
      if (options.json !== true) print(terminal, result, version);
      if (terminal.signal.aborted) return;
    }
  };
  await Promise.all(Array.from({ length: Math.min(options.parallel, scenarios.length) }, worker));
  line.clear();
  return { results, notBegun: queue.map(({ name }) => name) };
}

/** A release that is newer than all profiles is taken for the newest. */
function profileFor(version: string): string {
  try {
    return profileOf(version).version;
  } catch {
    return "main";
  }
}

async function runOne(
  terminal: Terminal,
  scenario: Scenario,
  version: string,
  options: Options,
  onStep: (text: string) => void,
): Promise<Result> {
  const { name } = scenario;
  try {
    const real = await runReal(scenario, { keep: options.keep === true, signal: terminal.signal, onStep });
    const { interrupted, checkpoints, acked, unknown, longestOutageMs, refusals } = real;
    const seeds = interrupted !== undefined && checkpoints.length === 0 ? 0 : options.seeds;
    onStep("is simulated");
    const rows = compare(real, await simulated(scenario, profileFor(version), seeds, breathe));
    const kept = options.keep === true ? { kept: real.dirs } : {};
    const result = { scenario: name, agrees: rows.every(({ agrees }) => agrees), rows, ...kept };
    if (interrupted === undefined) return result;
    return { ...result, interrupted: { ...interrupted, acked, unknown, longestOutageMs, refusals } };
  } catch (error) {
    return { scenario: name, agrees: false, error: error instanceof Error ? error.message : String(error), rows: [] };
  }
}

function print(
  terminal: Terminal,
  { scenario, agrees, error, interrupted, rows, kept }: Result,
  version: string,
): void {
  const { bold, green, red, yellow } = colours(terminal);
  const word = interrupted !== undefined ? yellow("interrupted") : agrees ? green("agrees") : red("DISAGREES");
  terminal.out(`${bold(scenario)}  ${word}\n`);
  if (error !== undefined) terminal.out(`  ${red(error)}\n`);
  if (interrupted !== undefined) {
    terminal.out(`  ${tellInterruption(interrupted)}\n`);
    const { during, acked, unknown, longestOutageMs, refusals } = interrupted;
    const pause = longestOutageMs === 0 ? "no pause" : `the longest pause ${seconds(longestOutageMs)}`;
    if (during !== "forming")
      terminal.out(`  by then ${acked} writes were acknowledged, ${unknown} with unknown outcome, ${pause}\n`);
    for (const refusal of refusals) terminal.out(`  does not start: ${refusal}\n`);
    if (rows.length === 0 && during !== "forming") terminal.out("  no checkpoint was reached: nothing is compared\n");
  }
  for (const dir of kept ?? []) terminal.out(`  kept: ${dir}\n`);
  const cells = rows.map((row) => [
    `  ${row.what}`,
    row.real,
    row.simulated,
    row.agrees ? green("agrees") : red("differs"),
  ]);
  if (cells.length > 0) terminal.out(`${table(["", `measured on ${version}`, "simulated", "verdict"], cells)}\n\n`);
}
