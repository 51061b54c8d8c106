/**
 * Several raft groups on the same hosts, such as OVN's Northbound and Southbound: each is a world of its own with its own
 * timer, release, database size and chance, and what happens to a host happens to all of them in the same moment. The
 * service is up only while every group takes writes, so its outages are the union of theirs.
 */
import { OUTAGE_MIN_US } from "./world/clients.ts";
import type { SimulateOptions } from "./simulate.ts";
import type { GroupSpec, Scenario, Step } from "./scenario/types.ts";
import type { Checkpoint, MemberEnd, Outage, Run, TraceEvent } from "./trace.ts";
import { perform } from "./world/actions.ts";
import { holds } from "./world/conditions.ts";
import type { World } from "./world/world.ts";

/** How often the conditions of a schedule are looked at; a world without groups does the same. */
const LOOK_MS = 50;

export type Parts = {
  readonly prepare: (scenario: Scenario, options: SimulateOptions) => World;
  readonly finish: (world: World) => Run;
};

/** The scenario of one group alone: its settings in place of those of all. */
export function scenarioOf(scenario: Scenario, group: GroupSpec): Scenario {
  const { cluster, models, clients } = scenario;
  return {
    ...scenario,
    name: `${scenario.name}-${group.name}`,
    groups: [],
    cluster: {
      ...cluster,
      electionTimerMs: group.electionTimerMs ?? cluster.electionTimerMs,
      profile: group.profile ?? cluster.profile,
    },
    models: { ...models, snapshotMs: group.snapshotMs ?? models.snapshotMs },
    clients:
      group.perSecond === undefined ? clients : clients.map((each) => ({ ...each, perSecond: group.perSecond! })),
  };
}

/** Runs all groups of a scenario, and gives one run: members are called `nb-m1` and so on. */
export function simulateGroups(scenario: Scenario, options: SimulateOptions, { prepare, finish }: Parts): Run {
  const { groups, steps } = scenario;
  const timed = steps.filter((step) => "at" in step);
  const waiting = steps.filter((step) => "when" in step);
  const worlds = groups.map((group, i) =>
    prepare({ ...scenarioOf(scenario, group), steps: timed }, { ...options, seed: seedOf(options.seed ?? 1, i) }),
  );
  if (waiting.length === 0) runTo(worlds, scenario.forMs);
  else follow(worlds, waiting, scenario.forMs);
  return merge(scenario, options.seed ?? 1, worlds.map(finish));
}

/** Two groups never draw the same chance, and the first draws what it would alone. */
function seedOf(seed: number, group: number): number {
  return seed + group * 1_000_003;
}

function runTo(worlds: readonly World[], ms: number): void {
  for (const world of worlds) world.run(world.trace.zeroUs + ms * 1000);
}

/** A condition holds when it does in every group; then the step is done in all of them. */
function follow(
  worlds: readonly World[],
  steps: readonly Extract<Step, { readonly when: unknown }>[],
  forMs: number,
): void {
  let at = 0;
  let sinceMs = 0;
  let gaveUp = false;
  for (let ms = 0; ms <= forMs; ms += LOOK_MS) {
    runTo(worlds, ms);
    const step = steps[at];
    if (step === undefined || gaveUp) break;
    if (ms < sinceMs) continue;
    const { condition, afterMs, withinMs } = step.when;
    if (!worlds.every((world) => holds(world, condition))) {
      if (ms - sinceMs < withinMs) continue;
      gaveUp = true;
      for (const world of worlds) {
        world.fault(`waited ${withinMs / 1000} s in vain (${condition.is}): the rest is not done`, [], step.line);
        world.gaveUp = true;
      }
      continue;
    }
    for (const world of worlds) world.later(afterMs, () => perform(world, step.action, step.line));
    sinceMs = ms + afterMs + ("downMs" in step.action ? step.action.downMs : 0) + 1;
    at++;
  }
  runTo(worlds, forMs);
}

const WORDS = ["safe", "brief", "outage", "permanent", "violation"] as const;

function merge(scenario: Scenario, seed: number, runs: readonly Run[]): Run {
  const names = scenario.groups.map(({ name }) => name);
  const [first] = runs;
  if (first === undefined) throw new RangeError("a scenario with groups has at least one");
  const tagged = <T>(each: (run: Run, tag: string) => readonly T[]): T[] =>
    runs.flatMap((run, i) => each(run, names[i] ?? ""));
  const sum = (each: (run: Run) => number): number => runs.reduce((total, run) => total + each(run), 0);
  const outages = union(
    tagged(({ outages: list }, tag) => list.map((each) => ({ ...each, cause: `${tag}: ${each.cause}` }))),
  );
  const worst = runs.reduce((a, b) => (WORDS.indexOf(b.verdict.word) > WORDS.indexOf(a.verdict.word) ? b : a));
  const tightest = runs.reduce((a, b) => (b.quorum.alive - b.quorum.needed < a.quorum.alive - a.quorum.needed ? b : a));
  const longestOutageUs = Math.max(0, ...outages.map(({ fromUs, toUs }) => toUs - fromUs));
  return {
    ...first,
    scenario: scenario.name,
    seed,
    events: sum(({ events }) => events),
    traceHash: runs.map(({ traceHash }) => traceHash).reduce(mix),
    trace: interleave(runs, names),
    isTraceCut: runs.some(({ isTraceCut }) => isTraceCut),
    violations: tagged(({ violations }, tag) => violations.map((each) => ({ ...each, text: `${tag}: ${each.text}` }))),
    checkpoints: checkpointsOf(runs, names),
    outages,
    acked: sum(({ acked }) => acked),
    ackedLost: sum(({ ackedLost }) => ackedLost),
    unknown: sum(({ unknown }) => unknown),
    refused: sum(({ refused }) => refused),
    earlyAcks: sum(({ earlyAcks }) => earlyAcks),
    staleReads: sum(({ staleReads }) => staleReads),
    duplicates: sum(({ duplicates }) => duplicates),
    elections: sum(({ elections }) => elections),
    leaderChanges: sum(({ leaderChanges }) => leaderChanges),
    gaveUp: runs.some(({ gaveUp }) => gaveUp),
    clusters: Math.max(...runs.map(({ clusters }) => clusters)),
    verdict: verdictOf(scenario, runs, names, worst, longestOutageUs),
    quorum: tightest.quorum,
    leader: runs.every(({ leader }) => leader !== undefined)
      ? runs.map(({ leader }, i) => `${names[i]}-${leader}`).join(", ")
      : undefined,
    members: tagged(({ members }, tag) => members.map((each): MemberEnd => ({ ...each, name: `${tag}-${each.name}` }))),
    longestOutageUs,
    unavailableUs: outages.reduce((total, { fromUs, toUs }) => total + toUs - fromUs, 0),
  };
}

