/** Options of the commands that plan: where files lie, how servers are started, and what is remembered. */
import { randomBytes } from "node:crypto";
import { open, readFile, rename, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { localRunner, type Runner } from "@ovnha/runner";
import type { Command } from "commander";
import { ClusterError } from "../../error.ts";
import type { History } from "../../judge/history.ts";
import { databaseName, type MemberAccess, targetsOf } from "../../observe/members.ts";
import type { FileEvidence } from "../../observe/types.ts";
import type { CommandTemplate, Place, Site } from "../../plan/site.ts";
import { acquireOperationLock, type OperationLock } from "../plan/lock.ts";
import { type Asked, collect } from "./targets.ts";
import type { Terminal } from "./terminal.ts";

export type SiteFlags = {
  readonly dbFolder?: string;
  readonly logFolder?: string;
  readonly startCommand?: string;
  readonly stopCommand?: string;
  readonly restartCommand?: string;
  readonly history?: string;
  readonly files?: string;
  readonly lost: readonly string[];
};

export function addSiteOptions(command: Command): Command {
  return command
    .option("--db-folder <path>", "where the database files lie at each member (default /var/lib/ovn)")
    .option("--log-folder <path>", "where the logs lie (default /var/log/ovn)")
    .option("--start-command <line>", "starts a member's server; {member}, {database}, {short}, {file} are filled in")
    .option("--stop-command <line>", "stops it")
    .option("--restart-command <line>", "restarts all servers of a member")
    .option("--history <file>", "what was seen before, as JSON; read if it is there, and written anew")
    .option(
      "--files <file>",
      'JSON of the members\' files: {"nb": {"MEMBER": …}}, each as `ovn-backup inspect --json` prints it',
    )
    .option("--lost <member>", "a member whose file is gone for good; repeat", collect, []);
}

export function siteOf(flags: SiteFlags, members: readonly MemberAccess[]): Site {
  const places: Record<string, Record<string, Place>> = {};
  for (const [database, targets] of targetsOf(members)) {
    for (const { member, control, logFile } of targets) {
      const place: Place = {
        ...(control === undefined ? {} : { control }),
        ...(logFile === undefined ? {} : { logFile }),
      };
      places[member] = { ...places[member], [database]: place };
    }
  }
  return {
    places,
    databaseFolder: flags.dbFolder,
    logFolder: flags.logFolder,
    start: template("--start-command", flags.startCommand),
    stop: template("--stop-command", flags.stopCommand),
    restart: template("--restart-command", flags.restartCommand),
  };
}

/** Words are separated by blanks and taken as they are: no shell, no quotes. */
function template(option: string, line: string | undefined): CommandTemplate | undefined {
  if (line === undefined) return undefined;
  if (/["'`\\$|;<>]/.test(line))
    throw new ClusterError(
      "INVALID_CONFIG",
      `${option}: no shell reads it, so quotes, pipes and variables mean nothing; put them into a script and name that`,
    );
  const here = /^here:/.test(line);
  const [program = "", ...args] = line
    .replace(/^here:/, "")
    .trim()
    .split(/\s+/);
  if (program === "")
    throw new ClusterError("INVALID_CONFIG", `${option} is empty; give it a program and its arguments`);
  return { program, args, ...(here ? { at: "here" } : {}) };
}

/** What files say, by schema name, by member. */
export type FileEvidences = Readonly<Record<string, Readonly<Record<string, FileEvidence>>>>;

/** @throws ClusterError INVALID_CONFIG that names the place. */
export async function readFiles(
  path: string | undefined,
  members: readonly MemberAccess[],
): Promise<FileEvidences | undefined> {
  if (path === undefined) return undefined;
  const invalid = (what: string): ClusterError =>
    new ClusterError(
      "INVALID_CONFIG",
      `${path}: ${what}; it is {"nb": {"MEMBER": …}}, each as \`ovn-backup inspect --json\` prints it`,
    );
  const { size } = await stat(path);
  if (size > FILES_BYTES_MAX) throw invalid(`has ${size} bytes, at most ${FILES_BYTES_MAX} are read`);
  let json: unknown;
  try {
    json = JSON.parse(await readFile(path, "utf8"));
  } catch (error) {
    if (error instanceof SyntaxError) throw invalid(`is no JSON: ${error.message}`);
    throw error;
  }
  const evidences: Record<string, Record<string, FileEvidence>> = {};
  for (const [short, byMember] of entriesOf(json, () => invalid("holds no object"))) {
    const database = databaseName(short);
    for (const [member, file] of entriesOf(byMember, () => invalid(`${short} is no object of members`))) {
      if (!members.some(({ name }) => name === member)) throw invalid(`${short}: no member is named ${member}`);
      const evidence = inspected(file);
      if (evidence === undefined) throw invalid(`${short}, ${member}: has no "path"`);
      evidences[database] = { ...evidences[database], [member]: evidence };
    }
  }
  return evidences;
}

const FILES_BYTES_MAX = 16_777_216;

function entriesOf(json: unknown, wrong: () => ClusterError): [string, unknown][] {
  if (typeof json !== "object" || json === null || Array.isArray(json)) throw wrong();
  return Object.entries(json);
}

/** The result itself, or the whole of what the command printed, with one file. */
function inspected(json: unknown): FileEvidence | undefined {
  const { path, files } = (json ?? {}) as { readonly path?: unknown; readonly files?: unknown };
  if (typeof path === "string") return json as FileEvidence;
  return Array.isArray(files) && files.length === 1 ? inspected(files[0]) : undefined;
}

/** @throws ClusterError INVALID_CONFIG if nobody has that name. */
export function lostOf({ lost }: SiteFlags, members: readonly MemberAccess[]): readonly string[] {
  for (const name of lost)
    if (!members.some((member) => member.name === name))
      throw new ClusterError(
        "INVALID_CONFIG",
        `--lost ${name}: no member has that name; there are ${members.map((member) => member.name).join(", ")}`,
      );
  return lost;
}

/** Where commands run: at each member by its own runner, else on this machine. */
export function runnersOf(members: readonly MemberAccess[]): (at: string) => Runner | undefined {
  return (at) =>
    at === "here"
      ? localRunner()
      : members.find(({ name }) => name === at) === undefined
        ? undefined
        : (members.find(({ name }) => name === at)?.runner ?? localRunner());
}

/** @throws ClusterError INVALID_CONFIG if the file is there and holds something else. */
export async function readHistory(path: string | undefined): Promise<History | undefined> {
  if (path === undefined) return undefined;
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  try {
    const history = JSON.parse(text) as History;
    if (history.version === 1 && typeof history.databases === "object") return history;
  } catch {
    // Told below.
  }
  throw new ClusterError(
    "INVALID_CONFIG",
    `${path}: holds no history of ovn-ha; give another file, or move this one away`,
  );
}

/** Beside the file, then in its place. */
export async function writeHistory(path: string | undefined, history: History): Promise<void> {
  if (path === undefined) return;
  const beside = `${path}.${randomBytes(4).toString("hex")}`;
  const file = await open(beside, "wx", 0o640);
  try {
    await file.writeFile(`${JSON.stringify(history)}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(beside, path);
  const folder = await open(dirname(path), "r");
  await folder.sync().finally(() => folder.close());
}

/** The lock of all members that can be asked from here; undefined, with a word on it, where none can. */
export async function lockOperation(asked: Asked, terminal: Terminal): Promise<OperationLock | undefined> {
  const remotes: Record<string, string[]> = {};
  for (const [database, targets] of targetsOf(asked.members, asked.databases)) {
    const reachable = targets.flatMap(({ remotes: own, runner }) =>
      own.filter((remote) => runner === undefined || !remote.startsWith("unix:")).slice(0, 1),
    );
    if (reachable.length === targets.length) remotes[database] = reachable;
  }
  if (Object.keys(remotes).length === 0) {
    terminal.err(
      "ovn-ha: not all members have a client remote, so there is no operation lock: see that nobody else works on this cluster\n",
    );
    return undefined;
  }
  return acquireOperationLock({ remotes, tls: asked.tls, timeoutMs: asked.timeoutMs });
}
