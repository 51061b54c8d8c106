/** What commands print, and how they end. */
import { accessSync, closeSync, constants, existsSync, openSync, statSync, unlinkSync } from "node:fs";
import { dirname } from "node:path";
import Table from "cli-table3";
import pc from "picocolors";
import { ScenarioError } from "../../scenario/error.ts";
import type { VerdictWord } from "../../scenario/types.ts";
import type { Run } from "../../trace.ts";
import { storyOf } from "../../picture/story.ts";
import { timeline } from "../../picture/timeline.ts";

/** What a command touches; a test brings its own. */
export type Terminal = {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  readonly isTerminal: boolean;
  readonly columns: number;
  /** Whether somebody looks at standard error; default no. */
  readonly showsProgress?: boolean;
  /** Called while long work goes on. */
  readonly onProgress?: () => void;
  readonly signal: AbortSignal;
  readonly writeFile: (path: string, text: string) => void;
};

/** Asked before the work, so that no run is lost for a mistyped folder. Throws `ScenarioError`. */
export function mustBeWritable(option: string, path: string | undefined): void {
  if (path === undefined) return;
  const folder = dirname(path);
  const refuse = (why: string): never => {
    throw new ScenarioError(`${option} ${path}: ${why}`);
  };
  const about = statSync(folder, { throwIfNoEntry: false });
  if (about?.isDirectory() !== true) refuse(`there is no folder ${folder}`);
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) refuse("this is a folder; name a file in it");
  try {
    accessSync(existsSync(path) ? path : folder, constants.W_OK);
    if (existsSync(path)) return;
    // Some folders look writable and take no file, such as those of /proc: only an attempt tells.
    closeSync(openSync(path, "wx"));
    unlinkSync(path);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? ` (${error.code})` : "";
    refuse(`it may not be written${code}`);
  }
}

/** Exit statuses that scripts can use. */
export const EXIT = {
  met: 0,
  unmet: 1,
  usage: 2,
  violation: 3,
  permanent: 4,
  twin: 5,
  gone: 6,
  interrupted: 130,
} as const;

export function exitOf(word: VerdictWord, isMet: boolean): number {
  if (isMet) return EXIT.met;
  if (word === "violation") return EXIT.violation;
  return word === "permanent" ? EXIT.permanent : EXIT.unmet;
}

/** Colour for a terminal alone. */
export function colours(terminal: Terminal): ReturnType<typeof pc.createColors> {
  return pc.createColors(terminal.isTerminal);
}

export function wordInColour(terminal: Terminal, word: VerdictWord): string {
  const { green, yellow, red, bold } = colours(terminal);
  if (word === "safe" || word === "brief") return green(bold(word));
  return word === "outage" ? yellow(bold(word)) : red(bold(word.toUpperCase()));
}

const PLAIN = {
  top: "",
  "top-mid": "",
  "top-left": "",
  "top-right": "",
  bottom: "",
  "bottom-mid": "",
  "bottom-left": "",
  "bottom-right": "",
  left: "",
  "left-mid": "",
  mid: "",
  "mid-mid": "",
  right: "",
  "right-mid": "",
  middle: "  ",
};

/** Columns without lines between them. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const made = new Table({
    head: [...head],
    chars: PLAIN,
    style: { head: [], border: [], "padding-left": 0, "padding-right": 0 },
  });
  for (const row of rows) made.push([...row]);
  return made
    .toString()
    .split("\n")
    .map((line) => line.trimEnd())
    .join("\n");
}

export const seconds = (ms: number): string =>
  ms < 10_000 ? `${(ms / 1000).toFixed(2)} s` : `${(ms / 1000).toFixed(0)} s`;

/** A run for people: the verdict, the lanes, the outages, and what to do. */
export function printRun(
  terminal: Terminal,
  run: Run,
  options: { readonly story: boolean; readonly failures: readonly string[] },
): void {
  const { out } = terminal;
  const { bold, dim, red, green } = colours(terminal);
  out(`${wordInColour(terminal, run.verdict.word)}  ${run.verdict.text}\n`);
  out(
    `${dim(`${run.scenario}, OVS ${run.profile}, seed ${run.seed}: ${(run.endUs / 1e6).toFixed(0)} s, ${run.events} events, trace ${run.traceHash}`)}\n\n`,
  );
  for (const line of timeline(run, Math.max(40, Math.min(terminal.columns - 8, 110)))) out(`${line}\n`);
  out("\n");
  for (const { fromUs, toUs, healed, cause } of run.outages.slice(0, 10))
    out(
      `  no writes ${seconds(fromUs / 1000)} to ${healed ? seconds(toUs / 1000) : "the end"}: ${seconds((toUs - fromUs) / 1000)}, after "${cause}"\n`,
    );
  if (run.outages.length > 10) out(`  … and ${run.outages.length - 10} more\n`);
  const { configured, needed, alive, ghosts } = run.quorum;
  const ghost = ghosts === 0 ? "" : `, ${ghosts} of them without a disk that could return`;
  out(`  quorum     ${needed} of ${configured} configured servers${ghost}; ${alive} run\n`);
  out(
    `  writes     ${run.acked} acknowledged, ${run.ackedLost} of them lost; ${run.unknown} with unknown outcome, ${run.duplicates} applied twice\n`,
  );
  out(
    `  elections  ${run.elections}; ${run.leaderChanges} changes of leader; leader at the end: ${run.leader ?? "none"}\n`,
  );
  out(`  recovery   ${bold(run.verdict.recovery)}\n`);
  if (run.earlyAcks > 0)
    out(
      `  note       ${run.earlyAcks} replies spoke of replaced entries before they were synced (a defect of ovsdb-server, see truncationUnsyncs)\n`,
    );
  for (const { checker, text, atUs } of run.violations.slice(0, 10))
    out(`  ${red("violation")}  ${seconds(atUs / 1000)} ${checker}: ${text}\n`);
  for (const failure of options.failures) out(`  ${red("unexpected")} ${failure}\n`);
  if (options.failures.length === 0) out(`  ${green("as expected")}\n`);
  if (options.story) out(`\n${storyOf(run, { limit: 400 }).join("\n")}\n`);
}
