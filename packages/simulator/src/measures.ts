/**
 * What was measured on real ovsdb-servers 3.1.0 and 3.7.1 (M1 to M21), and what the simulator says to the same schedule.
 * A time agrees if the measured one lies within the simulated distribution; a mean, if it is within 15 % and 0.15 s.
 */
import { quantile } from "./expectation.ts";
import { lanesOf } from "./picture/lanes.ts";
import { parseScenario } from "./scenario/parse.ts";
import type { Scenario } from "./scenario/types.ts";
import { simulate } from "./simulate.ts";
import type { Run, TraceEvent } from "./trace.ts";

export type MeasureRow = {
  readonly id: string;
  readonly what: string;
  readonly profile: string;
  readonly measured: string;
  readonly simulated: string;
  readonly agrees: boolean;
  /** False where it does not agree, and too few runs were made to blame anybody. */
  readonly isSure: boolean;
};

type Measure = {
  readonly id: string;
  readonly what: string;
  readonly schedule: string;
  /** Seconds, or undefined for a run in which it did not happen. */
  readonly value?: (run: Run) => number | undefined;
  /** What must be so in every run. */
  readonly always?: (run: Run) => boolean;
  readonly measured: Readonly<Record<string, Reading>>;
};

/** A mean of many trials, single readings, or an outcome in words. */
type Reading = {
  readonly mean?: number;
  readonly seconds?: readonly number[];
  readonly words?: string;
  readonly never?: boolean;
};

const FAULT_S = 10;
const header = (cluster: string): string =>
  `version: 1\nname: measure\ncluster: { ${cluster} }\nclients: [{ kind: writer, rate: 2/s }]\nrun: { for: 75s }\nschedule:\n`;
/** Nobody writes: heartbeats alone hold elections back, as in the measurements. */
const quiet = (cluster: string): string => header(cluster).replace("2/s", "1/m");
const QUIET = quiet("members: 3, timer: 1s");
const THREE = header("members: 3, timer: 1s");
const events = (run: Run, type: TraceEvent["type"]): TraceEvent[] => run.trace.filter((event) => event.type === type);
const leads = (run: Run, afterS: number): number | undefined => {
  const found = run.trace.find(
    (event) => event.type === "role" && event.role === "leader" && event.atUs > afterS * 1e6,
  );
  return found === undefined ? undefined : found.atUs / 1e6 - afterS;
};
const stepsDown = (run: Run, member: string, afterS: number): number | undefined => {
  const found = run.trace.find(
    (event) =>
      event.type === "role" && event.member === member && event.role === "follower" && event.atUs > afterS * 1e6,
  );
  return found === undefined ? undefined : found.atUs / 1e6 - afterS;
};
const outage = (run: Run, which: number): number | undefined => {
  const found = run.outages[which];
  return found === undefined ? undefined : (found.toUs - found.fromUs) / 1e6;
};
/** Seconds in which no member took itself for the leader. */
const leaderless = (run: Run): number => {
  const led = lanesOf(run)
    .flatMap(({ stretches }) => stretches.filter(({ state }) => state === "leader"))
    .sort((a, b) => a.fromUs - b.fromUs);
  let untilUs = 0;
  let withoutUs = 0;
  for (const { fromUs, toUs } of led) {
    if (fromUs > untilUs) withoutUs += fromUs - untilUs;
    untilUs = Math.max(untilUs, toUs);
  }
  return withoutUs / 1e6;
};
const kill = (down = "60s"): string => `  - { at: ${FAULT_S}s, restart: m1, how: kill, down: ${down} }\n`;
const inARow = (how: string, down: string, gapS: number): string =>
  ["m1", "m2", "m3"]
    .map((name, i) => `  - { at: ${FAULT_S + i * gapS}s, restart: ${name}, how: ${how}, down: ${down} }\n`)
    .join("");
const wipes = (down: string, kick = false): string =>
  ["m3", "m2", "m1"]
    .map(
      (name, i) =>
        `  - { ${i === 0 ? "when: healthy" : `when: ${["m3", "m2"][i - 1]}.joined`}, after: 3s, within: 60s, restart: ${name}, how: kill, down: ${down}, wipe: all, boot: join${kick ? ", kick: true" : ""} }\n`,
    )
    .join("");

