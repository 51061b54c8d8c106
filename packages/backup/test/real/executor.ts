/** The executor as a process of its own, which kills itself where it is told to: `executor.ts PLAN POINT STEP [undo]`. A point is a
 * type of progress, and how often it is let pass: `action 2`. */
import { readFileSync } from "node:fs";
import { localRunner } from "@ovnha/runner";
import { executeRestore, type RestorePlan, type RestoreProgress } from "../../src/index.ts";

const [planFile = "", point = "", target = "", direction] = process.argv.slice(2);
const plan = JSON.parse(readFileSync(planFile, "utf8")) as RestorePlan;
const runners = Object.fromEntries(plan.members.map(({ name }) => [name, localRunner()]));
const [type, nth = "0"] = point.split(" ");
let left = Number(nth);
const onProgress = (progress: RestoreProgress): void => {
  if (progress.type === type && progress.step.id === target && left-- === 0) process.kill(process.pid, "SIGKILL");
};
const result = await executeRestore(plan, { runners, execute: true, undo: direction === "undo", onProgress });
process.stdout.write(
  `${JSON.stringify({ outcome: result.outcome, ...("reason" in result ? { reason: result.reason } : {}) })}\n`,
);
process.exit(result.outcome === "stopped" ? 1 : 0);
