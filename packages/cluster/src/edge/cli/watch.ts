/** `ovn-ha watch`: the table of `status`, live; where output is no terminal, one line for each change. */
import { stripVTControlCharacters } from "node:util";
import type { Command } from "commander";
import { ClusterError } from "../../error.ts";
import type { History } from "../../judge/history.ts";
import { track } from "../../judge/track.ts";
import type { Finding, Verdict } from "../../judge/types.ts";
import type { Change } from "../../observe/changes.ts";
import { watch } from "../observe/watch.ts";
import type { CommandContext } from "./command.ts";
import { renderStatus } from "./render.ts";
import { addTargetOptions, readTargets, type TargetFlags } from "./targets.ts";
import { colours, exitOf, severityInColour, type Terminal } from "./terminal.ts";

type Flags = TargetFlags & { readonly json?: boolean; readonly interval: number; readonly lines?: boolean };

export function define(command: Command, { terminal, end }: CommandContext): void {
  addTargetOptions(command)
    .option("--json", "one JSON object a line: when, what changed, the verdict")
    .option("--lines", "one line for each change, on a terminal too")
    .option("-n, --interval <seconds>", "between two looks at the same control socket", interval, 1)
    .action(async (flags: Flags) => {
      const { members, databases, expected, tls, timeoutMs } = await readTargets(flags, terminal);
      const pollMs = Math.round(flags.interval * 1_000);
      const isLive = terminal.isTerminal && flags.json !== true && flags.lines !== true;
      const screen = isLive ? terminal.screen() : undefined;
      let history: History | undefined;
      let before: Verdict | undefined;
      // The beat makes the ages on the screen move, and lets findings that need time be found.
      await using updates = watch({
        members,
        databases,
        tls,
        timeoutMs,
        pollMs,
        everyMs: pollMs,
        signal: terminal.signal,
      });
      for await (const { observation, changes } of updates) {
        const tracked = track(history, observation, { expected });
        const { verdict } = tracked;
        history = tracked.history;
        end(exitOf(verdict.health));
        const at = new Date(observation.endedMs).toISOString();
        const news = findingNews(before, verdict);
        if (screen !== undefined) screen.show(screenText(terminal, at, renderStatus(terminal, observation, verdict)));
        else if (flags.json !== true)
          terminal.out(changeLines(terminal, at, before === undefined, changes, news, verdict));
        else if (before === undefined || changes.length > 0 || news.length > 0) {
          terminal.out(
            `${JSON.stringify({ at, changes, began: news.filter(({ isNew }) => isNew).map(({ finding }) => finding), verdict })}\n`,
          );
        }
        before = verdict;
      }
      screen?.done();
    });
}

function interval(text: string): number {
  const value = Number(text);
  if (text.trim() !== "" && value >= 0.1 && value <= 3_600) return value;
  throw new ClusterError("INVALID_CONFIG", `--interval must be from 0.1 to 3600 seconds, not "${text}"`);
}

/** From the top as much as there is room for: who leads stands there, and what is worst. */
export function screenText(terminal: Terminal, at: string, text: string): string {
  const { dim } = colours(terminal);
  const lines = text.trimEnd().split("\n");
  const last = `\n${dim(`${at.slice(11, 19)} UTC, Ctrl-C ends`)}`;
  // A blank line, the time, and the line in which the cursor stands.
  const room = terminal.rows - 3;
  const heights = lines.map((line) =>
    Math.max(1, Math.ceil(stripVTControlCharacters(line).length / Math.max(1, terminal.columns))),
  );
  if (sum(heights) <= room) return `${lines.join("\n")}\n${last}`;
  let kept = lines.length;
  while (kept > 1 && sum(heights.slice(0, kept)) > room - 1) kept--;
  const more = dim(`… ${lines.length - kept} lines more; \`ovn-ha status\` has them`);
  return `${lines.slice(0, kept).join("\n")}\n${more}\n${last}`;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}

type News = { readonly finding: Finding; readonly isNew: boolean };

/** Findings that are believed since, or ended; what was seen once, and may pass by itself, is no news yet. */
export function findingNews(before: Verdict | undefined, after: Verdict): News[] {
  const [old, now] = [findingsOf(before), findingsOf(after)];
  const began = [...now].filter(([key]) => !old.has(key)).map(([, finding]) => ({ finding, isNew: true }));
  const ended = [...old].filter(([key]) => !now.has(key)).map(([, finding]) => ({ finding, isNew: false }));
  return [...began, ...ended];
}

function findingsOf(verdict: Verdict | undefined): Map<string, Finding> {
  const findings = (verdict?.databases ?? []).flatMap((one) => one.findings.filter(({ isConfirmed }) => isConfirmed));
  return new Map(
    findings.map((finding) => [JSON.stringify([finding.database, finding.code, finding.members]), finding]),
  );
}

function changeLines(
  terminal: Terminal,
  at: string,
  isFirst: boolean,
  changes: readonly Change[],
  news: readonly News[],
  verdict: Verdict,
): string {
  const { dim, bold } = colours(terminal);
  const lines: string[] = [];
  if (isFirst) {
    // At the beginning everything is new; who leads and how it is says enough.
    for (const { database, health, leader, quorum } of verdict.databases)
      lines.push(
        `${database}: ${health}, ${leader?.member ?? leader?.short ?? "nobody"} leads, ${quorum.live} of ${quorum.configured} live`,
      );
  } else {
    for (const { database, member, what, from, to } of changes)
      lines.push(`${database} ${bold(member)} ${what}: ${from ?? "none"} → ${to ?? "none"}`);
  }
  for (const { finding, isNew } of news) {
    const { database, severity, code, title, members } = finding;
    const who = members.length === 0 ? "" : ` (${members.join(", ")})`;
    lines.push(`${database} ${isNew ? severityInColour(terminal, severity) : "over:"} ${code}: ${title}${who}`);
  }
  return lines.map((line) => `${dim(at)} ${line}\n`).join("");
}
