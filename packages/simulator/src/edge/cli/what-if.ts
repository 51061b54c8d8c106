/** `quorum-sim what-if`: the question without a file. */
import { type Command, Option } from "commander";
import type { StopHow } from "../../scenario/types.ts";
import { type Wait, whatIf } from "../../what-if.ts";
import type { Sweep } from "../../search/sweep.ts";
import { sweep } from "../sweep.ts";
import { duration, integer, lasting, profile, wait } from "./arguments.ts";
import { EXIT, type Terminal } from "./output.ts";
import { progress } from "./progress.ts";
import { printSweep } from "./sweep.ts";

type Options = {
  readonly members: number;
  readonly timer: number;
  readonly restart: string;
  readonly down: number;
  readonly wait: Wait;
  readonly how: StopHow;
  readonly wipe?: boolean;
  readonly kick?: boolean;
  readonly ghosts: number;
  readonly seeds: number;
  readonly profile: string;
  readonly outage?: number;
  readonly print?: boolean;
  readonly json?: boolean;
};

export function addWhatIf(program: Command, terminal: Terminal, end: (status: number) => void): void {
  program
    .command("what-if")
    .description("What happens if I restart these members in this order?")
    .option("--members <n>", "members of the cluster", integer(1, 9), 3)
    .addOption(lasting("--timer <duration>", "election timer", "1s"))
    .option("--restart <names>", "who, in order", "m1,m2,m3")
    .option("--how <how>", "kill, terminate, exit (hands over) or powerloss", "terminate")
    .addOption(lasting("--down <duration>", "how long each is down", "40s"))
    .addOption(
      new Option(
        "--wait <duration|healthy|joined>",
        "between two stops: a time, until all is well again, or until the last one is connected",
      )
        .argParser(wait)
        .default(10_000, "10s"),
    )
    .option("--wipe", "each loses its database while it is down, and joins anew")
    .option("--kick", "with --wipe: the old server id is kicked once the new one has joined")
    .option("--ghosts <n>", "configured server ids that nobody has any more", integer(0, 9), 0)
    .option("--profile <version>", "release of OVS", profile, "3.7.1")
    .option("--seeds <n>", "how often it is tried", integer(1, 1_000_000), 100)
    .option("--outage <duration>", "the longest time without writes that is acceptable", duration)
    .option("--print", "print it as a scenario file, and run nothing")
    .option("--json", "print the result as JSON")
    .action(async (options: Options) => {
      const scenario = whatIf({
        members: options.members,
        electionTimerMs: options.timer,
        order: options.restart.split(",").map((name) => name.trim()),
        how: options.how,
        downMs: options.down,
        wait: options.wait,
        ghosts: options.ghosts,
        wipe: options.wipe === true,
        kick: options.kick === true,
        profile: options.profile,
        outageMs: options.outage,
      });
      if (options.print === true) {
        const { formatScenario } = await import("../../scenario/format.ts");
        terminal.out(formatScenario(scenario));
        return end(EXIT.met);
      }
      const bar = await progress(terminal);
      const { seeds } = options;
      const result = await sweep(scenario, { seeds, signal: terminal.signal, onProgress: bar.update }).finally(
        bar.stop,
      );
      if (options.json === true) terminal.out(`${JSON.stringify({ version: 1, ...result }, undefined, 2)}\n`);
      else {
        printSweep(terminal, result, options.outage !== undefined);
        for (const line of advice(options, result)) terminal.out(`${line}\n`);
      }
      if (terminal.signal.aborted) return end(EXIT.interrupted);
      if (result.words.violation > 0) return end(EXIT.violation);
      if (result.words.permanent > 0) return end(EXIT.permanent);
      end(result.failures.length === 0 && result.failedCount === 0 ? EXIT.met : EXIT.unmet);
    });
}

/** Why it went as it did, and what to do instead. */
function advice(options: Options, { words, seeds, failed }: Sweep): string[] {
  const lines: string[] = [];
  if (failed.some(({ failures }) => failures.some((each) => each.includes("in vain"))))
    lines.push(
      "why         the gate never opens: a configured server id that nobody has is never connected, and no more is restarted",
      "do instead  kick such ids first; quorum-sim plan says how",
    );
  else if (words.permanent > 0)
    lines.push(
      "why         a wiped member joins under a new server id and the old one stays configured: soon more than half of the configured ids are ghosts",
      "do instead  kick the old id after each rejoin: --kick, and wait until all is well: --wait healthy",
    );
  else if (words.outage > 0 && options.wait !== "healthy")
    lines.push(
      `why         the next server goes down before the last one is a member again; less than a majority runs (${words.outage} of ${seeds} seeds)`,
      "do instead  wait until every member is connected and caught up: --wait healthy, and let each hand over: --how exit",
    );
  const count = options.members + options.ghosts + options.restart.split(",").length;
  if (options.wipe === true && options.kick !== true && words.permanent === 0)
    lines.push(
      `mind        each wiped member joins under a new server id, and the old one stays configured: ${count} are configured then and ${Math.floor(count / 2) + 1} needed, of which ${options.members} live`,
      "do instead  kick each old id once the new one has joined: --kick",
    );
  return lines;
}
