/** Having a dead id forgotten, and having a live member leave. */
import type { Observation } from "../observe/types.ts";
import type { Voter } from "../judge/types.ts";
import {
  changeUnderWay,
  isDead,
  judge,
  type JudgeOptions,
  type Judged,
  quorumWithout,
  silenceMs,
} from "./conditions.ts";
import { appctl, placeOf, type Site } from "./site.ts";
import { type Blocker, makePlan, type Plan, type PlanStep } from "./types.ts";

export type RemoveOptions = JudgeOptions & {
  readonly database: string;
  readonly site?: Site | undefined;
  /** Whole ids by `short@address`, where nobody alive can tell them: from a file, or remembered. */
  readonly serverIds?: Readonly<Record<string, string>> | undefined;
  /** How long the removal may take to be committed, in ms; 60,000 unless told. */
  readonly withinMs?: number | undefined;
};

export type KickPlan = Plan & {
  readonly kind: "kick";
  readonly target: Voter | undefined;
  /** What is left when it is gone. */
  readonly quorumAfter: { readonly configured: number; readonly needed: number; readonly live: number } | undefined;
};

/** By name of the member, whole id, its beginning, or whole address: all that fit. */
export function findVoters(voters: readonly Voter[], target: string): Voter[] {
  const exact = voters.filter(({ serverId, address, member, key }) =>
    [serverId, address, member, key].includes(target),
  );
  if (exact.length > 0) return exact;
  const isPrefix = /^[0-9a-f-]{4,}$/i.test(target);
  return isPrefix
    ? voters.filter(
        ({ serverId, short }) => (serverId ?? short).startsWith(target) || target.startsWith(serverId ?? short),
      )
    : [];
}

/**
 * Plans the removal of an id that is silent. It is never planned for one that anybody hears, on the word of one source,
 * by an abbreviated id, or if what is left has no majority.
 */
export function planKick(observation: Observation, target: string, options: RemoveOptions): KickPlan {
  const { database } = options;
  const judged = judge(observation, options).get(database);
  const title = `Have ${target} forgotten by ${database}`;
  const base = { kind: "kick", title, databases: [database], warnings: [] as string[] } as const;
  const refuse = (blockers: readonly Blocker[], voter?: Voter): KickPlan => ({
    ...makePlan({ ...base, blockers, steps: [] }),
    kind: "kick",
    target: voter,
    quorumAfter: undefined,
  });
  if (judged === undefined) return refuse([{ code: "NOT_FOUND", text: `${database} was not asked for` }]);
  const { voters } = judged.verdict.quorum;
  const silent = findVoters(voters, target);
  // A name or an address may belong to a ghost and to its successor: the dead one is meant.
  const candidates =
    silent.length > 1 && silent.some(({ isGhost }) => isGhost) ? silent.filter(({ isGhost }) => isGhost) : silent;
  const [voter] = candidates;
  if (voter === undefined) return nothingThere(judged, target, refuse, base);
  if (candidates.length > 1) {
    const list = candidates.map(({ short, address }) => `${short} at ${address}`).join(", ");
    return refuse([{ code: "AMBIGUOUS", text: `${target} fits ${list}; give the whole id` }]);
  }
  const told = voter.serverId ?? options.serverIds?.[voter.key] ?? wholeId(target, voter);
  const logged = told === undefined ? idInLogs(observation, database, voter) : undefined;
  const serverId = told ?? logged?.serverId;
  const whole = serverId === undefined ? voter : { ...voter, serverId };
  const quorumAfter = quorumWithout(voters, voter.key);
  const blockers = [...removalBlockers(judged, quorumAfter), ...kickBlockers(judged, whole, serverId)];
  const warnings = sizeWarnings(quorumAfter);
  if (logged !== undefined) warnings.push(`the whole id is from ${logged.member}'s log`);
  const steps = kickSteps(observation, judged, whole, options);
  const plan = makePlan({
    ...base,
    title: `Have ${whole.short} at ${whole.address} forgotten by ${database}`,
    blockers,
    warnings,
    steps,
    witnesses: whole.silentTo,
  });
  return { ...plan, kind: "kick", target: whole, quorumAfter };
}

const UUID = "[0-9a-f]{4}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}";

/** Whoever asks by the whole id has told it. */
function wholeId(target: string, { short }: Voter): string | undefined {
  return new RegExp(`^${short}${UUID}$`).test(target) ? target : undefined;
}

