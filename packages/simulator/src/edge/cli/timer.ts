/** `quorum-sim timer`: which election timer. */
import type { Command } from "commander";
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
      const { advise } = await import("../../plan/advise.ts");
      const found = advise({
        members: options.members,
        rttMs: options.rtt,
        fsyncMs: options.fsync,
        stalls: {
          p50Ms: options.stall,
          p99Ms: options.stallP99 ?? 10 * options.stall,
          perDay: options.stallsPerDay,
        },
        longestJobMs: options.job,
        falsePerDay: options.falsePerDay,
        currentMs: options.now,
      });
      if (options.json === true) terminal.out(`${JSON.stringify({ version: 1, ...found }, undefined, 2)}\n`);
      else {
        const { bold } = colours(terminal);
        const often = (perDay: number): string =>
          perDay >= 1
            ? `${perDay.toFixed(1)} a day`
            : perDay < 1e-6
              ? "never"
              : `one in ${(1 / perDay).toFixed(0)} days`;
        terminal.out(`${bold(`${found.electionTimerMs} ms`)}  is the smallest election timer that will do\n\n`);
        const rows = [
          ["elections for nothing", often(found.falsePerDay)],
          [`  with the timer of now, ${seconds(options.now)}`, often(found.falsePerDayNow)],
          ["a leader dies: the next one after", seconds(found.failoverMs)],
          ["a leader that is cut off believes in itself for", `at most ${seconds(found.staleLeaderMs)}`],
          ["after restarts in a row (3.3 and later): a leader after", `${seconds(found.healMs)} on average`],
          ["votes that split", `${(found.splitVote * 100).toFixed(2)} %`],
        ];
        terminal.out(`${table(["", ""], rows).split("\n").slice(1).join("\n")}\n`);
        for (const note of found.notes) terminal.out(`note  ${note}\n`);
        if (found.ladderMs.length > 0)
          terminal.out(
            `\nOn the leader, one after the other, each once the one before is in force:\n${found.ladderMs.map((ms) => `  ovs-appctl -t /var/run/ovn/ovnnb_db.ctl cluster/change-election-timer OVN_Northbound ${ms}`).join("\n")}\n`,
          );
      }
      end(EXIT.met);
    });
}
