/** A scenario as YAML that `parseScenario` reads back to the same. */
import { stringify } from "yaml";
import { formatDuration } from "./duration.ts";
import {
  type Action,
  type ClientSpec,
  type Condition,
  DATABASE_BYTES,
  type Delay,
  type Expectation,
  type Scenario,
  type Step,
} from "./types.ts";

export function formatScenario(scenario: Scenario): string {
  const { cluster, models, clients, steps, expect, forMs, seeds } = scenario;
  return stringify(
    drop({
      version: 1,
      name: scenario.name,
      title: scenario.title,
      reason: scenario.reason === "" ? undefined : scenario.reason,
      cluster: drop({
        members: cluster.members,
        timer: formatDuration(cluster.electionTimerMs),
        profile: cluster.profile,
        flags: filled(cluster.flags),
        profiles: filled(cluster.profiles),
        watchdog: cluster.watchdog === "none" ? undefined : cluster.watchdog,
      }),
      models: drop({
        latency: delay(models.latency),
        fsync: delay(models.fsync),
        bandwidth: models.bandwidth === Number.POSITIVE_INFINITY ? undefined : `${models.bandwidth}B/s`,
        database: models.databaseBytes === DATABASE_BYTES ? undefined : `${models.databaseBytes}B`,
        snapshot: models.snapshotMs === 0 ? undefined : formatDuration(models.snapshotMs),
      }),
      groups:
        scenario.groups.length === 0
          ? undefined
          : scenario.groups.map((group) =>
              drop({
                name: group.name,
                timer: maybe(group.electionTimerMs),
                profile: group.profile,
                snapshot: maybe(group.snapshotMs),
                rate: group.perSecond === undefined ? undefined : rate(group.perSecond),
              }),
            ),
      clients: clients.map(client),
      schedule: steps.map(step),
      expect: filled(expectation(expect)),
      run: { for: formatDuration(forMs), seeds },
      found:
        scenario.found === undefined
          ? undefined
          : { seed: scenario.found.seed, trace: scenario.found.traceHash, failures: scenario.found.failures },
    }),
    { lineWidth: 120, flowCollectionPadding: true },
  );
}

type Loose = Readonly<Record<string, unknown>>;

function drop(value: Loose): Loose {
  return Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined));
}

function filled(value: Loose): Loose | undefined {
  const left = drop(value);
  return Object.keys(left).length === 0 ? undefined : left;
}

function delay(value: Delay): unknown {
  switch (value.dist) {
    case "constant":
      return { dist: "constant", ms: value.ms };
    case "uniform":
      return { dist: "uniform", ms: [value.fromMs, value.toMs] };
    case "exponential":
      return { dist: "exponential", base: value.baseMs, mean: value.meanMs };
    case "lognormal":
      return { dist: "lognormal", p50: value.p50Ms, p99: value.p99Ms };
  }
}

function client({ kind, name, perSecond, to }: ClientSpec): Loose {
  return { kind, name, rate: rate(perSecond), to };
}

function rate(perSecond: number): string {
  return Number.isInteger(perSecond) ? `${perSecond}/s` : `${perSecond * 60}/m`;
}

function condition(value: Condition): string {
  return "target" in value ? `${value.target}.${value.is}` : value.is;
}

function step(value: Step): Loose {
  const what = action(value.action);
  if ("at" in value) return { at: formatDuration(value.at.ms), ...what };
  const { condition: until, afterMs, withinMs } = value.when;
  return {
    when: condition(until),
    ...(afterMs === 0 ? {} : { after: formatDuration(afterMs) }),
    within: formatDuration(withinMs),
    ...what,
  };
}

const maybe = (ms: number | undefined): string | undefined => (ms === undefined ? undefined : formatDuration(ms));

function action(value: Action): Loose {
  switch (value.do) {
    case "restart":
      return drop({
        restart: value.target,
        how: value.how,
        down: formatDuration(value.downMs),
        wipe: value.wipe,
        boot: value.boot,
        kick: value.kick ? true : undefined,
      });
    case "stop":
      return { stop: value.target, how: value.how };
    case "start":
      return drop({ start: value.target, boot: value.boot });
    case "pause":
    case "isolate":
    case "mute":
    case "fill-disk":
      return drop({ [value.do]: value.target, for: maybe(value.forMs) });
    case "resume":
    case "move-address":
    case "lying-disk":
    case "compact":
    case "leave":
    case "kick":
      return { [value.do]: value.target };
    case "wipe":
      return { wipe: value.target, what: value.what };
    case "rollback":
      return { rollback: value.target, to: formatDuration(value.toMs) };
    case "cut":
      return drop({ cut: value.between, "one-way": value.oneWay ? true : undefined, for: maybe(value.forMs) });
    case "heal":
      return { heal: "all" };
    case "swizzle":
      return { swizzle: "all", every: formatDuration(value.everyMs) };
    case "degrade":
      return drop({
        degrade: value.target,
        latency: value.latency && delay(value.latency),
        bandwidth: value.bandwidth && `${value.bandwidth}B/s`,
        for: maybe(value.forMs),
      });
    case "slow-disk":
      return drop({ "slow-disk": value.target, fsync: delay(value.fsync), for: maybe(value.forMs) });
    case "clock":
      return { clock: value.target, ppm: value.ppm };
    case "burst":
      return { burst: value.count };
    case "transfer":
      return { transfer: "leader" };
    case "change-timer":
      return { "change-timer": value.target, to: formatDuration(value.toMs) };
    case "join":
      return { join: value.name };
    case "upgrade":
      return { upgrade: value.target, profile: value.profile, down: formatDuration(value.downMs) };
    case "failure-test":
      return { "failure-test": value.target, test: value.test };
    case "mark":
      return { mark: value.text };
    case "expect": {
      const { leader, configured, connected, clusters } = value;
      return { expect: drop({ leader, configured, connected, clusters }) };
    }
  }
}

function expectation(value: Expectation): Loose {
  const { verdict, ackedLost, leader, configured, ghosts, clusters, outageMs } = value;
  return {
    verdict: verdict?.length === 1 ? verdict[0] : verdict,
    "acked-lost": ackedLost,
    leader,
    configured,
    ghosts,
    clusters,
    outage:
      outageMs === undefined
        ? undefined
        : drop({ "at-most": maybe(outageMs.atMost), "at-least": maybe(outageMs.atLeast), quantile: outageMs.quantile }),
  };
}
