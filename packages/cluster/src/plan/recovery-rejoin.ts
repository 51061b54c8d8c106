/** The recoveries that give a member a fresh file: it can't be used any more, or it is of another cluster. */
import type { Finding } from "../judge/types.ts";
import { planKick } from "./kick.ts";
import { at, type Case, type Choice, looks, type RecoveryOptions, simple } from "./recovery-case.ts";
import { fileLook, joinStep, setAsideStep, startStep, statusLook, stopStep } from "./rejoin.ts";
import type { Blocker, PlanStep } from "./types.ts";

/** The id goes first, as long as a majority is left; then the file; then it joins as somebody new. */
export function rejoin(one: Case, because: readonly Finding[]): Choice {
  const { judged, observation, options } = one;
  const { view, verdict } = judged;
  const [finding] = because;
  const member = finding?.members[0] ?? "";
  const where = at(one, member);
  const voter = verdict.quorum.voters.find(
    (one) => one.member === member || finding?.servers.includes(one.key) === true,
  );
  const seen = view.members.find((one) => one.member === member);
  const local = seen?.address ?? voter?.address ?? addressFromHistory(options, member);
  const leader = view.leader?.member;
  const remotes = view.configured
    .filter((server) => server.view !== undefined && server.view.member !== member)
    .map(({ address }) => address);
  const blockers: Blocker[] = [];
  const witnesses = finding?.witnesses ?? [];
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
    stopStep(where, [{ type: "one-leader", database: verdict.database }]),
  ];
  steps.push(setAsideStep(where, finding?.title ?? "it can't be used"));
  if (voter !== undefined && voter.member !== undefined) {
    const kick = planKick(observation, voter.key, { ...options, database: verdict.database });
    // It is stopped by then, so its silence is no question any more; what is left must have a majority all the same.
    blockers.push(...kick.blockers.filter(({ code }) => code !== "NOT_SILENT" && code !== "ONE_WITNESS"));
    steps.push(...kick.steps.filter(({ kind }) => kind !== "look").map(({ number: _number, ...step }) => step));
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
    plan: simple(one, `Let ${member} join anew: ${finding?.title ?? ""}`, steps, false, blockers, witnesses),
  };
}

function addressFromHistory({ history, database }: RecoveryOptions, member: string): string | undefined {
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
  const where = at(one, member);
  const address = foreign?.address;
  const old = view.configured.find((server) => server.address === address);
  const remotes = view.configured
    .filter((server) => server.view !== undefined && server.address !== address)
    .map((server) => server.address);
  const steps: Omit<PlanStep, "number">[] = [
    ...looks(one),
    stopStep(where, [{ type: "one-leader", database: verdict.database }]),
    setAsideStep(where, "it is of another cluster; never merge it"),
  ];
  const blockers: Blocker[] = [];
  if (old !== undefined) {
    const kick = planKick(observation, old.key, { ...options, database: verdict.database });
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
    plan: simple(
      one,
      `Stop ${member}, which made a cluster of its own, and let it join anew`,
      steps,
      false,
      blockers,
      because[0]?.witnesses ?? [],
    ),
  };
}
