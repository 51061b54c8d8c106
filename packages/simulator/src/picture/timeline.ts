/** Lanes for a terminal: a line for each member, a column for each slice of time. */
import type { Run } from "../trace.ts";
import { type LaneState, lanesOf, type Stretch } from "./lanes.ts";

const LETTERS: Readonly<Record<LaneState, string>> = {
  down: " ",
  joining: "j",
  follower: "─",
  candidate: "?",
  leader: "█",
  failed: "x",
};
const ORDER: readonly LaneState[] = ["leader", "failed", "candidate", "joining", "down", "follower"];

/** `width` columns of time; the last lines are the clients' and the scale. */
export function timeline(run: Run, width = 72): string[] {
  const columns = Math.max(10, Math.min(width, 500));
  const sliceUs = run.endUs / columns;
  const indent = Math.max(6, ...run.members.map(({ name }) => name.length)) + 1;
  const lines = lanesOf(run).map(({ member, stretches }) => {
    let text = "";
    for (let i = 0; i < columns; i++) text += LETTERS[rarest(stretches, i * sliceUs, (i + 1) * sliceUs)];
    return `${member.padEnd(indent)}${text}`;
  });
  let writes = "";
  for (let i = 0; i < columns; i++) {
    const [from, to] = [i * sliceUs, (i + 1) * sliceUs];
    const outUs = run.outages.reduce(
      (sum, { fromUs, toUs }) => sum + Math.max(0, Math.min(to, toUs) - Math.max(from, fromUs)),
      0,
    );
    writes += outUs > sliceUs / 2 ? "·" : outUs > 0 ? "▪" : "■";
  }
  lines.push(`${"writes".padEnd(indent)}${writes}`);
  const end = `${(run.endUs / 1e6).toFixed(0)} s`;
  lines.push(`${" ".repeat(indent)}0 s${end.padStart(columns - 3)}`);
  lines.push(`${" ".repeat(indent)}█ leads  ─ follows  ? candidate  j joins  x failed  · no write came through`);
  return lines;
}

/** What a slice shows of all that was in it: what is worth seeing goes first. */
function rarest(stretches: readonly Stretch[], fromUs: number, toUs: number): LaneState {
  const seen = new Set(stretches.filter((each) => each.fromUs < toUs && each.toUs > fromUs).map(({ state }) => state));
  return ORDER.find((state) => seen.has(state)) ?? "down";
}
