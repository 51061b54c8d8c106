/** Where things lie at each member, and how its servers are started and stopped: from the operator, else by custom. */
import { DATABASE_OF, type Observation } from "../observe/types.ts";
import type { Command, PlanStep } from "./types.ts";

/** Placeholders `{member}`, `{database}`, `{short}` ("nb", "sb"), `{file}`, `{control}` in the arguments are filled in. */
export type CommandTemplate = { readonly program: string; readonly args: readonly string[]; readonly at?: string };

/** "by hand": no command does it from here, so the plan says what a person has to do, and execution stops there. */
export type ServiceTemplate = CommandTemplate | "by hand";

export type Place = {
  readonly file?: string;
  readonly control?: string;
  readonly logFile?: string;
  /** For clients. */
  readonly remote?: string;
};

export type Site = {
  /** By member, by database. */
  readonly places?: Readonly<Record<string, Readonly<Record<string, Place>>>> | undefined;
  /** Where files lie if no place says so: "/var/lib/ovn" of Debian's packages unless told; "/etc/ovn" in Kube-OVN's pods. */
  readonly databaseFolder?: string | undefined;
  readonly runFolder?: string | undefined;
  readonly logFolder?: string | undefined;
  readonly start?: ServiceTemplate | undefined;
  readonly stop?: ServiceTemplate | undefined;
  /**
   * Restarts the member's servers. An argument with `{short}` or `{database}` is there once for each database that is
   * meant; a template without any restarts whatever it restarts, and is taken to mean all of the member's.
   */
  readonly restart?: ServiceTemplate | undefined;
};

const SHORT = new Map<string, string>(Object.entries(DATABASE_OF).map(([short, name]) => [name, short]));

export function shortOf(database: string): string {
  return SHORT.get(database) ?? database;
}

/** Everything about one member's server of one database. */
export function placeOf(
  site: Site,
  observation: Observation | undefined,
  member: string,
  database: string,
): Required<Place> {
  const short = shortOf(database);
  const base = SHORT.has(database) ? `ovn${short}_db` : database;
  const seen = observation?.databases
    .find((one) => one.database === database)
    ?.members.find((one) => one.member === member);
  const own = site.places?.[member]?.[database] ?? {};
  return {
    file: own.file ?? seen?.file?.path ?? `${site.databaseFolder ?? "/var/lib/ovn"}/${base}.db`,
    control: own.control ?? seen?.asked.control ?? `${site.runFolder ?? "/run/ovn"}/${base}.ctl`,
    logFile: own.logFile ?? `${site.logFolder ?? "/var/log/ovn"}/ovsdb-server-${short}.log`,
    remote: own.remote ?? seen?.asked.remote ?? `unix:${site.runFolder ?? "/run/ovn"}/${base}.sock`,
  };
}

/** Debian's and Ubuntu's units, one for each database. */
const CUSTOM: Readonly<Record<ServiceAction, CommandTemplate>> = {
  start: { program: "systemctl", args: ["start", "ovn-ovsdb-server-{short}"] },
  stop: { program: "systemctl", args: ["stop", "ovn-ovsdb-server-{short}"] },
  restart: { program: "systemctl", args: ["restart", "ovn-ovsdb-server-{short}"] },
};

/**
 * How a step starts, stops or restarts: by the site's command, or in words. `databases`: those whose servers are meant, one
 * at least.
 */
export function serviceCall(
  site: Site,
  action: ServiceAction,
  member: string,
  databases: string | readonly [string, ...string[]],
  observation?: Observation,
): Pick<PlanStep, "command" | "text"> {
  const template = site[action] ?? CUSTOM[action];
  const all = typeof databases === "string" ? ([databases] as const) : databases;
  if (template === "by hand") return { text: byHand(site, action, member, all, observation) };
  const fill = (text: string, database: string): string => {
    const { file, control } = placeOf(site, observation, member, database);
    const values: Record<string, string> = { member, database, short: shortOf(database), file, control };
    return text.replace(/\{(\w+)\}/g, (whole, name: string) => values[name] ?? whole);
  };
  const args = template.args.flatMap((arg) => [...new Set(all.map((database) => fill(arg, database)))]);
  return { command: { at: fill(template.at ?? "{member}", all[0]), program: template.program, args } };
}

function byHand(
  site: Site,
  action: ServiceAction,
  member: string,
  databases: readonly string[],
  observation: Observation | undefined,
): string {
  const servers = databases.map((database) => {
    const { file, control } = placeOf(site, observation, member, database);
    return `with its file ${file} and its control socket ${control}`;
  });
  const how = {
    start: "by whatever starts it there when the machine boots",
    stop: "by whatever runs it there, so that nothing starts it again meanwhile",
    restart: "by whatever runs it there; it keeps its file",
  }[action];
  return `At ${member} by hand, ${servers.join("; and ")}: ${how}.`;
}

export type ServiceAction = "start" | "stop" | "restart";

/** Whether the command is for the named databases alone; if not, all servers of the member go down with it. */
export function isForOneDatabase(site: Site, action: ServiceAction): boolean {
  const template = site[action] ?? CUSTOM[action];
  // A person can tell them apart.
  if (template === "by hand") return true;
  const { program, args, at = "" } = template;
  return [program, at, ...args].some((text) => /\{(database|short|file|control)\}/.test(text));
}

/** `ovs-appctl` at a member's control socket. */
export function appctl(
  site: Site,
  observation: Observation | undefined,
  member: string,
  database: string,
  ...words: readonly string[]
): Command {
  const { control } = placeOf(site, observation, member, database);
  return { at: member, program: "ovs-appctl", args: ["-t", control, ...words] };
}
