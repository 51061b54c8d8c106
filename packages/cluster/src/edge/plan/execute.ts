/** Acts on a plan, and only when told: each step's conditions are looked at before, and again until they hold. */
import { setTimeout as pause } from "node:timers/promises";
import { ClusterError } from "../../error.ts";
import { assess } from "../../judge/assess.ts";
import { emptyHistory, type History } from "../../judge/history.ts";
import { remember } from "../../judge/track.ts";
import type { Expected, Observation } from "../../observe/types.ts";
import { checkCondition } from "../../plan/conditions.ts";
import type { Condition, Plan, PlanStep } from "../../plan/types.ts";
import { type CommandOptions, interruption, runCommand } from "./command.ts";

export type StepOutcome = {
  readonly step: PlanStep;
  /** "failed" is a look that gave no answer; it ends the plan only if the plan builds on it. */
  readonly outcome: "done" | "skipped" | "failed";
  readonly output: string;
  readonly tookMs: number;
};

export type ExecuteOptions = CommandOptions & {
  /** A fresh look at all members; asked before and after each step that acts. */
  readonly observe: () => Promise<Observation>;
  /** Nothing is done without it: "all", or asked for each step that acts. */
  readonly confirm: "all" | ((step: PlanStep) => boolean | Promise<boolean>);
  readonly expected?: Expected | undefined;
  readonly history?: History | undefined;
  /** A step begins, once it is agreed on. */
  readonly onBegin?: ((step: PlanStep) => void) | undefined;
  readonly onStep?: ((outcome: StepOutcome) => void) | undefined;
  /** Between two looks, in ms; 500 unless told. */
  readonly pollMs?: number | undefined;
  /** How long the conditions before a step may take to hold, in ms; 10,000, or what the step says, unless told. */
  readonly patienceMs?: number | undefined;
  /** Such as that of the operation lock. It ends the plan between two commands; one that runs is let finish. */
  readonly signal?: AbortSignal | undefined;
};

export type ExecuteReport = { readonly isComplete: boolean; readonly steps: readonly StepOutcome[] };

/**
 * Executes a plan step by step. It stops at the first condition that does not hold, and has then done nothing of that
 * step or only that step: the message says which, and `onStep` has told of those before.
 *
 * @throws ClusterError PRECONDITION if the plan has blockers, a condition does not hold in time, or a step has to be done
 * by hand; RUNNER if a command fails; OUTCOME_UNKNOWN if nobody knows what became of it; INVALID_CONFIG if there is no
 * runner for a member; ABORTED, LOCKED or whatever else is the signal's reason.
 */
export async function execute(plan: Plan, options: ExecuteOptions): Promise<ExecuteReport> {
  if (plan.blockers.length > 0)
    throw new ClusterError(
      "PRECONDITION",
      `${plan.title}: ${plan.blockers.map(({ text }) => text).join("; ")}; nothing was done`,
    );
  const steps: StepOutcome[] = [];
  const looker = new Looker(options);
  for (const [index, step] of plan.steps.entries()) {
    // Where nothing more is done, nobody needs to be kept out: a member that leaves gives its grant of the lock back.
    const isLast = !plan.steps.slice(index + 1).some(({ kind }) => kind === "act");
    const before = isLast && step.kind !== "act" ? "last" : "before";
    stopIfAborted(step, options.signal, before);
    const startedMs = performance.now();
    const done = (outcome: StepOutcome["outcome"], output: string): void => {
      const one = { step, outcome, output, tookMs: performance.now() - startedMs };
      steps.push(one);
      options.onStep?.(one);
    };
    if (step.kind === "act" && options.confirm !== "all" && !(await options.confirm(step))) {
      done("skipped", "it was not wanted");
      return { isComplete: false, steps };
    }
    options.onBegin?.(step);
    // What already holds is not done again, so that a plan that broke off can be taken up.
    // A stop is: silence before it proves nothing, for a server that hangs may wake when its file is taken away.
    const isStop = step.after.some(({ type }) => type === "stopped");
    // What a person does is not done from here, so it is done if it holds.
    const isByHand = step.command === undefined;
    const maySkip = step.kind === "act" && step.after.length > 0 && (isByHand || (step.isDestructive && !isStop));
    if (maySkip && (await looker.holdNow(step.after))) {
      done("skipped", "it holds already");
      continue;
    }
    await looker.until(
      step,
      step.before,
      options.patienceMs ?? Math.max(10_000, step.patienceMs ?? 0),
      "before",
      steps,
    );
    // While somebody was asked and the conditions were looked at, the lock may have been lost.
    stopIfAborted(step, options.signal, before);
    const { output, isFailed } = await run(step, options);
    await looker.until(step, step.after, step.withinMs ?? 30_000, isLast ? "last" : "after");
    done(isFailed ? "failed" : "done", output);
  }
  return { isComplete: true, steps };
}

