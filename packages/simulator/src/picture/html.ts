/** A report that needs no network: lanes, terms, writes, faults, and a slider that shows any moment. */
import type { Scenario } from "../scenario/types.ts";
import type { Run, TraceEvent } from "../trace.ts";
import { HTML_SCRIPT } from "./html-script.ts";
import { HTML_STYLE } from "./html-style.ts";
import { type LaneState, lanesOf } from "./lanes.ts";
import { sentence } from "./story.ts";

const WIDTH = 1000;
const LEFT = 70;
const LANE = 34;
const COLOURS: Readonly<Record<LaneState, string>> = {
  down: "#d9dce1",
  joining: "#c9a7e8",
  follower: "#9cc3ee",
  candidate: "#f3c14b",
  leader: "#2f9e5b",
  failed: "#c0392b",
};
/** Events that the page carries: enough for ten minutes of faults, and still under a megabyte. */
const EVENTS_MAX = 4000;
const MESSAGES_MAX = 6000;

const escaped = (text: string): string => text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);

/** One page for a browser. With a run of trace level `full` it has messages too. `about` gives the heading and the reason. */
export function report(run: Run, about: Pick<Scenario, "title" | "reason"> = { title: "", reason: "" }): string {
  const lanes = lanesOf(run);
  const x = (us: number): number => LEFT + (Math.max(0, us) / run.endUs) * (WIDTH - LEFT);
  const height = (lanes.length + 3) * LANE;
  const shapes: string[] = [];
  lanes.forEach(({ member, stretches }, row) => {
    const y = row * LANE + 8;
    shapes.push(`<text x="0" y="${y + 17}" class="name">${escaped(member)}</text>`);
    for (const { fromUs, toUs, state, term } of stretches) {
      const width = Math.max(0.6, x(toUs) - x(fromUs));
      const title = `${member} ${state}, term ${term}, ${(fromUs / 1e6).toFixed(2)}–${(toUs / 1e6).toFixed(2)} s`;
      shapes.push(
        `<rect x="${x(fromUs).toFixed(1)}" y="${y}" width="${width.toFixed(1)}" height="22" fill="${COLOURS[state]}"><title>${title}</title></rect>`,
      );
      if (width > 26 && state !== "down")
        shapes.push(`<text x="${(x(fromUs) + 4).toFixed(1)}" y="${y + 15}" class="term">t${term}</text>`);
    }
  });
  const writesY = lanes.length * LANE + 8;
  shapes.push(`<text x="0" y="${writesY + 17}" class="name">writes</text>`);
  shapes.push(`<rect x="${LEFT}" y="${writesY}" width="${WIDTH - LEFT}" height="22" fill="#bfe3cc"/>`);
  for (const { fromUs, toUs, cause } of run.outages)
    shapes.push(
      `<rect x="${x(fromUs).toFixed(1)}" y="${writesY}" width="${Math.max(1, x(toUs) - x(fromUs)).toFixed(1)}" height="22" fill="#d64545"><title>no writes for ${((toUs - fromUs) / 1e6).toFixed(2)} s, after ${escaped(cause)}</title></rect>`,
    );
  shapes.push(commits(run, x, writesY + LANE));
  for (const event of run.trace)
    if (event.type === "fault")
      shapes.push(
        `<line x1="${x(event.atUs).toFixed(1)}" x2="${x(event.atUs).toFixed(1)}" y1="2" y2="${height - 4}" class="fault"><title>${escaped(sentence(event) ?? "")}</title></line>`,
      );
  shapes.push(`<line id="now" x1="${LEFT}" x2="${LEFT}" y1="0" y2="${height}"/>`);
  const legend = (Object.keys(COLOURS) as LaneState[])
    .map((state) => `<span><i style="background:${COLOURS[state]}"></i>${state}</span>`)
    .join("");
  const { configured, needed, alive, ghosts } = run.quorum;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${escaped(run.scenario)}: ${run.verdict.word}</title><style>${HTML_STYLE}</style></head><body>
<header><h1>${escaped(about.title || run.scenario)}</h1>
<p class="verdict ${run.verdict.word}"><b>${run.verdict.word}</b> ${escaped(run.verdict.text)}</p>
<p>${escaped(about.reason)}</p></header>
<section aria-label="Timeline"><svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="Who led, and when writes stopped">${shapes.join("")}</svg>
<p class="legend">${legend}<span><i style="background:#bfe3cc"></i>writes go through</span><span><i style="background:#d64545"></i>no writes</span><span><i class="dash"></i>fault</span></p>
<label>Moment <input id="slider" type="range" min="0" max="${run.endUs}" value="0" step="1000" aria-describedby="clock"> <output id="clock">0.000 s</output></label></section>
<section class="two"><div><h2>At this moment</h2><table id="state"><thead><tr><th>member</th><th>is</th><th>term</th><th>connected</th><th>commit</th></tr></thead><tbody></tbody></table>
<h3>Messages in the second before</h3><table id="messages"><tbody></tbody></table></div>
<div><h2>What happened</h2><ol id="story"></ol></div></section>
<section><h2>What came of it</h2><table><tbody>
<tr><th>quorum</th><td>${needed} of ${configured} configured servers are needed; ${alive} run; ${ghosts} ghosts</td></tr>
<tr><th>writes</th><td>${run.acked} acknowledged, ${run.ackedLost} of them lost, ${run.unknown} with unknown outcome, ${run.duplicates} applied twice</td></tr>
<tr><th>without writes</th><td>${(run.unavailableUs / 1e6).toFixed(2)} s, at most ${(run.longestOutageUs / 1e6).toFixed(2)} s at a time</td></tr>
<tr><th>elections</th><td>${run.elections}, ${run.leaderChanges} changes of leader</td></tr>
<tr><th>recovery</th><td>${escaped(run.verdict.recovery)}</td></tr>
<tr><th>run</th><td>${escaped(run.scenario)}, OVS ${escaped(run.profile)}, seed ${run.seed}, trace ${run.traceHash}</td></tr>
${run.violations.map(({ checker, text }) => `<tr class="bad"><th>${escaped(checker)}</th><td>${escaped(text)}</td></tr>`).join("\n")}
</tbody></table></section>
<script>const DATA=${dataOf(run, lanes)};${HTML_SCRIPT}</script></body></html>
`;
}

/** The commit indexes as staircases, one line each. */
function commits(run: Run, x: (us: number) => number, top: number): string {
  const most = Math.max(
    1,
    ...run.members.map(({ commitIndex }) => commitIndex),
    ...run.trace.map((event) => (event.type === "commit" ? event.index : 0)),
  );
  const points = new Map<string, string[]>();
  for (const event of run.trace) {
    if (event.type !== "commit") continue;
    const list = points.get(event.member) ?? [];
    const at = `${x(event.atUs).toFixed(1)},${(top + 50 - (event.index / most) * 46).toFixed(1)}`;
    if (list.at(-1)?.split(",")[0] !== at.split(",")[0]) list.push(at);
    points.set(event.member, list);
  }
  const lines = [...points].map(
    ([member, list]) =>
      `<polyline points="${list.join(" ")}" class="commit"><title>commit index of ${escaped(member)}</title></polyline>`,
  );
  return `<text x="0" y="${top + 30}" class="name">commits</text>${lines.join("")}`;
}

/** `<` is escaped, so that no text can end the script. */
function dataOf(run: Run, lanes: ReturnType<typeof lanesOf>): string {
  const told = run.trace.flatMap((event: TraceEvent) => {
    const text = sentence(event);
    return text === undefined ? [] : [[event.atUs, text, event.type]];
  });
  const messages = run.trace.flatMap((event) =>
    event.type === "message" && event.message !== "heartbeat" && !event.message.startsWith("append_")
      ? [[event.atUs, event.from, event.to, event.message, event.term]]
      : [],
  );
  const data = {
    left: LEFT,
    width: WIDTH,
    endUs: run.endUs,
    lanes: lanes.map(({ member, stretches }) => ({
      member,
      stretches: stretches.map(({ fromUs, state, term }) => [fromUs, state, term]),
    })),
    connected: run.trace.flatMap((event) =>
      event.type === "connected" ? [[event.atUs, event.member, event.connected]] : [],
    ),
    commits: thin(
      run.trace.flatMap((event) => (event.type === "commit" ? [[event.atUs, event.member, event.index]] : [])),
    ),
    story: told.slice(0, EVENTS_MAX),
    messages: messages.slice(0, MESSAGES_MAX),
  };
  return JSON.stringify(data).replaceAll("<", "\\u003c");
}

function thin<T>(list: readonly T[]): readonly T[] {
  const keep = Math.ceil(list.length / EVENTS_MAX);
  return keep <= 1 ? list : list.filter((_, i) => i % keep === 0);
}
