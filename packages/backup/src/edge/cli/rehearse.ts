/** `ovn-backup rehearse`. */
import { stat } from "node:fs/promises";
import { type Command, Option } from "commander";
import { BackupError } from "../../error.ts";
import { rehearse, type Rehearsal, type RehearsalStep } from "../rehearse/rehearse.ts";
import { listBackups } from "../store/list.ts";
import { bars, EXIT, msText, printJson, table, type Terminal, whole } from "./terminal.ts";
import { reportText } from "./verify.ts";

type Flags = {
  readonly as?: "cluster" | "standalone";
  readonly engine: "auto" | "native" | "ovsdb-tool";
  readonly server: string;
  readonly scratch?: string;
  readonly startTimeout: number;
  readonly record: boolean;
  readonly json?: boolean;
};

const HELP = `
Verifies each backup, restores it into a scratch folder, serves it with a real ovsdb-server on a local socket, and compares
every row. Where ovsdb-server is not installed, it is only verified, and the answer says so. Nothing that runs is touched.

Examples:
  ovn-backup rehearse /backup/OVN_Northbound-20261125T195613Z.db.gz
  ovn-backup rehearse /backup                                        the newest backup of each database in the folder

Exit status: 0 all can be restored; 1 one can't; 2 wrong usage; 3 it could not be tried.`;

const WORDS: { readonly [name in RehearsalStep["name"]]: string } = {
  copy: "copy the database into place",
  convert: "make the first member of a cluster",
  serve: "start ovsdb-server until it serves",
  compare: "read and compare every row",
};

export function defineRehearse(command: Command, terminal: Terminal): void {
  command
    .description("restore a backup where it harms nobody, and tell whether and how fast it works")
    .argument("<backup...>", "backups, or folders of them")
    .addOption(new Option("--as <kind>", "what it becomes (default: what it was)").choices(["cluster", "standalone"]))
    .addOption(
      new Option("--engine <engine>", "what converts").choices(["auto", "native", "ovsdb-tool"]).default("auto"),
    )
    .option("--server <program>", "the ovsdb-server", "ovsdb-server")
    .option("--scratch <folder>", "where to do it (default: the system's temporary folder)")
    .option("--start-timeout <s>", "how long the server may take", whole(1, 86_400), 600)
    .option("--no-record", "leave no mark beside the backup")
    .option("--json", "print the result as JSON")
    .addHelpText("after", HELP)
    .action((paths: readonly string[], flags: Flags) => runRehearse(paths, flags, terminal));
}

async function runRehearse(paths: readonly string[], flags: Flags, terminal: Terminal): Promise<void> {
  const rehearsals: Rehearsal[] = [];
  for (const path of await newest(paths)) {
    const lines = bars(terminal);
    lines.set(path, "verify the backup");
    const rehearsal = await rehearse(path, {
      as: flags.as,
      engine: flags.engine,
      command: flags.server,
      scratch: flags.scratch,
      startMs: flags.startTimeout * 1_000,
      record: flags.record,
      signal: terminal.signal,
      onStep: (step) => lines.set(path, WORDS[step]),
    }).finally(() => lines.stop());
    rehearsals.push(rehearsal);
    if (flags.json !== true) print(rehearsal, terminal);
  }
  const ok = rehearsals.every((rehearsal) => rehearsal.ok);
  terminal.end(ok ? EXIT.ok : EXIT.bad);
  if (flags.json === true) printJson(terminal, "rehearse", { ok, rehearsals });
}

/** Of a folder, the newest backup of each database. */
async function newest(paths: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const path of paths) {
    const about = await stat(path).catch(() => undefined);
    if (about?.isDirectory() !== true) {
      found.push(path);
      continue;
    }
    const { backups } = await listBackups(path);
    const databases = new Set(backups.map(({ manifest }) => manifest.database));
    for (const database of databases)
      found.push(
        ...backups
          .filter(({ manifest }) => manifest.database === database)
          .slice(0, 1)
          .map((backup) => backup.path),
      );
  }
  if (found.length > 0) return found;
  throw new BackupError("NOT_FOUND", `${paths.join(", ")}: there are no backups`);
}

function print({ report, server, steps, restoreMs, difference }: Rehearsal, terminal: Terminal): void {
  terminal.out(reportText(report, terminal));
  if (server === undefined) {
    terminal.out("no ovsdb-server is installed here: the backup was verified, and nothing was restored\n");
    return;
  }
  if (steps.length > 0)
    terminal.out(
      table(
        ["step", "took"],
        steps.map(({ name, durationMs }) => [WORDS[name], msText(durationMs)]),
      ),
    );
  if (restoreMs !== undefined && difference !== undefined)
    terminal.out(
      `ovsdb-server ${server} serves all ${difference.rows} rows; a first member is up ${msText(restoreMs)} after the backup is there\n`,
    );
}
