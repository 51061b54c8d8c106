/** Wait against down time: each cell is what a what-if of its own says, and the pictures say the same. */
import { expect, test, vi } from "vitest";
import { heatMap, heatMapHtml, heatMapSvg, type MapQuestion, runSeed, type SeedResult, whatIf } from "../src/index.ts";
import { mapScenarios, summarizeMap } from "../src/heat-map.ts";
import { MAP_STYLE } from "../src/picture/heat-map-style.ts";

// A bound against hanging, and no measure: a machine that is busy with other things takes its time.
vi.setConfig({ testTimeout: 300_000 });

const question: MapQuestion = {
  members: 3,
  electionTimerMs: 1000,
  order: ["m1", "m2", "m3"],
  how: "terminate",
  wipe: false,
  kick: false,
  profile: "3.7.1",
  waits: ["healthy", 20_000, 2000],
  downsMs: [10_000, 3000],
  seeds: 6,
};
const map = await heatMap(question, { workers: 1 });
const wiped = await heatMap({ ...question, wipe: true, seeds: 2 }, { workers: 1 });

test("axes ascend, gates come last, and every cell is the what-if of its pair", () => {
  expect(map.waits).toEqual([2000, 20_000, "healthy"]);
  expect(map.downsMs).toEqual([3000, 10_000]);
  expect(map.cells.map(({ wait, downMs }) => [wait, downMs])).toEqual(
    map.waits.flatMap((wait) => map.downsMs.map((downMs) => [wait, downMs])),
  );
  for (const { wait, downMs, outageMs, seeds, words } of map.cells) {
    const scenario = whatIf({ ...question, wait, downMs });
    const runs = Array.from({ length: question.seeds }, (_, i) => runSeed(scenario, i + 1));
    expect(outageMs.max).toBe(Math.max(...runs.map(({ longestOutageMs }) => longestOutageMs)));
    expect(words.outage).toBe(runs.filter(({ word }) => word === "outage").length);
    expect(seeds).toBe(question.seeds);
  }
});

test("too fast is an outage, slow enough is not; wiped disks are fatal, and a gate never opens", () => {
  expect(map.cells.map(({ word }) => word)).toEqual(["outage", "outage", "brief", "brief", "brief", "brief"]);
  expect(map.enoughMs).toEqual([20_000, 20_000]);
  expect(wiped.cells.map(({ word }) => word)).toEqual(["fatal", "fatal", "fatal", "fatal", "blocked", "blocked"]);
  expect(wiped.cells[0]?.fatalShare).toBe(1);
  expect(wiped.enoughMs).toEqual([undefined, undefined]);
});

test("the answer does not depend on how many processes there are", async () => {
  const more = { ...question, seeds: 8 };
  expect(await heatMap(more, { workers: 2 })).toEqual(await heatMap(more, { workers: 1 }));
});

test("a wait is enough only if no longer one is worse", () => {
  const of = (word: SeedResult["word"]): SeedResult[] => [
    { ...runSeed(whatIf({ ...question, downMs: 1000, wait: 1000 }), 1), word, failures: [] },
  ];
  const rows = (words: readonly SeedResult["word"][]): number | undefined =>
    summarizeMap({ ...question, waits: [1000, 2000, 3000], downsMs: [1000] }, words.map(of)).enoughMs[0];
  expect(rows(["safe", "outage", "brief"])).toBe(3000);
  expect(rows(["safe", "brief", "safe"])).toBe(1000);
  expect(rows(["safe", "safe", "permanent"])).toBeUndefined();
});

test("what was not run says so, and is not taken for safe", () => {
  const none = summarizeMap(question, []);
  expect(none.cells.every(({ word, seeds }) => word === undefined && seeds === 0)).toBe(true);
  expect(none.enoughMs).toEqual([undefined, undefined]);
  expect(heatMapSvg(none).match(/>not run</g)).toHaveLength(6);
  expect(heatMapHtml(none)).toContain("interrupted");
});

