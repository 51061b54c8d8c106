/** A scenario on real servers, from its beginning to its end, or until somebody interrupts it. */
import { setMaxListeners } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import type { Scenario, Step } from "../../scenario/types.ts";
import type { Checkpoint } from "../../trace.ts";
import { RealCluster } from "./cluster.ts";
import type { RealMember } from "./member.ts";
import { perform, whyNot } from "./perform.ts";
import { Diary, type Interruption } from "./diary.ts";
import { numbersOf, Writer } from "./writer.ts";

export type RealRun = {
  readonly checkpoints: readonly Omit<Checkpoint, "failed">[];
  readonly leader: string | undefined;
  readonly configured: number;
  readonly clusters: number;
  readonly acked: number;
  /** Acknowledged writes that no member with a leader holds; undefined where nobody could be asked. */
  readonly ackedLost: number | undefined;
  readonly unknown: number;
  /** Longest stretch without an acknowledged write, until the run ended. */
  readonly longestOutageMs: number;
  /** From, to, in milliseconds from the start of the schedule. */
  readonly outages: readonly (readonly [number, number])[];
  readonly isHealed: boolean;
  readonly refusals: readonly string[];
  readonly lastedMs: number;
  readonly dir: string;
  /** Where it was when it was interrupted: then the end was never looked at. */
  readonly interrupted: Interruption | undefined;
};

export type RealRunOptions = {
  readonly keep: boolean;
  /** Aborted: the servers are stopped at once, and what was seen by then is given. */
  readonly signal?: AbortSignal | undefined;
  /** Called as a step begins, and now and then while it waits. */
  readonly onStep?: (text: string) => void;
};

/** After the last step: as soon as writes have flowed for this long, or when it takes longer than that. */
const CALM_MS = 3000;

export async function runReal(scenario: Scenario, options: RealRunOptions): Promise<RealRun> {
  const why = whyNot(scenario);
  if (why !== undefined) throw new Error(`${scenario.name} cannot be run on real processes: ${why}`);
  // Also over once this function is: nothing that still waits may then start a server.
  const over = new AbortController();
  const signal = AbortSignal.any(options.signal === undefined ? [over.signal] : [over.signal, options.signal]);
  setMaxListeners(0, signal);
  const isInterrupted = (): boolean => options.signal?.aborted === true;
  const sleep = (ms: number): Promise<void> => delay(Math.max(0, ms), undefined, { signal });
  await using cluster = new RealCluster(scenario, options.keep, signal);
  const diary = new Diary(scenario, options.onStep);
  const { electionTimerMs } = scenario.cluster;
  try {
    await cluster.form();
    await sleep(2 * (electionTimerMs + 1000));
  } catch (error) {
    if (!isInterrupted()) throw error;
    return unfinished(cluster, diary);
  }
  const startMs = performance.now();
  const now = (): number => performance.now() - startMs;
  const writer = new Writer(cluster, scenario.clients[0]?.perSecond ?? 10, startMs);
  writer.start();
  diary.begin(now);
  const checkpoints: Omit<Checkpoint, "failed">[] = [];
  const background: Promise<void>[] = [];
  const failures: unknown[] = [];
  const later = (ms: number, run: () => Promise<void>): void => {
    background.push(
      sleep(ms)
        .then(run)
        .catch((error: unknown) => void failures.push(error)),
    );
  };
  const act = async (step: Step): Promise<void> => {
    diary.note(step);
    if (step.action.do === "expect") {
      const atUs = now() * 1000;
      const seen = await look(cluster);
      // Whoever is asked after that does not answer.
      signal.throwIfAborted();
      checkpoints.push({ atUs, ...seen, line: step.line });
    } else await perform(cluster, step.action, later);
  };
  for (const { action } of scenario.steps)
    if (action.do === "rollback")
      later(action.toMs, async () => cluster.members.forEach((member) => void member.mark(`mark-${action.toMs}`)));

  const timed = scenario.steps.filter((step) => "at" in step).sort((a, b) => a.at.ms - b.at.ms);
  const waiting = scenario.steps.filter((step) => "when" in step);
  const onTime = async (): Promise<void> => {
    // Steps of one moment are done side by side.
    for (let i = 0; i < timed.length; ) {
      const atMs = timed[i]!.at.ms;
      const same = timed.filter((step) => step.at.ms === atMs);
      await sleep(atMs - now());
      await Promise.all(same.map(act));
      i += same.length;
    }
  };
  const inTurn = async (): Promise<void> => {
    for (const step of waiting) {
      await cluster.wait(() => cluster.holds(step.when.condition), step.when.withinMs, step.when.condition.is);
      await sleep(step.when.afterMs);
      await act(step);
      if ("downMs" in step.action) await sleep(step.action.downMs + 1);
    }
  };
  const courses = [onTime(), inTurn()];
  try {
    await Promise.all(courses);
    await Promise.all(background);
    if (failures.length > 0) throw failures[0];
    diary.settle();
    const isHealed = await settle(scenario, cluster, writer, now, sleep);
    await writer.stop();
    const end = await lookAtEnd(cluster, isHealed, sleep);
    signal.throwIfAborted();
    return {
      checkpoints,
      ...end,
      acked: writer.acked.length,
      ackedLost: await lost(cluster, writer.acked, end.leader),
      unknown: writer.unknown,
      outages: writer.outages,
      longestOutageMs: Math.max(0, ...writer.outages.map(([from, to]) => to - from)),
      isHealed,
      refusals: cluster.refusals(),
      lastedMs: now(),
      dir: cluster.dir,
      interrupted: undefined,
    };
  } catch (error) {
    if (!isInterrupted()) throw error;
    await writer.stop("at once");
    return unfinished(cluster, diary, checkpoints, writer);
  } finally {
    over.abort();
    await Promise.allSettled([...courses, ...background, writer.stop("at once")]);
  }
}

