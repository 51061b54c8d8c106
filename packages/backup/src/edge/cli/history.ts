/** `ovn-backup history`. */
import type { Command } from "commander";
import { history, type RowChange } from "@ovnha/dbfile";
import { dateText, ofFile, plainValue, valueText } from "./files.ts";
import { EXIT, printJson, type Terminal } from "./terminal.ts";

/** A row with more changes than this in one file is no row that people look at. */
const CHANGES_MAX = 100_000;

const HELP = `
Changes from before the file was last compacted are in its snapshot as one.

Example:
  ovn-backup history /var/lib/ovn/ovnnb_db.db Logical_Switch_Port 5c9f5a43-8d0c-4c6b-9f2c-3d1f0f6f7a11

Exit status: 0; 1 if the file has nothing of this row; 3 if it can't be read.`;

export function defineHistory(command: Command, terminal: Terminal): void {
  command
    .description("who changed this row, when, and to what")
    .argument("<file>", "a standalone or clustered file")
    .argument("<table>")
    .argument("<uuid>", "of the row")
    .option("--json", "print the result as JSON")
    .addHelpText("after", HELP)
    .action(async (path: string, table: string, uuid: string, flags: { readonly json?: boolean }) => {
      const changes: RowChange[] = [];
      await ofFile(path, async () => {
        for await (const change of history(path, { table, uuid }, { signal: terminal.signal })) {
          changes.push(change);
          if (changes.length >= CHANGES_MAX) break;
        }
      });
      terminal.end(changes.length > 0 ? EXIT.ok : EXIT.bad);
      if (flags.json === true)
        return printJson(terminal, "history", { path, table, uuid, changes: changes.map(jsonOf) });
      if (changes.length === 0) terminal.out(`${path} has nothing of ${table} ${uuid}\n`);
      for (const change of changes) terminal.out(changeText(change));
    });
}

function jsonOf({ columns, ...change }: RowChange): object {
  const plain = Object.entries(columns).map(([name, { before, after }]) => [
    name,
    { before: plainValue(before), after: plainValue(after) },
  ]);
  return { ...change, columns: Object.fromEntries(plain) };
}

function changeText({ kind, index, dateMs, comment, isCommitted, columns }: RowChange): string {
  const head = `${dateText(dateMs)}  ${kind}  index ${index}${isCommitted ? "" : "  (not known to be committed)"}${comment === undefined ? "" : `  ${comment}`}\n`;
  const lines = Object.entries(columns).map(([name, { before, after }]) =>
    kind === "insert" || kind === "snapshot"
      ? `    ${name}: ${valueText(after)}\n`
      : `    ${name}: ${valueText(before)} → ${valueText(after)}\n`,
  );
  return head + lines.join("");
}
