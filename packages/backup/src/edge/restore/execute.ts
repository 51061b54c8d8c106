/** Carries a plan out, or takes it back, with a journal that any later process can go on from. */
import { setTimeout as sleep } from "node:timers/promises";
import { BackupError } from "../../error.ts";
import type { JournalEvent } from "../../restore/journal.ts";
import {
  applyEvent,
  type Direction,
  foldJournal,
  type Move,
  nextMove,
  type RestoreState,
} from "../../restore/machine.ts";
import { type Action, type Check, isRefused, type RestorePlan, type RestoreStep } from "../../restore/types.ts";
import { perform } from "./actions.ts";
import { firstFailure } from "./checks.ts";
import { Claims } from "./claims.ts";
import { type Context, type FreshBackup, makeHosts, type Runners } from "./context.ts";
import { JournalFile, planHash, readJournal } from "./journal-file.ts";

/** How often a condition is asked while it is waited for, in ms: quickly at first. */
const POLL_MS = { first: 50, last: 1_000 } as const;

/** How long what a command was for may take to hold although it failed, in ms. */
const ALREADY_MS = 5_000;

/** What happens, as it happens. */
export type RestoreProgress =
  | {
      readonly type: "step";
      readonly step: RestoreStep;
      readonly number: number;
      readonly of: number;
      readonly attempt: number;
    }
  /** One of its actions begins. */
  | { readonly type: "action"; readonly step: RestoreStep; readonly action: Action }
  /** The actions of the step are over; what it has to lead to is waited for. */
  | { readonly type: "acted"; readonly step: RestoreStep }
  | { readonly type: "waiting"; readonly step: RestoreStep; readonly reason: string }
  | {
      readonly type: "done";
      readonly step: RestoreStep;
      readonly how: "acted" | "found";
      readonly notes: readonly string[];
    }
  | { readonly type: "undo"; readonly step: RestoreStep; readonly attempt: number }
  | { readonly type: "undone"; readonly step: RestoreStep; readonly notes: readonly string[] };

export interface ExecuteOptions {
  readonly runners: Runners;
  /** Acts. Without it, only the conditions of the preflight are asked, and nothing is changed or written. */
  readonly execute?: boolean | undefined;
  /** Takes back what was done, last step first. */
  readonly undo?: boolean | undefined;
  readonly freshBackup?: FreshBackup | undefined;
  /** Stops as soon as it can, and ends a command that runs; the restore can be resumed. */
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: RestoreProgress) => void) | undefined;
}

export type RestoreResult =
  | { readonly outcome: "restored" | "undone"; readonly state: RestoreState; readonly notes: readonly string[] }
  /** A step failed, and nothing after it was begun. Resume, or undo. */
  | {
      readonly outcome: "stopped";
      readonly step: string;
      readonly reason: string;
      readonly remedy: string;
      readonly state: RestoreState;
    }
  /** Nothing was begun; `failures` are conditions of the preflight that do not hold now. */
  | { readonly outcome: "dry run"; readonly failures: readonly string[]; readonly state: RestoreState };

/**
 * Carries out a plan from where its journal ends, be that the beginning, or wherever an earlier process was cut off. Acts only
 * with `execute`, and only through the runners.
 *
 * @throws BackupError `REFUSED` for a plan that must not be carried out, or an undo beyond the point of no return; `JOURNAL`,
 * `BUSY`, `ARGUMENT`, `IO`; `ABORTED` if the signal was raised.
 */
