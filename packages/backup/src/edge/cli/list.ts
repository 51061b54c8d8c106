/** `ovn-backup list`. */
import type { Command } from "commander";
import { totalRows } from "../../manifest.ts";
import { listBackups } from "../store/list.ts";
import { bytesText, EXIT, printJson, table, type Terminal } from "./terminal.ts";

const HELP = `
Reads manifests and the marks of checks alone; whether files are what they were, verify tells.

Exit status: 0; 1 if a manifest is broken, its file is gone, or the last check found it damaged; 3 if the folder can't be read.`;

export function defineList(command: Command, terminal: Terminal): void {
  command
    .description("the backups of a folder, newest first")
    .argument("<folder>")
    .option("--json", "print the result as JSON")
    .addHelpText("after", HELP)
    .action(async (folder: string, flags: { readonly json?: boolean }) => {
      const found = await listBackups(folder);
      const isGood = found.broken.length === 0 && found.backups.every(({ damagedAt }) => damagedAt === undefined);
      terminal.end(isGood ? EXIT.ok : EXIT.bad);
      if (flags.json === true) return printJson(terminal, "list", { folder, ...found });
      terminal.out(
        table(
          ["taken", "database", "rows", "size", "cluster", "index", "checked", "file"],
          found.backups.map(({ manifest, verified, damagedAt }) => [
            manifest.createdAt,
            manifest.database,
            String(totalRows(manifest)),
            bytesText(manifest.file.bytes),
            manifest.cluster?.cid.slice(0, 8) ?? "-",
            String(manifest.cluster?.index ?? "-"),
            damagedAt === undefined ? (verified?.level ?? "no") : "DAMAGED",
            manifest.file.name,
          ]),
        ),
      );
      for (const { path, problem } of found.broken) terminal.err(`broken: ${path}: ${problem}\n`);
      for (const { path } of found.debris) terminal.err(`left over: ${path}\n`);
    });
}
