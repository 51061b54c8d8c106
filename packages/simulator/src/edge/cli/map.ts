/** `quorum-sim map`: the wait between restarts against how long each is down. */
import { type Command, InvalidArgumentError } from "commander";
import type { HeatMap, MapCell } from "../../heat-map.ts";
import type { PlanWord } from "../../plan/word.ts";
import type { StopHow } from "../../scenario/types.ts";
import type { Wait } from "../../what-if.ts";
import { duration, integer, lasting, profile, wait } from "./arguments.ts";
import { colours, EXIT, mustBeWritable, type Terminal, table } from "./output.ts";
import { progress } from "./progress.ts";

type Options = {
  readonly members: number;
  readonly timer: number;
  readonly restart?: string;
  readonly downs: readonly number[];
  readonly waits: readonly Wait[];
  readonly how: StopHow;
  readonly wipe?: boolean;
  readonly kick?: boolean;
  readonly ghosts: number;
  readonly seeds: number;
  readonly profile: string;
  readonly workers?: number;
  readonly html?: string;
  readonly svg?: string;
  readonly json?: boolean;
};

const DOWNS = "2s,5s,10s,20s,40s,60s";
const WAITS = "2s,5s,10s,15s,30s,60s,90s,healthy";

export function addMap(program: Command, terminal: Terminal, end: (status: number) => void): void {
  program
    .command("map")
    .description("Wait between restarts against how long each is down: what every pair comes to")
    .option("--waits <list>", "rows: times between two stops, healthy, joined", list(wait), list(wait)(WAITS))
    .option("--downs <list>", "columns: how long each is down", list(duration), list(duration)(DOWNS))
    .option("--members <n>", "members of the cluster", integer(1, 9), 3)
    .addOption(lasting("--timer <duration>", "election timer", "1s"))
    .option("--restart <names>", "who, in order; default all of them")
    .option("--how <how>", "kill, terminate, exit (hands over) or powerloss", "terminate")
    .option("--wipe", "each loses its database while it is down, and joins anew")
    .option("--kick", "with --wipe: the old server id is kicked once the new one has joined")
    .option("--ghosts <n>", "configured server ids that nobody has any more", integer(0, 9), 0)
    .option("--profile <version>", "release of OVS", profile, "3.7.1")
    .option("--seeds <n>", "how often each cell is tried", integer(1, 10_000), 20)
    .option("--workers <n>", "processes; default one for each core", integer(1, 64))
    .option("--html <file>", "write the map as a page")
    .option("--svg <file>", "write the map as a picture")
    .option("--json", "print the result as JSON")
    .action(async (options: Options) => {
      mustBeWritable("--html", options.html);
      mustBeWritable("--svg", options.svg);
      const { heatMap } = await import("../heat-map.ts");
      const bar = await progress(terminal);
      const order = options.restart?.split(",").map((name) => name.trim());
      const map = await heatMap(
        {
          members: options.members,
          electionTimerMs: options.timer,
          order: order ?? Array.from({ length: options.members }, (_, i) => `m${i + 1}`),
          how: options.how,
          wipe: options.wipe === true,
          kick: options.kick === true,
          ghosts: options.ghosts,
          profile: options.profile,
          waits: options.waits,
          downsMs: options.downs,
          seeds: options.seeds,
        },
        { signal: terminal.signal, workers: options.workers, onProgress: bar.update },
      ).finally(bar.stop);
      if (options.json === true) terminal.out(`${JSON.stringify({ version: 1, ...map }, undefined, 2)}\n`);
      else await print(terminal, map);
      await draw(terminal, map, options);
      end(terminal.signal.aborted ? EXIT.interrupted : EXIT.met);
    });
}

function list<T>(read: (text: string) => T): (text: string) => readonly T[] {
  return (text) =>
    text.split(",").map((each) => {
      try {
        return read(each.trim());
      } catch (error) {
        if (error instanceof InvalidArgumentError) throw new InvalidArgumentError(`"${each.trim()}": ${error.message}`);
        throw error;
      }
    });
}

async function draw(terminal: Terminal, map: HeatMap, { html, svg, json }: Options): Promise<void> {
  if (html === undefined && svg === undefined) return;
  const { heatMapHtml, heatMapSvg } = await import("../../picture/heat-map.ts");
  for (const [file, text] of [
    [html, heatMapHtml],
    [svg, heatMapSvg],
  ] as const) {
    if (file === undefined) continue;
    terminal.writeFile(file, text(map));
    if (json !== true) terminal.out(`written: ${file}\n`);
  }
}

async function print(terminal: Terminal, map: HeatMap): Promise<void> {
  const { mapTitle, MAP_WORDS, shortSeconds } = await import("../../picture/heat-map.ts");
  const { timeText, waitText } = await import("../../heat-map.ts");
  const { bold, dim, blue, cyan, yellow, red, inverse } = colours(terminal);
  const paint: Readonly<Record<PlanWord, (text: string) => string>> = {
    safe: blue,
    brief: cyan,
    outage: yellow,
    fatal: (text) => red(inverse(text)),
    blocked: red,
  };
  const { waits, downsMs, cells, enoughMs, seeds } = map;
  const span = ({ outageMs: { p50, max } }: MapCell): string => {
    const [low, high] = [shortSeconds(p50), shortSeconds(max)];
    return low === high ? low : `${low.replace(" s", "")}–${high}`;
  };
  const cellText = (cell: MapCell): string => {
    const { word, fatalShare } = cell;
    if (word === undefined) return dim("-");
    const share = fatalShare === 1 ? "" : ` ${Math.round(fatalShare * 100)}%`;
    const text =
      word === "fatal" ? `FATAL${share}` : word === "safe" || word === "blocked" ? word : `${word} ${span(cell)}`;
    return paint[word](text);
  };
  const rows = waits.map((wait, row) => [
    waitText(wait),
    ...cells.slice(row * downsMs.length, (row + 1) * downsMs.length).map(cellText),
  ]);
  const enough = [bold("enough"), ...enoughMs.map((ms) => (ms === undefined ? "-" : bold(timeText(ms))))];
  const { out } = terminal;
  out(`${dim(mapTitle(map))}\n\n`);
  out(`${table(["wait \\ down", ...downsMs.map(timeText)], [...rows, enough])}\n\n`);
  const used = (Object.keys(MAP_WORDS) as PlanWord[]).filter((word) => cells.some((cell) => cell.word === word));
  for (const word of used) out(`${paint[word](word.padEnd(8))} ${MAP_WORDS[word]}\n`);
  out(
    `${bold("enough")}   the smallest wait of the map from which on nothing is worse than a fail-over (${seeds} seeds a cell; times are median–worst without writes)\n`,
  );
  const done = cells.reduce((sum, cell) => sum + cell.seeds, 0);
  if (terminal.signal.aborted) out(`interrupted: this is what ${done} of ${seeds * cells.length} runs said by then\n`);
}
