/** The recoveries that give a member a fresh file: it can't be used any more, or it is of another cluster. */
import { comparable } from "../judge/checks/membership.ts";
import type { Finding } from "../judge/types.ts";
import type { MemberView } from "../judge/view.ts";
import { planKick } from "./kick.ts";
import { neighboursOf } from "./neighbours.ts";
import { at, type Case, type Choice, forgetStep, looks, type RecoveryOptions, simple } from "./recovery-case.ts";
import { idsKnown } from "./recovery-lost.ts";
import { fileLook, joinStep, setAsideStep, startStep, statusLook, stopStep } from "./rejoin.ts";
import type { Blocker, PlanStep } from "./types.ts";

/** The id goes first, as long as a majority is left; then the file; then it joins as somebody new. */
export function rejoin(one: Case, because: readonly Finding[], agreed?: readonly string[]): Choice {
  const { judged, observation, options } = one;
  const { view, verdict } = judged;
  const [finding] = because;
  const member = finding?.members[0] ?? "";
  const where = at(one, member);
  const seen = view.members.find((one) => one.member === member);
  // Of a server that has not joined yet, the leader may know a former life at the same address.
  const isFormer = (address: string): boolean => isJoining(seen) && address === seen?.address;
  const voter = verdict.quorum.voters.find(
    ({ member: name, key, address }) => name === member || finding?.servers.includes(key) === true || isFormer(address),
  );
  const local = seen?.address ?? voter?.address ?? addressFromHistory(options, member);
  const leader = view.leader?.member;
  const others = view.configured.filter((server) => server.view !== undefined && server.view.member !== member);
  const remotes = others.map(({ address }) => address);
  const blockers: Blocker[] = [];
  const neighbours = neighboursOf(one, "stop", member);
  const witnesses = agreed ?? finding?.witnesses ?? [];
  if (seen === undefined)
    blockers.push({
      code: "NOT_FOUND",
      text: `${member} is not the name of a member; its host must be known to give it a new file`,
    });
  if (local === undefined) blockers.push({ code: "NOT_FOUND", text: `the Raft address of ${member} is not known` });
  if (leader === undefined || remotes.length === 0)
    blockers.push({ code: "NO_LEADER", text: "there is nobody to join" });
  const steps: Omit<PlanStep, "number">[] = [
    statusLook(where),
    fileLook(where),
    stopStep(where, [
      { type: "one-leader", database: verdict.database },
      // Somebody who is no member may be about to become one; then nothing is to be taken from it.
      ...(voter === undefined && seen?.short !== undefined && seen.address !== undefined
        ? [{ type: "absent", database: verdict.database, server: `${seen.short}@${seen.address}` } as const]
        : []),
      ...neighbours.before,
    ]),
  ];
  steps.push(setAsideStep(where, finding?.title ?? "it can't be used"));
  if (voter !== undefined && (voter.member !== undefined || isFormer(voter.address))) {
    const kick = planKick(observation, voter.key, { ...options, database: verdict.database, serverIds: idsKnown(one) });
    // It is stopped by then, so its silence is no question any more; what is left must have a majority all the same.
    blockers.push(...kick.blockers.filter(({ code }) => code !== "NOT_SILENT" && code !== "ONE_WITNESS"));
    // The leader of this moment may be the one that is stopped, so the one who is asked is anybody else.
    const through = (leader === member ? undefined : leader) ?? others[0]?.view?.member;
    const serverId = kick.target?.serverId ?? voter.serverId;
    if (through !== undefined && serverId !== undefined)
      steps.push(forgetStep(one, through, voter, serverId, `Have ${member}'s old id forgotten: ${serverId}`));
  }
  if (local !== undefined) steps.push(joinStep(where, local, remotes, view.clusterId));
  steps.push(
    startStep(
      where,
      [{ type: "one-leader", database: verdict.database }],
      [{ type: "caught-up", database: verdict.database, member }],
      options.withinMs ?? 120_000,
    ),
  );
  return {
    decision: "rejoin",
    because,
    plan: {
      ...simple(one, `Let ${member} join anew: ${finding?.title ?? ""}`, steps, false, blockers, witnesses),
      warnings: neighbours.warnings,
    },
  };
}

