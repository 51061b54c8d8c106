/** Restarting all members one after another: who goes when, and what must hold in between. */
import type { Observation } from "../observe/types.ts";
import { judge, type JudgeOptions, type Judged } from "./conditions.ts";
import { appctl, serviceCall, type Site } from "./site.ts";
import { type Blocker, makePlan, type Condition, type Plan, type PlanStep } from "./types.ts";

export type RestartOptions = JudgeOptions & {
  readonly site?: Site | undefined;
  /** Who is to be restarted; all unless told. */
  readonly members?: readonly string[] | undefined;
  /** How long a member may take to come back and catch up, in ms; 120,000 unless told. */
  readonly recoverMs?: number | undefined;
};

export type RestartPlan = Plan & {
  readonly kind: "restart";
  /** Followers of everything first, leaders last. */
  readonly order: readonly { readonly member: string; readonly leads: readonly string[] }[];
};

export const RECOVER_MS = 120_000;

/** Which databases the member leads at this moment. */
export function ledBy(judged: ReadonlyMap<string, Judged>, member: string): string[] {
  return [...judged].filter(([, { view }]) => view.leader?.member === member).map(([database]) => database);
}

/**
 * Who is next: of those that remain, one that leads nothing if there is one, else the one that leads least. The leaders
 * of NB and SB may be different members, and either moves when its member goes down, so this is asked again each time.
 */
export function nextMember(
  remaining: readonly string[],
  observation: Observation,
  options: JudgeOptions = {},
): string | undefined {
  const judged = judge(observation, options);
  return [...remaining].sort((one, other) => ledBy(judged, one).length - ledBy(judged, other).length)[0];
}

export function planRollingRestart(observation: Observation, options: RestartOptions = {}): RestartPlan {
  const judged = judge(observation, options);
  const site = options.site ?? {};
  const all = [...new Set(observation.databases.flatMap(({ members }) => members.map(({ member }) => member)))];
  const members = options.members ?? all;
  const order = members
    .map((member) => ({ member, leads: ledBy(judged, member) }))
    .sort((one, other) => one.leads.length - other.leads.length);
  const databases = [...judged.keys()];
  const recoverMs = options.recoverMs ?? RECOVER_MS;
  const steps = order.flatMap(({ member, leads }) => stepsOf(member, leads, databases, site, observation, recoverMs));
  const plan = makePlan({
    kind: "restart",
    title: `Restart ${order.map(({ member }) => member).join(", ")}, one at a time`,
    databases,
    blockers: blockersOf(judged, members, all),
    warnings:
      order.length > 0 && order.every(({ leads }) => leads.length > 0)
        ? ["every member leads something: each restart costs an election"]
        : [],
    steps,
    isDone: members.length === 0,
  });
  return { ...plan, kind: "restart", order };
}

function blockersOf(
  judged: ReadonlyMap<string, Judged>,
  members: readonly string[],
  all: readonly string[],
): Blocker[] {
  const blockers: Blocker[] = [];
  for (const member of members)
    if (!all.includes(member))
      blockers.push({ code: "NOT_FOUND", text: `${member} is not among the members: ${all.join(", ")}` });
  for (const [database, { verdict }] of judged) {
    const { quorum, health } = verdict;
    if (health === "not-applicable") continue;
    if (health !== "ok")
      blockers.push({
        code: "NOT_HEALTHY",
        text: `${database}: ${verdict.findings.map(({ code }) => code).join(", ") || health}`,
      });
    if (quorum.live - 1 < quorum.needed)
      blockers.push({
        code: "QUORUM_AFTER",
        text: `${database}: with one member down ${quorum.live - 1} live, ${quorum.needed} needed`,
      });
  }
  return blockers;
}

function stepsOf(
  member: string,
  leads: readonly string[],
  databases: readonly string[],
  site: Site,
  observation: Observation,
  recoverMs: number,
): Omit<PlanStep, "number">[] {
  const [database = "", ...more] = databases;
  const whole = databases.flatMap((one): Condition[] => [
    { type: "healthy", database: one },
    { type: "one-leader", database: one },
    { type: "tolerance", database: one, least: 1 },
    { type: "no-change-under-way", database: one },
  ]);
  const back = databases.flatMap((one): Condition[] => [
    { type: "caught-up", database: one, member },
    { type: "one-leader", database: one },
    { type: "healthy", database: one },
  ]);
  const call = serviceCall(site, "restart", member, [database, ...more], observation);
  const undo = `None is needed: ${member} keeps its file. If it does not come back, stop here, and see its log; restart nobody else.`;
  return [
    ...databases.map(
      (one): Omit<PlanStep, "number"> => ({
        title: `See that ${one} is well before ${member} goes down`,
        kind: "look",
        database: one,
        member,
        command: appctl(site, observation, member, one, "cluster/status", one),
        before: [],
        after: [],
        isDestructive: false,
        undo: "Nothing is changed.",
      }),
    ),
    {
      title: `Restart ${member}${leads.length > 0 ? `, which leads ${leads.join(" and ")}: an election follows` : ""}`,
      kind: "act",
      database,
      member,
      ...call,
      text: [call.text, leads.length > 0 ? "`ovs-appctl exit` hands the leadership over first, SIGTERM does not." : ""]
        .filter(Boolean)
        .join(" "),
      before: whole,
      after: [],
      isDestructive: false,
      undo,
    },
    {
      title: `Wait until ${member} is a member again and has everything, in ${databases.join(" and ")}`,
      kind: "wait",
      database,
      member,
      before: [],
      after: back,
      withinMs: recoverMs,
      isDestructive: false,
      undo,
    },
  ];
}
