/** `quorum-sim timer`: which election timer. */
import type { Command } from "commander";
import type { TimerAdvice } from "../../plan/advise.ts";
import { ScenarioError } from "../../scenario/error.ts";
import { duration, integer, lasting, positive } from "./arguments.ts";
import { colours, EXIT, seconds, type Terminal, table } from "./output.ts";

type Options = {
  readonly members: number;
  readonly rtt: number;
  readonly fsync: number;
  readonly stall: number;
  readonly stallP99?: number;
  readonly stallsPerDay: number;
  readonly job: number;
  readonly falsePerDay: number;
  readonly now: number;
  readonly json?: boolean;
};

export function addTimer(program: Command, terminal: Terminal, end: (status: number) => void): void {
  program
    .command("timer")
    .description("The smallest election timer that does not take a busy leader for a dead one too often")
    .option("--members <n>", "members of the cluster", integer(1, 99), 3)
    .addOption(lasting("--rtt <duration>", "between two members, there and back", "1ms"))
    .addOption(lasting("--fsync <duration>", "of their disks", "2ms"))
    .addOption(
      lasting("--stall <duration>", "how long a leader does nothing else now and then: the middle one", "200ms"),
    )
    .option("--stall-p99 <duration>", "one in a hundred is longer; default ten times the middle one", duration)
    .option("--stalls-per-day <n>", "how many there are", positive, 24)
    .addOption(lasting("--job <duration>", "longest work that holds raft up, such as a snapshot before 3.3", "0s"))
    .option("--false-per-day <n>", "elections for nothing that are bearable", positive, 0.01)
    .addOption(lasting("--now <duration>", "the timer that is set", "1s"))
    .option("--json", "print the result as JSON")
    .action(async (options: Options) => {
      if (options.stallP99 !== undefined && options.stallP99 < options.stall)
        throw new ScenarioError(
          "--stall-p99 is shorter than --stall: one in a hundred stalls is longer than it, and half of them than --stall",
        );
      const { advise } = await import("../../plan/advise.ts");
      const ask = (p99Ms: number): TimerAdvice =>
        advise({
          members: options.members,
          rttMs: options.rtt,
          fsyncMs: options.fsync,
          stalls: { p50Ms: options.stall, p99Ms, perDay: options.stallsPerDay },
          longestJobMs: options.job,
          falsePerDay: options.falsePerDay,
          currentMs: options.now,
        });
      const p99Ms = options.stallP99 ?? 10 * options.stall;
      const found = ask(p99Ms);
      // A timer that bears the stalls is left as it is, were it twice what is needed: a smaller one has less to spare.
      const isEnough = options.now >= found.electionTimerMs;
      const ladderMs = isEnough ? [] : found.ladderMs;
      if (options.json === true) terminal.out(`${JSON.stringify({ version: 1, ...found, ladderMs }, undefined, 2)}\n`);
      else {
        const { bold, dim } = colours(terminal);
        terminal.out(
          isEnough
            ? `${bold(`${exact(options.now)} will do, leave it`)}; the smallest election timer that will do is ${found.electionTimerMs} ms\n\n`
            : `${bold(`${found.electionTimerMs} ms`)}  is the smallest election timer that will do\n\n`,
        );
        const want = options.stallP99 === undefined ? " (ten times as long, for want of --stall-p99)" : "";
        const taken = `half of the leader's stalls are longer than ${exact(options.stall)}, one in a hundred is longer than ${exact(p99Ms)}${want}`;
        terminal.out(
          `${dim(`taken: ${taken}; ${options.stallsPerDay} a day; elections for nothing that are bearable: ${often(options.falsePerDay)}`)}\n`,
        );
        if (options.stallP99 === undefined) {
          const least = ask(options.stall).electionTimerMs;
          terminal.out(
            `${dim(`if no stall were longer than ${exact(options.stall)} (--stall-p99 ${exact(options.stall)}), ${least} ms would do: the long ones decide, so measure them`)}\n`,
          );
        }
        terminal.out("\n");
        const rows = [
          ["elections for nothing", often(found.falsePerDay)],
          [`  with the timer of now, ${exact(options.now)}`, often(found.falsePerDayNow)],
          ["a leader dies: the next one after", seconds(found.failoverMs)],
          ["a leader that is cut off believes in itself for", `at most ${seconds(found.staleLeaderMs)}`],
          ["after restarts in a row (3.3 and later): a leader after", `${seconds(found.healMs)} on average`],
          ["votes that split", `${(found.splitVote * 100).toFixed(2)} %`],
        ];
        terminal.out(`${table([`with ${found.electionTimerMs} ms`, ""], rows)}\n`);
        for (const note of found.notes) terminal.out(`note  ${note}\n`);
        if (ladderMs.length > 0)
          terminal.out(
            `\nOn the leader, one after the other, each once the one before is in force:\n${ladderMs.map((ms) => `  ovs-appctl -t /var/run/ovn/ovnnb_db.ctl cluster/change-election-timer OVN_Northbound ${ms}`).join("\n")}\n`,
          );
      }
      end(EXIT.met);
    });
}

/** Without rounding, and as an option takes it. */
const exact = (ms: number): string => (ms % 1000 === 0 ? `${ms / 1000}s` : `${ms}ms`);

/** What is below this a day is a bound: the tail of the stalls is not known any better. */
const RARE = 1e-6;

const often = (perDay: number): string =>
  perDay >= 1
    ? `${perDay.toFixed(1)} a day`
    : perDay < RARE
      ? `fewer than one in ${Math.round(1 / RARE / 365.25)} years`
      : `one in ${(1 / perDay).toFixed(0)} days`;