/** What the step is when something comes in between. */
const STATE = {
  before: "it was not done",
  after: "it was done, and this did not follow",
  last: "it was done, and this did not follow",
} as const;

function nameOf({ number, title }: PlanStep): string {
  return `step ${number}, ${title}`;
}

/** How to go back from what was done before a step that was not. */
function wayBack(done: readonly StepOutcome[]): string {
  const last = done.findLast(({ step, outcome }) => step.kind === "act" && outcome === "done")?.step;
  return last === undefined ? "Nothing was changed." : `Done last: ${nameOf(last)}. To go back: ${last.undo}`;
}

function stopIfAborted(step: PlanStep, signal: AbortSignal | undefined, when: keyof typeof STATE): void {
  if (!signal?.aborted) return;
  if (when === "last" && signal.reason instanceof ClusterError && signal.reason.code === "LOCKED") return;
  const state =
    when === "before" ? "was not done, and nothing after it" : "was done, and is not seen to have taken effect";
  throw interruption(signal, `${nameOf(step)}, ${state}`);
}

type RunOutcome = { readonly output: string; readonly isFailed: boolean };

async function run(step: PlanStep, options: ExecuteOptions): Promise<RunOutcome> {
  const { command, kind, member } = step;
  if (command === undefined) {
    if (kind !== "act") return { output: "", isFailed: false };
    const how = step.text === undefined || step.text === "" ? "" : ` (${step.text})`;
    throw new ClusterError(
      "PRECONDITION",
      `${nameOf(step)}: there is no command for it${how}; do it by hand, then plan again`,
      { member },
    );
  }
  try {
    return { output: await runCommand(nameOf(step), command, options), isFailed: false };
  } catch (error) {
    if (!(error instanceof ClusterError) || error.code === "INVALID_CONFIG") throw error;
    // A look that fails is an answer too, if nothing is built on it.
    if (kind !== "act" && step.mustSucceed !== true) return { output: error.message, isFailed: true };
    if (kind !== "act")
      throw new ClusterError("PRECONDITION", `${error.message}. Nothing after it was done`, { member, cause: error });
    throw new ClusterError(error.code, `${error.message}. ${step.undo}`, { member, cause: error.cause });
  }
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

  /** A look that the signal ended is told as what it was in between of. */
  async #look(step: PlanStep, conditions: readonly Condition[], when: keyof typeof STATE): Promise<string | undefined> {
    try {
      return await this.#missing(conditions);
    } catch (error) {
      stopIfAborted(step, this.#options.signal, when);
      throw error;
    }
  }

  async holdNow(conditions: readonly Condition[]): Promise<boolean> {
    return (await this.#missing(conditions)) === undefined;
  }

  async until(
    step: PlanStep,
    conditions: readonly Condition[],
    withinMs: number,
    when: keyof typeof STATE,
    done: readonly StepOutcome[] = [],
  ): Promise<void> {
    if (conditions.length === 0) return;
    const { signal, pollMs = 500 } = this.#options;
    const deadlineMs = performance.now() + withinMs;
    for (;;) {
      stopIfAborted(step, signal, when);
      const why = await this.#look(step, conditions, when);
      if (why === undefined) return;
      if (performance.now() >= deadlineMs) {
        throw new ClusterError(
          "PRECONDITION",
          `${nameOf(step)}: ${why} (waited ${Math.round(withinMs / 1_000)} s); ${STATE[when]}. ${when === "before" ? wayBack(done) : step.undo}`,
          { member: step.member },
        );
      }
      await pause(pollMs, undefined, signal?.aborted ? {} : { signal }).catch(() => {});
    }
  }
}
