/** What to do about what is wrong: wait, start that one, have that id forgotten, let that one join anew, or rebuild. */
import { fileFacts, type FileFacts } from "../judge/checks/files.ts";
import { isFrozen } from "../judge/checks/peers.ts";
import { weightOf } from "../judge/context.ts";
import { compareSeverity, type Finding, type Voter } from "../judge/types.ts";
import type { Observation } from "../observe/types.ts";
import type { ClusterStatus } from "../status/types.ts";
import { judge } from "./conditions.ts";
import { planKick } from "./kick.ts";
import { neighboursOf } from "./neighbours.ts";
import { rankFiles, type RankedFile } from "./rank.ts";
import {
  at,
  type Case,
  type Choice,
  looks,
  type RecoveryDecision,
  type RecoveryOptions,
  simple,
} from "./recovery-case.ts";
import { addressFromHistory, asksNoMember, rejoin, renewJoin, stopSecondCluster } from "./recovery-rejoin.ts";
import { idsKnown, renewLost } from "./recovery-lost.ts";
import { rebuild } from "./recovery-rebuild.ts";
import { fileCheck, startStep } from "./rejoin.ts";
import { serviceCall } from "./site.ts";
import { planElectionTimer } from "./timer.ts";
import { type Condition, makePlan, type Plan, type PlanStep } from "./types.ts";

export type RecoveryPlan = Plan & {
  readonly kind: "recovery";
  readonly decision: RecoveryDecision;
  readonly because: readonly Finding[];
  /** The files in the order of their worth, if any were given. */
  readonly files: readonly RankedFile[];
};

export function planRecovery(observation: Observation, options: RecoveryOptions): RecoveryPlan {
  const { database } = options;
  const judged = judge(observation, options).get(database);
  if (judged === undefined) {
    const plan = makePlan({
      kind: "recovery",
      title: `Recover ${database}`,
      databases: [database],
      blockers: [{ code: "NOT_FOUND", text: `${database} was not asked for` }],
      warnings: [],
      steps: [],
    });
    return { ...plan, kind: "recovery", decision: "look", because: [], files: [] };
  }
  const files = rankFiles(collectFiles(observation, options));
  const findings = judged.verdict.findings.filter((finding) => weightOf(finding) !== "info");
  const one: Case = { judged, observation, options, findings, files };
  const { decision, because, plan } = choose(one);
  return { ...plan, kind: "recovery", decision, because, files };
}

function collectFiles(
  observation: Observation,
  { database, files = {} }: RecoveryOptions,
): (FileFacts & { member: string })[] {
  const seen = observation.databases.find((one) => one.database === database)?.members ?? [];
  return seen.flatMap(({ member, file }) => {
    const facts = files[member] ?? (file === undefined ? undefined : fileFacts(file));
    return facts === undefined ? [] : [{ ...facts, member }];
  });
}

function choose(one: Case): Choice {
  const { findings, judged } = one;
  const { quorum } = judged.verdict;
  const has = (...codes: readonly string[]): Finding[] => findings.filter(({ code }) => codes.includes(code));
  if (findings.length === 0) return { decision: "none", because: [], plan: simple(one, "Nothing is wrong", [], true) };
  // Whoever reaches none of its remotes needs a way to them, not a restart.
  const cutOff = has("remotes-unreachable").flatMap(({ members }) => members);
  const stuckTerm = [
    ...has("leader-while-joining", "stuck-candidate", "catchup-stuck"),
    ...has("joining-stuck").filter(({ members: [member = ""] }) => !cutOff.includes(member)),
  ];
  const works = judged.view.leader !== undefined && (quorum.state === "yes" || quorum.state === "presumed");
  const split = has("cluster-id-mismatch").filter(({ remedy }) => remedy.isDestructive);
  if (split.length > 0) return stopSecondCluster(one, split);
  const apart = has("cluster-id-mismatch");
  if (apart.length > 0) return lookAtBoth(one, apart);
  if (!works && knowsRowsOnly(one)) return lookForStatus(one);
  if (!works) return withoutQuorum(one);
  const ghosts = has("duplicate-address").filter(({ remedy }) => remedy.isDestructive);
  if (ghosts.length > 0) return kickGhost(one, ghosts);
  const renew = findings.filter(({ remedy }) => remedy.kind === "rejoin" && remedy.isDestructive);
  if (renew.length > 0) return rejoin(one, renew);
  const misled = has("joining-stuck", "remotes-unreachable").filter(({ members }) => asksNoMember(one, members[0]));
  if (misled.length > 0) return renewJoin(one, misled);
  if (stuckTerm.length > 0) return restartOne(one, stuckTerm);
  const down = has("peer-down");
  if (down.length > 0) return startDown(one, down);
  const timer = has("frequent-elections", "slow-poll", "timer-differs");
  if (timer.length > 0) return raiseTimer(one, timer);
  const patience = findings.filter(({ remedy }) => remedy.kind !== "wait");
  if (patience.length === 0)
    return { decision: "wait", because: findings, plan: simple(one, "Wait, and look again", looks(one)) };
  return {
    decision: "look",
    because: findings,
    plan: simple(one, `Look closer: ${forPeople(patience)}`, looks(one)),
  };
}

