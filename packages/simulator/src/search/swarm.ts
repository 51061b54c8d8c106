/** Random schedules until a rule breaks, and the smallest one that does it (fast-check shrinks). */
import fc from "fast-check";
import { type Action, DATABASE_BYTES, type Scenario, type Step, type StopHow } from "../scenario/types.ts";
import { broken } from "../expectation.ts";
import { finish, prepareWorld, simulate } from "../simulate.ts";
import type { Run } from "../trace.ts";
import { holds } from "../world/conditions.ts";

export type SwarmOptions = {
  readonly members: number;
  readonly electionTimerMs: number;
  readonly profile: string;
  /** How many schedules. */
  readonly runs: number;
  readonly seed: number;
  readonly faultsMax: number;
  /** Reused server ids, rolled back disks, second bootstraps: with them rules do break. */
  readonly identityFaults: boolean;
  readonly flags?: Scenario["cluster"]["flags"] | undefined;
  /** Called every ten runs: a chance for whoever waits beside. */
  readonly breathe?: (() => Promise<void>) | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((done: number, of: number) => void) | undefined;
};

export type Smallest = {
  readonly scenario: Scenario;
  readonly run: Run;
  readonly failures: readonly string[];
  readonly shrinks: number;
};

export type SwarmResult = {
  readonly runs: number;
  /** In how many runs something was seen: without it, "nothing broke" would say little. */
  readonly seen: Readonly<Record<string, number>>;
  readonly smallest: Smallest | undefined;
};

type Fault = { readonly afterMs: number; readonly action: Action };

export async function swarm(options: SwarmOptions): Promise<SwarmResult> {
  const seen: Record<string, number> = {};
  let runs = 0;
  const property = fc.asyncProperty(
    fc.array(faults(options), { minLength: 1, maxLength: options.faultsMax }),
    fc.nat(9999),
    async (list, seed) => {
      if (options.signal?.aborted === true) return true;
      if (runs++ % 10 === 0) {
        options.onProgress?.(Math.min(runs, options.runs), options.runs);
        await options.breathe?.();
      }
      const run = untilKnown(scenarioOf(options, list), seed);
      witness(run, seen);
      return broken(run).length === 0;
    },
  );
  const details = await fc.check(property, { numRuns: options.runs, seed: options.seed, endOnFailure: false });
  if (!details.failed || details.counterexample === null)
    return { runs: Math.min(runs, options.runs), seen, smallest: undefined };
  const [list, seed] = details.counterexample;
  const scenario = { ...scenarioOf(options, list), seeds: 1 };
  const run = simulate(scenario, { seed });
  return {
    runs: details.numRuns,
    seen,
    smallest: { scenario, run, failures: broken(run), shrinks: details.numShrinks },
  };
}

/** How often it is looked whether a run can still show something new, and how long all has to be well before; in ms. */
const LOOK_MS = 1000;
const CALM_MS = 10_000;

/**
 * The beginning of what `simulate` gives, as long as it may tell more: until a rule breaks, or, after the last step, until
 * all has been well for a while. What is broken in it is broken in the whole.
 */
function untilKnown(scenario: Scenario, seed: number): Run {
  const world = prepareWorld(scenario, { seed, trace: "story" });
  const lastMs = Math.max(0, ...scenario.steps.map((step) => ("at" in step ? step.at.ms : 0)));
  let wellMs: number | undefined;
  for (let ms = LOOK_MS; ms < scenario.forMs; ms += LOOK_MS) {
    world.run(world.trace.zeroUs + ms * 1000);
    if (world.trace.violations.length > 0) return finish(world);
    if (ms <= lastMs || !holds(world, { is: "healthy" })) wellMs = undefined;
    else wellMs ??= ms;
    if (wellMs !== undefined && ms - wellMs >= CALM_MS) return finish(world);
  }
  world.run(world.trace.zeroUs + scenario.forMs * 1000);
  return finish(world);
}

function witness(run: Run, seen: Record<string, number>): void {
  const kinds = new Set<string>();
  for (const event of run.trace) {
    if (
      event.type === "truncated" ||
      event.type === "snapshot" ||
      event.type === "suppressed" ||
      event.type === "refused"
    )
      kinds.add(event.type);
    if (event.type === "election" && event.transfer) kinds.add("transfer");
  }
  if (run.leaderChanges > 0) kinds.add("another leader");
  if (run.unknown > 0) kinds.add("unknown outcome");
  if (run.duplicates > 0) kinds.add("applied twice");
  if (run.earlyAcks > 0) kinds.add("early acknowledgement");
  kinds.add(run.verdict.word);
  for (const kind of kinds) seen[kind] = (seen[kind] ?? 0) + 1;
}