function isJoining(seen: MemberView | undefined): boolean {
  return seen?.status?.state === "joining cluster";
}

/** Whether it is joining and asks nobody that the leader lists: it can ask for ever, and a restart changes nothing. */
export function asksNoMember({ judged: { view } }: Case, member: string | undefined): boolean {
  const seen = view.members.find((one) => one.member === member);
  const remotes = seen?.status?.remotesForJoining;
  if (!isJoining(seen) || remotes === undefined) return false;
  // By whatever name it asks: whom a member is adding has been heard.
  if (view.voices.some(({ status }) => status?.adding.some(({ address }) => address === seen?.address))) return false;
  const members = view.configured.filter(({ address }) => address !== seen?.address);
  // A name may stand for any address.
  if ([...remotes, ...members.map(({ address }) => address)].some((address) => !isNumeric(address))) return false;
  return !remotes.some((remote) => members.some(({ address }) => comparable(address) === comparable(remote)));
}

/** `ssl:[fe80::1%eth0]:6643`, `tcp:10.0.0.1:6643`: no host name. */
function isNumeric(address: string): boolean {
  return /^\w+:(\d+\.\d+\.\d+\.\d+|\[[\da-fA-F.:]+(%[^\]]+)?\]):\d+$/.test(address);
}

/** The join file is made anew, with the members as remotes. It holds no data yet; its own words and the leader's list say so. */
export function renewJoin(one: Case, because: readonly Finding[]): Choice {
  const leader = one.judged.view.leader?.member;
  const witnesses = [...(because[0]?.members.slice(0, 1) ?? []), ...(leader === undefined ? [] : [leader])];
  return rejoin(one, because, witnesses);
}

export function addressFromHistory({ history, database }: RecoveryOptions, member: string): string | undefined {
  const past = history?.databases[database];
  const id = past?.idOfMember[member];
  const key = Object.entries(past?.serverIds ?? {}).find(([, serverId]) => serverId === id)?.[0];
  return key?.slice(key.indexOf("@") + 1);
}

/** The server of the second cluster goes first; then it is a member that lost its file. */
export function stopSecondCluster(one: Case, because: readonly Finding[]): Choice {
  const { judged, observation, options } = one;
  const { view, verdict } = judged;
  const foreign = view.foreign[0];
  const member = foreign?.member ?? "";
  const neighbours = neighboursOf(one, "stop", member);
  const where = at(one, member);
  const address = foreign?.address;
  const old = view.configured.find((server) => server.address === address);
  const remotes = view.configured
    .filter((server) => server.view !== undefined && server.address !== address)
    .map((server) => server.address);
  const steps: Omit<PlanStep, "number">[] = [
    ...looks(one),
    stopStep(where, [{ type: "one-leader", database: verdict.database }, ...neighbours.before]),
    setAsideStep(where, "it is of another cluster; never merge it"),
  ];
  const blockers: Blocker[] = [];
  if (old !== undefined) {
    const kick = planKick(observation, old.key, { ...options, database: verdict.database, serverIds: idsKnown(one) });
    blockers.push(...kick.blockers.filter(({ code }) => code !== "ONE_WITNESS" && code !== "NOT_SILENT"));
    steps.push(...kick.steps.filter(({ kind }) => kind !== "look").map(({ number: _number, ...step }) => step));
  }
  if (address === undefined || remotes.length === 0)
    blockers.push({ code: "NOT_FOUND", text: `the Raft address of ${member} is not known` });
  else {
    steps.push(joinStep(where, address, remotes, view.clusterId));
    steps.push(
      startStep(
        where,
        [{ type: "one-leader", database: verdict.database }],
        [{ type: "caught-up", database: verdict.database, member }],
        options.withinMs ?? 120_000,
      ),
    );
  }
  return {
    decision: "stop",
    because,
    plan: {
      ...simple(
        one,
        `Stop ${member}, which made a cluster of its own, and let it join anew`,
        steps,
        false,
        blockers,
        because[0]?.witnesses ?? [],
      ),
      warnings: neighbours.warnings,
    },
  };
}