/** What is worst, and what a person does about it: there is no command for that. */
function forPeople(findings: readonly Finding[]): string {
  const isAboutSomebody = ({ members }: Finding): number => Number(members.length > 0);
  const [worst] = [...findings].sort(
    (one, other) => compareSeverity(one.severity, other.severity) || isAboutSomebody(other) - isAboutSomebody(one),
  );
  if (worst === undefined) return "nothing is to be done on what is known";
  const who = worst.members.length === 0 ? "" : ` (${worst.members.join(", ")})`;
  return `${worst.title}${who}. ${worst.remedy.text}`;
}

/** The index of the last entry that is known to be committed, as far as the status tells. */
function committedOf({ log, uncommitted }: ClusterStatus): string {
  return log === undefined || uncommitted === undefined ? "?" : String(log.end - 1 - uncommitted);
}

/** Two clusters, and nobody who was there before can tell which is the old one: nothing is taken from either. */
function lookAtBoth(one: Case, because: readonly Finding[]): Choice {
  const logs = one.judged.view.members.flatMap(({ member, clusterId, status }) =>
    clusterId === undefined || status === undefined
      ? []
      : `${member} ${clusterId.slice(0, 8)}, term ${status.term ?? "?"}, log [${status.log?.start ?? "?"}, ${status.log?.end ?? "?"}], committed ${committedOf(status)}, ${status.servers?.length ?? 0} listed`,
  );
  const title = `Two clusters: ${logs.join("; ")}. Say which one is yours (expected cluster id); till then stop nobody, and join nobody`;
  return { decision: "look", because, plan: simple(one, title, looks(one)) };
}

/** Somebody answers, and nobody has told who is configured: a plan would be a guess. */
function knowsRowsOnly({ judged: { view, verdict } }: Case): boolean {
  return (
    verdict.quorum.configured === 0 && view.members.some(({ row, status }) => row !== undefined && status === undefined)
  );
}

function lookForStatus(one: Case): Choice {
  const title = "Ask the control sockets: `_Server` alone does not tell who is configured, and whom the others hear";
  return { decision: "look", because: one.findings, plan: simple(one, title, looks(one)) };
}

/** Those that are silent, and whose process can be started: by the name that the operator knows. */
function silentMembers({ judged }: Case): { readonly member: string; readonly voter: Voter | undefined }[] {
  const { view, verdict } = judged;
  const voters = verdict.quorum.voters;
  const named = voters.filter(
    ({ liveness, member, isGhost }) => liveness === "silent" && member !== undefined && !isGhost,
  );
  const known = new Set(voters.map(({ member }) => member));
  // Whoever does not answer can't say which id it is; it is one of the silent ones nobody speaks for.
  const nameless = view.members.filter(({ isUnreachable, member }) => isUnreachable && !known.has(member));
  return [
    ...named.map((voter) => ({ member: voter.member ?? "", voter })),
    ...nameless.map(({ member }) => ({ member, voter: undefined })),
  ];
}

