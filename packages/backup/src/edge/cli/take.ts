/** `ovn-backup take`. */
import { type Command, InvalidArgumentError, Option } from "commander";
import { BackupError } from "../../error.ts";
import { totalRows } from "../../manifest.ts";
import { type DatabaseSource, takeBackup, type TakenSet } from "../take/take-backup.ts";
import { verifyBackup } from "../verify/verify-backup.ts";
import {
  bars,
  bytesText,
  EXIT,
  msText,
  printJson,
  size,
  table,
  type Terminal,
  type TlsFlags,
  tlsOf,
  whole,
} from "./terminal.ts";

type Flags = TlsFlags & {
  readonly into: string;
  readonly nb?: string;
  readonly sb?: string;
  readonly nbFile?: string;
  readonly sbFile?: string;
  readonly db?: ReadonlyMap<string, string>;
  readonly file?: ReadonlyMap<string, string>;
  readonly gzip?: number | true;
  readonly prefer: "follower" | "leader";
  readonly accept: "current" | "any";
  readonly uncommitted?: boolean;
  readonly engine: "auto" | "native" | "ovsdb-tool";
  readonly verify: boolean;
  readonly maxBytes?: number;
  readonly connectTimeout: number;
  readonly silenceTimeout: number;
  readonly catchUpTimeout: number;
  readonly json?: boolean;
};

const HELP = `
All databases that are named are taken together: all of them, or none. A server comes first; a file only where no server
can be trusted. Every backup gets a manifest beside it, is never written over another file, and is checked at once.

Examples:
  ovn-backup take --into /backup --nb tcp:10.0.0.1:6641,tcp:10.0.0.2:6641,tcp:10.0.0.3:6641 \\
                                 --sb tcp:10.0.0.1:6642,tcp:10.0.0.2:6642,tcp:10.0.0.3:6642 --gzip
  ovn-backup take --into /backup --nb unix:/var/run/ovn/ovnnb_db.sock --nb-file /var/lib/ovn/ovnnb_db.db
  ovn-backup take --into /backup --db Open_vSwitch=unix:/var/run/openvswitch/db.sock

Exit status: 0 taken and found whole; 1 taken, and found damaged; 2 wrong usage; 3 not taken, nothing is left behind.`;

/** `NAME=VALUE`, repeated. */
function pair(text: string, before: ReadonlyMap<string, string> | undefined): ReadonlyMap<string, string> {
  const at = text.indexOf("=");
  if (at < 1 || at === text.length - 1) throw new InvalidArgumentError("Write NAME=VALUE.");
  return new Map([...(before ?? []), [text.slice(0, at), text.slice(at + 1)]]);
}

export function defineTake(command: Command, terminal: Terminal): void {
  addTlsOptions(command)
    .description("back up databases: rows from a current member over the protocol, one moment each, with a manifest")
    .requiredOption("--into <folder>", "where backups go")
    .addOption(new Option("--nb <remotes>", "all members of OVN_Northbound").env("OVN_NB_DB"))
    .addOption(new Option("--sb <remotes>", "all members of OVN_Southbound").env("OVN_SB_DB"))
    .option("--nb-file <path>", "a member's file of OVN_Northbound, where no server can be trusted")
    .option("--sb-file <path>", "the same of OVN_Southbound")
    .option("--db <name=remotes>", "another database; may be repeated", pair)
    .option("--file <name=path>", "a file of another database; may be repeated", pair)
    .option("--gzip [level]", "compress, level 1 to 9 (default 6)", whole(1, 9))
    .addOption(new Option("--prefer <role>", "whom to read from").choices(["follower", "leader"]).default("follower"))
    .addOption(
      new Option("--accept <what>", "any: what a disconnected member has is better than nothing")
        .choices(["current", "any"])
        .default("current"),
    )
    .addOption(
      new Option("--engine <engine>", "what converts files").choices(["auto", "native", "ovsdb-tool"]).default("auto"),
    )
    .option(
      "--uncommitted",
      "of a file that ranks first of a lost cluster, take in what it doesn't know to be committed",
    )
    .option("--no-verify", "leave out the check of what was taken")
    .option("--max-bytes <size>", "refuse a larger database (default 16G)", size)
    .option("--connect-timeout <s>", "for each member", whole(1, 3_600), 5)
    .option("--silence-timeout <s>", "how long a server may send nothing", whole(1, 86_400), 120)
    .option("--catch-up-timeout <s>", "how long a member may lag behind the others", whole(1, 3_600), 5)
    .option("--json", "print the result as JSON")
    .addHelpText("after", HELP)
    .action((flags: Flags) => runTake(flags, terminal));
}

