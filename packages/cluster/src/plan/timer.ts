/** Changing the election timer: through the leader, at most by a factor of two at a time, each step committed first. */
import type { Observation } from "../observe/types.ts";
import { ELECTION_TIMER_MAX_MS, ELECTION_TIMER_MIN_MS } from "../control/control.ts";
import { changeUnderWay, judge, type JudgeOptions } from "./conditions.ts";
import { appctl, type Site } from "./site.ts";
import { type Blocker, makePlan, type Plan, type PlanStep } from "./types.ts";

export type TimerOptions = JudgeOptions & {
  readonly database: string;
  readonly site?: Site | undefined;
  /** How long each change may take to be committed everywhere, in ms; 30,000 unless told. */
  readonly withinMs?: number | undefined;
};

/** The values to go through, the last one the wanted; each at most twice, and at least half of, the one before. */
export function timerLadder(fromMs: number, toMs: number): number[] {
  const rungs: number[] = [];
  let at = fromMs;
  while (at !== toMs) {
    at = toMs > at ? Math.min(toMs, at * 2) : Math.max(toMs, Math.ceil(at / 2));
    rungs.push(at);
  }
  return rungs;
}

export function planElectionTimer(observation: Observation, toMs: number, options: TimerOptions): Plan {
  const { database, site = {} } = options;
  const base = {
    kind: "timer",
    title: `Election timer of ${database}: ${toMs} ms`,
    databases: [database],
    warnings: [] as string[],
  } as const;
  const refuse = (blocker: Blocker): Plan => makePlan({ ...base, blockers: [blocker], steps: [] });
  if (!Number.isInteger(toMs) || toMs < ELECTION_TIMER_MIN_MS || toMs > ELECTION_TIMER_MAX_MS)
    return refuse({
      code: "OUT_OF_RANGE",
      text: `${toMs} ms; ovsdb-server takes ${ELECTION_TIMER_MIN_MS} to ${ELECTION_TIMER_MAX_MS}`,
    });
  const judged = judge(observation, options).get(database);
  if (judged === undefined) return refuse({ code: "NOT_FOUND", text: `${database} was not asked for` });
  const { view, verdict } = judged;
  const leader = view.leader;
  const fromMs = leader?.status?.electionTimer?.ms;
  if (leader === undefined)
    return refuse({ code: "NO_LEADER", text: "only the leader changes the timer, and there is none" });
  if (fromMs === undefined)
    return refuse({
      code: "OUT_OF_RANGE",
      text: `${leader.member} prints no election timer: before 2.12 it can't be changed`,
    });
  const blockers: Blocker[] = [];
  if (verdict.quorum.state !== "yes" && verdict.quorum.state !== "presumed")
    blockers.push({ code: "NO_QUORUM", text: `quorum: ${verdict.quorum.state}` });
  const change = changeUnderWay(view);
  if (change !== undefined) blockers.push({ code: "CHANGE_UNDER_WAY", text: `${change}; wait until it is done` });
  const warnings = toMs < fromMs ? ["a smaller timer finds a dead leader sooner, and more elections for nothing"] : [];
  const undo = `The same way back to ${fromMs} ms.`;
  const steps = timerLadder(fromMs, toMs).map(
    (ms): Omit<PlanStep, "number"> => ({
      title: `Change it to ${ms} ms, on the leader`,
      kind: "act",
      database,
      member: leader.member,
      command: appctl(
        site,
        observation,
        leader.member,
        database,
        "cluster/change-election-timer",
        database,
        String(ms),
      ),
      before: [
        { type: "one-leader", database },
        { type: "leads", database, member: leader.member },
        { type: "no-change-under-way", database },
      ],
      after: [{ type: "timer", database, ms }],
      withinMs: options.withinMs ?? 30_000,
      isDestructive: false,
      undo,
    }),
  );
  return makePlan({
    ...base,
    title: `Election timer of ${database}: ${fromMs} to ${toMs} ms`,
    blockers,
    warnings,
    steps,
    isDone: steps.length === 0 && blockers.length === 0,
  });
}
