/** Acts on a plan, and only when told: each step's conditions are looked at before, and again until they hold. */
import { setTimeout as pause } from "node:timers/promises";
import type { Runner } from "@ovnha/runner";
import { ClusterError } from "../../error.ts";
import type { History } from "../../judge/history.ts";
import { remember } from "../../judge/track.ts";
import { assess } from "../../judge/assess.ts";
import { emptyHistory } from "../../judge/history.ts";
import type { Expected, Observation } from "../../observe/types.ts";
import { checkCondition } from "../../plan/conditions.ts";
import { commandLine } from "../../plan/render.ts";
import type { Command, Condition, Plan, PlanStep } from "../../plan/types.ts";

export type StepOutcome = {
  readonly step: PlanStep;
  readonly outcome: "done" | "skipped";
  readonly output: string;
  readonly tookMs: number;
};

export type ExecuteOptions = {
  /** Where commands run: by the member's name, and "here". */
  readonly runners: Readonly<Record<string, Runner>> | ((at: string) => Runner | undefined);
  /** A fresh look at all members; asked before and after each step that acts. */
  readonly observe: () => Promise<Observation>;
  /** Nothing is done without it: "all", or asked for each step that acts. */
  readonly confirm: "all" | ((step: PlanStep) => boolean | Promise<boolean>);
  readonly expected?: Expected | undefined;
  readonly history?: History | undefined;
  readonly onStep?: ((outcome: StepOutcome) => void) | undefined;
  /** Between two looks, in ms; 500 unless told. */
  readonly pollMs?: number | undefined;
  /** How long the conditions before a step may take to hold, in ms; 10,000 unless told. */
  readonly patienceMs?: number | undefined;
  /** For each command, in ms; 60,000 unless told. */
  readonly commandMs?: number | undefined;
  /** Such as that of the operation lock. */
  readonly signal?: AbortSignal | undefined;
};

export type ExecuteReport = { readonly isComplete: boolean; readonly steps: readonly StepOutcome[] };

/**
 * Executes a plan step by step. It stops at the first condition that does not hold, and has then done nothing of that
 * step or only that step; what it did is in the error's cause-free message and in `onStep`.
 *
 * @throws ClusterError PRECONDITION if the plan has blockers, or a condition does not hold in time; RUNNER if a command
 * fails; INVALID_CONFIG if there is no runner for a member; ABORTED by the signal.
 */
export async function execute(plan: Plan, options: ExecuteOptions): Promise<ExecuteReport> {
  if (plan.blockers.length > 0)
    throw new ClusterError(
      "PRECONDITION",
      `${plan.title}: ${plan.blockers.map(({ text }) => text).join("; ")}; nothing was done`,
    );
  const steps: StepOutcome[] = [];
  const looker = new Looker(options);
  for (const step of plan.steps) {
    if (options.signal?.aborted) throw aborted(options.signal);
    const startedMs = performance.now();
    const done = (outcome: StepOutcome["outcome"], output: string): void => {
      const one = { step, outcome, output, tookMs: performance.now() - startedMs };
      steps.push(one);
      options.onStep?.(one);
    };
    if (step.kind === "act" && options.confirm !== "all" && !(await options.confirm(step))) {
      done("skipped", "");
      return { isComplete: false, steps };
    }
    // What already holds is not done again, so that a plan that broke off can be taken up.
    if (step.kind === "act" && step.after.length > 0 && step.isDestructive && (await looker.holdNow(step.after))) {
      done("skipped", "it holds already");
      continue;
    }
    await looker.until(step, step.before, options.patienceMs ?? 10_000, "before");
    const output = step.command === undefined ? "" : await runCommand(step, step.command, options);
    await looker.until(step, step.after, step.withinMs ?? 30_000, "after");
    done("done", output);
  }
  return { isComplete: true, steps };
}

function aborted(signal: AbortSignal): ClusterError {
  const { reason } = signal;
  return reason instanceof ClusterError
    ? reason
    : new ClusterError("ABORTED", "the plan was aborted between two steps", { cause: reason });
}

/** Looks again and again, and remembers what it saw: some conditions need more than one sighting. */
class Looker {
  readonly #options: ExecuteOptions;
  #history: History;

  constructor(options: ExecuteOptions) {
    this.#options = options;
    this.#history = options.history ?? emptyHistory();
  }

  async #missing(conditions: readonly Condition[]): Promise<string | undefined> {
    const observation = await this.#options.observe();
    const { expected } = this.#options;
    const history = this.#history;
    for (const condition of conditions) {
      const held = checkCondition(condition, observation, { expected, history });
      if (!held.isHeld) {
        this.#history = remember(history, observation, assess(observation, { expected, history }));
        return held.why;
      }
    }
    return undefined;
  }

  async holdNow(conditions: readonly Condition[]): Promise<boolean> {
    return (await this.#missing(conditions)) === undefined;
  }

  async until(
    step: PlanStep,
    conditions: readonly Condition[],
    withinMs: number,
    when: "before" | "after",
  ): Promise<void> {
    if (conditions.length === 0) return;
    const { signal, pollMs = 500 } = this.#options;
    const deadlineMs = performance.now() + withinMs;
    for (;;) {
      if (signal?.aborted) throw aborted(signal);
      const why = await this.#missing(conditions);
      if (why === undefined) return;
      if (performance.now() >= deadlineMs) {
        const state = when === "before" ? "it was not done" : "it was done, and this did not follow";
        throw new ClusterError(
          "PRECONDITION",
          `step ${step.number}, ${step.title}: ${why} (waited ${Math.round(withinMs / 1_000)} s); ${state}. ${step.undo}`,
          { member: step.member },
        );
      }
      await pause(pollMs, undefined, { signal }).catch(() => {});
    }
  }
}

export function runnerFor(runners: ExecuteOptions["runners"], at: string): Runner {
  const runner = typeof runners === "function" ? runners(at) : runners[at];
  if (runner === undefined)
    throw new ClusterError("INVALID_CONFIG", `nothing is known about how to run commands at ${at}; give it a runner`);
  return runner;
}

async function runCommand(
  step: PlanStep,
  command: Command,
  { runners, commandMs = 60_000, signal }: ExecuteOptions,
): Promise<string> {
  const runner = runnerFor(runners, command.at);
  const { exitCode, stdout, stderr } = await runner.run(command.program, command.args, {
    timeoutMs: commandMs,
    ...(signal === undefined ? {} : { signal }),
  });
  const output = `${stdout}${stderr}`.trim();
  // A look that fails is an answer too.
  if (exitCode !== 0 && step.kind === "act") {
    const words = output.slice(-500) || "it said nothing";
    throw new ClusterError(
      "RUNNER",
      `step ${step.number}, ${step.title}: ${commandLine(command)} at ${command.at} ended with ${exitCode}: ${words}`,
      { member: step.member },
    );
  }
  return output;
}
