/** A scenario on real servers, from its beginning to its end. */
import type { Scenario, Step } from "../../scenario/types.ts";
import type { Checkpoint } from "../../trace.ts";
import { RealCluster } from "./cluster.ts";
import type { RealMember } from "./member.ts";
import { perform, whyNot } from "./perform.ts";
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
};

export type RealRunOptions = {
  readonly keep: boolean;
  readonly signal?: AbortSignal | undefined;
  readonly onStep?: (text: string) => void;
};

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, Math.max(0, ms)));

/** After the last step: as soon as writes have flowed for this long, or when it takes longer than that. */
const CALM_MS = 3000;

export async function runReal(scenario: Scenario, options: RealRunOptions): Promise<RealRun> {
  const why = whyNot(scenario);
  if (why !== undefined) throw new Error(`${scenario.name} cannot be run on real processes: ${why}`);
  await using cluster = new RealCluster(scenario, options.keep);
  await cluster.form();
  const { electionTimerMs } = scenario.cluster;
  await sleep(2 * (electionTimerMs + 1000));
  const startMs = performance.now();
  const now = (): number => performance.now() - startMs;
  const writer = new Writer(cluster, scenario.clients[0]?.perSecond ?? 10, startMs);
  writer.start();
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
    options.onStep?.(`${(now() / 1000).toFixed(1)} s ${step.action.do}`);
    if (step.action.do === "expect")
      checkpoints.push({ atUs: now() * 1000, ...(await look(cluster)), line: step.line });
    else await perform(cluster, step.action, later);
  };
  for (const { action } of scenario.steps)
    if (action.do === "rollback")
      later(action.toMs, async () => cluster.members.forEach((member) => void member.mark(`mark-${action.toMs}`)));

  const timed = scenario.steps.filter((step) => "at" in step).sort((a, b) => a.at.ms - b.at.ms);
  const waiting = scenario.steps.filter((step) => "when" in step);
  const isAborted = (): boolean => options.signal?.aborted === true;
  const onTime = async (): Promise<void> => {
    // Steps of one moment are done side by side.
    for (let i = 0; i < timed.length && !isAborted(); ) {
      const atMs = timed[i]!.at.ms;
      const same = timed.filter((step) => step.at.ms === atMs);
      await sleep(atMs - now());
      await Promise.all(same.map(act));
      i += same.length;
    }
  };
  const inTurn = async (): Promise<void> => {
    for (const step of waiting) {
      if (isAborted()) return;
      await cluster.wait(() => cluster.holds(step.when.condition), step.when.withinMs, step.when.condition.is);
      await sleep(step.when.afterMs);
      await act(step);
      if ("downMs" in step.action) await sleep(step.action.downMs + 1);
    }
  };
  try {
    await Promise.all([onTime(), inTurn()]);
    await Promise.all(background);
    if (failures.length > 0) throw failures[0];
    const isHealed = await settle(scenario, cluster, writer, now, isAborted);
    await writer.stop();
    const end = await lookAtEnd(cluster, isHealed);
    return {
      checkpoints,
      ...end,
      acked: writer.acked.length,
      ackedLost: await lost(cluster, writer.acked, end.leader),
      unknown: writer.unknown,
      outages: writer.outages,
      longestOutageMs: Math.max(0, ...writer.outages.map(([from, to]) => to - from)),
      isHealed,
      refusals: cluster.members.flatMap(({ name, refusal }) => (refusal === undefined ? [] : [`${name}: ${refusal}`])),
      lastedMs: now(),
      dir: cluster.dir,
    };
  } finally {
    await writer.stop();
  }
}

/** Whether writes flow again: waits until they have for a while; where none can come, until that is plain. */
async function settle(
  scenario: Scenario,
  cluster: RealCluster,
  writer: Writer,
  now: () => number,
  isAborted: () => boolean,
): Promise<boolean> {
  const { electionTimerMs } = scenario.cluster;
  const isHopeless = scenario.expect.leader === false;
  const limitMs = isHopeless ? 8 * (electionTimerMs + 1000) : 30_000 + 20 * (electionTimerMs + 1000);
  const fromMs = now();
  let calmFromMs: number | undefined;
  while (now() - fromMs < limitMs && !isAborted()) {
    await sleep(100);
    const isFlowing = now() - writer.lastAckMs < 500 && (await cluster.leader()) !== undefined;
    if (!isFlowing) calmFromMs = undefined;
    else calmFromMs ??= now();
    if (calmFromMs !== undefined && now() - calmFromMs >= CALM_MS) return true;
  }
  return false;
}

/** Where writes flow there is a leader; one that steps down just as it is looked for gets the time to be followed. */
async function lookAtEnd(cluster: RealCluster, isHealed: boolean): ReturnType<typeof look> {
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
