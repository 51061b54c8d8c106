/** The pictures say what the run says; the report is opened in a browser. */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { findScenario, report, lanesOf, mermaid, simulate, storyOf, timeline } from "../src/index.ts";

const scenario = findScenario("s1");
const run = simulate(scenario, { seed: 1, trace: "full" });

test("lanes cover the whole run, without holes, and say who led", () => {
  for (const { stretches } of lanesOf(run)) {
    expect(stretches[0]?.fromUs).toBe(0);
    expect(stretches.at(-1)?.toUs).toBe(run.endUs);
    for (let i = 1; i < stretches.length; i++) expect(stretches[i]?.fromUs).toBe(stretches[i - 1]?.toUs);
  }
  const atEnd = lanesOf(run).filter(({ stretches }) => stretches.at(-1)?.state === "leader");
  expect(atEnd.map(({ member }) => member)).toEqual([run.leader]);
});

test("the timeline has a line for each member, the writes and the scale", () => {
  const lines = timeline(run, 60);
  expect(lines.slice(0, 4).map((line) => line.split(" ")[0])).toEqual(["m1", "m2", "m3", "writes"]);
  expect(lines[3]).toMatch(/·/);
  for (const line of lines.slice(0, 4)) expect(line.length).toBe(67);
});

test("the story tells the faults and the leaders in order, and no more lines than asked for", () => {
  const story = storyOf(run);
  expect(story.join("\n")).toMatch(
    /m1 leads term 1[\s\S]*m1: is killed[\s\S]*m2: is killed[\s\S]*m3: is killed[\s\S]*leads term/,
  );
  const short = storyOf(run, { limit: 5 });
  expect(short).toHaveLength(6);
  expect(short[5]).toMatch(/… and \d+ more/);
});

test("attempts that lead to nothing are told once", () => {
  const lost = simulate(findScenario("s5"), { seed: 1 });
  expect(lost.elections).toBeGreaterThan(50);
  expect(storyOf(lost).length).toBeLessThan(60);
});

test("the sequence diagram is one that mermaid reads", () => {
  const [first, ...lines] = mermaid(run).trimEnd().split("\n");
  expect(first).toBe("sequenceDiagram");
  for (const line of lines)
    expect(line).toMatch(/^ {2}(participant m\d|m\d->>m\d: [a-z_]+( t\d+)?|Note over m\d: [^;#<>{}]+)$/);
});

function chromium(): string | undefined {
  return ["chromium", "chromium-browser", "google-chrome"].find(
    (name) => spawnSync(name, ["--version"]).error === undefined,
  );
}

/** The page after its script has run, and after `more` has. */
function opened(html: string, more: string): string {
  const folder = mkdtempSync(join(tmpdir(), "quorum-html-"));
  try {
    const file = join(folder, "report.html");
    writeFileSync(file, html.replace("</body>", `<script>${more}</script></body>`));
    const args = [
      "--headless",
      "--no-sandbox",
      "--disable-gpu",
      "--dump-dom",
      `--user-data-dir=${folder}/profile`,
      `file://${file}`,
    ];
    return execFileSync(chromium() ?? "", args, {
      encoding: "utf8",
      timeout: 50_000,
      stdio: ["ignore", "pipe", "ignore"],
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

describe("the report", () => {
  const html = report(run, scenario);

  test("is under a megabyte, asks for nothing from elsewhere, and escapes what it is given", () => {
    expect(html.length).toBeLessThan(1_000_000);
    expect(html).not.toMatch(/(src|href)\s*=/);
    const evil = report(run, { ...scenario, title: `</title><script>alert(1)</script>`, reason: "<b>" });
    expect(evil).not.toContain("<script>alert");
  });

  test("links to the other pages of a story, each named", () => {
    const links = [
      { text: "1. <too fast>", href: "1.html", isHere: true },
      { text: "2. well done", href: "2.html", isHere: false },
    ];
    const page = report(run, { ...scenario, links });
    expect(page).toContain('aria-current="page">1. &#60;too fast&#62;');
    expect(page).toContain('<a href="2.html">2. well done</a>');
  });

  test.skipIf(chromium() === undefined && process.env["OVNHA_REQUIRE_OVS"] !== "1")(
    "opens in a browser; the slider shows any moment",
    () => {
      // It opens at the first fault.
      expect(opened(html, "")).toContain("10.000 s");
      const atStart = opened(html, "slider.value=0;slider.oninput()");
      const table = (page: string): string => /<table id="state">([\s\S]*?)<\/table>/.exec(page)?.[1] ?? "";
      expect(table(atStart)).toMatch(/m1<\/td><td>leader/);
      const between = opened(html, "slider.value=15000000;slider.oninput()");
      expect(table(between).match(/<td>down<\/td>/g)).toHaveLength(3);
      expect(between).toContain("15.000 s");
      expect(between.match(/<li[^>]*class="[^"]*past/g)?.length ?? 0).toBeGreaterThan(5);
      expect(between).toMatch(/<svg id="near"[\s\S]*?class="name"/);
      // By keyboard alone: n and p go from event to event.
      const key = (name: string): string =>
        `document.dispatchEvent(new KeyboardEvent("keydown",{key:"${name}",bubbles:true}));`;
      const begin = "slider.value=0;slider.oninput();";
      const moment = (page: string): number =>
        Number.parseFloat(/<output id="clock"[^>]*>([\d.]+)/.exec(page)?.[1] ?? "");
      const on = moment(opened(html, begin + key("n") + key("n")));
      expect(on).toBeGreaterThan(10);
      expect(moment(opened(html, begin + key("n") + key("n") + key("p")))).toBeLessThan(on);
    },
  );
});
