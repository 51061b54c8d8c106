/** Options of the commands that plan: where files lie, and how servers are started. */
import type { Command } from "commander";
import { ClusterError } from "../../error.ts";
import { type MemberAccess, targetsOf } from "../../observe/members.ts";
import type { Place, ServiceTemplate, Site } from "../../plan/site.ts";
import { collect, memberNamed } from "./targets.ts";

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
    .option("--db-folder <path>", "where the database files lie at each member (default: as told, else /var/lib/ovn)")
    .option("--log-folder <path>", "where the logs lie (default: as told, else /var/log/ovn)")
    .option(
      "--start-command <line>",
      'starts a member\'s server; {member}, {database}, {short}, {file}, {control} are filled in; "by hand" for none (default: systemctl, none in pods)',
    )
    .option("--stop-command <line>", "stops it")
    .option("--restart-command <line>", "restarts the servers of a member")
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
    for (const { member, control, logFile, file } of targets) {
      const place: Place = {
        ...(control === undefined ? {} : { control }),
        ...(logFile === undefined || flags.logFolder !== undefined ? {} : { logFile }),
        ...(file === undefined || flags.dbFolder !== undefined ? {} : { file }),
      };
      places[member] = { ...places[member], [database]: place };
    }
  }
  // In a pod there is no service manager, and its end is the business of what made it.
  const usual = members.some(({ runner }) => runner?.name.startsWith("pod ")) ? "by hand" : undefined;
  return {
    places,
    databaseFolder: flags.dbFolder,
    logFolder: flags.logFolder,
    start: template("--start-command", flags.startCommand) ?? usual,
    stop: template("--stop-command", flags.stopCommand) ?? usual,
    restart: template("--restart-command", flags.restartCommand) ?? usual,
  };
}

const PLACEHOLDERS = ["member", "database", "short", "file", "control"];

/** Words are separated by blanks and taken as they are: no shell, no quotes. */
function template(option: string, line: string | undefined): ServiceTemplate | undefined {
  if (line === undefined || line === "by hand") return line;
  if (/["'`\\$|;<>]/.test(line))
    throw new ClusterError(
      "INVALID_CONFIG",
      `${option}: no shell reads it, so quotes, pipes and variables mean nothing; put them into a script and name that`,
    );
  const unknown = [...line.matchAll(/\{(\w*)\}/g)].find(([, name = ""]) => !PLACEHOLDERS.includes(name));
  if (unknown !== undefined)
    throw new ClusterError(
      "INVALID_CONFIG",
      `${option}: there is no placeholder ${unknown[0]}; there are ${PLACEHOLDERS.map((name) => `{${name}}`).join(", ")}`,
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

/** @throws ClusterError INVALID_CONFIG if nobody has that name. */
export function lostOf({ lost }: SiteFlags, members: readonly MemberAccess[]): readonly string[] {
  for (const name of lost) memberNamed(name, members);
  return lost;
}
