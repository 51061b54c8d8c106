/** A restart plan as a scenario. */
import { ScenarioError } from "./scenario/error.ts";
import { type Action, DATABASE_BYTES, type Scenario, type Step, type StopHow } from "./scenario/types.ts";

export type Wait = number | "healthy" | "joined";

export type RestartPlan = {
  readonly members: number;
  readonly electionTimerMs: number;
  /** Who is restarted, in order: m1 … */
  readonly order: readonly string[];
  readonly how: StopHow;
  readonly downMs: number;
  /**
   * Milliseconds between two stops; or "healthy": until the cluster is whole again, and for five election timers more; or
   * "joined": until the one before is connected, which is what looks well enough to people in a hurry.
   */
  readonly wait: Wait;
  /** Each comes back without its database, under a new server id. */
  readonly wipe: boolean;
  /** The old server id is removed once the new one has joined. */
  readonly kick: boolean;
  readonly profile: string;
  /** Configured server ids that nobody has any more; default 0. */
  readonly ghosts?: number | undefined;
  /** They are kicked before anything else. */
  readonly kickGhosts?: boolean | undefined;
  /** The longest outage that is acceptable, in milliseconds. */
  readonly outageMs?: number | undefined;
};

const FIRST_MS = 10_000;
const HOWS: readonly StopHow[] = ["kill", "terminate", "exit", "powerloss"];

/** A ghost was a member once; its machine and its disk are gone before the plan begins. */
function ghostSteps(members: number, ghosts: number, kick: boolean): Step[] {
  const names = Array.from({ length: ghosts }, (_, i) => `m${members + i + 1}`);
  const at = (ms: number, action: Action): Step => ({ at: { ms }, action, line: undefined });
  return [
    ...names.map((target) => at(1, { do: "stop", target, how: "kill" })),
    ...names.map((target) => at(2, { do: "wipe", target, what: "all" })),
    // One change of the configuration at a time.
    ...(kick ? names.map((_, i) => at(3000 + i * 2000, { do: "kick", target: "ghosts" })) : []),
  ];
}

/** Throws `ScenarioError` for a member that does not exist. */
export function whatIf(plan: RestartPlan): Scenario {
  const {
    members,
    electionTimerMs,
    order,
    how,
    downMs,
    wait,
    wipe,
    kick,
    profile,
    ghosts = 0,
    kickGhosts = false,
  } = plan;
  if (order.length === 0) throw new ScenarioError("a plan restarts at least one member");
  if (members + ghosts > 16)
    throw new ScenarioError(`${members + ghosts} configured servers: at most 16 are simulated`);
  if (!HOWS.includes(how)) throw new ScenarioError(`"${how}" is no way to stop a server: ${HOWS.join(", ")}`);
  for (const name of order)
    if (!/^m\d+$/.test(name) || Number(name.slice(1)) < 1 || Number(name.slice(1)) > members)
      throw new ScenarioError(`there is no member "${name}": the cluster has m1 to m${members}`);
  const twice = order.find((name, i) => order.indexOf(name) !== i);
  if (twice !== undefined) throw new ScenarioError(`${twice} is restarted twice: name each member once`);
  if (kick && !wipe)
    throw new ScenarioError("only the old id of a wiped member is kicked: kick goes with wipe (--kick with --wipe)");
  const gateMs = 20 * electionTimerMs + 20_000;
  const steps = order.map((target, i): Step => {
    const action: Action = {
      do: "restart",
      target,
      how,
      downMs,
      wipe: wipe ? "all" : undefined,
      boot: wipe ? "join" : undefined,
      kick: wipe && kick,
    };
    if (typeof wait === "number") return { at: { ms: FIRST_MS + i * wait }, action, line: undefined };
    const before = order[i - 1];
    const condition =
      wait === "joined" && before !== undefined
        ? ({ is: "joined", target: before } as const)
        : ({ is: "healthy" } as const);
    return { when: { condition, afterMs: 5 * electionTimerMs, withinMs: gateMs }, action, line: undefined };
  });
  const settleMs = 60_000 + 40 * electionTimerMs;
  const lastMs =
    typeof wait === "number"
      ? FIRST_MS + order.length * wait + downMs
      : order.length * (downMs + gateMs + 5 * electionTimerMs);
  return {
    version: 1,
    name: "what-if",
    title: `${order.join(", ")} are restarted, ${typeof wait === "number" ? `${wait / 1000} s apart` : wait === "healthy" ? "each when all is well" : "each when the one before has joined"}`,
    reason: "",
    cluster: { members: members + ghosts, electionTimerMs, profile, flags: {}, profiles: {}, watchdog: "none" },
    models: {
      latency: { dist: "uniform", fromMs: 0.2, toMs: 0.7 },
      fsync: { dist: "lognormal", p50Ms: 1, p99Ms: 8 },
      bandwidth: Number.POSITIVE_INFINITY,
      databaseBytes: DATABASE_BYTES,
      snapshotMs: 0,
    },
    groups: [],
    clients: [{ kind: "writer", name: "writer1", perSecond: 2, to: "any" }],
    steps: [...ghostSteps(members, ghosts, kickGhosts), ...steps],
    expect: plan.outageMs === undefined ? {} : { outageMs: { atMost: plan.outageMs, quantile: 1 } },
    forMs: lastMs + settleMs,
    seeds: 100,
  };
}