const MEASURES: readonly Measure[] = [
  {
    id: "M1",
    what: "the leader is killed, T = 1 s",
    schedule: QUIET + kill(),
    value: (run) => leads(run, FAULT_S),
    measured: {
      "3.1.0": { mean: 1.231, seconds: [0.733, 1.15, 1.635] },
      "3.7.1": { mean: 1.114, seconds: [0.8, 1.078, 1.528] },
    },
  },
  {
    id: "M2",
    what: "the same, T = 5 s",
    schedule: quiet("members: 3, timer: 5s") + kill(),
    value: (run) => leads(run, FAULT_S),
    measured: { "3.1.0": { mean: 4.771, seconds: [3.492, 4.647] } },
  },
  {
    id: "M3",
    what: "the same, five members, T = 1 s",
    schedule: quiet("members: 5, timer: 1s") + kill(),
    value: (run) => leads(run, FAULT_S),
    measured: { "3.1.0": { mean: 1.013, seconds: [1.432] } },
  },
  {
    id: "M4",
    what: "the leader exits",
    schedule: `${QUIET}  - { at: ${FAULT_S}s, stop: m1, how: exit }\n`,
    value: (run) => leads(run, FAULT_S),
    measured: { "3.1.0": { mean: 0.01 }, "3.7.1": { mean: 0.005 } },
  },
  {
    id: "M5",
    what: "one is wiped; then one more is lost",
    schedule: `${THREE}  - { at: 10s, restart: m3, down: 500ms, wipe: all, boot: join }\n  - { at: 20s, restart: m2, down: 20s }\n`,
    always: (run) => run.quorum.configured === 4 && run.longestOutageUs > 15e6 && run.leader !== undefined,
    measured: { "3.1.0": { words: "4 configured, writes stop until it is back" } },
  },
  {
    id: "M6",
    what: "three wiped in turn, fast restarts",
    schedule: THREE + wipes("300ms"),
    always: (run) => run.verdict.word === "permanent",
    measured: { "3.1.0": { words: "the third is fatal" }, "3.7.1": { words: "the third is fatal" } },
  },
  {
    id: "M7",
    what: "the same, each down for 6 s",
    schedule: THREE + wipes("6s"),
    always: (run) => run.leader === undefined && run.quorum.ghosts > 0,
    measured: { "3.1.0": { words: "the second is fatal" }, "3.7.1": { words: "the second is fatal" } },
  },
  {
    id: "M8",
    what: "the same with a kick after each",
    schedule: THREE + wipes("300ms", true),
    always: (run) => run.leader !== undefined && run.quorum.configured === 3,
    measured: { "3.1.0": { words: "healthy at three" } },
  },
  {
    id: "M9",
    what: "wiped, back with its old id",
    schedule: `${THREE}  - { at: 10s, stop: m3 }\n  - { at: 15s, stop: m1 }\n  - { at: 15.1s, stop: m2 }\n  - { at: 15.2s, wipe: m2, what: db-only }\n  - { at: 16s, start: m3, boot: same-disk }\n  - { at: 16s, start: m2, boot: join-same-sid }\n  - { at: 40s, start: m1, boot: same-disk }\n  - { at: 50s, restart: m1, down: 1s }\n`,
    always: (run) =>
      run.ackedLost > 0 && run.members.some(({ refusal }) => refusal?.includes("attempts to truncate") === true),
    measured: {
      "3.1.0": { words: "writes lost, the old leader refuses to start" },
      "3.7.1": { words: "writes lost, the old leader refuses to start" },
    },
  },
  {
    id: "M10",
    what: "the first is wiped while nobody leads",
    schedule: `${THREE}  - { at: 10s, stop: m2 }\n  - { at: 10s, stop: m3 }\n  - { at: 15s, restart: m1, down: 1s, wipe: all, boot: kube-ovn }\n  - { at: 20s, start: m2, boot: same-disk }\n  - { at: 20s, start: m3, boot: same-disk }\n`,
    always: (run) => run.clusters === 2,
    measured: { "3.1.0": { words: "two clusters for ever" } },
  },
  {
    id: "M11",
    what: "two, then all three addresses are gone",
    schedule: `${THREE}  - { at: 10s, move-address: m2 }\n  - { at: 10s, restart: m2, down: 1s }\n  - { at: 20s, move-address: m3 }\n  - { at: 20s, restart: m3, down: 1s }\n  - { at: 60s, expect: { leader: true } }\n  - { at: 70s, move-address: m1 }\n  - { at: 70s, restart: m1, down: 1s }\n`,
    always: (run) => run.checkpoints[0]?.leader !== undefined && run.leader === undefined,
    measured: { "3.1.0": { words: "fine with one unmoved, none with three" } },
  },
  {
    id: "M12",
    what: "a follower is muted for 10 s: another leader after its release",
    schedule: `${QUIET}  - { at: 10s, mute: m3, for: 10s }\n`,
    value: (run) => leads(run, 20),
    measured: { "3.1.0": { seconds: [2.2] }, "3.7.1": { never: true } },
  },
  {
    id: "M13",
    what: "leader to follower cut for 10 s: another leader after the heal",
    schedule: `${QUIET}  - { at: 10s, cut: [m1, m2], for: 10s }\n`,
    value: (run) => leads(run, 20),
    measured: { "3.1.0": { seconds: [4.7] }, "3.7.1": { never: true } },
  },
  {
    id: "M14a",
    what: "the leader hears nothing: the others elect",
    schedule: `${QUIET}  - { at: 10s, cut: [m2, m1], one-way: true }\n  - { at: 10s, cut: [m3, m1], one-way: true }\n`,
    value: (run) => leads(run, FAULT_S),
    measured: { "3.1.0": { seconds: [1.49] }, "3.7.1": { seconds: [1.77] } },
  },
  {
    id: "M14b",
    what: "the leader hears nothing: it steps down",
    schedule: `${QUIET}  - { at: 10s, cut: [m2, m1], one-way: true }\n  - { at: 10s, cut: [m3, m1], one-way: true }\n`,
    value: (run) => stepsDown(run, "m1", FAULT_S),
    measured: { "3.1.0": { seconds: [1.75] }, "3.7.1": { seconds: [3.16] } },
  },
  {
    id: "M14c",
    what: "the leader can say nothing: the others elect",
    schedule: `${QUIET}  - { at: 10s, cut: [m1, m2], one-way: true }\n  - { at: 10s, cut: [m1, m3], one-way: true }\n`,
    value: (run) => leads(run, FAULT_S),
    measured: { "3.1.0": { seconds: [0.82] }, "3.7.1": { seconds: [1.6] } },
  },
  {
    id: "M14d",
    what: "the leader can say nothing: it steps down",
    schedule: `${QUIET}  - { at: 10s, cut: [m1, m2], one-way: true }\n  - { at: 10s, cut: [m1, m3], one-way: true }\n`,
    value: (run) => stepsDown(run, "m1", FAULT_S),
    measured: { "3.1.0": { seconds: [0.86] }, "3.7.1": { seconds: [1.45] } },
  },
  {
    id: "M15a",
    what: "the leader is frozen for 0.4 T",
    schedule: `${QUIET}  - { at: 10s, pause: m1, for: 400ms }\n`,
    value: (run) => leads(run, FAULT_S),
    measured: { "3.1.0": { never: true }, "3.7.1": { never: true } },
  },
  {
    id: "M15b",
    what: "the leader is frozen for 2.5 T",
    schedule: `${QUIET}  - { at: 10s, pause: m1, for: 2500ms }\n`,
    always: (run) => leads(run, FAULT_S) !== undefined,
    measured: { "3.1.0": { words: "always another leader" }, "3.7.1": { words: "always another leader" } },
  },
  {
    id: "M16",
    what: "two members, one is killed: the leader steps down",
    schedule: `${quiet("members: 2, timer: 1s")}  - { at: 10s, stop: m2 }\n`,
    value: (run) => stepsDown(run, "m1", FAULT_S),
    measured: { "3.1.0": { seconds: [1.53] }, "3.7.1": { seconds: [2.52] } },
  },
  {
    id: "M17a",
    what: "three killed, 6 s each, 2 s apart, T = 1 s: nobody leads for",
    schedule: THREE + inARow("kill", "6s", 2),
    value: leaderless,
    measured: { "3.1.0": { seconds: [9.4] }, "3.7.1": { seconds: [9.2] } },
  },
  {
    id: "M17b",
    what: "the same, graceful",
    schedule: THREE + inARow("exit", "6s", 2),
    value: leaderless,
    measured: { "3.1.0": { seconds: [7.9] }, "3.7.1": { seconds: [8.1] } },
  },
  {
    id: "M18a",
    what: "three killed, 20 s each, 8 s apart, T = 5 s: nobody leads for",
    schedule: header("members: 3, timer: 5s") + inARow("kill", "20s", 8),
    value: leaderless,
    measured: { "3.1.0": { seconds: [36.3] }, "3.7.1": { seconds: [39.7] } },
  },
  {
    id: "M18b",
    what: "the same, graceful",
    schedule: header("members: 3, timer: 5s") + inARow("exit", "20s", 8),
    value: leaderless,
    measured: { "3.1.0": { seconds: [33.5] }, "3.7.1": { seconds: [22.9] } },
  },
  {
    id: "M19",
    what: "killed far enough apart: the first pause",
    schedule: THREE + inARow("kill", "2s", 8),
    value: (run) => outage(run, 0),
    measured: { "3.1.0": { seconds: [1.7, 0.9] } },
  },
  {
    id: "M20",
    what: "the timer doubled three times",
    schedule: `${THREE}  - { at: 10s, change-timer: m1, to: 2001ms }\n  - { at: 11s, change-timer: m1, to: 2s }\n  - { at: 16s, change-timer: m1, to: 4s }\n  - { at: 30s, change-timer: m2, to: 8s }\n`,
    always: (run) =>
      run.leaderChanges === 0 &&
      events(run, "timer").every((event) => event.type === "timer" && event.ms !== 2001 && event.ms !== 8000),
    measured: { "3.1.0": { words: "each doubling applies, more and a follower are refused" } },
  },
  {
    id: "M21",
    what: "the newest member returns to a lone candidate: heal",
    schedule: `${QUIET}  - { at: 5s, stop: m3 }\n  - { at: 7s, transfer: leader }\n  - { at: 9s, stop: m1 }\n  - { at: 9s, stop: m2 }\n  - { at: 10s, start: m3, boot: same-disk }\n  - { at: 25s, start: m2, boot: same-disk }\n`,
    value: (run) => leads(run, 25),
    measured: { "3.1.0": { mean: 2.6 }, "3.7.1": { mean: 4.2 } },
  },
];

