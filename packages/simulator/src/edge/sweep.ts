/** A sweep on all cores. The answer does not depend on how many there are. */
import { fork } from "node:child_process";
import { availableParallelism } from "node:os";
import type { Scenario } from "../scenario/types.ts";
import { runSeed, type SeedResult, type Sweep, summarize } from "../search/sweep.ts";
import type { WorkerTask } from "./worker.ts";

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

/** With an aborted signal it gives what is done by then; `seeds` tells how many those are. */
export async function sweep(scenario: Scenario, options: SweepOptions = {}): Promise<Sweep> {
  const { seeds = scenario.seeds, firstSeed = 1, profile, onProgress } = options;
  const results: SeedResult[] = [];
  const take = (more: readonly SeedResult[]): void => {
    results.push(...more);
    onProgress?.(results.length, seeds);
  };
  const jobs: Job[] = [];
  for (let from = firstSeed; from < firstSeed + seeds; from += CHUNK)
    jobs.push({ scenario, profile, from, to: Math.min(firstSeed + seeds, from + CHUNK), take });
  await runJobs(jobs, options);
  return summarize(scenario, results, profile);
}

/** Seeds of one scenario, and who is given what came of them. */
export type Job = WorkerTask & { readonly take: (results: readonly SeedResult[]) => void };

/** Fewer seeds than this are not worth a process's start. */
const WORTH = 40;

/** Does them in their order on all cores; with an aborted signal it begins no further one. */
export async function runJobs(
  jobs: readonly Job[],
  options: Pick<SweepOptions, "workers" | "signal"> = {},
): Promise<void> {
  const workers = Math.min(options.workers ?? Math.min(16, availableParallelism()), jobs.length);
  const seeds = jobs.reduce((sum, { from, to }) => sum + to - from, 0);
  let next = 0;
  const claim = (): Job | undefined => (options.signal?.aborted === true ? undefined : jobs[next++]);
  if (workers > 1 && seeds >= WORTH) {
    await Promise.all(Array.from({ length: workers }, () => runWorker(claim, options.signal)));
    return;
  }
  for (let job = claim(); job !== undefined; job = claim()) {
    for (let seed = job.from; seed < job.to && options.signal?.aborted !== true; seed++)
      job.take([runSeed(job.scenario, seed, job.profile)]);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function runWorker(claim: () => Job | undefined, signal: AbortSignal | undefined): Promise<void> {
  const isSource = import.meta.url.endsWith(".ts");
  const child = fork(new URL(isSource ? "./worker.ts" : "./worker.js", import.meta.url), {
    execArgv: isSource ? ["--conditions=ovnha-source", "--import", "tsx"] : [],
    // In a process group of its own: Ctrl-C is for this process alone, also while that one has only begun to load.
    detached: true,
    serialization: "advanced",
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  return new Promise((resolve, reject) => {
    let job: Job | undefined;
    const feed = (): void => {
      job = claim();
      if (job === undefined) return child.disconnect();
      const { take: _, ...task } = job;
      child.send(task);
    };
    child.on("message", (results) => {
      job?.take(results as readonly SeedResult[]);
      feed();
    });
    child.on("error", reject);
    child.on("exit", (code, by) => {
      // One that was ended with everything else while it had only begun to load has no results to lose.
      if (code === 0 || (by !== null && signal?.aborted === true)) return resolve();
      reject(new Error(`a process of the sweep ended with ${by ?? `status ${code}`}`));
    });
    feed();
  });
}
