/** What the commands of ovn-ha print to, and how they end. */
import Table from "cli-table3";
import pc from "picocolors";
import type { Health, Severity } from "../../judge/types.ts";

/** What a command touches; a test brings its own. */
export type Terminal = {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  /** Whether standard output is a terminal: colours, a live screen, as wide as it is. */
  readonly isTerminal: boolean;
  readonly columns: number;
  readonly rows: number;
  /** Ctrl-C, and whatever else asks the process to end. */
  readonly signal: AbortSignal;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Puts a question with the answers yes and no; undefined where there is nobody to ask. The signal means "no". */
  readonly ask: ((question: string, signal: AbortSignal) => Promise<boolean>) | undefined;
  /** A text on a terminal that is replaced by the next one. */
  readonly screen: () => Screen;
};

export type Screen = { readonly show: (text: string) => void; readonly done: () => void };

/** Exit codes, as monitoring plugins have them; wrong usage is "cannot tell" too. */
export const EXIT: {
  readonly ok: 0;
  readonly warning: 1;
  readonly critical: 2;
  readonly unknown: 3;
  readonly interrupted: 130;
} = { ok: 0, warning: 1, critical: 2, unknown: 3, interrupted: 130 };

export function exitOf(health: Health): number {
  switch (health) {
    case "ok":
    case "not-applicable":
      return EXIT.ok;
    case "warning":
      return EXIT.warning;
    case "critical":
      return EXIT.critical;
    case "unknown":
      return EXIT.unknown;
  }
}

/** Colour for a terminal alone; NO_COLOR turns it off (no-color.org). */
export function colours(terminal: Terminal): ReturnType<typeof pc.createColors> {
  return pc.createColors(terminal.isTerminal && (terminal.environment["NO_COLOR"] ?? "") === "");
}

export function healthInColour(terminal: Terminal, health: Health): string {
  const { green, yellow, red, magenta, dim, bold } = colours(terminal);
  const paint = { ok: green, warning: yellow, critical: red, unknown: magenta, "not-applicable": dim }[health];
  return bold(paint(health === "not-applicable" ? "not clustered" : health === "unknown" ? "cannot tell" : health));
}

export function severityInColour(terminal: Terminal, severity: Severity): string {
  const { yellow, red, cyan, bold } = colours(terminal);
  return bold({ info: cyan, warning: yellow, critical: red }[severity](severity));
}

const PLAIN = {
  ...{ top: "", "top-mid": "", "top-left": "", "top-right": "" },
  ...{ bottom: "", "bottom-mid": "", "bottom-left": "", "bottom-right": "" },
  ...{ left: "", "left-mid": "", mid: "", "mid-mid": "", right: "", "right-mid": "", middle: "  " },
};

/** Columns without lines between them, each line after `indent`. */
export function table(head: readonly string[], rows: readonly (readonly string[])[], indent = ""): string {
  const made = new Table({
    head: [...head],
    chars: PLAIN,
    style: { head: [], border: [], "padding-left": 0, "padding-right": 0 },
  });
  for (const row of rows) made.push([...row]);
  return made
    .toString()
    .split("\n")
    .map((line) => `${indent}${line.trimEnd()}\n`)
    .join("");
}

/** `40 ms`, `4.1 s`, `3 min`, `2 h`, `5 d`. */
export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 10_000) return `${(ms / 1_000).toFixed(1)} s`;
  if (ms < 120_000) return `${Math.round(ms / 1_000)} s`;
  if (ms < 7_200_000) return `${Math.round(ms / 60_000)} min`;
  return ms < 172_800_000 ? `${Math.round(ms / 3_600_000)} h` : `${Math.round(ms / 86_400_000)} d`;
}
