/** Runs one seed of a scenario from its beginning to its end. */
import { simulateGroups } from "./groups.ts";
import { Recorder, type TraceLevel } from "./recorder.ts";
import type { Scenario, Step } from "./scenario/types.ts";
import type { Run } from "./trace.ts";
import { judge } from "./verdict.ts";
import { perform } from "./world/actions.ts";
import { holds } from "./world/conditions.ts";
import { startWatchdogs } from "./world/watchdog.ts";
import { World } from "./world/world.ts";

export type SimulateOptions = {
  /** Default 1. */
  readonly seed?: number | undefined;
  /** Replaces the scenario's, such as "3.1.0". */
  readonly profile?: string | undefined;
  /** Default `story`. */
  readonly trace?: TraceLevel | undefined;
};

/** A function of scenario, profile and seed: the same on every machine. Throws `ScenarioError` for what cannot be run. */
export function simulate(scenario: Scenario, options: SimulateOptions = {}): Run {
  if (scenario.groups.length > 0) return simulateGroups(scenario, options, { prepare: prepareWorld, finish });
  const world = prepareWorld(scenario, options);
  world.run(world.trace.zeroUs + scenario.forMs * 1000);
  return finish(world);
}

/** A world at time 0 with its schedule set: for those who want to stop in between. */
export function prepareWorld(scenario: Scenario, options: SimulateOptions = {}): World {
  const { seed = 1, profile, trace = "story" } = options;
  const chosen = profile === undefined ? scenario : { ...scenario, cluster: { ...scenario.cluster, profile } };
  const world = new World(chosen, seed, new Recorder(trace));
  world.form();
  world.clients.start(chosen.clients);
  if (chosen.cluster.watchdog === "kube-ovn") startWatchdogs(world);
  schedule(world, chosen.steps);
  return world;
}

function schedule(world: World, steps: readonly Step[]): void {
  const marks = new Set<number>();
  for (const { action } of steps) if (action.do === "rollback") marks.add(action.toMs);
  for (const ms of marks)
    world.later(ms, () => {
      for (const host of world.hosts) host.marks.push({ atUs: world.nowUs, mark: host.disk.mark() });
    });
  for (const step of steps) if ("at" in step) world.later(step.at.ms, () => perform(world, step.action, step.line));
  follow(
    world,
    steps.filter((step) => "when" in step),
    0,
  );
}

/** Steps with conditions come one after the other. */
function follow(world: World, steps: readonly Extract<Step, { readonly when: unknown }>[], at: number): void {
  const step = steps[at];
  if (step === undefined) return;
  const { condition, afterMs, withinMs } = step.when;
  world.poll(
    () => holds(world, condition),
    withinMs,
    (isMet) => {
      if (!isMet) {
        world.fault(
          `waited ${withinMs / 1000} s in vain (${condition.is}): the rest of the schedule is not done`,
          [],
          step.line,
        );
        world.gaveUp = true;
        return;
      }
      world.later(afterMs, () => {
        perform(world, step.action, step.line);
        const busyMs = "downMs" in step.action ? step.action.downMs : 0;
        world.later(busyMs + 1, () => follow(world, steps, at + 1));
      });
    },
  );
}

export function finish(world: World): Run {
  const { clients, trace, scenario } = world;
  clients.end();
  const outages = clients.outages;
  trace.hash.add(clients.acked, world.events & 0x7fffffff);
  return {
    scenario: scenario.name,
    seed: world.seed,
    profile: scenario.cluster.profile,
    endUs: world.nowUs - trace.zeroUs,
    events: world.events,
    traceHash: trace.hash.hex(),
    trace: trace.events,
    isTraceCut: trace.isFull,
    violations: trace.violations,
    checkpoints: world.checkpoints,
    outages,
    acked: clients.acked,
    unknown: clients.unknown,
    refused: clients.refused,
    earlyAcks: world.check.earlyAcks,
    staleReads: clients.staleReads,
    duplicates: clients.duplicates(),
    elections: world.elections,
    leaderChanges: world.leaderChanges,
    gaveUp: world.gaveUp,
    longestOutageUs: Math.max(0, ...outages.map(({ fromUs, toUs }) => toUs - fromUs)),
    unavailableUs: outages.reduce((sum, { fromUs, toUs }) => sum + toUs - fromUs, 0),
    ...judge(world),
  };
}