/** Whether writes flow again: waits until they have for a while; where none can come, until that is plain. */
async function settle(
  scenario: Scenario,
  cluster: RealCluster,
  writer: Writer,
  now: () => number,
  sleep: (ms: number) => Promise<void>,
): Promise<boolean> {
  const { electionTimerMs } = scenario.cluster;
  const isHopeless = scenario.expect.leader === false;
  const limitMs = isHopeless ? 8 * (electionTimerMs + 1000) : 30_000 + 20 * (electionTimerMs + 1000);
  const fromMs = now();
  let calmFromMs: number | undefined;
  while (now() - fromMs < limitMs) {
    await sleep(100);
    const isFlowing = now() - writer.lastAckMs < 500 && (await cluster.leader()) !== undefined;
    if (!isFlowing) calmFromMs = undefined;
    else calmFromMs ??= now();
    if (calmFromMs !== undefined && now() - calmFromMs >= CALM_MS) return true;
  }
  return false;
}

/** What there is of a run that was interrupted. */
function unfinished(
  cluster: RealCluster,
  diary: Diary,
  checkpoints: RealRun["checkpoints"] = [],
  writer?: Writer,
): RealRun {
  const outages = writer?.outages ?? [];
  return {
    checkpoints,
    leader: undefined,
    configured: 0,
    clusters: 0,
    acked: writer?.acked.length ?? 0,
    ackedLost: undefined,
    unknown: writer?.unknown ?? 0,
    outages,
    longestOutageMs: Math.max(0, ...outages.map(([from, to]) => to - from)),
    isHealed: false,
    refusals: cluster.refusals(),
    lastedMs: diary.nowMs,
    dir: cluster.dir,
    interrupted: diary.interruption(),
  };
}

/** Where writes flow there is a leader; one that steps down just as it is looked for gets the time to be followed. */
async function lookAtEnd(
  cluster: RealCluster,
  isHealed: boolean,
  sleep: (ms: number) => Promise<void>,
): ReturnType<typeof look> {
  for (let tries = 1; ; tries++) {
    const end = await look(cluster);
    if (!isHealed || end.leader !== undefined || tries === 50) return end;
    await sleep(200);
  }
}

async function look(cluster: RealCluster): Promise<Pick<Checkpoint, "leader" | "configured" | "clusters" | "alive">> {
  const statuses = await cluster.statuses();
  const lead = await cluster.leader();
  const running = new Set(
    statuses.flatMap((status, i) =>
      status === undefined || cluster.members[i]?.isPaused === true ? [] : [status.sid.slice(0, 4)],
    ),
  );
  const votes = lead?.status.servers.filter((sid) => running.has(sid)).length ?? 0;
  const isUsable = lead !== undefined && votes * 2 > lead.status.servers.length;
  const cids = new Set(
    statuses.flatMap((status) => (status === undefined || status.status.startsWith("joining") ? [] : [status.cid])),
  );
  const known = lead?.status ?? statuses.find((status) => status !== undefined && status.servers.length > 0);
  return {
    leader: isUsable ? lead.member.name : undefined,
    configured: known?.servers.length ?? 0,
    clusters: cids.size,
    alive: cluster.members.filter(({ process }) => process !== undefined).length,
  };
}

async function lost(
  cluster: RealCluster,
  acked: readonly number[],
  leader: string | undefined,
): Promise<number | undefined> {
  const member: RealMember | undefined = leader === undefined ? undefined : cluster.member(leader);
  if (member === undefined) return undefined;
  const held = await numbersOf(member.socket);
  return held === undefined ? undefined : acked.filter((number) => !held.has(number)).length;
}
