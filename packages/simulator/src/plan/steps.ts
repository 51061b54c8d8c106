/** A plan as an operator does it: what to type, what to wait for, how long, and what to do when it does not come. */
import type { StopHow } from "../scenario/types.ts";
import type { Wait } from "../what-if.ts";
import { formatDuration } from "../scenario/duration.ts";

export type PlanStep = {
  readonly number: number;
  /** Who is restarted; undefined where nobody is. */
  readonly member?: string | undefined;
  /** What has to be so before. */
  readonly gate: readonly string[];
  /** Give up waiting after this long. */
  readonly gateWithinMs: number;
  readonly commands: readonly string[];
  /** What to do when the gate does not open. */
  readonly backOut: string;
};

type Variant = {
  readonly order: readonly string[];
  readonly how: StopHow;
  readonly wipe: boolean;
  readonly kick: boolean;
  readonly kickGhosts: boolean;
  readonly wait: Wait;
};

/** Where the packages of OVN have the control socket and the pid file, without `.ctl` and `.pid`; ovs-appctl wants the whole path. */
const SERVER: Readonly<Record<string, string>> = {
  OVN_Northbound: "/var/run/ovn/ovnnb_db",
  OVN_Southbound: "/var/run/ovn/ovnsb_db",
};

const serverOf = (database = ""): string => SERVER[database] ?? "/var/run/ovn/ovnnb_db";

/** How a server is stopped, with what to know about it behind the hash sign. */
export function stopCommand(how: StopHow, database?: string): string {
  const server = serverOf(database);
  const other = (end: string): string =>
    SERVER[database ?? ""] === undefined ? `ovnsb_db.${end} for OVN_Southbound` : "";
  const noted = (command: string, ...notes: readonly string[]): string => {
    const told = notes.filter((note) => note !== "").join("; ");
    return told === "" ? command : `${command}    # ${told}`;
  };
  switch (how) {
    case "exit":
      return noted(`ovs-appctl -t ${server}.ctl exit`, "a leader hands over first", other("ctl"));
    case "terminate":
      return noted(`kill -TERM "$(cat ${server}.pid)"`, other("pid"));
    case "kill":
      return noted(`kill -KILL "$(cat ${server}.pid)"`, other("pid"));
    case "powerloss":
      return "power the machine off";
  }
}

export type StepFacts = {
  readonly electionTimerMs: number;
  readonly downMs: number;
  /** How people call the members, such as "m2 (2b3c at tcp:10.0.0.2:6643)"; default the name alone. */
  readonly labels?: Readonly<Record<string, string>> | undefined;
  /** Of which the commands are; OVN_Northbound unless told. */
  readonly database?: string | undefined;
  /** The ids that nobody has, if they are known. */
  readonly ghostIds?: readonly string[] | undefined;
};

/** The gate is the same for every restart: nothing is restarted while anything is missing. Ghosts are kicked before. */
export function stepsOf(variant: Variant, facts: StepFacts): PlanStep[] {
  const restarts = restartsOf(variant, facts);
  return variant.kickGhosts ? [kickStep(facts), ...restarts] : restarts;
}

const kickCommand = (id: string, database = "OVN_Northbound"): string =>
  `on the leader: ovs-appctl -t ${serverOf(database)}.ctl cluster/kick ${database} ${id}`;

function kickStep({ electionTimerMs, database, ghostIds = [] }: StepFacts): PlanStep {
  const kick = (id: string): string => kickCommand(id, database);
  return {
    number: 1,
    gate: [
      "no machine has the id any more: neither one that is down and will return, nor one that is cut off",
      "the leader's own cluster/status shows no session from it, and no late message",
      "cluster/status of every living member: one leader, the same for all, of one term",
    ],
    gateWithinMs: 20 * (electionTimerMs + 1000),
    commands: ghostIds.length > 0 ? ghostIds.map(kick) : [`${kick("ID")}    # for every id that no machine has`],
    backOut: "kick nobody; find out whose id it is",
  };
}

function restartsOf(variant: Variant, { electionTimerMs, downMs, database, labels = {} }: StepFacts): PlanStep[] {
  const { order, how, wipe, kick, kickGhosts, wait } = variant;
  const on = (member: string): string => `on ${labels[member] ?? member}`;
  return order.map((member, i) => ({
    number: i + 1 + (kickGhosts ? 1 : 0),
    member,
    gate:
      wait === "healthy"
        ? [
            "cluster/status of every member: one leader, the same for all, of one term",
            "every configured server is connected, and none is configured that no machine has",
            "every follower's match_index has reached the leader's commit index",
            `all of it for ${formatDuration(5 * electionTimerMs)}`,
          ]
        : [
            i === 0
              ? "nothing"
              : wait === "joined"
                ? `${order[i - 1]} is connected`
                : `${formatDuration(wait)} after the last stop`,
          ],
    gateWithinMs: downMs + 20 * (electionTimerMs + 1000),
    commands: [
      `${on(member)}: ${stopCommand(how, database)}`,
      ...(wipe ? [`${on(member)}: the database is gone; let it join anew`] : []),
      `${on(member)}: start it`,
      ...(wipe && kick ? [`${kickCommand(`OLD-ID-OF-${member}`, database)}    # once the new id has joined`] : []),
    ],
    backOut: `restart nothing else; bring ${member} back first, and look at its log`,
  }));
}