/** Whose server must not be started with the file that it has, and why: damaged, of one that left, or older than it was. */
function unfitMembers({ files, findings }: Case): Map<string, string> {
  const aged = findings.filter(({ code }) => code === "state-went-backwards").flatMap(({ members }) => members);
  return new Map([
    ...aged.map((member) => [member, "an older file was put back, and may vote twice"] as const),
    ...files.flatMap(({ member, unfit }) => (unfit === undefined ? [] : [[member, unfit] as const])),
  ]);
}

function withoutQuorum(one: Case): Choice {
  const { judged, options, files, findings } = one;
  const { quorum, database } = judged.verdict;
  const unfit = unfitMembers(one);
  const down = silentMembers(one);
  const fit = down.filter(({ member }) => !unfit.has(member) && options.lost?.includes(member) !== true);
  // One that hangs runs already: starting it changes nothing, and it is left alone where the others are enough.
  const dead = fit.filter(({ member }) => !isFrozen(judged.view.members.find((seen) => seen.member === member)));
  const startable = quorum.live + dead.length >= quorum.needed ? dead : fit;
  const because = findings.filter(({ severity }) => severity === "critical");
  const reachable = quorum.live + startable.length;
  const stay = takeBack(one);
  if (quorum.live >= quorum.needed && stay.length > 0) {
    const title = `Restart ${stay.map(({ member }) => member).join(", ")}, whose wish to leave can't be granted`;
    const warnings = stay.flatMap(({ member = "" }) => neighboursOf(one, "restart", member).warnings);
    return { decision: "restart", because, plan: { ...simple(one, title, [...looks(one), ...stay]), warnings } };
  }
  // Enough of them live: they elect a leader by themselves, and a rebuild would throw away what they agree on.
  if (quorum.live >= quorum.needed && startable.length === 0)
    return { decision: "wait", because, plan: simple(one, "Wait for the election", looks(one)) };
  if (reachable < quorum.needed || startable.length === 0) return rebuild(one, because, unfit);
  // The newest file first: it can lead at once.
  const rank = new Map(files.map(({ member }, index) => [member, index]));
  const order = [...startable].sort((a, b) => (rank.get(a.member) ?? 99) - (rank.get(b.member) ?? 99));
  const enough = Math.max(1, quorum.needed - quorum.live);
  const steps = [
    ...looks(one),
    ...order.map(({ member }) => fileCheck(at(one, member))),
    ...stay,
    ...order.map(({ member }, index) => {
      const after: Condition[] = index + 1 >= enough ? [{ type: "one-leader", database }] : [];
      return startStep(at(one, member), [], after, options.withinMs ?? 120_000);
    }),
  ];
  const names = order.map(({ member }) => member);
  const renewal = renewLost(one, [...judged.view.voices.map(({ member }) => member), ...names]);
  const rest = renewal.members.length === 0 ? "" : `; then let ${renewal.members.join(", ")} join anew`;
  const title = `Start ${names.join(", ")} with ${names.length === 1 ? "its file" : "their files"}: ${quorum.live} live, ${quorum.needed} needed${rest}`;
  const plan = simple(one, title, [...steps, ...renewal.steps], false, [], renewal.witnesses);
  return { decision: "start", because, plan: { ...plan, warnings: renewal.warnings } };
}

/**
 * Whoever is leaving without a leader starts no election (before 3.6), and is gone as soon as there is a leader, which
 * may then lead too few. A restart takes its wish back.
 */
function takeBack(one: Case): Omit<PlanStep, "number">[] {
  const { judged } = one;
  const leaving = judged.view.voices.filter(({ status }) => status?.state === "leaving cluster");
  return leaving.map(({ member }) => {
    const step = restartStep(one, member, [{ type: "staying", database: judged.verdict.database, member }]);
    const text = "It keeps its file, and its wish to leave is taken back; ask again when the cluster is well.";
    return { ...step, text: step.text === undefined ? text : `${step.text} ${text}` };
  });
}