/** The faults, then everything is healed and started, and there is time to recover. */
function scenarioOf(options: SwarmOptions, list: readonly Fault[]): Scenario {
  const { electionTimerMs, members } = options;
  const steps: Step[] = [];
  let ms = 1000;
  for (const { afterMs, action } of list) {
    ms += afterMs;
    steps.push({ at: { ms }, action, line: undefined });
  }
  const longest = Math.max(
    0,
    ...list.map(({ action }) => ("downMs" in action ? action.downMs : "forMs" in action ? (action.forMs ?? 0) : 0)),
  );
  const healMs = ms + longest + 1000;
  steps.push({ at: { ms: healMs }, action: { do: "heal" }, line: undefined });
  for (let i = 1; i <= members; i++)
    steps.push({ at: { ms: healMs }, action: { do: "start", target: `m${i}`, boot: "same-disk" }, line: undefined });
  return {
    version: 1,
    name: "random-faults",
    title: "Found by chance, made small by fast-check",
    reason: "",
    cluster: {
      members,
      electionTimerMs,
      profile: options.profile,
      flags: options.flags ?? {},
      profiles: {},
      watchdog: "none",
    },
    models: {
      latency: { dist: "exponential", baseMs: 0.2, meanMs: 0.5 },
      fsync: { dist: "lognormal", p50Ms: 2, p99Ms: 40 },
      bandwidth: Number.POSITIVE_INFINITY,
      databaseBytes: DATABASE_BYTES,
      snapshotMs: 0,
    },
    groups: [],
    clients: [
      { kind: "writer", name: "writer1", perSecond: 5, to: "any" },
      { kind: "writer", name: "writer2", perSecond: 3, to: "leader" },
    ],
    steps,
    expect: {},
    // Rounds of 3.3 and later are a coin toss each: 40 of them leave one in 10^12.
    forMs: healMs + 20_000 + 40 * (electionTimerMs + 1000),
    seeds: 1,
  };
}

function faults({ members, electionTimerMs, identityFaults }: SwarmOptions): fc.Arbitrary<Fault> {
  const member = fc.integer({ min: 1, max: members }).map((i) => `m${i}`);
  const target = fc.oneof(member, fc.constant("leader"));
  // Times around the election timer are where things happen.
  const span = fc.integer({ min: 1, max: 12 * (electionTimerMs + 1000) });
  const how = fc.constantFrom<StopHow>("kill", "exit", "terminate", "powerloss");
  const restart = fc
    .record({ target, how, downMs: span })
    .map((each): Action => ({ do: "restart", ...each, wipe: undefined, boot: undefined, kick: false }));
  const actions: fc.Arbitrary<Action>[] = [
    restart,
    restart,
    fc.record({ target, forMs: span }).map((each): Action => ({ do: "pause", ...each })),
    fc.record({ target, forMs: span }).map((each): Action => ({ do: "isolate", ...each })),
    fc.record({ target, forMs: span }).map((each): Action => ({ do: "mute", ...each })),
    fc
      .record({ a: member, b: member, oneWay: fc.boolean(), forMs: span })
      .map(({ a, b, oneWay, forMs }): Action => ({ do: "cut", between: [a, b], oneWay, forMs })),
    fc
      .record({ target, forMs: span })
      .map((each): Action => ({ do: "slow-disk", ...each, fsync: { dist: "lognormal", p50Ms: 100, p99Ms: 800 } })),
    fc.record({ target, forMs: span }).map(
      (each): Action => ({
        do: "degrade",
        ...each,
        latency: { dist: "lognormal", p50Ms: 50, p99Ms: 900 },
        bandwidth: undefined,
      }),
    ),
    fc.constant<Action>({ do: "transfer" }),
    target.map((each): Action => ({ do: "compact", target: each })),
    fc.integer({ min: 1, max: 30 }).map((count): Action => ({ do: "burst", count })),
    fc
      .constantFrom(1, 2, 0.5)
      .map(
        (factor): Action => ({ do: "change-timer", target: "leader", toMs: Math.max(100, electionTimerMs * factor) }),
      ),
  ];
  if (identityFaults)
    actions.push(
      fc.record({ target: member, downMs: span }).map(
        (each): Action => ({
          do: "restart",
          ...each,
          how: "kill",
          wipe: "db-only",
          boot: "join-same-sid",
          kick: false,
        }),
      ),
      fc
        .record({ target: member, toMs: fc.integer({ min: 500, max: 3000 }) })
        .map((each): Action => ({ do: "rollback", ...each })),
      member.map((each): Action => ({ do: "lying-disk", target: each })),
    );
  return fc.record({
    afterMs: fc.integer({ min: 0, max: 6 * (electionTimerMs + 1000) }),
    action: fc.oneof(...actions),
  });
}
