/** `ovn-backup rank`. */
import type { Command } from "commander";
import { rank, type RankedFile } from "@ovnha/dbfile";
import { ofFile } from "./files.ts";
import { EXIT, printJson, table, type Terminal } from "./terminal.ts";

const HELP = `
Give the files of all members, as they lie on their hosts; copies will do. Nothing is changed.

Example:
  ovn-backup rank node1/ovnnb_db.db node2/ovnnb_db.db node3/ovnnb_db.db

Exit status: 0 if a recovery can start from the best; 1 if from none; 3 if a file can't be read.`;

export function defineRank(command: Command, terminal: Terminal): void {
  command
    .description("which of these files a recovery should start from, why, and what each of them would lose")
    .argument("<file...>", "clustered files of one database")
    .option("--json", "print the result as JSON")
    .addHelpText("after", HELP)
    .action(async (paths: readonly string[], flags: { readonly json?: boolean }) => {
      const ranking = await ofFile(paths.join(", "), () => rank(paths, { signal: terminal.signal }));
      terminal.end(ranking.best === undefined ? EXIT.bad : EXIT.ok);
      if (flags.json === true) return printJson(terminal, "rank", ranking);
      terminal.out(
        table(
          ["rank", "fitness", "term", "last", "committed", "loses", "file"],
          ranking.files.map((file) => [
            String(file.rank ?? "-"),
            file.fitness,
            String(file.lastTerm),
            String(file.lastIndex),
            String(file.commitIndex),
            losesText(file),
            file.path,
          ]),
        ),
      );
      for (const { path, reasons } of ranking.files) for (const reason of reasons) terminal.out(`${path}: ${reason}\n`);
      if (ranking.missing.length > 0)
        terminal.out(
          `no usable file of ${ranking.missing.join(", ")}${ranking.majority ? "" : ": look for these first, for a committed entry may be in them alone"}\n`,
        );
      terminal.out(ranking.best === undefined ? "start from none of these\n" : `start from ${ranking.best.path}\n`);
    });
}

/** What nobody can start from, or compare, loses neither something nor nothing. */
function losesText({ rank: place, fitness, loses }: RankedFile): string {
  if (fitness === "foreign" || fitness === "unreadable" || fitness === "joining") return "-";
  if (loses.length === 0) return place === undefined ? "-" : "nothing";
  const entries = Math.max(...loses.map((loss) => loss.entries));
  return entries === 1 ? "1 entry" : `${entries} entries`;
}