/** Servers log whole ids, of messages to the dead above all; one that two could be meant by is none. */
function idInLogs(
  observation: Observation,
  database: string,
  { short }: Voter,
): { readonly serverId: string; readonly member: string } | undefined {
  if (!/^[0-9a-f]{4}$/.test(short)) return undefined;
  const members = observation.databases.find((one) => one.database === database)?.members ?? [];
  const found = new Map<string, string>();
  for (const { member, logText = "" } of members)
    for (const [id] of logText.matchAll(new RegExp(`(?<![0-9a-f-])${short}${UUID}(?![0-9a-f-])`, "g")))
      found.set(id, member);
  const [only] = found;
  return found.size === 1 && only !== undefined ? { serverId: only[0], member: only[1] } : undefined;
}

function nothingThere(
  { view }: Judged,
  target: string,
  refuse: (blockers: readonly Blocker[]) => KickPlan,
  base: Pick<Plan, "title" | "databases" | "warnings">,
): KickPlan {
  const removing = view.voices.find(
    ({ status }) =>
      status?.removing !== undefined &&
      [status.removing.short, status.removing.address].some((word) => target.startsWith(word)),
  );
  if (removing !== undefined)
    return refuse([
      { code: "CHANGE_UNDER_WAY", text: `${removing.member} is removing it already; wait, do not repeat it` },
    ]);
  // An id or an address that the leader does not list is gone; a name may be a slip.
  const isIdentity = /^[0-9a-f]{4,8}(-|$)|^(tcp|ssl|unix):|@/.test(target);
  if (view.leader === undefined || !isIdentity)
    return refuse([
      {
        code: "NOT_FOUND",
        text: `${target} fits none of ${view.configured.map(({ short, address }) => `${short} at ${address}`).join(", ") || "nobody"}`,
      },
    ]);
  const plan = makePlan({ ...base, kind: "kick", blockers: [], steps: [], isDone: true });
  return { ...plan, kind: "kick", target: undefined, quorumAfter: undefined };
}

function removalBlockers(
  { view, verdict }: Judged,
  after: { readonly configured: number; readonly needed: number; readonly live: number },
): Blocker[] {
  const blockers: Blocker[] = [];
  const { state } = verdict.quorum;
  if (view.leader === undefined) blockers.push({ code: "NO_LEADER", text: "without a leader nothing can be removed" });
  else if (state !== "yes" && state !== "presumed") blockers.push({ code: "NO_QUORUM", text: `quorum: ${state}` });
  if (after.configured === 0) blockers.push({ code: "LAST_MEMBER", text: "it is the only member" });
  else if (after.live < after.needed)
    blockers.push({
      code: "QUORUM_AFTER",
      text: `of the ${after.configured} that are left ${after.live} live, ${after.needed} needed`,
    });
  const change = changeUnderWay(view);
  if (change !== undefined) blockers.push({ code: "CHANGE_UNDER_WAY", text: `${change}; wait until it is done` });
  return blockers;
}

function sizeWarnings({
  configured,
  live,
  needed,
}: {
  readonly configured: number;
  readonly live: number;
  readonly needed: number;
}): string[] {
  const warnings: string[] = [];
  if (configured % 2 === 0) warnings.push(`${configured} members are left, an even number: let one join`);
  if (live - needed < 1) warnings.push("the next failure stops the database until one has joined");
  return warnings;
}

function kickBlockers(judged: Judged, voter: Voter, serverId: string | undefined): Blocker[] {
  const { view } = judged;
  const blockers: Blocker[] = [];
  const silence = isDead(voter, judged);
  if (!silence.isHeld)
    blockers.push({
      code:
        voter.liveness === "silent" && voter.heardBy.length === 0 && voter.silentTo.length < 2
          ? "ONE_WITNESS"
          : "NOT_SILENT",
      text: silence.why,
    });
  // Whom the leader does not hear, others must miss as well: most of the living, or whoever looks from outside.
  const leader = view.leader?.member;
  if (leader !== undefined && !voter.silentTo.includes(leader))
    blockers.push({ code: "NOT_SILENT", text: `the leader, ${leader}, does not say that it is silent` });
  if (serverId === undefined)
    blockers.push({
      code: "FULL_ID_UNKNOWN",
      text: `only ${voter.short} is known of its id; find the whole one in a member's file or log, and plan the kick with it`,
    });
  return blockers;
}

