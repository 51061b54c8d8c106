/** `--execute`: a plan carried out under the operation lock, told step by step on standard error. */
import { localRunner, type Runner } from "@ovnha/runner";
import { ClusterError } from "../../error.ts";
import { type MemberAccess, targetsOf } from "../../observe/members.ts";
import type { RestartPlan } from "../../plan/restart.ts";
import type { Plan } from "../../plan/types.ts";
import { execute, type ExecuteOptions, type StepOutcome } from "../plan/execute.ts";
import { acquireOperationLock, type OperationLock } from "../plan/lock.ts";
import { type RollingEvent, runRollingRestart } from "../plan/restart.ts";
import { lookOnce, type Survey } from "./looks.ts";
import type { Asked } from "./targets.ts";
import { duration, EXIT, type Terminal } from "./terminal.ts";

type Operation = {
  readonly plan: Plan;
  readonly seen: Survey;
  readonly flags: OperationFlags;
  readonly terminal: Terminal;
  /** Asks about what a step would do; always "yes" where nobody wants to be asked. */
  readonly ask: (question: string, signal: AbortSignal) => Promise<boolean>;
};

export type OperationFlags = {
  /** Nobody is to be asked. */
  readonly yes?: boolean;
  /** Seconds. */
  readonly settle?: number;
};

/** 0 done; 2 it stopped on the way, or somebody else is at work; 3 there is nobody to ask; 130 somebody said no. */
export async function carryOut(plan: Plan, seen: Survey, flags: OperationFlags, terminal: Terminal): Promise<number> {
  const ask = flags.yes === true ? async (): Promise<boolean> => true : terminal.ask;
  if (ask === undefined) {
    terminal.err("ovn-ha: there is nobody to ask; give --yes with --execute to go on without\n");
    return EXIT.unknown;
  }
  try {
    await using lock = await lockOperation(seen, plan, terminal);
    const signal = lock === undefined ? terminal.signal : AbortSignal.any([terminal.signal, lock.signal]);
    const operation = { plan, seen, flags, terminal, ask };
    return plan.kind === "restart" ? await restartAll(operation, signal) : await doSteps(operation, signal);
  } catch (error) {
    if (!(error instanceof ClusterError) || error.code === "INVALID_CONFIG") throw error;
    terminal.err(`ovn-ha: stopped: ${error.message}\n`);
    return terminal.signal.aborted ? EXIT.interrupted : EXIT.critical;
  }
}

type Common = Pick<ExecuteOptions, "runners" | "observe" | "expected" | "signal">;

function commonOf({ seen: { asked }, terminal }: Operation, signal: AbortSignal): Common {
  return {
    runners: (at) => patient(runnersOf(asked.members)(at), terminal),
    observe: () => lookOnce(asked, terminal, ["storage"]),
    expected: asked.expected,
    signal,
  };
}

async function restartAll(operation: Operation, signal: AbortSignal): Promise<number> {
  const { plan, flags, terminal, ask } = operation;
  let refused: string | undefined;
  const report = await runRollingRestart(plan as RestartPlan, {
    ...commonOf(operation, signal),
    settleMs: flags.settle === undefined ? undefined : flags.settle * 1_000,
    confirm: async (member) => {
      const isWanted = await ask(`Restart ${member}?`, signal);
      if (!isWanted) refused = member;
      return isWanted;
    },
    onEvent: eventTeller(terminal),
  });
  if (report.isComplete) {
    terminal.err(`restarted: ${report.restarted.map(({ member }) => member).join(", ")}\n`);
    return EXIT.ok;
  }
  terminal.err(
    `ovn-ha: stopped: ${report.abortedBecause}; restarted: ${report.restarted.map(({ member }) => member).join(", ") || "nobody"}; not touched: ${report.remaining.join(", ") || "nobody"}\n`,
  );
  return refused === undefined ? EXIT.critical : EXIT.interrupted;
}

/** Tells of each member, and of the gate whenever it is shut for another reason than before. */
function eventTeller(terminal: Terminal): (event: RollingEvent) => void {
  let told = "";
  return (event) => {
    switch (event.type) {
      case "waiting": {
        const why = [...new Set(event.gate.reasons.map(({ database, code }) => `${database} ${code}`))].join(", ");
        const line = `waiting for the gate before ${event.member}: ${why}\n`;
        if (line !== told) terminal.err(line);
        told = line;
        return;
      }
      case "restarting":
        return terminal.err(`restarting ${event.member}\n`);
      case "back":
        return terminal.err(`${event.member} is back after ${duration(event.afterMs)}\n`);
    }
  };
}

