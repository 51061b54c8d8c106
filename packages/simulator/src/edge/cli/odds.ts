/** `quorum-sim odds`: how available, with how many members, zones and ghosts. */
import type { Command } from "commander";
import { ScenarioError } from "../../scenario/error.ts";
import type { Odds } from "../../odds/odds.ts";
import { integer, lasting, share } from "./arguments.ts";
import { colours, EXIT, type Terminal, table } from "./output.ts";

type Options = {
  readonly members: readonly number[];
  readonly ghosts: number;
  readonly mtbf: number;
  readonly mttr: number;
  readonly zones?: readonly number[];
  readonly zoneAvailability: number;
  readonly zoneMttr: number;
  readonly timer: number;
  readonly samples: number;
  readonly seed: number;
  readonly json?: boolean;
};

const HOUR_MS = 3_600_000;

const LEGEND = [
  "losses: how often quorum is lost in a year, by machines and by zones that fail",
  "fail-overs: how often the leader fails while quorum stays × how long until there is the next one",
];

export function addOdds(program: Command, terminal: Terminal, end: (status: number) => void): void {
  program
    .command("odds")
    .alias("avail")
    .description("How many minutes a year is quorum missing? Exactly, and by chance beside it")
    .option("--members <list>", "sizes to compare", list, [1, 3, 5])
    .option("--ghosts <n>", "configured server ids that nobody has any more", integer(0, 20), 0)
    .addOption(lasting("--mtbf <duration>", "mean time between failures of one machine", "30d"))
    .addOption(lasting("--mttr <duration>", "mean time until it serves again", "1h"))
    .option("--zones <list>", "members in each zone, such as 2,1; instead of --members", list)
    .option(
      "--zone-availability <share>",
      "share of time a zone is up, such as 99.9%; by default zones never fail",
      share,
      1,
    )
    .addOption(lasting("--zone-mttr <duration>", "mean time until a zone that failed is up again", "4h"))
    .addOption(lasting("--timer <duration>", "election timer", "1s"))
    .option("--samples <n>", "draws of the Monte Carlo", integer(100, 100_000_000), 200_000)
    .option("--seed <n>", "of the Monte Carlo", integer(0), 1)
    .option("--json", "print the result as JSON")
    .addHelpText("after", `\nColumns:\n${LEGEND.map((line) => `  ${line}\n`).join("")}`)
    .action(async (options: Options, command: Command) => {
      const { odds } = await import("../../odds/odds.ts");
      const { zones } = options;
      const inZones = zones?.reduce((sum, each) => sum + each, 0);
      if (inZones !== undefined && command.getOptionValueSource("members") === "cli")
        if (options.members.some((each) => each !== inZones))
          throw new ScenarioError(
            `--members ${options.members.join(",")}: the ${inZones} members are those of --zones; leave one of the two out`,
          );
      const sizes = inZones === undefined ? options.members : [inZones];
      const rows = sizes.map((members) =>
        odds({
          members,
          ghosts: options.ghosts,
          zones,
          zoneAvailability: options.zoneAvailability,
          zoneMttrHours: options.zoneMttr / HOUR_MS,
          mtbfHours: options.mtbf / HOUR_MS,
          mttrHours: options.mttr / HOUR_MS,
          electionTimerMs: options.timer,
          samples: options.samples,
          seed: options.seed,
        }),
      );
      if (options.json === true) terminal.out(`${JSON.stringify({ version: 1, odds: rows }, undefined, 2)}\n`);
      else print(terminal, rows, options);
      end(rows.every(({ sampled }) => sampled.agrees) ? EXIT.met : EXIT.unmet);
    });
}

function print(terminal: Terminal, rows: readonly Odds[], options: Options): void {
  const { dim, red } = colours(terminal);
  const [first] = rows;
  if (first === undefined) return;
  const { zoneAvailability } = first;
  const zoned =
    zoneAvailability < 1
      ? `, each zone ${percent(zoneAvailability)} and when it fails for ${options.zoneMttr / HOUR_MS} h on average`
      : "";
  terminal.out(
    `${dim(`each machine is up ${percent(first.machineAvailability)} of the time${zoned}; minutes and counts are per year`)}\n\n`,
  );
  const cells = rows.map(({ members, ghosts, zones, needed, ...each }) => [
    `${zones.length > 1 ? zones.join("+") : members}${ghosts === 0 ? "" : ` + ${ghosts} ghost${ghosts > 1 ? "s" : ""}`}`,
    `${needed} of ${members + ghosts}`,
    percent(each.availability),
    minutes(each.minutesDownPerYear),
    `${minutes(each.sampled.minutesDownPerYear)} ± ${minutes(each.sampled.sigma)}${each.sampled.agrees ? "" : red(" differs")}`,
    each.losses.perYear < 0.01 ? each.losses.perYear.toPrecision(1) : each.losses.perYear.toFixed(2),
    each.failovers.meanMs === 0
      ? "none possible"
      : `${each.failovers.perYear.toFixed(1)} × ${(each.failovers.meanMs / 1000).toFixed(2)} s`,
  ]);
  const head = [
    "members",
    "needed",
    "available",
    "min without quorum",
    "by chance",
    "losses",
    "fail-overs of a leader",
  ];
  terminal.out(`${table(head, cells)}\n\n`);
  for (const line of LEGEND) terminal.out(`${dim(line)}\n`);
  for (const line of aboutZones(first)) terminal.out(`note  ${line}\n`);
}

/** What the numbers mean for how the members are spread. */
function aboutZones({ zones, members, ghosts, decisiveZones, zoneAvailability }: Odds): string[] {
  const lines: string[] = [];
  if (zones.length === 1 && zoneAvailability < 1)
    lines.push("all members are in one zone, which takes all of them with it; --zones 1,1,1 spreads them");
  if (zones.length === 1) return lines;
  if (zoneAvailability === 1)
    lines.push("zones are taken as never failing: --zone-availability 99.9% counts their outages (and --zone-mttr)");
  const named = decisiveZones.map((zone) => `zone ${zone} (${zones[zone - 1]} of ${members})`).join(" and ");
  if (decisiveZones.length === 0) lines.push("quorum survives the outage of any one zone");
  else
    lines.push(
      `${named} ${decisiveZones.length === 1 ? "decides: while it is" : "decide: while one of them is"} down there is no quorum, so that the cluster is no better than ${decisiveZones.length === 1 ? "it" : "any of them"}; ${
        ghosts > 0
          ? "kick the ghosts, and spread the members over three zones"
          : "with three zones, none of them with half of the members, any one may fail"
      }`,
    );
  return lines;
}

const percent = (value: number): string => {
  const nines = Math.min(12, Math.max(2, Math.ceil(-Math.log10(Math.max(1e-14, 1 - value))) + 1));
  return `${(value * 100).toFixed(nines - 1)} %`;
};

const minutes = (value: number): string =>
  value >= 100 ? value.toFixed(0) : value >= 1 ? value.toFixed(1) : value === 0 ? "0" : value.toPrecision(2);

function list(text: string): number[] {
  return text.split(",").map((part) => integer(1, 99)(part.trim()));
}