function kickSteps(
  observation: Observation,
  judged: Judged,
  voter: Voter,
  options: RemoveOptions,
): Omit<PlanStep, "number">[] {
  const { database, site = {} } = options;
  const leader = judged.view.leader?.member;
  if (leader === undefined) return [];
  const id = voter.serverId ?? `<the whole id of ${voter.short}>`;
  const about = { database, isDestructive: false, before: [], after: [], undo: "Nothing is changed." } as const;
  const file = placeOf(site, observation, leader, database).file;
  const find: Omit<PlanStep, "number"> = {
    ...about,
    title: `Find the whole id of ${voter.short} in the leader's file`,
    kind: "look",
    member: leader,
    command: {
      at: leader,
      program: "grep",
      args: ["-aoE", `"${voter.short}[0-9a-f]{4}(-[0-9a-f]{4}){3}-[0-9a-f]{12}": ?"${literally(voter.address)}"`, file],
    },
  };
  const alive = judged.view.voices.map(({ member }) => member);
  return [
    ...alive.map(
      (member): Omit<PlanStep, "number"> => ({
        ...about,
        title: `See on ${member} that ${voter.short} at ${voter.address} is the silent one`,
        kind: "look",
        member,
        command: appctl(site, observation, member, database, "cluster/status", database),
      }),
    ),
    ...(voter.serverId === undefined ? [find] : []),
    {
      database,
      title: `Have ${id} removed, on the leader`,
      kind: "act",
      member: leader,
      command: appctl(site, observation, leader, database, "cluster/kick", database, id),
      text: `${voter.address}, silent to ${voter.silentTo.join(", ") || "nobody"}`,
      before: [
        { type: "one-leader", database },
        { type: "leads", database, member: leader },
        { type: "no-change-under-way", database },
        { type: "silent", database, server: voter.key },
        { type: "quorum-without", database, server: voter.key },
      ],
      after: [{ type: "absent", database, server: voter.key }],
      patienceMs: silenceMs(judged.view),
      withinMs: options.withinMs ?? 60_000,
      isDestructive: true,
      isIrreversible: true,
      undo: "None: an id that was removed never comes back. The server joins anew, with a fresh file and a new id.",
    },
    {
      ...about,
      title: "Wait until no member lists it any more",
      kind: "wait",
      after: [
        { type: "absent", database, server: voter.key },
        { type: "one-leader", database },
      ],
      withinMs: options.withinMs ?? 60_000,
    },
  ];
}

/** For an extended regular expression. */
function literally(text: string): string {
  return text.replace(/[.[\]\\*+?(){}^$|]/g, "\\$&");
}

/** Plans that a member leaves by itself: it hands its leadership over first. */
export function planLeave(observation: Observation, member: string, options: RemoveOptions): Plan {
  const { database, site = {} } = options;
  const judged = judge(observation, options).get(database);
  const base = {
    kind: "leave",
    title: `Have ${member} leave ${database}`,
    databases: [database],
    warnings: [] as string[],
  } as const;
  if (judged === undefined)
    return makePlan({ ...base, blockers: [{ code: "NOT_FOUND", text: `${database} was not asked for` }], steps: [] });
  const { view, verdict } = judged;
  const view1 = view.members.find((one) => one.member === member);
  const voter = verdict.quorum.voters.find((one) => one.member === member);
  if (voter === undefined) {
    const isGone = view1?.isUnknownCluster === true && view.leader !== undefined;
    return makePlan({
      ...base,
      blockers: isGone ? [] : [{ code: "NOT_FOUND", text: `${member} is no member that answers` }],
      steps: [],
      isDone: isGone,
    });
  }
  const after = quorumWithout(verdict.quorum.voters, voter.key);
  const blockers = removalBlockers(judged, after);
  for (const ghost of verdict.quorum.voters.filter(({ isGhost }) => isGhost))
    blockers.push({
      code: "NOT_HEALTHY",
      text: `${ghost.short} at ${ghost.address} still counts and can never vote again: have it forgotten first`,
    });
  if (view1?.status === undefined)
    blockers.push({ code: "NOT_FOUND", text: `${member} does not answer; a dead member is kicked` });
  return makePlan({
    ...base,
    blockers,
    warnings: sizeWarnings(after),
    witnesses: voter.heardBy,
    steps: [
      {
        title: `See that ${database} is well`,
        kind: "look",
        database,
        member,
        command: appctl(site, observation, member, database, "cluster/status", database),
        before: [],
        after: [],
        isDestructive: false,
        undo: "Nothing is changed.",
      },
      {
        title: `Have ${member} leave`,
        kind: "act",
        database,
        member,
        command: appctl(site, observation, member, database, "cluster/leave", database),
        before: [
          { type: "one-leader", database },
          { type: "no-change-under-way", database },
          { type: "quorum-without", database, server: voter.key },
        ],
        after: [
          { type: "absent", database, server: voter.key },
          { type: "one-leader", database },
        ],
        withinMs: options.withinMs ?? 60_000,
        isDestructive: true,
        isIrreversible: true,
        undo: "Until it is committed, restarting the member takes its wish back. After that it joins anew, with a fresh file.",
      },
    ],
  });
}