async function doSteps(operation: Operation, signal: AbortSignal): Promise<number> {
  const { plan, seen, terminal, ask } = operation;
  const report = await execute(plan, {
    ...commonOf(operation, signal),
    history: seen.remembered,
    confirm: (step) => ask(`Step ${step.number} of ${plan.steps.length}: ${step.title}?`, signal),
    onBegin: ({ number, title }) => terminal.err(`${number}/${plan.steps.length} ${title}\n`),
    onStep: (outcome) => terminal.err(stepText(outcome)),
  });
  return report.isComplete ? EXIT.ok : EXIT.interrupted;
}

function stepText({ outcome, output, tookMs }: StepOutcome): string {
  if (outcome === "done") return `    done in ${duration(tookMs)}\n`;
  return `    ${outcome === "failed" ? "gave no answer" : "left out"}: ${output}\n`;
}

/** Where commands run: at each member by its own runner, else on this machine. */
export function runnersOf(members: readonly MemberAccess[]): (at: string) => Runner | undefined {
  return (at) => {
    if (at === "here") return localRunner();
    const member = members.find(({ name }) => name === at);
    return member === undefined ? undefined : (member.runner ?? localRunner());
  };
}

/** Says, if somebody wants to end it all while a command runs, that this is waited for. */
function patient(runner: Runner | undefined, terminal: Terminal): Runner | undefined {
  if (runner === undefined) return undefined;
  const { name } = runner;
  const onAbort = (): void =>
    terminal.err("ovn-ha: what runs is finished first, then it stops; a second Ctrl-C ends both at once\n");
  return {
    name,
    async run(...call) {
      terminal.signal.addEventListener("abort", onAbort, { once: true });
      try {
        return await runner.run(...call);
      } finally {
        terminal.signal.removeEventListener("abort", onAbort);
      }
    },
  };
}

/** The remotes of every member, of each database of which all can be called from here. */
function lockRemotes({ members, databases }: Asked): {
  readonly remotes: Record<string, string[]>;
  readonly without: string[];
} {
  const remotes: Record<string, string[]> = {};
  const without: string[] = [];
  for (const [database, targets] of targetsOf(members, databases)) {
    const reachable = targets.flatMap(({ remotes: own, runner }) =>
      own.filter((remote) => runner === undefined || !remote.startsWith("unix:")).slice(0, 1),
    );
    if (reachable.length === targets.length) remotes[database] = reachable;
    else without.push(database);
  }
  return { remotes, without };
}

const SEE = "see that nobody else works on this cluster";

/**
 * The lock of all members that can be called from here; undefined, with a word on it, where none can. A recovery is for
 * clusters whose majority is down: it takes the lock at those that are left.
 */
async function lockOperation(
  { asked, verdict }: Survey,
  plan: Plan,
  terminal: Terminal,
): Promise<OperationLock | undefined> {
  const { remotes, without } = lockRemotes(asked);
  if (without.length > 0)
    terminal.err(
      `ovn-ha: not all members of ${without.join(" and ")} have a client remote, so there is no operation lock on it: ${SEE}\n`,
    );
  if (Object.keys(remotes).length === 0) return undefined;
  const options = { remotes, tls: asked.tls, timeoutMs: asked.timeoutMs };
  // A majority of all who count, so that another operator who names other members is kept apart too.
  const voters = Object.fromEntries(verdict.databases.map(({ database, quorum }) => [database, quorum.configured]));
  try {
    return await acquireOperationLock({ ...options, voters });
  } catch (error) {
    const isShort = error instanceof ClusterError && (error.code === "UNREACHABLE" || error.code === "INVALID_CONFIG");
    if (plan.kind !== "recovery" || !isShort) throw error;
    const lock = await acquireOperationLock({ ...options, needs: "reachable" });
    terminal.err(`ovn-ha: the operation lock is held at ${lock.granted.length} members only: ${SEE}\n`);
    return lock;
  }
}
