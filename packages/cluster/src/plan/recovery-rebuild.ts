/** A quorum that is lost for good: the best file becomes a new cluster. What any other file or server may know comes first. */
import { comparable } from "../judge/checks/membership.ts";
import type { Finding } from "../judge/types.ts";
import { isRankSure, type RankedFile } from "./rank.ts";
import { at, type Case, type Choice, looks, simple } from "./recovery-case.ts";
import { rebuildSteps } from "./rejoin.ts";
import type { Blocker } from "./types.ts";

export function rebuild(
  one: Case,
  because: readonly Finding[],
  unfit: ReadonlyMap<string, string | undefined>,
): Choice {
  const { judged, files, options } = one;
  const { view, verdict } = judged;
  const best = files.find((file) => file.unfit === undefined);
  const blockers: Blocker[] = [...fileBlockers(one, best)];
  const witnesses = files.map(({ member }) => `${member}'s file`);
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
            const isLost = options.lost?.includes(member) === true;
            return own === undefined ? [] : [{ member, address: own, isLost }];
          }),
        });
  const homeless = view.members.filter(({ member }) => addressOf(member) === undefined).map(({ member }) => member);
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
        ...homeless
          .filter((member) => member !== best?.member)
          .map((member) => `${member} is left out: its Raft address is not known; let it join afterwards`),
      ],
    },
  };
}

function fileBlockers(one: Case, best: RankedFile | undefined): Blocker[] {
  const { judged, files, options } = one;
  const blockers: Blocker[] = [];
  if (best === undefined)
    blockers.push({ code: "NO_FILE", text: "no file is known to be whole; inspect the members' files first" });
  const unknown = judged.view.members.filter(
    ({ member }) => !files.some((file) => file.member === member) && options.lost?.includes(member) !== true,
  );
  if (unknown.length > 0)
    blockers.push({
      code: "NO_FILE",
      text: `the files of ${unknown.map(({ member }) => member).join(", ")} are not known; one of them may be newer`,
    });
  const unheard = unheardIds(one, best);
  if (unheard.length > 0)
    blockers.push({
      code: "NO_FILE",
      text: `${unheard.join(", ")}: listed, and neither asked nor told of; they may hold more, or even work without these. Ask them too, or say with --lost whose files are gone`,
    });
  const doubtful = best === undefined ? [] : files.filter((file) => file !== best && file.unfit === undefined);
  const unsure = doubtful.filter((file) => best !== undefined && !isRankSure(best, file));
  if (unsure.length > 0)
    blockers.push({
      code: "NO_FILE",
      text: `whether ${best?.member}'s log is newer than that of ${unsure.map(({ member }) => member).join(", ")} is not known: the term of the last entry is missing (\`lastTerm\` of \`ovn-backup inspect\`)`,
    });
  return blockers;
}

/** Ids that the members or the best file list, for which no file is given, and that belong to no member whose file is lost. */
function unheardIds({ judged, files, options }: Case, best: RankedFile | undefined): string[] {
  const { view, verdict } = judged;
  const listed = new Map<string, { readonly short: string; readonly address: string; readonly member?: string }>();
  for (const voter of verdict.quorum.voters)
    if (!voter.isGhost) listed.set(`${voter.short}@${comparable(voter.address)}`, voter);
  for (const [id, address] of Object.entries(best?.servers ?? {})) {
    const key = `${id.slice(0, 4)}@${comparable(address)}`;
    const isGhost = verdict.quorum.voters.some((voter) => voter.isGhost && voter.short === id.slice(0, 4));
    if (!listed.has(key) && !isGhost) listed.set(key, { short: id.slice(0, 4), address });
  }
  const isTold = (member: string): boolean =>
    files.some((file) => file.member === member) || options.lost?.includes(member) === true;
  const left = [...listed.values()].filter(
    ({ short, member }) =>
      !(member !== undefined && isTold(member)) && !files.some(({ serverId }) => serverId?.slice(0, 4) === short),
  );
  // A member whose file is gone can't say which id it had; it is one of those that are left.
  const named = new Set(verdict.quorum.voters.map(({ member }) => member));
  const nameless = view.members.filter(
    ({ member }) =>
      !named.has(member) &&
      options.lost?.includes(member) === true &&
      !files.some((file) => file.member === member && file.serverId !== undefined),
  ).length;
  return left.length <= nameless ? [] : left.map(({ short, address }) => `${short} at ${address}`);
}
