/** Members whose files are gone for good: their ids are forgotten, and they join anew, once the others have a leader. */
import type { FileFacts } from "../judge/checks/files.ts";
import { comparable } from "../judge/checks/membership.ts";
import { majorityOf } from "../judge/quorum.ts";
import type { Voter } from "../judge/types.ts";
import { at, type Case, forgetStep } from "./recovery-case.ts";
import { joinStep, startStep } from "./rejoin.ts";
import type { PlanStep } from "./types.ts";

type Draft = Omit<PlanStep, "number">;

/** Whole ids by `short@address`, as far as files tell them: of the dead nobody else does. */
export function idsInFiles(files: readonly FileFacts[]): Record<string, string> {
  const ids: Record<string, string> = {};
  for (const { servers = {}, serverId, address: own } of files) {
    const all = serverId === undefined || own === undefined ? servers : { ...servers, [serverId]: own };
    for (const [id, address] of Object.entries(all)) ids[`${id.slice(0, 4)}@${comparable(address)}`] = id;
  }
  return ids;
}

/** Whole ids by the keys of those who are configured: as the operator tells them, else the files. */
export function idsKnown({ judged, files, options }: Case): Record<string, string> {
  const told = idsInFiles(files);
  const ids = judged.verdict.quorum.voters.flatMap(({ key, short, address }): [string, string][] => {
    const id = told[`${short}@${comparable(address)}`];
    return id === undefined ? [] : [[key, id]];
  });
  return { ...Object.fromEntries(ids), ...options.serverIds };
}

/** Which id a member had: by its name, else by what remains when those with files are told apart. */
function voterOf({ judged, files }: Case, member: string, lost: readonly string[]): Voter | undefined {
  const { voters } = judged.verdict.quorum;
  const own = voters.find((voter) => voter.member === member);
  if (own !== undefined || lost.length !== 1) return own;
  const told = new Set(files.map(({ serverId, address }) => `${serverId?.slice(0, 4)}@${comparable(address ?? "")}`));
  const left = voters.filter(
    ({ short, address, member: name, liveness }) =>
      name === undefined && liveness !== "live" && !told.has(`${short}@${comparable(address)}`),
  );
  return left.length === 1 ? left[0] : undefined;
}

export type Renewal = {
  readonly members: readonly string[];
  readonly steps: readonly Draft[];
  readonly warnings: readonly string[];
  /** The operator, who says that the files are gone, and whoever does not hear those ids. */
  readonly witnesses: readonly string[];
};

/** `living`: the members that live, and those that have been started by then. */
export function renewLost(one: Case, living: readonly string[]): Renewal {
  const { judged, options } = one;
  const { database, quorum } = judged.verdict;
  const lost = (options.lost ?? []).filter((member) => judged.view.members.some((seen) => seen.member === member));
  const known = idsKnown(one);
  const members: string[] = [];
  const steps: Draft[] = [];
  const warnings: string[] = [];
  const witnesses = new Set<string>();
  let configured = quorum.configured;
  for (const member of lost) {
    const voter = voterOf(one, member, lost);
    if (voter === undefined) {
      warnings.push(`which id ${member} had is not known: give a file of another member, or a history`);
      continue;
    }
    if (voter.liveness === "live") continue;
    const serverId = voter.serverId ?? known[voter.key];
    const through = living[0];
    if (serverId === undefined || through === undefined) {
      warnings.push(
        `only ${voter.short} is known of the id that ${member} had: find the whole one in a member's file, as \`plan kick\` shows, or give a history`,
      );
      continue;
    }
    if (living.length < majorityOf(configured - 1)) {
      warnings.push(`${member} can join anew only when ${majorityOf(configured - 1)} others live`);
      continue;
    }
    configured--;
    members.push(member);
    for (const witness of ["operator", ...voter.silentTo]) witnesses.add(witness);
    const remotes = quorum.voters.filter(({ key }) => key !== voter.key).map(({ address }) => address);
    const where = at(one, member);
    const join = joinStep(where, voter.address, remotes, judged.view.clusterId);
    const forget = forgetStep(one, through, voter, serverId, `Have the id that ${member} had forgotten: ${serverId}`);
    steps.push(
      // What can't be undone is done only where the rest can be done too.
      { ...forget, before: [...forget.before, { type: "stopped", database, member }] },
      {
        ...join,
        text: "Its server must not run meanwhile: one that finds no file may make a cluster of its own. Give the file the owner and the mode that other members' files have.",
        before: [
          { type: "stopped", database, member },
          { type: "absent", database, server: voter.key },
        ],
      },
      startStep(
        where,
        [{ type: "one-leader", database }],
        [{ type: "caught-up", database, member }],
        options.withinMs ?? 120_000,
      ),
    );
  }
  return { members, steps, warnings, witnesses: [...witnesses] };
}
