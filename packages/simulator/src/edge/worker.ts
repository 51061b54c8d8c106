/** A process of a sweep: a scenario comes in, then ranges of seeds; results go out. It ends with its parent. */
import type { Scenario } from "../scenario/types.ts";
import { runSeed, type SeedResult } from "../search/sweep.ts";

export type WorkerTask = {
  readonly scenario: Scenario;
  readonly profile: string | undefined;
  readonly from: number;
  readonly to: number;
};

process.on("message", ({ scenario, profile, from, to }: WorkerTask) => {
  const results: SeedResult[] = [];
  for (let seed = from; seed < to; seed++) results.push(runSeed(scenario, seed, profile));
  // A parent that was killed outright hears no results, which is no error of this process.
  if (process.connected) process.send?.(results, () => {});
});
process.on("disconnect", () => process.exit(0));
// What is sent to all processes, as by a service manager that stops, is the parent's to answer: the channel closes then.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => {});