export const MEASURE_IDS: readonly string[] = MEASURES.map(({ id }) => id);

/** How many rows there are. */
export const MEASURE_ROWS: number = MEASURES.reduce((sum, { measured }) => sum + Object.keys(measured).length, 0);

/** One row for each measurement and release, over as many seeds. */
export function measure(seeds: number): MeasureRow[] {
  return [...measureRows(seeds)];
}

/** The same one by one, for whoever wants to show them as they come. */
export function* measureRows(seeds: number): Generator<MeasureRow, void, void> {
  for (const each of MEASURES) {
    const scenario = parseScenario(each.schedule);
    for (const [profile, reading] of Object.entries(each.measured))
      yield rowOf(each, scenario, profile, reading, seeds);
  }
}

/** The spread of fewer runs than these is too narrow to say that a value lies outside of it. */
export const SURE_SEEDS = 100;

function rowOf(each: Measure, scenario: Scenario, profile: string, reading: Reading, seeds: number): MeasureRow {
  const runs = Array.from({ length: seeds }, (_, i) => {
    // Faults come at any moment between two heartbeats.
    const ms = (i * 137) % 2000;
    return unshifted(simulate(shifted(scenario, ms), { seed: i + 1, profile }), ms * 1000);
  });
  const base = { id: each.id, what: each.what, profile };
  if (each.always !== undefined) {
    const count = runs.filter(each.always).length;
    return {
      ...base,
      measured: reading.words ?? "",
      simulated: `so in ${count} of ${seeds}`,
      agrees: count === seeds,
      isSure: true,
    };
  }
  const values = runs.map((run) => each.value?.(run)).filter((value) => value !== undefined);
  if (reading.never === true)
    return {
      ...base,
      measured: "never",
      simulated: `${values.length} of ${seeds}`,
      agrees: values.length === 0,
      isSure: true,
    };
  const [low, high] = [quantile(values, 0.002), quantile(values, 0.998)];
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  const inside = (reading.seconds ?? []).every((value) => value >= low - 0.1 && value <= high + 0.1);
  const isNear = reading.mean === undefined || Math.abs(mean - reading.mean) <= 0.15 + 0.15 * reading.mean;
  const told = [
    ...(reading.mean === undefined ? [] : [`mean ${reading.mean.toFixed(2)}`]),
    ...(reading.seconds ?? []).map((value) => value.toFixed(2)),
  ];
  return {
    ...base,
    measured: `${told.join(", ")} s`,
    simulated: `${low.toFixed(2)} … ${high.toFixed(2)}, mean ${mean.toFixed(2)} s`,
    agrees: inside && isNear,
    isSure: (inside && isNear) || seeds >= SURE_SEEDS,
  };
}

function shifted(scenario: Scenario, ms: number): Scenario {
  const steps = scenario.steps.map((step) => ("at" in step ? { ...step, at: { ms: step.at.ms + ms } } : step));
  return { ...scenario, steps, forMs: scenario.forMs + ms };
}

function unshifted(run: Run, us: number): Run {
  return { ...run, trace: run.trace.map((event) => ({ ...event, atUs: event.atUs - us })) };
}
