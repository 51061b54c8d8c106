/** What a benchmark says, and the table of all. */
export type Finding = {
  readonly promise: string;
  readonly rival: string;
  readonly bar: string;
  /** Ours and the rival's, in the unit that the promise has. */
  readonly ours: string;
  readonly theirs: string;
  readonly ratio: string;
  readonly verdict: "held" | "MISSED" | "no rival here";
};

export function median(values: readonly number[]): number {
  const ascending = values.toSorted((a, b) => a - b);
  return ascending[Math.floor(ascending.length / 2)] ?? Number.NaN;
}

export function verdict(holds: boolean): Finding["verdict"] {
  return holds ? "held" : "MISSED";
}

/** A rival that is not installed is named, not guessed. */
export function absent(promise: string, rival: string, bar: string, ours: string): Finding {
  return { promise, rival, bar, ours, theirs: "not installed", ratio: "", verdict: "no rival here" };
}

export function markdown(findings: readonly Finding[]): string {
  const head = ["promise", "rival", "ours", "rival's", "ratio", "bar", "verdict"];
  const rows = findings.map(({ promise, rival, ours, theirs, ratio, bar, verdict: word }) => [
    promise,
    rival,
    ours,
    theirs,
    ratio,
    bar,
    word,
  ]);
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => (row[column] ?? "").length)));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`;
  return [line(head), `|${widths.map((width) => "-".repeat(width + 2)).join("|")}|`, ...rows.map(line)].join("\n");
}
