/** What to do about what is wrong: wait, start that one, have that id forgotten, let that one join anew, or rebuild. */
import { fileFacts, type FileFacts } from "../judge/checks/files.ts";
import { weightOf } from "../judge/context.ts";
import type { Finding, Voter } from "../judge/types.ts";
import type { Observation } from "../observe/types.ts";
import { judge } from "./conditions.ts";
import { planKick } from "./kick.ts";
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
import { rejoin, stopSecondCluster } from "./recovery-rejoin.ts";
import { fileLook, rebuildSteps, startStep } from "./rejoin.ts";
import { serviceCommand } from "./site.ts";
import { planElectionTimer } from "./timer.ts";
import { type Blocker, type Condition, makePlan, type Plan, type PlanStep } from "./types.ts";

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
  const stuckTerm = has("leader-while-joining", "stuck-candidate", "catchup-stuck", "joining-stuck");
  const works = judged.view.leader !== undefined && (quorum.state === "yes" || quorum.state === "presumed");
  const split = has("cluster-id-mismatch").filter(({ remedy }) => remedy.isDestructive);
  if (split.length > 0) return stopSecondCluster(one, split);
  if (!works) return withoutQuorum(one);
  const ghosts = has("duplicate-address").filter(({ remedy }) => remedy.isDestructive);
  if (ghosts.length > 0) return kickGhost(one, ghosts);
  const renew = findings.filter(({ remedy }) => remedy.kind === "rejoin" && remedy.isDestructive);
  if (renew.length > 0) return rejoin(one, renew);
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
    plan: simple(one, "Look closer: nothing is to be done on what is known", looks(one)),
  };
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

function withoutQuorum(one: Case): Choice {
  const { judged, options, files, findings } = one;
  const { quorum, database } = judged.verdict;
  const unfit = new Map(
    files.filter((file) => file.unfit !== undefined).map(({ member, unfit: why }) => [member, why]),
  );
  const down = silentMembers(one);
  const startable = down.filter(({ member }) => !unfit.has(member) && options.lost?.includes(member) !== true);
  const because = findings.filter(({ severity }) => severity === "critical");
  const reachable = quorum.live + startable.length;
  if (quorum.live >= quorum.needed && down.length === 0)
    return { decision: "wait", because, plan: simple(one, "Wait for the election", looks(one)) };
  if (reachable < quorum.needed || startable.length === 0) return rebuild(one, because, unfit);
  // The newest file first: it can lead at once.
  const rank = new Map(files.map(({ member }, index) => [member, index]));
  const order = [...startable].sort((a, b) => (rank.get(a.member) ?? 99) - (rank.get(b.member) ?? 99));
  const enough = Math.max(1, quorum.needed - quorum.live);
  const steps = [
    ...looks(one),
    ...order.map(({ member }) => fileLook(at(one, member))),
    ...order.map(({ member }, index) => {
      const after: Condition[] = index + 1 >= enough ? [{ type: "one-leader", database }] : [];
      return startStep(at(one, member), [], after, options.withinMs ?? 120_000);
    }),
  ];
  const title = `Start ${order.map(({ member }) => member).join(", ")} with ${order.length === 1 ? "its file" : "their files"}: ${quorum.live} live, ${quorum.needed} needed`;
  return { decision: "start", because, plan: simple(one, title, steps) };
}

