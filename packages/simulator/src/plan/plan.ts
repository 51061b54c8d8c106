/** How to restart all members of a cluster: what the asked plan comes to, the smallest wait that will do, and what to do instead. */
import type { StopHow } from "../scenario/types.ts";
import { runSeed, summarize, type Sweep } from "../search/sweep.ts";
import { type RestartPlan, type Wait, whatIf } from "../what-if.ts";
import { type PlanStep, stepsOf } from "./steps.ts";
import { type PlanWord, planWordOf } from "./word.ts";

export type PlanQuestion = {
  readonly members: number;
  readonly electionTimerMs: number;
  /** Who is restarted, in order. */
  readonly order: readonly string[];
  readonly how: StopHow;
  readonly downMs: number;
  readonly wipe?: boolean | undefined;
  readonly kick?: boolean | undefined;
  /** What was asked for: milliseconds between two stops, or a gate (see `RestartPlan`). Default "healthy". */
  readonly wait?: Wait | undefined;
  readonly profile: string;
  /** Configured ids that nobody has any more. */
  readonly ghosts?: number | undefined;
  /** The same ids, for the commands; and how people call the members there (see `StepFacts`). */
  readonly ghostIds?: readonly string[] | undefined;
  readonly database?: string | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
  /** The longest time without writes that is bearable; default two windows of a leader, 2 (T + 1 s). */
  readonly targetMs?: number | undefined;
  /** Each candidate is tried so often; default 30. All of them have to meet the target. */
  readonly seeds?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called between two simulations: a chance for whoever waits beside. */
  readonly breathe?: (() => Promise<void>) | undefined;
};

const SEEDS = 30;

export type PlanVariant = {
  readonly word: PlanWord;
  readonly how: StopHow;
  readonly wait: Wait;
  readonly order: readonly string[];
  readonly wipe: boolean;
  readonly kick: boolean;
  /** Ids that nobody has are kicked before anything else. */
  readonly kickGhosts: boolean;
  readonly outageMs: Sweep["outageMs"];
  /** Share of the tries in which quorum was lost for good, or an acknowledged write. */
  readonly fatalShare: number;
};

export type RestartAdvice = {
  readonly asked: PlanVariant;
  readonly targetMs: number;
  readonly meetsTarget: boolean;
  /** For a fatal plan: the restart that makes it so, from 1, and why. */
  readonly fatalStep: number | undefined;
  readonly why: string;
  /**
   * The smallest fixed wait between two stops, in milliseconds, that met the target in every try; undefined if none did, or if
   * only one is stopped.
   */
  readonly smallestWaitMs: number | undefined;
  /** What to do: the asked plan if it will do, or the least change to it that does. */
  readonly instead: PlanVariant | undefined;
  /** The same with a graceful exit, where that shortens what `instead` leaves of an outage by more than half. */
  readonly better: PlanVariant | undefined;
  readonly steps: readonly PlanStep[];
};

/** Throws `ScenarioError` for members that do not exist. It runs some hundreds of simulations. */
export async function planWait(question: PlanQuestion): Promise<RestartAdvice> {
  const { wipe = false, kick = false, wait = "healthy", how, order, electionTimerMs } = question;
  const targetMs = question.targetMs ?? 2 * (electionTimerMs + 1000);
  const base = { how, wait, order, wipe, kick, kickGhosts: false };
  const asked = await variant(question, base);
  const isGood = (each: PlanVariant): boolean =>
    each.word !== "fatal" && each.word !== "blocked" && each.outageMs.max <= targetMs;
  const meetsTarget = isGood(asked);
  const fatalStep = asked.word === "fatal" ? await firstFatal(question, base) : undefined;
  let instead = meetsTarget ? asked : undefined;
  for (const changed of alternatives(base, question.ghosts ?? 0)) {
    if (instead !== undefined || question.signal?.aborted === true) break;
    const tried = await variant(question, changed);
    if (isGood(tried)) instead = tried;
  }
  const better = instead === undefined ? undefined : await gracefully(question, instead);
  return {
    asked,
    targetMs,
    meetsTarget,
    fatalStep,
    why: whyOf(question, asked, meetsTarget, fatalStep),
    smallestWaitMs:
      order.length < 2
        ? undefined
        : await smallestWait(question, { ...base, kick: wipe, kickGhosts: (question.ghosts ?? 0) > 0 }, targetMs),
    instead,
    better,
    steps: instead === undefined ? [] : stepsOf(instead, question),
  };
}

async function gracefully(question: PlanQuestion, found: PlanVariant): Promise<PlanVariant | undefined> {
  if (found.how === "exit" || found.outageMs.max === 0 || question.signal?.aborted === true) return undefined;
  const { wait, order, wipe, kick, kickGhosts } = found;
  const tried = await variant(question, { how: "exit", wait, order, wipe, kick, kickGhosts });
  const isWhole = tried.word !== "fatal" && tried.word !== "blocked";
  return isWhole && tried.outageMs.max < found.outageMs.max / 2 ? tried : undefined;
}