export async function executeRestore(plan: RestorePlan, options: ExecuteOptions): Promise<RestoreResult> {
  const { runners, signal, freshBackup } = options;
  const direction: Direction = options.undo === true ? "undo" : "forward";
  const sha256 = planHash(plan);
  const host = makeHosts(plan, runners, signal);
  // Every place is looked up before anything is begun.
  for (const { name } of plan.members) if (plan.steps.some((step) => needs(step, name))) host(name);
  let state = foldJournal(plan, sha256, (await readJournal(plan.workFolder)).events);
  const context: Context = {
    plan,
    signal,
    freshBackup,
    host,
    fact: (ref) => {
      if (typeof ref === "string") return ref;
      const value = state.facts.get(ref.fact);
      if (value !== undefined) return value;
      throw new BackupError("JOURNAL", `the journal does not tell the ${ref.fact}`, { remedy: "make a new plan" });
    },
  };
  if (options.execute !== true) return dryRun(plan, state, direction, context);
  refuse(nextMove(plan, state, direction));
  await using journal = await JournalFile.open(plan);
  state = foldJournal(plan, sha256, journal.events);
  const record = async (event: JournalEvent): Promise<void> => {
    await journal.append(event, Date.now());
    state = applyEvent(plan, sha256, state, event);
  };
  await record({ type: "opened", planId: plan.id, planSha256: sha256, by: `process ${process.pid}` });
  const notes: string[] = [];
  const claims = new Claims(plan, host);
  // What is let go, is let go although the caller's signal was raised.
  const release = (): Promise<string[]> => new Claims(plan, makeHosts(plan, runners, undefined)).release();
  let isClaimed = false;
  try {
    for (;;) {
      if (signal?.aborted === true) throw aborted(signal, plan);
      const move = nextMove(plan, state, direction);
      refuse(move);
      if (move.kind === "closed") return { outcome: move.outcome, state, notes };
      if (move.kind === "close") {
        // Before the journal says so: who is cut off in between closes it again, and no claim is left.
        notes.push(...(await release()));
        await record({ type: "closed", outcome: move.outcome });
        return { outcome: move.outcome, state, notes };
      }
      if (move.kind === "refused") continue;
      const changes = move.kind === "undo" ? hasActed(plan, state) : move.step.phase !== "preflight";
      if (!isClaimed && changes) {
        isClaimed = true;
        await claims.take(hasActed(plan, state)).catch((error: unknown) => {
          throw signal?.aborted === true ? aborted(signal, plan) : error;
        });
      }
      const failed = await tryMove(move, context, record, options, notes);
      if (failed !== undefined) return { outcome: "stopped", step: move.step.id, ...failed, state };
    }
  } finally {
    // Who has changed nothing yet holds nobody up.
    if (isClaimed && state.closed === undefined && !hasActed(plan, state)) await release();
  }
}

/** Whether a step was begun that changes anything outside of the work folder. */
function hasActed(plan: RestorePlan, state: RestoreState): boolean {
  return plan.steps.some(({ id, acts }) => acts && !["waiting", "undone"].includes(state.steps.get(id) ?? "waiting"));
}

function needs(step: RestoreStep, member: string): boolean {
  return JSON.stringify([step.before, step.actions, step.after, step.undo]).includes(`"at":${JSON.stringify(member)}`);
}

function refuse(move: Move): void {
  if (move.kind === "refused") throw new BackupError("REFUSED", move.reason, { remedy: move.remedy });
}

function aborted(signal: AbortSignal, { workFolder }: RestorePlan): BackupError {
  return new BackupError("ABORTED", "the restore was interrupted", {
    cause: signal.reason,
    remedy: `resume it or undo it, from its work folder ${workFolder}`,
  });
}

interface Failure {
  readonly reason: string;
  readonly remedy: string;
}

type Record_ = (event: JournalEvent) => Promise<void>;
type StepMove = Extract<Move, { readonly kind: "step" | "undo" }>;

/** One step, forth or back. A failure goes into the journal and is an answer; what is thrown is a signal or a broken disk. */
async function tryMove(
  move: StepMove,
  context: Context,
  record: Record_,
  options: ExecuteOptions,
  notes: string[],
): Promise<Failure | undefined> {
  const { step } = move;
  try {
    await (move.kind === "step"
      ? forward(move, context, record, options, notes)
      : back(move, context, record, options, notes));
    return undefined;
  } catch (error) {
    const { signal } = context;
    if (signal?.aborted === true) throw aborted(signal, context.plan);
    if (error instanceof BackupError && ["JOURNAL", "LIMIT"].includes(error.code)) throw error;
    const reason = (error as Error).message;
    await record({ type: "failed", step: step.id, reason });
    const remedy =
      move.kind === "step"
        ? "see to the reason, then resume (--resume) or take it all back (--undo)"
        : "see to the reason, then go on with --undo";
    return { reason, remedy };
  }
}

