/** The heat map as a picture for documents, and as a page that needs no network. */
import { type HeatMap, type MapCell, timeText, waitText } from "../heat-map.ts";
import type { PlanWord } from "../plan/word.ts";
import { escaped } from "./escaped.ts";
import { MAP_PAGE_STYLE, MAP_STYLE } from "./heat-map-style.ts";

const CELL = { width: 112, height: 54 } as const;
const LEFT = 132;
const TOP = 74;
const BOTTOM = 66;

export const MAP_WORDS: Readonly<Record<PlanWord, string>> = {
  safe: "writes never stop",
  brief: "a fail-over, at most two windows of a leader",
  outage: "writes stop for longer, and it heals by itself",
  fatal: "quorum or acknowledged writes are lost for good",
  blocked: "the gate never opens: not all are restarted",
};

/** Two significant digits below 10 s, whole seconds above. */
export const shortSeconds = (ms: number): string =>
  ms < 10_000 ? `${Number((ms / 1000).toPrecision(2))} s` : `${(ms / 1000).toFixed(0)} s`;

/** What is asked, in a sentence. */
export function mapTitle({ members, order, how, wipe, kick, ghosts, electionTimerMs, profile }: HeatMap): string {
  const disk = wipe ? (kick ? ", disks wiped, old ids kicked" : ", disks wiped") : "";
  const extra = ghosts === 0 ? "" : `, ${ghosts} ghost${ghosts === 1 ? "" : "s"}`;
  return `${order.join(", ")} of ${members} restarted by ${how}${disk}${extra}; election timer ${timeText(electionTimerMs)}, OVS ${profile}`;
}

/** The command that asks about one cell. */
export function cellCommand(map: HeatMap, { wait, downMs }: MapCell): string {
  const { members, order, how, wipe, kick, ghosts, electionTimerMs, profile } = map;
  const flags = [
    `--members ${members} --timer ${timeText(electionTimerMs)} --restart ${order.join(",")} --how ${how}`,
    `--down ${timeText(downMs)} --wait ${waitText(wait)} --profile ${profile}`,
    ...(wipe ? ["--wipe"] : []),
    ...(kick ? ["--kick"] : []),
    ...(ghosts > 0 ? [`--ghosts ${ghosts}`] : []),
  ];
  return `quorum-sim what-if ${flags.join(" ")}`;
}

/** A word and what there is to say of its length: the first in the upper line of a cell, the others below. */
function linesOf({ word, outageMs, fatalShare, seeds }: MapCell): readonly string[] {
  if (word === undefined) return ["not run"];
  if (word === "safe") return ["safe"];
  if (word === "blocked") return ["blocked"];
  if (word === "fatal")
    return ["FATAL", fatalShare === 1 ? "in every try" : `${Math.round(fatalShare * seeds)} of ${seeds}`];
  return [`${word} ${shortSeconds(outageMs.p50)}`, `worst ${shortSeconds(outageMs.max)}`];
}

const SHADES = [10_000, 60_000] as const;

/** Longer outages are darker: below 10 s, below a minute, longer. */
function shadeOf({ word, outageMs }: MapCell): string {
  if (word === undefined) return "none";
  return word === "outage" ? `outage${SHADES.filter((ms) => outageMs.p50 >= ms).length}` : word;
}

function drawCell(map: HeatMap, cell: MapCell, row: number, column: number): string {
  const [x, y] = [LEFT + column * CELL.width, TOP + row * CELL.height];
  const shade = shadeOf(cell);
  const [first = "", ...rest] = linesOf(cell);
  const middle = x + CELL.width / 2;
  const about = `wait ${waitText(cell.wait)}, down ${timeText(cell.downMs)}: ${[first, ...rest].join(", ")}; ${cell.seeds} seeds, worst seed ${cell.worstSeed}`;
  const hatch = cell.word === "fatal" || cell.word === "blocked" ? ` class="hatch-${cell.word}"` : undefined;
  const box = `x="${x + 1}" y="${y + 1}" width="${CELL.width - 2}" height="${CELL.height - 2}" rx="3"`;
  return [
    `<g class="cell ${shade}"><title>${escaped(`${about}\n${cellCommand(map, cell)}`)}</title><rect ${box} class="box"/>`,
    hatch === undefined ? "" : `<rect ${box}${hatch}/>`,
    `<text x="${middle}" y="${y + (rest.length === 0 ? 32 : 24)}" class="word">${escaped(first)}</text>`,
    ...rest.map((line) => `<text x="${middle}" y="${y + 41}" class="more">${escaped(line)}</text>`),
    "</g>",
  ].join("");
}

/** Between the waits that let the one before come back and those that do not. */
function border({ waits, downsMs }: HeatMap): string {
  const times = waits.filter((wait) => typeof wait === "number");
  if (times.length === 0) return "";
  // From which row on the wait of a column is longer than the down time.
  const rows = downsMs.map((downMs) => times.filter((wait) => wait <= downMs).length);
  const points = rows.flatMap((row, column) =>
    [column, column + 1].map((edge) => `${LEFT + edge * CELL.width},${TOP + row * CELL.height}`),
  );
  return `<polyline points="${points.join(" ")}" class="halo"/><polyline points="${points.join(" ")}" class="border"><title>above this line the next is stopped before the last is back</title></polyline>`;
}