type Base = Pick<PlanVariant, "how" | "wait" | "order" | "wipe" | "kick" | "kickGhosts">;

/** From the smallest change to the largest: the gate, the kick, the way to stop, the order. */
function alternatives(base: Base, ghosts: number): Base[] {
  const gated: Base = { ...base, wait: "healthy", kickGhosts: ghosts > 0 };
  const kicked: Base = base.wipe ? { ...gated, kick: true } : gated;
  const graceful: Base = { ...kicked, how: "exit" };
  const [first, ...rest] = base.order;
  const leaderLast: Base = { ...graceful, order: first === undefined ? [] : [...rest, first] };
  const kept: Base = { ...leaderLast, wipe: false, kick: false };
  return [gated, kicked, graceful, leaderLast, ...(base.wipe ? [kept] : [])];
}

async function variant(question: PlanQuestion, base: Base): Promise<PlanVariant> {
  const result = await trySeeds(question, base);
  const { words, seeds, outageMs } = result;
  const fatal = words.permanent + words.violation;
  return { ...base, word: planWordOf(result) ?? "safe", outageMs, fatalShare: fatal / Math.max(1, seeds) };
}

async function trySeeds(question: PlanQuestion, base: Base, seeds: number = question.seeds ?? SEEDS): Promise<Sweep> {
  const plan: RestartPlan = { ...question, ...base };
  const scenario = whatIf(plan);
  const results = [];
  for (let seed = 1; seed <= seeds && (seed === 1 || question.signal?.aborted !== true); seed++) {
    results.push(runSeed(scenario, seed));
    await question.breathe?.();
  }
  return summarize(scenario, results);
}

/** After which of the restarts nothing comes back. */
async function firstFatal(question: PlanQuestion, base: Base): Promise<number | undefined> {
  for (let count = 1; count <= base.order.length; count++) {
    const { words } = await trySeeds(question, { ...base, order: base.order.slice(0, count) }, 10);
    if (words.permanent + words.violation > 0) return count;
  }
  return base.order.length;
}

/**
 * The smallest wait in whole seconds (coarser for long ones) that no seed misses the target with: found by bisection, and then
 * held against four times as many seeds that the search has not seen. Never less than the down time and a second to return.
 */
async function smallestWait(question: PlanQuestion, base: Base, targetMs: number): Promise<number | undefined> {
  const { downMs, electionTimerMs, seeds = SEEDS } = question;
  const mostMs = downMs + 20 * (electionTimerMs + 1000);
  const test = async (wait: number, from = 1, count = seeds): Promise<boolean> => {
    const scenario = whatIf({ ...question, ...base, wait });
    for (let seed = from; seed < from + count; seed++) {
      if (question.signal?.aborted === true) return false;
      await question.breathe?.();
      const { word, longestOutageMs } = runSeed(scenario, seed);
      if (word === "permanent" || word === "violation" || longestOutageMs > targetMs) return false;
    }
    return true;
  };
  if (!(await test(mostMs))) return undefined;
  const gridMs = Math.max(1000, Math.ceil(mostMs / 128 / 1000) * 1000);
  // However long an outage is bearable: nobody is told to stop one while the last is still down.
  let [low, high] = [Math.ceil((downMs + 1000) / gridMs), Math.ceil(mostMs / gridMs)];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (await test(middle * gridMs)) high = middle;
    else low = middle + 1;
  }
  while (high * gridMs < mostMs && !(await test(high * gridMs, seeds + 1, 4 * seeds))) high++;
  return question.signal?.aborted === true ? undefined : high * gridMs;
}

function whyOf(
  question: PlanQuestion,
  asked: PlanVariant,
  meetsTarget: boolean,
  fatalStep: number | undefined,
): string {
  const { members, ghosts = 0 } = question;
  if (asked.word === "fatal" && asked.wipe && !asked.kick)
    return `each wiped server joins under a new id and its old id stays configured: with restart ${fatalStep ?? "?"} the configured ids that nobody has outnumber those that can vote`;
  if (asked.word === "fatal")
    return ghosts > 0
      ? `${members + ghosts} ids are configured and ${Math.floor((members + ghosts) / 2) + 1} must vote; ${members} can: one restart more than is spare does not come back`
      : "quorum is lost for good, or acknowledged writes are: see the story of the worst seed";
  if (asked.word === "blocked" && asked.wipe && !asked.kick)
    return "the gate waits for all configured servers, and the old id of a wiped one never comes: kick it";
  if (asked.word === "blocked")
    return ghosts > 0
      ? `the gate waits for all configured servers, and ${ghosts} of them will never come: kick them first`
      : "the gate never opens: the cluster is not whole in time";
  if (meetsTarget) return asked.word === "safe" ? "writes never stop" : "only fail-overs, each within the target";
  if (typeof asked.wait === "number" && asked.wait <= question.downMs)
    return "the next server stops before the last one is back: fewer than a majority runs";
  if (typeof asked.wait === "number") return "the last server is back and not yet a voter when the next one stops";
  return "a leader that does not hand over is missed only after its election timer: let it exit in good order";
}