async function forward(
  move: StepMove,
  context: Context,
  record: Record_,
  options: ExecuteOptions,
  notes: string[],
): Promise<void> {
  const { step, attempt } = move;
  const { onProgress } = options;
  await record({ type: "begun", step: step.id, attempt });
  const number = context.plan.steps.indexOf(step) + 1;
  onProgress?.({ type: "step", step, number, of: context.plan.steps.length, attempt });
  if (
    !step.always &&
    step.after.length > 0 &&
    step.actions.length > 0 &&
    (await firstFailure(step.after, context)) === undefined
  ) {
    await record({ type: "done", step: step.id, how: "found", facts: {} });
    onProgress?.({ type: "done", step, how: "found", notes: [] });
    return;
  }
  const unmet = await firstFailure(step.before, context);
  if (unmet !== undefined) throw new BackupError("REFUSED", unmet);
  const facts: Record<string, string> = {};
  const told: string[] = [];
  for (const action of step.actions) {
    onProgress?.({ type: "action", step, action });
    const outcome = await perform(action, context, attempt).catch(async (error: unknown) => {
      // A service that was started already, by the process before this one, may say so with an exit code.
      const soon = { ...step, waitMs: Math.min(step.waitMs, ALREADY_MS) };
      const isMet =
        action.kind === "run" &&
        step.after.length > 0 &&
        (await waitUntil(step.after, soon, context, options)) === undefined;
      if (!isMet) throw error;
      return { facts: {}, notes: [`${(error as Error).message}; what it was for holds`] };
    });
    Object.assign(facts, outcome.facts);
    told.push(...outcome.notes);
  }
  onProgress?.({ type: "acted", step });
  const still = await waitUntil(step.after, step, context, options);
  if (still !== undefined)
    throw new BackupError("TOOL_FAILED", `${step.title}: ${still}, after ${Math.round(step.waitMs / 1000)} s`);
  await record({ type: "done", step: step.id, how: "acted", facts, ...(told.length === 0 ? {} : { notes: told }) });
  if (step.phase === "after" || step.phase === "verify") notes.push(...told);
  onProgress?.({ type: "done", step, how: "acted", notes: told });
}

async function back(
  move: StepMove,
  context: Context,
  record: Record_,
  options: ExecuteOptions,
  notes: string[],
): Promise<void> {
  const { step, attempt } = move;
  const { onProgress } = options;
  await record({ type: "undo-begun", step: step.id, attempt });
  onProgress?.({ type: "undo", step, attempt });
  const told: string[] = [];
  if (step.undo.kind === "actions") {
    const unmet = await waitUntil(step.undo.before, step, context, options);
    if (unmet !== undefined) throw new BackupError("REFUSED", unmet);
    for (const action of step.undo.actions) told.push(...(await perform(action, context, attempt)).notes);
  }
  await record({ type: "undone", step: step.id, ...(told.length === 0 ? {} : { notes: told }) });
  notes.push(...told.filter((text) => /fail/.test(text)));
  onProgress?.({ type: "undone", step, notes: told });
}

/** Asks until all hold or the step's time is over; then the answer is why not. */
async function waitUntil(
  checks: readonly Check[],
  step: RestoreStep,
  context: Context,
  { onProgress }: Pick<ExecuteOptions, "onProgress">,
): Promise<string | undefined> {
  const endMs = performance.now() + step.waitMs;
  let told: string | undefined;
  for (let pauseMs: number = POLL_MS.first; ; pauseMs = Math.min(POLL_MS.last, pauseMs * 2)) {
    const reason = await firstFailure(checks, context);
    if (reason === undefined) return undefined;
    if (performance.now() > endMs) return reason;
    if (reason !== told) onProgress?.({ type: "waiting", step, reason });
    told = reason;
    await sleep(pauseMs, undefined, context.signal === undefined ? {} : { signal: context.signal });
  }
}

/** What would stop it at once, without doing anything. */
async function dryRun(
  plan: RestorePlan,
  state: RestoreState,
  direction: Direction,
  context: Context,
): Promise<RestoreResult> {
  const move = nextMove(plan, state, direction);
  const failures: string[] = [];
  if (move.kind === "refused") failures.push(move.reason);
  const begun = [...state.steps.values()].some((now) => now !== "waiting");
  if (direction === "forward" && !begun && !isRefused(plan)) {
    for (const step of plan.steps.filter(({ phase }) => phase === "preflight")) {
      const checks = step.before.filter((check) => check.kind !== "space" || check.path !== plan.workFolder);
      const unmet = await firstFailure(checks, context);
      if (unmet !== undefined) failures.push(unmet);
    }
  }
  failures.push(...(await new Claims(plan, context.host).others()));
  return { outcome: "dry run", failures, state };
}
