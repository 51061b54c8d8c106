/** A sweep on all cores. The answer does not depend on how many there are. */
import { fork } from "node:child_process";
import { availableParallelism } from "node:os";
import type { Scenario } from "../scenario/types.ts";
import { runSeed, type SeedResult, type Sweep, summarize } from "../search/sweep.ts";

export type SweepOptions = {
  /** Default: what the scenario says. */
  readonly seeds?: number | undefined;
  /** Default 1. */
  readonly firstSeed?: number | undefined;
  readonly profile?: string | undefined;
  /** Processes; default as many as there are cores, at most 16. 1 runs in this one. */
  readonly workers?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((done: number, of: number) => void) | undefined;
};

/** Seeds in one message: big enough to be cheap, small enough to show progress and to stop soon. */
const CHUNK = 10;
/** Fewer seeds than this are not worth a process's start. */
const WORTH = 40;

/** With an aborted signal it gives what is done by then; `seeds` tells how many those are. */
export async function sweep(scenario: Scenario, options: SweepOptions = {}): Promise<Sweep> {
  const { seeds = scenario.seeds, firstSeed = 1, profile, signal, onProgress } = options;
  const workers = Math.min(options.workers ?? Math.min(16, availableParallelism()), Math.ceil(seeds / CHUNK));
  const results: SeedResult[] = [];
  const take = (more: readonly SeedResult[]): void => {
    results.push(...more);
    onProgress?.(results.length, seeds);
  };
  if (workers <= 1 || seeds < WORTH) {
    for (let seed = firstSeed; seed < firstSeed + seeds && signal?.aborted !== true; seed++) {
      take([runSeed(scenario, seed, profile)]);
      if (seed % CHUNK === 0) await new Promise((resolve) => setImmediate(resolve));
    }
  } else {
    let next = firstSeed;
    const claim = (): { from: number; to: number } | undefined => {
      if (signal?.aborted === true || next >= firstSeed + seeds) return undefined;
      const from = next;
      next = Math.min(firstSeed + seeds, from + CHUNK);
      return { from, to: next };
    };
    await Promise.all(Array.from({ length: workers }, () => runWorker({ scenario, profile }, claim, take)));
  }
  return summarize(scenario, results, profile);
}

type Claim = () => { from: number; to: number } | undefined;

function runWorker(
  task: { readonly scenario: Scenario; readonly profile: string | undefined },
  claim: Claim,
  take: (results: readonly SeedResult[]) => void,
): Promise<void> {
  const isSource = import.meta.url.endsWith(".ts");
  const child = fork(new URL(isSource ? "./worker.ts" : "./worker.js", import.meta.url), {
    execArgv: isSource ? ["--conditions=ovnha-source", "--import", "tsx"] : [],
    serialization: "advanced",
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  return new Promise((resolve, reject) => {
    const feed = (): void => {
      const range = claim();
      if (range === undefined) child.disconnect();
      else child.send({ ...task, ...range });
    };
    child.on("message", (results) => {
      take(results as readonly SeedResult[]);
      feed();
    });
    child.on("error", reject);
    child.on("exit", (code, signal) =>
      code === 0 ? resolve() : reject(new Error(`a process of the sweep ended with ${signal ?? `status ${code}`}`)),
    );
    feed();
  });
}