/** A picture by itself: its colours follow the light or dark of where it is shown, and each cell says in words what it is. */
export function heatMapSvg(map: HeatMap): string {
  const { waits, downsMs, cells } = map;
  const width = Math.max(LEFT + downsMs.length * CELL.width + 8, 640);
  const bottom = TOP + waits.length * CELL.height;
  const height = bottom + BOTTOM;
  const middle = LEFT + (downsMs.length * CELL.width) / 2;
  const heads = downsMs.map(
    (downMs, column) =>
      `<text x="${LEFT + (column + 0.5) * CELL.width}" y="${TOP - 10}" class="head">${timeText(downMs)}</text>`,
  );
  const sides = waits.map(
    (wait, row) =>
      `<text x="${LEFT - 10}" y="${TOP + row * CELL.height + 32}" class="side">${typeof wait === "number" ? timeText(wait) : `until ${wait}`}</text>`,
  );
  const drawn = cells.map((cell, i) => drawCell(map, cell, Math.floor(i / downsMs.length), i % downsMs.length));
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-labelledby="map-title map-about">
<title id="map-title">${escaped(`Wait and down time: ${mapTitle(map)}`)}</title>
<desc id="map-about">${escaped(sentences(map).join(" "))}</desc>
<style>${MAP_STYLE}</style>
<defs><pattern id="hatch-fatal" width="8" height="8" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect width="2" height="8" class="stripe-fatal"/></pattern><pattern id="hatch-blocked" width="8" height="8" patternUnits="userSpaceOnUse" patternTransform="rotate(-45)"><rect width="2" height="8" class="stripe-blocked"/></pattern></defs>
<rect width="${width}" height="${height}" class="paper"/>
<text x="${middle}" y="24" class="axis">each is down for</text>
<text transform="translate(22 ${TOP + (waits.length * CELL.height) / 2}) rotate(-90)" class="axis">wait between two stops</text>
${heads.join("")}${sides.join("")}
${drawn.join("\n")}
${border(map)}
${legend(map, bottom + 18)}
</svg>
`;
}

function legend(map: HeatMap, y: number): string {
  const shades = [
    ["safe", "safe"],
    ["brief", "brief"],
    ["outage0", "outage"],
    ["outage1", "10 s and more"],
    ["outage2", "a minute and more"],
    ["fatal", "fatal"],
    ["blocked", "blocked"],
  ].filter(([shade]) =>
    map.cells.some((cell) => shadeOf(cell) === shade || (shade === "outage0" && cell.word === "outage")),
  );
  let x = 12;
  const parts = shades.map(([shade = "", text = ""]) => {
    const box = `x="${x}" y="${y}" width="16" height="16" rx="3"`;
    const hatch = shade === "fatal" || shade === "blocked" ? `<rect ${box} class="hatch-${shade}"/>` : "";
    const part = `<g class="${shade}"><rect ${box} class="box"/>${hatch}<text x="${x + 22}" y="${y + 13}" class="key">${text}</text></g>`;
    x += 40 + text.length * 7;
    return part;
  });
  const line = `<line x1="12" x2="28" y1="${y + 34}" y2="${y + 34}" class="border"/><text x="34" y="${y + 38}" class="key">above this line the next is stopped before the last is back</text>`;
  return parts.join("") + (map.waits.some((wait) => typeof wait === "number") ? line : "");
}

/** What the map says, in words: for each down time the wait that is enough, and what is fatal. */
export function sentences(map: HeatMap): string[] {
  const { downsMs, enoughMs, cells } = map;
  const none = "No wait of the map is long enough.";
  const said = enoughMs.every((ms) => ms === undefined)
    ? [none]
    : downsMs.map((downMs, column) => {
        const ms = enoughMs[column];
        const down = `Each down for ${timeText(downMs)}: `;
        return ms === undefined
          ? `${down}no wait of the map is long enough.`
          : `${down}from a wait of ${timeText(ms)} on nothing is worse than a fail-over.`;
      });
  const fatal = cells.filter(({ word }) => word === "fatal").length;
  if (fatal > 0) said.push(`${fatal} of ${cells.length} cells are fatal: nothing comes back by itself.`);
  return said;
}

/** One page: the picture, what it says in words, and the same as a table. */
export function heatMapHtml(map: HeatMap): string {
  const { waits, downsMs, cells, seeds } = map;
  const used = (Object.keys(MAP_WORDS) as PlanWord[]).filter((word) => cells.some((cell) => cell.word === word));
  const rows = waits.map((wait, row) => {
    const of = cells.slice(row * downsMs.length, (row + 1) * downsMs.length);
    return `<tr><th scope="row">${waitText(wait)}</th>${of.map((cell) => `<td>${escaped(linesOf(cell).join(", "))}</td>`).join("")}</tr>`;
  });
  const fewest = Math.min(...cells.map((cell) => cell.seeds));
  const partly = fewest < seeds ? ` It was interrupted: some cells have ${fewest} of them.` : "";
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">
<title>How long to wait between restarts</title><style>${MAP_PAGE_STYLE}</style></head><body>
<h1>How long to wait between restarts</h1>
<p>${escaped(mapTitle(map))}. Each cell is the worst of ${seeds} seeds; its time is the median of the longest stretch without writes.${partly}</p>
<div class="wide" tabindex="0" role="region" aria-label="The map">${heatMapSvg(map)}</div>
<dl>${used.map((word) => `<dt>${word}</dt><dd>${MAP_WORDS[word]}</dd>`).join("")}</dl>
<h2>What it says</h2>
<ul>${sentences(map)
    .map((each) => `<li>${escaped(each)}</li>`)
    .join("")}</ul>
<h2>The same as a table</h2>
<div class="wide" tabindex="0" role="region" aria-label="The map as a table"><table><thead><tr><th scope="col">wait, down</th>${downsMs.map((ms) => `<th scope="col">${timeText(ms)}</th>`).join("")}</tr></thead><tbody>${rows.join("")}</tbody></table></div>
</body></html>
`;
}