export function addTlsOptions(command: Command): Command {
  return command
    .option("-p, --private-key <file>", "our key for ssl: remotes (PEM)")
    .option("-c, --certificate <file>", "our certificate (PEM)")
    .option("-C, --ca-cert <file>", "authorities to trust (PEM)")
    .option("--no-verify-host", "take any certificate of these authorities, as Open vSwitch's own tools do");
}

function sourcesOf(flags: Flags): DatabaseSource[] {
  const named = new Map<string, { remote?: string; file?: string }>();
  const put = (database: string, part: { remote?: string } | { file?: string }): void =>
    void named.set(database, { ...named.get(database), ...part });
  if (flags.nb !== undefined) put("OVN_Northbound", { remote: flags.nb });
  if (flags.sb !== undefined) put("OVN_Southbound", { remote: flags.sb });
  for (const [database, remote] of flags.db ?? []) put(database, { remote });
  if (flags.nbFile !== undefined) put("OVN_Northbound", { file: flags.nbFile });
  if (flags.sbFile !== undefined) put("OVN_Southbound", { file: flags.sbFile });
  for (const [database, file] of flags.file ?? []) put(database, { file });
  if (named.size > 0) return [...named].map(([database, parts]) => ({ database, ...parts }));
  throw new BackupError("ARGUMENT", "no database was named", { remedy: "give --nb, --sb, --db, or a file" });
}

async function runTake(flags: Flags, terminal: Terminal): Promise<void> {
  const lines = bars(terminal);
  let taken: TakenSet;
  try {
    taken = await takeBackup({
      databases: sourcesOf(flags),
      into: flags.into,
      gzip: flags.gzip,
      tls: tlsOf(flags),
      prefer: flags.prefer,
      accept: flags.accept,
      engine: flags.engine,
      includeUncommitted: flags.uncommitted,
      bytesMax: flags.maxBytes,
      connectMs: flags.connectTimeout * 1_000,
      silenceMs: flags.silenceTimeout * 1_000,
      catchUpMs: flags.catchUpTimeout * 1_000,
      signal: terminal.signal,
      onProgress: ({ database, phase, rows, bytes }) =>
        lines.set(database, `${phase}  ${rows} rows  ${bytesText(bytes)}`),
    });
  } finally {
    lines.stop();
  }
  const checks = flags.verify ? await verifyAll(taken, terminal.signal) : [];
  const problems = checks.flatMap(({ report }) => (report.ok ? [] : report.problems));
  terminal.end(problems.length === 0 ? EXIT.ok : EXIT.bad);
  if (flags.json === true) {
    const backups = taken.backups.map(({ path, manifestPath, manifest }) => ({
      path,
      manifestPath,
      manifest,
      verified: flags.verify ? (checks.find((check) => check.path === path)?.report.ok ?? false) : undefined,
    }));
    printJson(terminal, "take", { set: taken.id, backups, warnings: taken.warnings, problems });
    return;
  }
  terminal.out(
    table(
      ["backup", "rows", "size", "took", "from", flags.verify ? "checked" : ""],
      taken.backups.map(({ path, manifest }) => [
        path,
        String(totalRows(manifest)),
        bytesText(manifest.file.bytes),
        msText(manifest.durationMs),
        `${manifest.source.role ?? manifest.source.kind} ${manifest.source.place}`,
        flags.verify ? (checks.find((check) => check.path === path)?.report.ok === true ? "whole" : "DAMAGED") : "",
      ]),
    ),
  );
  for (const warning of taken.warnings) terminal.err(`warning: ${warning}\n`);
  for (const { message } of problems) terminal.err(`problem: ${message}\n`);
}

async function verifyAll(
  { backups }: TakenSet,
  signal: AbortSignal,
): Promise<{ path: string; report: Awaited<ReturnType<typeof verifyBackup>> }[]> {
  const checks: { path: string; report: Awaited<ReturnType<typeof verifyBackup>> }[] = [];
  for (const { path } of backups) checks.push({ path, report: await verifyBackup(path, { record: true, signal }) });
  return checks;
}
