/** The same schedule twice: two releases, timers, sizes, or files. Each seed draws the same chance in both. */
import { BEHAVIOUR_NAMES, profileOf } from "@ovnha/raft";
import { ScenarioError } from "./scenario/error.ts";
import { durationMs } from "./scenario/duration.ts";
import type { Scenario } from "./scenario/types.ts";
import { runSeed, type SeedResult, type Sweep, summarize } from "./search/sweep.ts";

export type Diff = {
  readonly a: Sweep;
  readonly b: Sweep;
  readonly seeds: number;
  /** Longest time without writes, b less a, over pairs of the same seed: mean, and its standard error. */
  readonly outageMs: { readonly mean: number; readonly sigma: number };
  readonly longerInB: number;
  readonly shorterInB: number;
  /** Behaviours of the two releases that differ, with the value that b has. */
  readonly behaviours: Readonly<Record<string, boolean>>;
};

export type DiffOptions = {
  readonly seeds: number;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((done: number, of: number) => void) | undefined;
  /** Called between two pairs: a chance for whoever waits beside. */
  readonly breathe?: (() => Promise<void>) | undefined;
};

export async function diff(a: Scenario, b: Scenario, options: DiffOptions): Promise<Diff> {
  const pairs: (readonly [SeedResult, SeedResult])[] = [];
  for (let seed = 1; seed <= options.seeds && options.signal?.aborted !== true; seed++) {
    pairs.push([runSeed(a, seed), runSeed(b, seed)]);
    options.onProgress?.(seed, options.seeds);
    await options.breathe?.();
  }
  const differences = pairs.map(([x, y]) => y.longestOutageMs - x.longestOutageMs);
  const n = Math.max(1, differences.length);
  const mean = differences.reduce((sum, each) => sum + each, 0) / n;
  const squares = differences.reduce((sum, each) => sum + (each - mean) ** 2, 0);
  return {
    a: summarize(
      a,
      pairs.map(([x]) => x),
    ),
    b: summarize(
      b,
      pairs.map(([, y]) => y),
    ),
    seeds: pairs.length,
    outageMs: { mean, sigma: Math.sqrt(squares / Math.max(1, n - 1) / n) },
    longerInB: differences.filter((each) => each > 0).length,
    shorterInB: differences.filter((each) => each < 0).length,
    behaviours: behavioursThatDiffer(a, b),
  };
}

function behavioursThatDiffer(a: Scenario, b: Scenario): Record<string, boolean> {
  const [x, y] = [a, b].map(({ cluster }) => profileOf(cluster.profile, cluster.flags));
  const out: Record<string, boolean> = {};
  for (const name of BEHAVIOUR_NAMES) if (x?.[name] !== y?.[name]) out[name] = y?.[name] === true;
  return out;
}

/** `3.1.0,timer=5s,members=5,truncationUnsyncs=on` laid over a scenario. Throws `ScenarioError` for what it does not know. */
export function withSettings(scenario: Scenario, text: string): Scenario {
  let { cluster } = scenario;
  for (const each of text.split(",").map((part) => part.trim())) {
    const [key = "", value] = each.split("=");
    if (value === undefined || key === "profile") cluster = { ...cluster, profile: release(value ?? key) };
    else if (key === "timer") cluster = { ...cluster, electionTimerMs: timer(value) };
    else if (key === "members") cluster = { ...cluster, members: members(value, scenario) };
    else if ((BEHAVIOUR_NAMES as readonly string[]).includes(key) && /^(on|off)$/.test(value))
      cluster = { ...cluster, flags: { ...cluster.flags, [key]: value === "on" } };
    else
      throw new ScenarioError(
        `"${each}" is no setting: write a release such as 3.1.0, timer=5s, members=5, or a behaviour and on or off (${BEHAVIOUR_NAMES.join(", ")})`,
      );
  }
  return { ...scenario, cluster };
}

function release(text: string): string {
  try {
    profileOf(text);
    return text;
  } catch (error) {
    throw new ScenarioError(error instanceof Error ? error.message : String(error));
  }
}

function timer(text: string): number {
  const ms = durationMs(text);
  if (ms !== undefined && ms >= 100 && ms <= 600_000) return ms;
  throw new ScenarioError(`"${text}" is no election timer: 100ms to 600s`);
}

function members(text: string, { steps }: Scenario): number {
  const count = Number(text);
  const named = steps.flatMap(({ action }) => [
    ...("target" in action ? [action.target] : []),
    ...(action.do === "cut" ? action.between : []),
  ]);
  const most = Math.max(1, ...named.map((name) => Number(/^m(\d+)$/.exec(name)?.[1] ?? 1)));
  if (Number.isInteger(count) && count >= most && count <= 16) return count;
  throw new ScenarioError(`members=${text}: a whole number from ${most}, whom the schedule names, to 16`);
}
