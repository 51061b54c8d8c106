/** A plan as an operator does it: what to type, what to wait for, how long, and what to do when it does not come. */
import type { StopHow } from "../scenario/types.ts";
import type { Wait } from "../what-if.ts";
import { formatDuration } from "../scenario/duration.ts";

export type PlanStep = {
  readonly number: number;
  readonly member: string;
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

/** Where the packages of OVN have it; ovs-appctl wants the whole path. */
const CONTROL = "/var/run/ovn/ovnnb_db.ctl";

/** How a server is stopped, with what to know about it behind the hash sign. */
export const STOP: Readonly<Record<StopHow, string>> = {
  exit: `ovs-appctl -t ${CONTROL} exit    # a leader hands over first; ovnsb_db.ctl for OVN_Southbound`,
  terminate: 'kill -TERM "$(cat /var/run/ovn/ovnnb_db.pid)"    # ovnsb_db.pid for OVN_Southbound',
  kill: 'kill -KILL "$(cat /var/run/ovn/ovnnb_db.pid)"    # ovnsb_db.pid for OVN_Southbound',
  powerloss: "power the machine off",
};

export type StepFacts = {
  readonly electionTimerMs: number;
  readonly downMs: number;
  /** How people call the members, such as "m2 (2b3c at tcp:10.0.0.2:6643)"; default the name alone. */
  readonly labels?: Readonly<Record<string, string>> | undefined;
  /** The ids that nobody has, if they are known. */
  readonly ghostIds?: readonly string[] | undefined;
};

/** The gate is the same for every restart: nothing is restarted while anything is missing. Ghosts are kicked before. */
export function stepsOf(variant: Variant, facts: StepFacts): PlanStep[] {
  const restarts = restartsOf(variant, facts);
  return variant.kickGhosts ? [kickStep(facts), ...restarts] : restarts;
}

function kickStep({ electionTimerMs, ghostIds = [] }: StepFacts): PlanStep {
  const kick = (id: string): string => `on the leader: ovs-appctl -t ${CONTROL} cluster/kick OVN_Northbound ${id}`;
  return {
    number: 1,
    member: "the leader",
    gate: [
      "no machine has the id any more: neither one that is down and will return, nor one that is cut off",
      "cluster/status of every living member: one leader, the same for all, of one term",
    ],
    gateWithinMs: 20 * (electionTimerMs + 1000),
    commands: ghostIds.length > 0 ? ghostIds.map(kick) : [`${kick("ID")}    # for every id that no machine has`],
    backOut: "kick nobody; find out whose id it is",
  };
}

function restartsOf(variant: Variant, { electionTimerMs, downMs, labels = {} }: StepFacts): PlanStep[] {
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
      `${on(member)}: ${STOP[how]}`,
      ...(wipe ? [`${on(member)}: the database is gone; let it join anew`] : []),
      `${on(member)}: start it`,
      ...(wipe && kick
        ? [
            `on the leader: ovs-appctl -t ${CONTROL} cluster/kick OVN_Northbound OLD-ID-OF-${member}    # once the new id has joined`,
          ]
        : []),
    ],
    backOut: `restart nothing else; bring ${member} back first, and look at its log`,
  }));
}
