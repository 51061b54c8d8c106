/** Where a restore stands, as its journal tells, and what comes next. Pure: a function of the plan and the events. */
import { BackupError } from "../error.ts";
import type { Facts, JournalEvent } from "./journal.ts";
import { isRefused, type RestorePlan, type RestoreStep } from "./types.ts";

export type StepState = "waiting" | "begun" | "done" | "undo begun" | "undone";

export interface RestoreState {
  readonly steps: ReadonlyMap<string, StepState>;
  /** How often each was begun, undoing included. */
  readonly attempts: ReadonlyMap<string, number>;
  readonly facts: ReadonlyMap<string, string>;
  /** An undo is under way or over: there is no way forward any more. */
  readonly undoing: boolean;
  readonly closed: "restored" | "undone" | undefined;
  readonly lastFailure: { readonly step: string; readonly reason: string } | undefined;
}

export type Direction = "forward" | "undo";

export type Move =
  | { readonly kind: "step"; readonly step: RestoreStep; readonly attempt: number }
  | { readonly kind: "undo"; readonly step: RestoreStep; readonly attempt: number }
  /** Every step is done, or every one that was begun is undone. */
  | { readonly kind: "close"; readonly outcome: "restored" | "undone" }
  | { readonly kind: "closed"; readonly outcome: "restored" | "undone" }
  | { readonly kind: "refused"; readonly reason: string; readonly remedy: string };

export function initialState(plan: RestorePlan): RestoreState {
  return {
    steps: new Map(plan.steps.map(({ id }) => [id, "waiting"])),
    attempts: new Map(),
    facts: new Map(),
    undoing: false,
    closed: undefined,
    lastFailure: undefined,
  };
}

/**
 * The state after all events.
 * @throws BackupError `JOURNAL` if an event cannot have happened: an unknown step, one out of order, another plan.
 */
export function foldJournal(plan: RestorePlan, planSha256: string, events: readonly JournalEvent[]): RestoreState {
  let state = initialState(plan);
  for (const event of events) state = applyEvent(plan, planSha256, state, event);
  return state;
}

export function applyEvent(
  plan: RestorePlan,
  planSha256: string,
  state: RestoreState,
  event: JournalEvent,
): RestoreState {
  if (event.type === "opened") {
    if (event.planId !== plan.id || event.planSha256 !== planSha256)
      throw journalError(
        `belongs to plan ${event.planId}, and not to this one, ${plan.id}, as it is now`,
        "do not change a plan that was begun",
      );
    return state;
  }
  if (event.type === "closed")
    return { ...state, closed: event.outcome, undoing: state.undoing || event.outcome === "undone" };
  const now = state.steps.get(event.step);
  if (now === undefined)
    throw journalError(
      `names a step ${JSON.stringify(event.step)} that the plan does not have`,
      "use the plan that it was begun with",
    );
  const to = nextState(event, now);
  if (to === undefined)
    throw journalError(`says ${event.type} of ${event.step}, which was ${now}`, "look at it by hand");
  if (event.type === "begun") checkOrder(plan, state, event.step);
  return {
    ...state,
    steps: to === now ? state.steps : new Map(state.steps).set(event.step, to),
    attempts:
      event.type === "begun" || event.type === "undo-begun"
        ? new Map(state.attempts).set(event.step, event.attempt)
        : state.attempts,
    facts: event.type === "done" ? withFacts(state.facts, event.facts) : state.facts,
    undoing: state.undoing || event.type === "undo-begun" || event.type === "undone",
    closed: event.type === "undo-begun" ? undefined : state.closed,
    lastFailure: event.type === "failed" ? { step: event.step, reason: event.reason } : undefined,
  };
}

function withFacts(known: ReadonlyMap<string, string>, more: Facts): ReadonlyMap<string, string> {
  return new Map([...known, ...Object.entries(more)]);
}

/** Undefined: it cannot be. A step may be begun again after a crash or a failure. */
function nextState(event: Exclude<JournalEvent, { type: "opened" | "closed" }>, now: StepState): StepState | undefined {
  switch (event.type) {
    case "begun":
      return now === "waiting" || now === "begun" ? "begun" : undefined;
    case "done":
      return now === "begun" ? "done" : undefined;
    case "failed":
      return now === "begun" || now === "undo begun" ? now : undefined;
    case "undo-begun":
      return now === "begun" || now === "done" || now === "undo begun" ? "undo begun" : undefined;
    case "undone":
      return now === "undo begun" ? "undone" : undefined;
    default:
      return event satisfies never;
  }
}

function checkOrder(plan: RestorePlan, state: RestoreState, id: string): void {
  for (const step of plan.steps) {
    if (step.id === id) return;
    if (state.steps.get(step.id) !== "done")
      throw journalError(`has ${id} begun before ${step.id} was done`, "look at it by hand");
  }
}

function journalError(what: string, remedy: string): BackupError {
  return new BackupError("JOURNAL", `the journal ${what}`, { remedy });
}

/** What to do now. */
export function nextMove(plan: RestorePlan, state: RestoreState, direction: Direction): Move {
  const attempt = (step: RestoreStep): number => (state.attempts.get(step.id) ?? 0) + 1;
  if (direction === "forward") {
    if (state.closed !== undefined) return { kind: "closed", outcome: state.closed };
    if (state.undoing)
      return {
        kind: "refused",
        reason: "this restore is being undone",
        remedy: "finish the undo, then make a new plan",
      };
    if (isRefused(plan)) {
      const reasons = plan.findings.filter(({ severity }) => severity === "refuse");
      return {
        kind: "refused",
        reason: reasons.map(({ message }) => message).join("; "),
        remedy: reasons.map(({ remedy }) => remedy).join("; "),
      };
    }
    const next = plan.steps.find(({ id }) => state.steps.get(id) !== "done");
    return next === undefined
      ? { kind: "close", outcome: "restored" }
      : { kind: "step", step: next, attempt: attempt(next) };
  }
  if (state.closed === "undone") return { kind: "closed", outcome: "undone" };
  const begun = plan.steps.filter(({ id }) => !["waiting", "undone"].includes(state.steps.get(id) ?? "waiting"));
  const final = begun.find(({ undo }) => undo.kind === "impossible");
  if (final?.undo.kind === "impossible")
    return { kind: "refused", reason: `${final.title}: ${final.undo.reason}`, remedy: "go forward: resume it" };
  const last = begun.at(-1);
  return last === undefined
    ? { kind: "close", outcome: "undone" }
    : { kind: "undo", step: last, attempt: attempt(last) };
}
