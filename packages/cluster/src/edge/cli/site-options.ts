/** Options of the commands that plan: where files lie, how servers are started, and what is remembered. */
import { randomBytes } from "node:crypto";
import { open, readFile, rename } from "node:fs/promises";
import { dirname } from "node:path";
import { localRunner, type Runner } from "@ovnha/runner";
import type { Command } from "commander";
import { ClusterError } from "../../error.ts";
import type { History } from "../../judge/history.ts";
import { type MemberAccess, targetsOf } from "../../observe/members.ts";
import type { CommandTemplate, Place, Site } from "../../plan/site.ts";
import { acquireOperationLock, type OperationLock } from "../plan/lock.ts";
import type { Asked } from "./targets.ts";
import type { Terminal } from "./terminal.ts";

export type SiteFlags = {
  readonly dbFolder?: string;
  readonly logFolder?: string;
  readonly startCommand?: string;
  readonly stopCommand?: string;
  readonly restartCommand?: string;
  readonly history?: string;
};

export function addSiteOptions(command: Command): Command {
  return command
    .option("--db-folder <path>", "where the database files lie at each member (default /var/lib/ovn)")
    .option("--log-folder <path>", "where the logs lie (default /var/log/ovn)")
    .option("--start-command <line>", "starts a member's server; {member}, {database}, {short}, {file} are filled in")
    .option("--stop-command <line>", "stops it")
    .option("--restart-command <line>", "restarts all servers of a member")
    .option("--history <file>", "what was seen before, as JSON; read if it is there, and written anew");
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