function rebuild(one: Case, because: readonly Finding[], unfit: ReadonlyMap<string, string | undefined>): Choice {
  const { judged, files } = one;
  const { view, verdict } = judged;
  const best = files.find((file) => file.unfit === undefined);
  const blockers: Blocker[] = [];
  const witnesses = files.map(({ member }) => `${member}'s file`);
  if (best === undefined)
    blockers.push({ code: "NO_FILE", text: "no file is known to be whole; inspect the members' files first" });
  if (files.length < view.members.length) {
    const unknown = view.members.filter(
      ({ member }) => !files.some((file) => file.member === member) && one.options.lost?.includes(member) !== true,
    );
    if (unknown.length > 0)
      blockers.push({
        code: "NO_FILE",
        text: `the files of ${unknown.map(({ member }) => member).join(", ")} are not known; one of them may be newer`,
      });
  }
  const addressOf = (member: string): string | undefined =>
    verdict.quorum.voters.find((voter) => voter.member === member)?.address ??
    files.find((file) => file.member === member)?.address;
  const address = best === undefined ? undefined : addressOf(best.member);
  if (best !== undefined && address === undefined)
    blockers.push({ code: "NOT_FOUND", text: `the Raft address of ${best.member} is not known` });
  const steps =
    best === undefined || address === undefined
      ? looks(one)
      : rebuildSteps({
          where: at(one, best.member),
          best: best.member,
          address,
          others: view.members.flatMap(({ member }) => {
            const own = member === best.member ? undefined : addressOf(member);
            return own === undefined ? [] : [{ member, address: own }];
          }),
        });
  const reasons = [...unfit].map(([member, why]) => `${member}: ${why}`).join("; ");
  const title = `Rebuild from ${best?.member ?? "the best file"}${reasons === "" ? "" : ` (${reasons})`}: ${verdict.quorum.live} live, ${verdict.quorum.needed} needed, and no more can be started`;
  const plan = simple(one, title, steps, false, blockers, witnesses);
  return {
    decision: "rebuild",
    because,
    plan: {
      ...plan,
      warnings: [
        "the result may miss what was committed last, or hold what never was",
        "the cluster id changes: clients have to forget the old index (cluster-state-reset)",
      ],
    },
  };
}

function kickGhost(one: Case, because: readonly Finding[]): Choice {
  const { observation, options } = one;
  const key = because[0]?.servers[0] ?? "";
  const plan = planKick(observation, key, {
    ...options,
    database: options.database,
    ...(options.site === undefined ? {} : { site: options.site }),
  });
  return { decision: "kick", because, plan: { ...plan, kind: "recovery" } };
}

function restartOne(one: Case, because: readonly Finding[]): Choice {
  const { judged, observation, options } = one;
  const { database } = judged.verdict;
  const name = because[0]?.members[0] ?? "";
  const member = judged.view.members.find(
    (seen) => seen.member === name || (seen.address !== undefined && name.includes(seen.address)),
  )?.member;
  if (member === undefined)
    return {
      decision: "look",
      because,
      plan: simple(one, `Find the host of ${name} and restart its server`, looks(one)),
    };
  const step: Omit<PlanStep, "number"> = {
    title: `Restart ${member}`,
    kind: "act",
    database,
    member,
    command: serviceCommand(options.site ?? {}, "restart", member, database, observation),
    before: [],
    after: [{ type: "caught-up", database, member }],
    withinMs: options.withinMs ?? 120_000,
    isDestructive: false,
    undo: "None is needed: it keeps its file.",
  };
  return {
    decision: "restart",
    because,
    plan: simple(one, `Restart ${member}: ${because[0]?.title ?? ""}`, [...looks(one), step]),
  };
}

function startDown(one: Case, because: readonly Finding[]): Choice {
  const { judged, options, files } = one;
  const { database } = judged.verdict;
  const down = silentMembers(one).map(({ member }) => member);
  const unfit = files.filter((file) => file.unfit !== undefined && down.includes(file.member));
  const startable = down.filter(
    (member) => !unfit.some((file) => file.member === member) && options.lost?.includes(member) !== true,
  );
  if (startable.length === 0) {
    return {
      decision: "look",
      because,
      plan: simple(
        one,
        "Find the hosts of the silent ids; what is gone for good is forgotten by `plan kick`",
        looks(one),
      ),
    };
  }
  const steps = startable.flatMap((member) => [
    fileLook(at(one, member)),
    startStep(at(one, member), [], [{ type: "caught-up", database, member }], options.withinMs ?? 120_000),
  ]);
  return { decision: "start", because, plan: simple(one, `Start ${startable.join(", ")}`, [...looks(one), ...steps]) };
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