test("what cannot be drawn is refused by name", () => {
  const refused =
    (more: Partial<MapQuestion>): (() => unknown) =>
    () =>
      mapScenarios({ ...question, ...more });
  expect(refused({ waits: [] })).toThrow("waits: 0 are given; 1 to 16 are drawn");
  expect(refused({ downsMs: Array.from({ length: 17 }, (_, i) => i * 1000) })).toThrow("downs: 17 are given");
  expect(refused({ waits: [60_000, 60_000] })).toThrow("waits: 60s is there twice");
  expect(refused({ downsMs: [7_200_000] })).toThrow("downs: 2h is too long; at most 1h");
  expect(refused({ seeds: 100_000 })).toThrow("are 600000 runs, and 200000 are the most");
  expect(refused({ order: ["m4"] })).toThrow('there is no member "m4"');
});

/** Opening and closing tags in their order. */
function isBalanced(xml: string): boolean {
  const open: string[] = [];
  for (const [, close, name = "", empty] of xml.matchAll(/<(\/?)([a-zA-Z]+)[^<>]*?(\/?)>/g)) {
    if (close === "/" && open.pop() !== name) return false;
    if (close !== "/" && empty !== "/") open.push(name);
  }
  return open.length === 0;
}

test("the picture says in each cell what it is, with the command that asks about it; it is told in words too", () => {
  const svg = heatMapSvg(map);
  expect(isBalanced(svg)).toBe(true);
  expect(svg.match(/<g class="cell /g)).toHaveLength(6);
  expect(svg).toMatch(/class="word">outage [\d.]+ s</);
  expect(svg).toContain(
    "quorum-sim what-if --members 3 --timer 1s --restart m1,m2,m3 --how terminate --down 3s --wait 2s --profile 3.7.1",
  );
  expect(svg).toMatch(/<desc id="map-about">Each down for 3s: from a wait of 20s on nothing is worse/);
  expect(heatMapSvg(wiped)).toMatch(/>FATAL<.*>in every try</);
  expect(heatMapSvg(wiped)).toContain("No wait of the map is long enough. 4 of 6 cells are fatal");
});

test("the page asks for nothing from elsewhere, has the map as a table, and escapes what it is given", () => {
  const html = heatMapHtml({ ...map, order: ["<script>alert(1)</script>"] });
  expect(html).not.toMatch(/(src|href)\s*=/);
  expect(html).not.toContain("<script");
  expect(html.match(/<th scope="row">/g)).toHaveLength(3);
  expect(html.match(/<td>/g)).toHaveLength(6);
  expect(html).toContain("prefers-color-scheme:dark");
});

/** Contrast of two colours (WCAG 2.1). */
function contrast(a: string, b: string): number {
  const luminance = (hex: string): number => {
    const long = hex.length === 4 ? hex.replace(/[^#]/g, "$&$&") : hex;
    const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
      const value = Number.parseInt(long.slice(at, at + 2), 16) / 255;
      return value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const [low = 0, high = 0] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (high + 0.05) / (low + 0.05);
}

test("every text can be read on its colour", () => {
  const boxes = [...MAP_STYLE.matchAll(/\.(\w+) \.box\{fill:(#[0-9a-f]{6})/g)];
  expect(boxes.map(([, name]) => name)).toEqual(["safe", "brief", "outage0", "outage1", "outage2", "fatal", "blocked"]);
  for (const [, name = "", fill = ""] of boxes) {
    const text = name === "safe" || name === "fatal" ? "#fff" : "#10161e";
    expect({ name, isReadable: contrast(fill, text) >= 4.5 }).toEqual({ name, isReadable: true });
  }
  for (const stripe of /stripe-fatal\{fill:(#[0-9a-f]{6})/.exec(MAP_STYLE)?.slice(1) ?? [])
    expect(contrast(stripe, "#fff")).toBeGreaterThan(4.5);
});
