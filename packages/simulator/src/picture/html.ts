/** A report that needs no network: lanes, terms, writes, faults, and a slider that shows any moment. */
import type { Run, TraceEvent } from "../trace.ts";
import { escaped } from "./escaped.ts";
import { HTML_SCRIPT } from "./html-script.ts";
import { HTML_STYLE } from "./html-style.ts";
import { type LaneState, lanesOf } from "./lanes.ts";
import { sentence } from "./story.ts";

const WIDTH = 1000;
const LEFT = 70;
const LANE = 34;
const AXIS = 22;
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

export type About = {
  readonly title?: string | undefined;
  readonly reason?: string | undefined;
  /** To other pages of the same story. */
  readonly links?: readonly { readonly text: string; readonly href: string; readonly isHere: boolean }[] | undefined;
};

/**
 * One page for a browser that asks for nothing from elsewhere: who led, who was connected, terms, commits, faults, writes, and
 * a slider that shows any moment. A run of trace level `full` has its messages too.
 */
export function report(run: Run, about: About = {}): string {
  const lanes = lanesOf(run);
  const x = (us: number): number => LEFT + (Math.max(0, us) / run.endUs) * (WIDTH - LEFT);
  const height = (lanes.length + 3) * LANE + AXIS;
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
  shapes.push(...unconnected(run, lanes, x));
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
        `<line x1="${x(event.atUs).toFixed(1)}" x2="${x(event.atUs).toFixed(1)}" y1="2" y2="${height - AXIS}" class="fault"><title>${escaped(sentence(event) ?? "")}</title></line>`,
      );
  shapes.push(axis(run.endUs, x, height - AXIS));
  shapes.push(`<line id="now" x1="${LEFT}" x2="${LEFT}" y1="0" y2="${height - AXIS}"/>`);
  const legend = (Object.keys(COLOURS) as LaneState[])
    .map((state) => `<span><i style="background:${COLOURS[state]}"></i>${state}</span>`)
    .join("");
  const { configured, needed, alive, ghosts } = run.quorum;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${escaped(run.scenario)}: ${run.verdict.word}</title><style>${HTML_STYLE}</style></head><body>
<header>${navigation(about.links ?? [])}<h1>${escaped(about.title || run.scenario)}</h1>
<p class="verdict ${run.verdict.word}"><b>${run.verdict.word}</b> ${escaped(run.verdict.text)}</p>
<p>${escaped(about.reason ?? "")}</p></header>
<section aria-label="Timeline"><div class="wide" tabindex="0" role="region" aria-label="Lanes of the members"><svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="Who led, and when writes stopped">${shapes.join("")}</svg></div>
<p class="legend">${legend}<span><i style="background:#bfe3cc"></i>writes go through</span><span><i style="background:#d64545"></i>no writes</span><span><i class="dash"></i>fault</span><span><i class="off"></i>not connected to the cluster</span></p>
<div class="controls"><button id="back" type="button" title="the event before (key: p)">◀ event</button><button id="play" type="button" title="play and stop (key: space)">play</button><button id="next" type="button" title="the next event (key: n)">event ▶</button>
<label for="slider">Moment</label><input id="slider" type="range" min="0" max="${run.endUs}" value="0" step="1000" aria-describedby="clock"><output id="clock" for="slider">0.000 s</output>
<label for="zoom">around it</label><select id="zoom"><option value="20000">20 ms</option><option value="200000">0.2 s</option><option value="2000000" selected>2 s</option><option value="20000000">20 s</option></select></div></section>
<section aria-label="Messages around the moment"><h2>Messages around this moment</h2><div class="wide"><svg id="near" viewBox="0 0 ${WIDTH} ${lanes.length * 44 + 30}" role="img" aria-label="Messages between members around the moment; the table below lists them"></svg></div></section>
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

function navigation(links: NonNullable<About["links"]>): string {
  if (links.length === 0) return "";
  const each = links.map(({ text, href, isHere }) =>
    isHere ? `<b aria-current="page">${escaped(text)}</b>` : `<a href="${escaped(href)}">${escaped(text)}</a>`,
  );
  return `<nav aria-label="Chapters">${each.join("")}</nav>`;
}

/** A red line under a lane while its member says that it is not connected to the cluster. */
function unconnected(run: Run, lanes: ReturnType<typeof lanesOf>, x: (us: number) => number): string[] {
  return lanes.flatMap(({ member }, row) => {
    const out: string[] = [];
    let sinceUs: number | undefined;
    const close = (toUs: number): void => {
      if (sinceUs === undefined) return;
      const [from, to] = [x(sinceUs), x(toUs)];
      out.push(
        `<rect x="${from.toFixed(1)}" y="${row * LANE + 31}" width="${Math.max(0.6, to - from).toFixed(1)}" height="4" class="off"><title>${escaped(member)} is not connected, ${((toUs - sinceUs) / 1e6).toFixed(2)} s</title></rect>`,
      );
      sinceUs = undefined;
    };
    for (const event of run.trace) {
      if (!("member" in event) || event.member !== member) continue;
      if (event.type === "connected" && !event.connected) sinceUs ??= event.atUs;
      else if (event.type === "connected" || event.type === "stop" || event.type === "left") close(event.atUs);
    }
    close(run.endUs);
    return out;
  });
}

/** About eight round marks. */
function axis(endUs: number, x: (us: number) => number, y: number): string {
  const rough = endUs / 8;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5, 10].find((each) => each * power >= rough) ?? 10) * power;
  let marks = "";
  for (let us = 0; us <= endUs; us += step)
    marks += `<line x1="${x(us).toFixed(1)}" x2="${x(us).toFixed(1)}" y1="${y}" y2="${y + 5}" class="mark"/><text x="${x(us).toFixed(1)}" y="${y + 18}" class="mark" text-anchor="${us === 0 ? "start" : us + step > endUs ? "end" : "middle"}">${us / 1e6} s</text>`;
  return marks;
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
    const last = list.at(-1)?.split(",");
    if (last?.[0] === at.split(",")[0]) continue;
    if (last !== undefined) list.push(`${at.split(",")[0]},${last[1]}`);
    list.push(at);
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
  const isRare = (name: string): boolean => name !== "heartbeat" && !name.startsWith("append_");
  const messages = run.trace.flatMap((event) =>
    event.type === "message"
      ? [[event.atUs, event.from, event.to, event.message, event.term, event.delayUs] as const]
      : [],
  );
  const rare = messages.filter(([, , , name]) => isRare(name));
  // Elections are what one looks for; of the many heartbeats and appends as many as there is room for.
  const room = MESSAGES_MAX - Math.min(rare.length, MESSAGES_MAX);
  const common = thin(
    messages.filter(([, , , name]) => !isRare(name)),
    room,
  );
  const shown = [...rare.slice(0, MESSAGES_MAX), ...common].sort((a, b) => a[0] - b[0]);
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
    messages: shown,
    hasMessages: messages.length > 0,
    colours: COLOURS,
  };
  return JSON.stringify(data).replaceAll("<", "\\u003c");
}

function thin<T>(list: readonly T[], most = EVENTS_MAX): readonly T[] {
  const keep = Math.ceil(list.length / Math.max(1, most));
  return keep <= 1 ? list : list.filter((_, i) => i % keep === 0);
}
