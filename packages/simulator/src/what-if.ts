/** A restart plan as a scenario. */
import { ScenarioError } from "./scenario/error.ts";
import type { Action, Scenario, Step, StopHow } from "./scenario/types.ts";

export type RestartPlan = {
  readonly members: number;
  readonly electionTimerMs: number;
  /** Who is restarted, in order: m1 … */
  readonly order: readonly string[];
  readonly how: StopHow;
  readonly downMs: number;
  /** Milliseconds between two stops, or until the cluster is whole again and for five election timers more. */
  readonly wait: number | "healthy";
  /** Each comes back without its database, under a new server id. */
  readonly wipe: boolean;
  /** The old server id is removed once the new one has joined. */
  readonly kick: boolean;
  readonly profile: string;
  /** The longest outage that is acceptable, in milliseconds. */
  readonly outageMs?: number | undefined;
};

const FIRST_MS = 10_000;
const HOWS: readonly StopHow[] = ["kill", "terminate", "exit", "powerloss"];

/** Throws `ScenarioError` for a member that does not exist. */
export function whatIf(plan: RestartPlan): Scenario {
  const { members, electionTimerMs, order, how, downMs, wait, wipe, kick, profile } = plan;
  if (!HOWS.includes(how)) throw new ScenarioError(`"${how}" is no way to stop a server: ${HOWS.join(", ")}`);
  for (const name of order)
    if (!/^m\d+$/.test(name) || Number(name.slice(1)) < 1 || Number(name.slice(1)) > members)
      throw new ScenarioError(`there is no member "${name}": the cluster has m1 to m${members}`);
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
    if (wait !== "healthy") return { at: { ms: FIRST_MS + i * wait }, action, line: undefined };
    const when = { condition: { is: "healthy" } as const, afterMs: 5 * electionTimerMs, withinMs: 600_000 };
    return { when, action, line: undefined };
  });
  const settleMs = 60_000 + 40 * electionTimerMs;
  const lastMs =
    wait === "healthy"
      ? order.length * (downMs + 20 * electionTimerMs + 20_000)
      : FIRST_MS + order.length * wait + downMs;
  return {
    version: 1,
    name: "what-if",
    title: `${order.join(", ")} are restarted, ${wait === "healthy" ? "each when all is well" : `${wait / 1000} s apart`}`,
    reason: "",
    cluster: { members, electionTimerMs, profile, flags: {}, profiles: {}, watchdog: "none" },
    models: {
      latency: { dist: "uniform", fromMs: 0.2, toMs: 0.7 },
      fsync: { dist: "lognormal", p50Ms: 1, p99Ms: 8 },
      bandwidth: Number.POSITIVE_INFINITY,
      snapshotMs: 0,
    },
    clients: [{ kind: "writer", name: "writer1", perSecond: 2, to: "any" }],
    steps,
    expect: plan.outageMs === undefined ? {} : { outageMs: { atMost: plan.outageMs, quantile: 1 } },
    forMs: lastMs + settleMs,
    seeds: 100,
  };
}