function verdictOf(
  scenario: Scenario,
  runs: readonly Run[],
  names: readonly string[],
  worst: Run,
  longestUs: number,
): Run["verdict"] {
  const tag = names[runs.indexOf(worst)] ?? "";
  const recoveries = runs.flatMap(({ verdict }, i) =>
    verdict.recovery === "none needed" ? [] : [`${names[i]}: ${verdict.recovery}`],
  );
  const recovery = recoveries.length === 0 ? "none needed" : recoveries.join("; ");
  const { word } = worst.verdict;
  if (word === "permanent" || word === "violation" || worst.leader === undefined)
    return { word, text: `${tag}: ${worst.verdict.text}`, recovery };
  if (longestUs === 0) return { word: "safe", text: "writes were never interrupted, in any group", recovery };
  const timerMs = Math.max(...scenario.groups.map((group) => scenarioOf(scenario, group).cluster.electionTimerMs));
  const isBrief = longestUs / 1000 <= 2 * (timerMs + 1000);
  const seconds = (longestUs / 1e6).toFixed(longestUs < 1e7 ? 2 : 0);
  return {
    word: isBrief ? "brief" : "outage",
    text: `one group or another took no writes for at most ${seconds} s${isBrief ? "" : ", then it healed by itself"}`,
    recovery,
  };
}

/** Stretches in which at least one group took no writes. The cause is that of the stretch that began first. */
export function union(outages: readonly Outage[]): Outage[] {
  const merged: Outage[] = [];
  for (const each of [...outages].sort((a, b) => a.fromUs - b.fromUs)) {
    const last = merged.at(-1);
    // Less than what counts as an outage between two is no service.
    if (last === undefined || each.fromUs > last.toUs + OUTAGE_MIN_US) merged.push(each);
    else
      merged[merged.length - 1] = {
        ...last,
        toUs: Math.max(last.toUs, each.toUs),
        healed: each.toUs > last.toUs ? each.healed && last.healed : last.healed,
      };
  }
  return merged;
}

function checkpointsOf(runs: readonly Run[], names: readonly string[]): Checkpoint[] {
  const [first] = runs;
  return (first?.checkpoints ?? []).map((checkpoint, i) => {
    const all = runs.map(({ checkpoints }) => checkpoints[i]).filter((each) => each !== undefined);
    const isLed = all.length === runs.length && all.every(({ leader }) => leader !== undefined);
    return {
      ...checkpoint,
      leader: isLed ? all.map(({ leader }, k) => `${names[k]}-${leader}`).join(", ") : undefined,
      clusters: Math.max(...all.map(({ clusters }) => clusters)),
      failed: all.flatMap(({ failed }, k) => failed.map((text) => `${names[k]}: ${text}`)),
    };
  });
}

/** All traces in order of time; a fault of the hosts is told once. */
function interleave(runs: readonly Run[], names: readonly string[]): TraceEvent[] {
  const all = runs.flatMap(({ trace }, i) =>
    trace.flatMap((event) => (event.type === "fault" && i > 0 ? [] : [rename(event, names[i] ?? "")])),
  );
  return all.sort((a, b) => a.atUs - b.atUs);
}

function rename(event: TraceEvent, tag: string): TraceEvent {
  if (event.type === "fault") return event;
  const out: Record<string, unknown> = { ...event };
  for (const key of ["member", "from", "to", "client"]) {
    const value = out[key];
    if (typeof value === "string" && value !== "") out[key] = `${tag}-${value}`;
  }
  if (event.type === "servers") out["servers"] = event.servers.map((name) => `${tag}-${name}`);
  if (event.type === "violation" || event.type === "mark") out["text"] = `${tag}: ${event.text}`;
  return out as TraceEvent;
}

/** Two hashes of 16 digits to one. */
function mix(a: string, b: string): string {
  const [x, y] = [BigInt(`0x${a}`), BigInt(`0x${b}`)];
  return BigInt.asUintN(64, (x * 0x9e3779b97f4a7c15n) ^ y)
    .toString(16)
    .padStart(16, "0");
}
