/** A scenario on real servers, from its beginning to its end, or until somebody interrupts it. */
import { setMaxListeners } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import type { Scenario, Step } from "../../scenario/types.ts";
import type { Checkpoint } from "../../trace.ts";
import { Diary, type Interruption } from "./diary.ts";
import { RealHosts } from "./hosts.ts";
import { whyNot } from "./perform.ts";

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
  /** Of each group one. */
  readonly dirs: readonly string[];
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
  await using hosts = new RealHosts(scenario, options.keep, signal);
  const diary = new Diary(scenario, options.onStep);
  try {
    await hosts.form(() => over.abort());
    await sleep(2 * (hosts.electionTimerMs + 1000));
  } catch (error) {
    if (!isInterrupted()) throw error;
    return unfinished(hosts, diary);
  }
  const startMs = performance.now();
  const now = (): number => performance.now() - startMs;
  hosts.startWriters(startMs);
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
      const seen = await hosts.look();
      // Whoever is asked after that does not answer.
      signal.throwIfAborted();
      checkpoints.push({ atUs, ...seen, line: step.line });
    } else await hosts.perform(step.action, later);
  };
  for (const { action } of scenario.steps)
    if (action.do === "rollback") later(action.toMs, async () => hosts.mark(`mark-${action.toMs}`));

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
      await hosts.wait(step.when.condition, step.when.withinMs);
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
    const isHealed = await settle(scenario, hosts, now, sleep);
    await hosts.stopWriters();
    const end = await lookAtEnd(hosts, isHealed, sleep);
    signal.throwIfAborted();
    return {
      checkpoints,
      ...end,
      ackedLost: end.leader === undefined ? undefined : await hosts.ackedLost(),
      ...hosts.written(),
      isHealed,
      refusals: hosts.refusals(),
      lastedMs: now(),
      dirs: hosts.dirs,
      interrupted: undefined,
    };
  } catch (error) {
    if (!isInterrupted()) throw error;
    await hosts.stopWriters("at once");
    return unfinished(hosts, diary, checkpoints);
  } finally {
    over.abort();
    await Promise.allSettled([...courses, ...background, hosts.stopWriters("at once")]);
  }
}

/** Whether writes flow again: waits until they have for a while; where none can come, until that is plain. */
async function settle(
  scenario: Scenario,
  hosts: RealHosts,
  now: () => number,
  sleep: (ms: number) => Promise<void>,
): Promise<boolean> {
  const { electionTimerMs } = hosts;
  const isHopeless = scenario.expect.leader === false;
  const limitMs = isHopeless ? 8 * (electionTimerMs + 1000) : 30_000 + 20 * (electionTimerMs + 1000);
  const fromMs = now();
  let calmFromMs: number | undefined;
  while (now() - fromMs < limitMs) {
    await sleep(100);
    if (!(await hosts.isFlowing(now()))) calmFromMs = undefined;
    else calmFromMs ??= now();
    if (calmFromMs !== undefined && now() - calmFromMs >= CALM_MS) return true;
  }
  return false;
}

/** What there is of a run that was interrupted. */
function unfinished(hosts: RealHosts, diary: Diary, checkpoints: RealRun["checkpoints"] = []): RealRun {
  return {
    checkpoints,
    leader: undefined,
    configured: 0,
    clusters: 0,
    ackedLost: undefined,
    ...hosts.written(),
    isHealed: false,
    refusals: hosts.refusals(),
    lastedMs: diary.nowMs,
    dirs: hosts.dirs,
    interrupted: diary.interruption(),
  };
}

/** Where writes flow there is a leader; one that steps down just as it is looked for gets the time to be followed. */
async function lookAtEnd(
  hosts: RealHosts,
  isHealed: boolean,
  sleep: (ms: number) => Promise<void>,
): ReturnType<RealHosts["look"]> {
  for (let tries = 1; ; tries++) {
    const end = await hosts.look();
    if (!isHealed || end.leader !== undefined || tries === 50) return end;
    await sleep(200);
  }
}
