/** What may be done, as data: numbered steps with what must hold before, what must hold after, and how to go back. */
import type { Verdict } from "../judge/types.ts";

/** A program with its arguments, at one member; no shell. */
export type Command = {
  /** The member at whose place it runs; "here" is the operator's own machine. */
  readonly at: string;
  readonly program: string;
  readonly args: readonly string[];
};

/** What must hold. It is judged by an observation, never by the outcome of a command. */
export type Condition =
  /** One leader, known to all who answer, with a quorum. */
  | { readonly type: "one-leader"; readonly database: string }
  /** The named member leads: its control socket takes the command. */
  | { readonly type: "leads"; readonly database: string; readonly member: string }
  /** Nobody leads with a majority, and those who answer can't elect anybody. */
  | {
      readonly type: "no-quorum";
      readonly database: string;
      /** Whose files are gone: their silence is believed. */
      readonly except?: readonly string[];
    }
  /** Without this id (`short@address`) those who live are still a majority of the rest. */
  | { readonly type: "quorum-without"; readonly database: string; readonly server: string }
  /** At least this many more may fail. */
  | { readonly type: "tolerance"; readonly database: string; readonly least: number }
  /** The named member is a member, follows or leads, and has what the leader has. */
  | { readonly type: "caught-up"; readonly database: string; readonly member: string }
  /** A quorum, and no member more is silent than these. */
  | { readonly type: "others-live"; readonly database: string; readonly except: readonly string[] }
  /** Nobody lists the id, and nobody is about to add or remove it. `server` is `short@address`. */
  | { readonly type: "absent"; readonly database: string; readonly server: string }
  /** Not heard by anybody, and missed by two independent sources. */
  | { readonly type: "silent"; readonly database: string; readonly server: string }
  /** Every member that answers has this timer, and none is changing. In ms. */
  | { readonly type: "timer"; readonly database: string; readonly ms: number }
  /** The named member answers, and is not leaving. */
  | { readonly type: "staying"; readonly database: string; readonly member: string }
  /** Neither a member, nor the timer, is being changed. */
  | { readonly type: "no-change-under-way"; readonly database: string }
  /** Nobody listens at any of the member's sockets. Silence that may be a hang, or a lack of permission, is not it. */
  | { readonly type: "stopped"; readonly database: string; readonly member: string }
  /** The database works and nothing is wrong with it but what is listed. */
  | { readonly type: "healthy"; readonly database: string };

export type PlanStep = {
  /** Counts from 1. */
  readonly number: number;
  readonly title: string;
  /** "look" changes nothing; "act" does; "wait" lets time pass until the conditions hold. */
  readonly kind: "look" | "act" | "wait";
  readonly database: string;
  readonly member?: string;
  readonly command?: Command;
  /** A look whose failure ends the plan: what it looks at is what the next steps build on. */
  readonly mustSucceed?: true;
  /** For people, where there is no command, or more to say. */
  readonly text?: string;
  readonly before: readonly Condition[];
  readonly after: readonly Condition[];
  /** How long `before` may take to come true, in ms, if the election timer makes it longer than is usual. */
  readonly patienceMs?: number;
  /** How long `after` may take to come true, in ms. */
  readonly withinMs?: number;
  /** Whether it takes something away: removes a member, sets a file aside or stops a server. */
  readonly isDestructive: boolean;
  /** Whether nothing brings it back; what is merely taken away is given back as `undo` says. */
  readonly isIrreversible?: true;
  readonly undo: string;
};

export type BlockerCode =
  | "NO_LEADER"
  | "NO_QUORUM"
  | "NOT_FOUND"
  | "AMBIGUOUS"
  | "FULL_ID_UNKNOWN"
  | "NOT_SILENT"
  | "ONE_WITNESS"
  | "QUORUM_AFTER"
  | "CHANGE_UNDER_WAY"
  | "LAST_MEMBER"
  | "OUT_OF_RANGE"
  | "NOT_HEALTHY"
  | "NO_FILE"
  | "NO_COMMAND";

/** Why a plan must not be executed as things are. */
export type Blocker = { readonly code: BlockerCode; readonly text: string };

export type PlanKind = "restart" | "kick" | "leave" | "timer" | "recovery";

export type Plan = {
  readonly kind: PlanKind;
  readonly title: string;
  readonly databases: readonly string[];
  /** Nothing is left to do: what the plan is for already holds. */
  readonly isDone: boolean;
  /** Empty if it may be executed. */
  readonly blockers: readonly Blocker[];
  readonly warnings: readonly string[];
  readonly steps: readonly PlanStep[];
  /** Who agrees that the member is to go; for plans that take something away. */
  readonly witnesses: readonly string[];
};

/** What plans are made from. */
export type PlanInput = { readonly verdict: Verdict };

/** Numbers the steps, and makes a plan of them. */
export function makePlan(
  plan: Omit<Plan, "steps" | "isDone" | "witnesses"> & {
    readonly steps: readonly Omit<PlanStep, "number">[];
    readonly isDone?: boolean;
    readonly witnesses?: readonly string[];
  },
): Plan {
  const isDone = plan.isDone === true;
  return {
    ...plan,
    isDone,
    witnesses: plan.witnesses ?? [],
    steps: isDone ? [] : plan.steps.map((step, index) => ({ number: index + 1, ...step })),
  };
}
