/** `ovn-backup verify`. */
import type { Command } from "commander";
import { stat } from "node:fs/promises";
import { BackupError } from "../../error.ts";
import { listBackups } from "../store/list.ts";
import type { LiveComparison } from "../verify/live.ts";
import { verifyBackup, type VerifyReport } from "../verify/verify-backup.ts";
import { addTlsOptions } from "./take.ts";
import {
  bytesText,
  colours,
  EXIT,
  msText,
  printJson,
  size,
  table,
  type Terminal,
  type TlsFlags,
  tlsOf,
} from "./terminal.ts";

type Flags = TlsFlags & {
  readonly live?: readonly string[];
  readonly record: boolean;
  readonly scratch?: string;
  readonly maxBytes?: number;
  readonly json?: boolean;
};

const HELP = `
Looks at hash, size, compression, every record, schema, values, references, indexes and row counts. With --live, tells what
has changed in the live database since; that is no problem of the backup. Give --live once for each cluster: every backup is
compared with the first that serves its database; where none does, a line says so.

Examples:
  ovn-backup verify /backup/OVN_Northbound-20261125T195613Z.db.gz
  ovn-backup verify /backup                                        every backup in the folder
  ovn-backup verify nb.db --live tcp:10.0.0.1:6641
  ovn-backup verify /backup --live "$OVN_NB_DB" --live "$OVN_SB_DB"

Exit status: 0 all are whole; 1 one is not; 2 wrong usage; 3 it could not be looked at, or --live serves none of
the databases.`;

export function defineVerify(command: Command, terminal: Terminal): void {
  addTlsOptions(command)
    .description("check backups from end to end, and leave a mark beside each: whole, or damaged")
    .argument("<backup...>", "backups, their manifests, or folders of them")
    .option(
      "--live <remotes>",
      "compare with the database as it is now there; may be repeated",
      (remotes: string, before: readonly string[] | undefined) => [...(before ?? []), remotes],
    )
    .option("--no-record", "leave no mark")
    .option("--scratch <folder>", "where compressed backups are unpacked (default: the system's temporary folder)")
    .option("--max-bytes <size>", "unpack no more than this (default 16G)", size)
    .option("--json", "print the result as JSON")
    .addHelpText("after", HELP)
    .action((paths: readonly string[], flags: Flags) => runVerify(paths, flags, terminal));
}

/** Backups of folders among the paths, in the order given. */
export async function expand(paths: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const path of paths) {
    const about = await stat(path).catch(() => undefined);
    if (about?.isDirectory() !== true) {
      found.push(path);
      continue;
    }
    const { backups, broken } = await listBackups(path);
    found.push(...backups.map((backup) => backup.path), ...broken.map((one) => one.path));
  }
  if (found.length > 0) return found;
  throw new BackupError("NOT_FOUND", `${paths.join(", ")}: there are no backups`);
}

async function runVerify(paths: readonly string[], flags: Flags, terminal: Terminal): Promise<void> {
  const { signal } = terminal;
  const reports: VerifyReport[] = [];
  for (const path of await expand(paths))
    reports.push(
      await verifyBackup(path, {
        record: flags.record,
        scratch: flags.scratch,
        bytesMax: flags.maxBytes,
        ...(flags.live === undefined ? {} : { live: flags.live.map((remote) => ({ remote, tls: tlsOf(flags) })) }),
        signal,
      }),
    );
  const ok = reports.every((report) => report.ok);
  const isNothingCompared =
    flags.live !== undefined &&
    reports.every(({ live, liveSkipped }) => live === undefined && liveSkipped !== undefined);
  terminal.end(ok ? (isNothingCompared ? EXIT.failed : EXIT.ok) : EXIT.bad);
  if (flags.json === true) return printJson(terminal, "verify", { ok, backups: reports });
  for (const report of reports) terminal.out(reportText(report, terminal));
  if (isNothingCompared)
    terminal.err(
      `ovn-backup: ${flags.live?.join(" and ")} ${flags.live?.length === 1 ? "serves" : "serve"} none of these databases; name other remotes\n`,
    );
}

export function reportText(report: VerifyReport, terminal: Terminal): string {
  const { green, red, yellow, bold } = colours(terminal);
  const rows = Object.values(report.rows).reduce((sum, count) => sum + count, 0);
  const word = report.ok ? green(bold("whole")) : red(bold("DAMAGED"));
  const about = `${report.database ?? "?"} ${report.schemaVersion ?? ""}, ${rows} rows, ${bytesText(report.bytes)}`;
  const lines = [`${word}  ${report.path}  (${about}; checked in ${msText(report.durationMs)})`];
  for (const { severity, message } of report.problems)
    lines.push(`  ${severity === "error" ? red("problem") : yellow("warning")}  ${message}`);
  if (report.problemsLeftOut > 0) lines.push(`  and ${report.problemsLeftOut} more`);
  if (report.liveSkipped !== undefined) lines.push(`  not compared: ${report.liveSkipped}`);
  return `${lines.join("\n")}\n${report.live === undefined ? "" : liveText(report.live)}`;
}

function liveText(live: LiveComparison): string {
  const head = `  ${live.remote} now: ${live.rows} rows, ${live.equal} of them as in the backup${live.schemaChanged ? "; the schema is another one" : ""}\n`;
  const rows = Object.entries(live.tables).map(([name, { added, removed, changed }]) => [
    `  ${name}`,
    `+${added}`,
    `-${removed}`,
    `~${changed}`,
  ]);
  return head + (rows.length === 0 ? "" : table(["  table", "added", "removed", "changed"], rows));
}
