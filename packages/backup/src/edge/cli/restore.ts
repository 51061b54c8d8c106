/** `ovn-backup restore`: plans a restore, and carries it out, resumes it or undoes it when told to. */
import { randomBytes, randomUUID } from "node:crypto";
import { mkdir, open, readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { type Command, Option } from "commander";
import { BackupError } from "../../error.ts";
import { DATABASE_KEYS, DATABASE_NAMES, type DatabaseKey } from "../../layout/profile.ts";
import { type Described, parseDescription } from "../../restore/description.ts";
import { ACCEPTABLE } from "../../restore/findings.ts";
import { formatPlan, formatPlanMarkdown } from "../../restore/format.ts";
import { foldJournal } from "../../restore/machine.ts";
import { type PlanOptions, planRestore } from "../../restore/plan.ts";
import { planMember } from "../../restore/plan-member.ts";
import { isRefused, type PlanCode, type RestorePlan } from "../../restore/types.ts";
import type { FreshBackup } from "../restore/context.ts";
import { executeRestore, type RestoreProgress } from "../restore/execute.ts";
import { planHash, readJournal, readPlan } from "../restore/journal-file.ts";
import { runnersOf } from "../restore/runners.ts";
import { lookAtSource } from "../restore/source.ts";
import { survey } from "../restore/survey.ts";
import { ioError } from "../take/io-error.ts";
import { takeBackup } from "../take/take-backup.ts";
import { progressLine, resultJson, resultText, stateText } from "./restore-output.ts";
import { EXIT, printJson, span, type Terminal, whole } from "./terminal.ts";

type CommandEdge = Pick<Terminal, "out" | "err" | "signal" | "end">;

/** The restore was begun and not finished; no other command ends so. */
const STOPPED = 4;

const CLUSTER_FILE = "cluster.json";
const DAY_MS = 24 * 3_600_000;

interface Flags {
  readonly cluster?: string;
  readonly source?: readonly string[];
  readonly member?: string;
  readonly db?: readonly DatabaseKey[];
  readonly work?: string;
  readonly resume?: string;
  readonly undo?: string;
  readonly status?: string;
  readonly accept?: readonly PlanCode[];
  readonly maxAge: number;
  readonly copies: boolean;
  readonly freeze: boolean;
  readonly uncommitted: boolean;
  readonly rebuildSouthbound?: boolean;
  readonly electionTimer?: number;
  readonly connectTimeout: number;
  readonly verify: boolean;
  readonly format: "text" | "markdown" | "json";
  readonly json?: boolean;
  readonly brief?: boolean;
  readonly execute?: boolean;
}

const HELP = `
Without --execute nothing is changed: the plan is printed, with every path and id.

Examples:
  ovn-backup restore --cluster cluster.json --source /backup/OVN_Northbound-20261125T195613Z.db.gz
  ovn-backup restore --cluster cluster.json --source nb.db --source sb.db --work /var/lib/ovnha/restore --execute
  ovn-backup restore --cluster cluster.json --member node-2          one member, when the others have their quorum
  ovn-backup restore --resume /var/lib/ovnha/restore --execute       after a crash, or when a step has failed
  ovn-backup restore --undo /var/lib/ovnha/restore --execute         the old files come back

Exit status: 0 done, or a plan that can be carried out; 1 a plan that cannot; 2 wrong usage; 3 it could not be begun;
4 it stopped on the way: resume or undo.`;

/** Gives a commander command its options and what it does. */
export function defineRestore(command: Command, edge: CommandEdge): void {
  command
    .description("plan a restore; carry it out, resume it or undo it with --execute")
    .option("--cluster <file>", "the members: JSON, see the README")
    .option("--source <file...>", "backups, standalone files or members' files that were copied here; one per database")
    .option("--member <name>", "replace this one member instead, while the others have their quorum")
    .addOption(new Option("--db <database...>", "with --member: nb, sb; both unless told").choices([...DATABASE_KEYS]))
    .option("--work <folder>", "for the journal and the files that are made (default: ./ovn-restore-ID)")
    .option("--resume <folder>", "go on with a restore that was begun")
    .option("--undo <folder>", "take back a restore that was begun")
    .option("--status <folder>", "how far a restore has come")
    .addOption(new Option("--accept <code...>", "lift refusals by their codes").choices([...ACCEPTABLE]))
    .addOption(
      new Option("--max-age <span>", "refuse an older source, such as 36h").argParser(span).default(DAY_MS, "24h"),
    )
    .option("--no-copies", "only move the old files, instead of copying them as well")
    .option("--no-freeze", "leave the controllers running")
    .option("--no-uncommitted", "of a member's file, leave out the entries that it does not know to be committed")
    .option("--no-verify", "go by the mark of an earlier verification of the source")
    .option("--rebuild-southbound", "move the southbound database away, for northd to make it anew")
    .option("--election-timer <ms>", "of the new cluster", whole(100, 600_000))
    .addOption(
      new Option("--connect-timeout <span>", "how long one member may take to be connected")
        .argParser(span)
        .default(180_000, "180s"),
    )
    .addOption(new Option("--format <format>", "of the plan").choices(["text", "markdown", "json"]).default("text"))
    .option("--json", "the plan, or the result, as JSON")
    .option("--brief", "the plan without its conditions and actions")
    .option("--execute", "act")
    .addHelpText("after", HELP)
    .action((flags: Flags) => runRestore(flags, edge));
}

async function runRestore(flags: Flags, edge: CommandEdge): Promise<void> {
  const folders = [flags.resume, flags.undo, flags.status].filter((folder) => folder !== undefined);
  const given = [flags.cluster === undefined ? [] : ["--cluster"], folders].flat();
  if (given.length !== 1)
    throw new BackupError("ARGUMENT", "one of --cluster, --resume, --undo and --status is wanted");
  const [folder] = folders;
  if (folder === undefined) return planAndRun(flags, edge);
  return goOn(resolve(folder), flags, edge);
}

async function planAndRun(flags: Flags, edge: CommandEdge): Promise<void> {
  const path = flags.cluster ?? "";
  const text = await readFile(path, "utf8").catch((error: unknown) => {
    throw ioError(error, path, "write the members down in it: JSON, see the README and deploy/cluster-debian.json");
  });
  const described = parseDescription(text, path);
  const plan = await makePlan(described, flags, edge);
  const isJson = flags.json === true || flags.format === "json";
  if (flags.execute !== true || isRefused(plan)) {
    if (isJson) printJson(edge, "restore", { plan });
    else edge.out(flags.format === "markdown" ? formatPlanMarkdown(plan, flags) : formatPlan(plan, flags));
    edge.end(isRefused(plan) ? EXIT.bad : EXIT.ok);
    return;
  }
  if (!isJson) edge.out(`${formatPlan(plan, { brief: true, ending: "none" })}\n`);
  await keepDescription(plan.workFolder, text);
  await act(plan, described, flags, edge);
}

async function makePlan(described: Described, flags: Flags, { signal }: CommandEdge): Promise<RestorePlan> {
  const { cluster } = described;
  const runners = runnersOf(described.runners);
  const id = randomBytes(4).toString("hex");
  const nowMs = Date.now();
  const workFolder = resolve(flags.work ?? `ovn-restore-${id}`);
  const options: PlanOptions = {
    id,
    nowMs,
    drawUuid: () => randomUUID(),
    workFolder,
    sourceAgeMsMax: flags.maxAge,
    accept: flags.accept,
    copies: flags.copies,
    freeze: flags.freeze,
    includeUncommitted: flags.uncommitted,
    connectMs: flags.connectTimeout,
    electionTimerMs: flags.electionTimer,
    rebuildSouthbound: flags.rebuildSouthbound,
  };
  const { member, source = [] } = flags;
  if (member !== undefined) {
    if (source.length > 0)
      throw new BackupError("ARGUMENT", "--member takes its rows from the other members, so --source is not wanted");
    const databases = flags.db ?? DATABASE_KEYS;
    return planMember(
      cluster,
      await survey(cluster, { runners, databases, sources: [], workFolder, signal }),
      member,
      databases,
      options,
    );
  }
  if (source.length === 0)
    throw new BackupError("ARGUMENT", "--source is missing", {
      remedy: "give a backup of each database that shall be restored",
    });
  const sources = [];
  for (const path of source) sources.push(await lookAtSource(path, { nowMs, signal, verify: flags.verify }));
  const keys = sources.map(({ database }) => database);
  const twice = keys.find((key, index) => keys.indexOf(key) < index);
  if (twice !== undefined)
    throw new BackupError("ARGUMENT", `two sources hold ${DATABASE_NAMES[twice]}`, { remedy: "give one per database" });
  const databases = flags.rebuildSouthbound === true ? DATABASE_KEYS : keys;
  return planRestore(cluster, await survey(cluster, { runners, databases, sources, workFolder, signal }), options);
}

/** The description goes with the journal, so that resuming needs nothing else. */
async function keepDescription(workFolder: string, text: string): Promise<void> {
  const path = join(workFolder, CLUSTER_FILE);
  try {
    await mkdir(workFolder, { recursive: true, mode: 0o700 });
    const file = await open(path, "wx", 0o600);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST")
      throw new BackupError("EXISTS", `${workFolder} is the work folder of another restore`, {
        path,
        remedy: "resume that one, undo it, or choose another folder",
      });
    throw ioError(error, path);
  }
}

async function goOn(workFolder: string, flags: Flags, edge: CommandEdge): Promise<void> {
  const plan = await readPlan(workFolder);
  const { events } = await readJournal(workFolder);
  const state = foldJournal(plan, planHash(plan), events);
  if (flags.status !== undefined || flags.execute !== true) {
    const isJson = flags.json === true || flags.format === "json";
    const { closed, undoing, lastFailure, steps } = state;
    const ending = flags.status !== undefined || closed !== undefined ? "none" : "dry run";
    const view = { state, brief: flags.brief, ending } as const;
    if (isJson)
      printJson(edge, "restore", {
        planId: plan.id,
        closed,
        undoing,
        lastFailure,
        steps: Object.fromEntries(steps),
        events,
      });
    else if (flags.format === "markdown") edge.out(formatPlanMarkdown(plan, view));
    else edge.out(formatPlan(plan, view) + stateText(plan, state));
    edge.end(EXIT.ok);
    return;
  }
  const path = join(workFolder, CLUSTER_FILE);
  const text = await readFile(path, "utf8").catch((error: unknown) => {
    throw ioError(error, path);
  });
  await act(plan, parseDescription(text, path), flags, edge);
}

async function act(plan: RestorePlan, described: Described, flags: Flags, edge: CommandEdge): Promise<void> {
  const isJson = flags.json === true || flags.format === "json";
  const onProgress = (progress: RestoreProgress): void => {
    const line = progressLine(progress);
    if (line !== undefined) edge.err(`${line}\n`);
  };
  const result = await executeRestore(plan, {
    runners: runnersOf(described.runners),
    execute: true,
    undo: flags.undo !== undefined,
    freshBackup: freshBackup(plan.workFolder),
    signal: edge.signal,
    onProgress,
  });
  if (isJson) printJson(edge, "restore", resultJson(plan, result));
  else edge.out(resultText(plan, result));
  edge.end(result.outcome === "stopped" ? STOPPED : EXIT.ok);
}

/** Into the work folder, from whichever members can be reached from here. */
function freshBackup(workFolder: string): FreshBackup {
  return async (databases, signal) => {
    const into = join(workFolder, "backup");
    await mkdir(into, { recursive: true, mode: 0o700 });
    const taken = await takeBackup({
      databases: Object.entries(databases).map(([key, remotes]) => ({
        database: DATABASE_NAMES[key as DatabaseKey],
        remote: remotes.join(","),
      })),
      into,
      gzip: true,
      ...(signal === undefined ? {} : { signal }),
    });
    return `fresh backup: ${taken.backups.map(({ path }) => path).join(", ")}`;
  };
}