function kickGhost(one: Case, because: readonly Finding[]): Choice {
  const { observation, options } = one;
  const key = because[0]?.servers[0] ?? "";
  const plan = planKick(observation, key, {
    ...options,
    database: options.database,
    serverIds: idsKnown(one),
    ...(options.site === undefined ? {} : { site: options.site }),
  });
  return { decision: "kick", because, plan: { ...plan, kind: "recovery" } };
}

function restartStep(one: Case, member: string, after: readonly Condition[]): Omit<PlanStep, "number"> {
  const { judged, observation, options } = one;
  const { database } = judged.verdict;
  return {
    title: `Restart ${member}`,
    kind: "act",
    database,
    member,
    ...serviceCall(options.site ?? {}, "restart", member, database, observation),
    before: neighboursOf(one, "restart", member).before,
    after,
    withinMs: options.withinMs ?? 120_000,
    isDestructive: false,
    undo: "None is needed: it keeps its file.",
  };
}

function restartOne(one: Case, because: readonly Finding[]): Choice {
  const { judged, options } = one;
  const { database } = judged.verdict;
  const name = because[0]?.members[0] ?? "";
  // One that hangs while it joins can't say who it is; it may have said so before.
  const member = judged.view.members.find((seen) => {
    const address = seen.address ?? addressFromHistory(options, seen.member);
    return seen.member === name || (address !== undefined && name.endsWith(`(${address})`));
  })?.member;
  if (member === undefined)
    return {
      decision: "look",
      because,
      plan: simple(one, `Find the host of ${name} and restart its server`, looks(one)),
    };
  const step = restartStep(one, member, [{ type: "caught-up", database, member }]);
  const plan = simple(one, `Restart ${member}: ${because[0]?.title ?? ""}`, [...looks(one), step]);
  return {
    decision: "restart",
    because,
    plan: { ...plan, warnings: neighboursOf(one, "restart", member).warnings },
  };
}

function startDown(one: Case, because: readonly Finding[]): Choice {
  const { judged, options } = one;
  const { database } = judged.verdict;
  const down = silentMembers(one).map(({ member }) => member);
  const unfit = unfitMembers(one);
  const startable = down.filter((member) => !unfit.has(member) && options.lost?.includes(member) !== true);
  const living = judged.view.voices.filter(({ member }) => !down.includes(member)).map(({ member }) => member);
  const renewal = renewLost(one, [...living, ...startable]);
  const names = renewal.members.join(", ");
  if (startable.length === 0 && renewal.members.length > 0) {
    const plan = simple(
      one,
      `Let ${names} join anew, whose file is gone`,
      [...looks(one), ...renewal.steps],
      false,
      [],
      renewal.witnesses,
    );
    return { decision: "rejoin", because, plan: { ...plan, warnings: renewal.warnings } };
  }
  if (startable.length === 0) {
    const title = "Find the hosts of the silent ids; what is gone for good is forgotten by `plan kick`";
    // Why those whose files are gone can't join anew yet.
    return { decision: "look", because, plan: { ...simple(one, title, looks(one)), warnings: renewal.warnings } };
  }
  const steps = startable.flatMap((member) => [
    fileCheck(at(one, member)),
    startStep(at(one, member), [], [{ type: "caught-up", database, member }], options.withinMs ?? 120_000),
  ]);
  const title = `Start ${startable.join(", ")}${names === "" ? "" : `; then let ${names} join anew`}`;
  const plan = simple(one, title, [...looks(one), ...steps, ...renewal.steps], false, [], renewal.witnesses);
  return { decision: "start", because, plan: { ...plan, warnings: renewal.warnings } };
}

function raiseTimer(one: Case, because: readonly Finding[]): Choice {
  const { observation, options, judged } = one;
  const { database } = judged.verdict;
  const wanted = options.expected?.electionTimerMs;
  const nowMs = judged.view.timerMs;
  const target = (typeof wanted === "number" ? wanted : wanted?.[database]) ?? Math.min(16_000, nowMs * 2);
  const plan = planElectionTimer(observation, target, { ...options, database });
  return { decision: "timer", because, plan: { ...plan, kind: "recovery" } };
}
