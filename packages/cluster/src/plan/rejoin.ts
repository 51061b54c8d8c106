/** The steps by which a member gets a fresh file and a new id, and those that build a new cluster. */
import type { Observation } from "../observe/types.ts";
import { appctl, placeOf, serviceCall, type Site } from "./site.ts";
import type { Condition, PlanStep } from "./types.ts";

type Draft = Omit<PlanStep, "number">;

export type Where = {
  readonly database: string;
  readonly member: string;
  readonly site: Site;
  readonly observation: Observation | undefined;
  /** For the names of files that are set aside, as in "20261125T200303283Z". */
  readonly stamp: string;
};

/** `2026-11-25T20:03:03.283Z` without what file names dislike; two plans of one second must not take the same name. */
export function stampOf(nowMs: number): string {
  return new Date(nowMs).toISOString().replace(/[-:.]/g, "");
}

export function stopStep({ database, member, site, observation }: Where, before: readonly Condition[]): Draft {
  return {
    title: `Stop ${member}'s server of ${database}`,
    kind: "act",
    database,
    member,
    ...serviceCall(site, "stop", member, database, observation),
    before,
    after: [{ type: "stopped", database, member }],
    withinMs: 30_000,
    isDestructive: true,
    undo: "Start it again: its file is untouched.",
  };
}

export function startStep(
  { database, member, site, observation }: Where,
  before: readonly Condition[],
  after: readonly Condition[],
  withinMs: number,
): Draft {
  return {
    title: `Start ${member}'s server of ${database}`,
    kind: "act",
    database,
    member,
    ...serviceCall(site, "start", member, database, observation),
    before,
    after,
    withinMs,
    isDestructive: false,
    undo: "Stop it again: its file stays.",
  };
}

/** Nothing is deleted: the file gets another name, in its own folder. */
export function setAsideStep({ database, member, site, observation, stamp }: Where, why: string): Draft {
  const { file } = placeOf(site, observation, member, database);
  const aside = `${file}.aside-${stamp}`;
  return {
    title: `Set ${member}'s file aside: ${why}`,
    kind: "act",
    database,
    member,
    command: { at: member, program: "mv", args: ["-n", "-v", file, aside] },
    before: [{ type: "stopped", database, member }],
    after: [],
    isDestructive: true,
    undo: `mv -n ${aside} ${file}, as long as nothing new lies there and the id was not removed.`,
  };
}

export function joinStep(
  { database, member, site, observation }: Where,
  local: string,
  remotes: readonly string[],
  clusterId?: string,
): Draft {
  const { file } = placeOf(site, observation, member, database);
  const cid = clusterId?.length === 36 ? [`--cid=${clusterId}`] : [];
  return {
    title: `Make ${member} a file that joins, with a new id`,
    kind: "act",
    database,
    member,
    command: { at: member, program: "ovsdb-tool", args: [...cid, "join-cluster", file, database, local, ...remotes] },
    text: "Give it the owner and the mode of the file that was set aside.",
    before: [],
    after: [],
    isDestructive: false,
    undo: `Move the new file away again.`,
  };
}

/** Before a start: a server that finds no file may make a cluster of its own, and a broken one is refused. */
export function fileCheck(where: Where): Draft {
  return { ...fileLook(where), mustSucceed: true };
}

export function fileLook({ database, member, site, observation }: Where): Draft {
  const { file } = placeOf(site, observation, member, database);
  return {
    title: `Check ${member}'s file`,
    kind: "look",
    database,
    member,
    command: { at: member, program: "ovsdb-tool", args: ["check-cluster", file] },
    before: [],
    after: [],
    isDestructive: false,
    undo: "Nothing is changed.",
  };
}

export function statusLook({ database, member, site, observation }: Omit<Where, "stamp">): Draft {
  return {
    title: `See what ${member} says of ${database}`,
    kind: "look",
    database,
    member,
    command: appctl(site, observation, member, database, "cluster/status", database),
    before: [],
    after: [],
    isDestructive: false,
    undo: "Nothing is changed.",
  };
}

export type RebuildInput = {
  readonly where: Omit<Where, "member">;
  readonly best: string;
  /** With those whose files are gone: they have nothing to copy or to set aside. */
  readonly others: readonly { readonly member: string; readonly address: string; readonly isLost: boolean }[];
  readonly address: string;
};

/** ovsdb(7), "Recovering a cluster": everything stops, the best file becomes a new cluster, the others join it anew. */
export function rebuildSteps({ where, best, others, address }: RebuildInput): Draft[] {
  const { database, site, observation, stamp } = where;
  const { file } = placeOf(site, observation, best, database);
  const standalone = `${file}.standalone-${stamp}`;
  // Those whose files are gone, and perhaps their hosts, come last, and nothing waits for them.
  const lost = others.filter(({ isLost }) => isLost);
  const rest = others.filter(({ isLost }) => !isLost);
  const withFile = [best, ...rest.map(({ member }) => member)];
  const at = (member: string): Where => ({ ...where, member });
  const act = (member: string, title: string, program: string, args: readonly string[], undo: string): Draft => ({
    title,
    kind: "act",
    database,
    member,
    command: { at: member, program, args },
    before: [],
    after: [],
    isDestructive: false,
    undo,
  });
  return [
    ...withFile.map((member) => fileLook(at(member))),
    // The best one last: if another can't be stopped, it goes on.
    ...[...withFile]
      .reverse()
      .map((member) => stopStep(at(member), [{ type: "no-quorum", database, except: lost.map((one) => one.member) }])),
    ...withFile.map((member) => {
      const own = placeOf(site, observation, member, database).file;
      return act(
        member,
        `Copy ${member}'s file before anything else`,
        "cp",
        ["-n", "-p", own, `${own}.copy-${stamp}`],
        "The copy may stay.",
      );
    }),
    act(
      best,
      `Turn the best file, ${best}'s, into a standalone database`,
      "ovsdb-tool",
      ["cluster-to-standalone", standalone, file],
      `Move ${standalone} away.`,
    ),
    setAsideStep(at(best), "a new cluster takes its place"),
    act(
      best,
      "Make a new cluster of it",
      "ovsdb-tool",
      ["create-cluster", file, standalone, address],
      `Move ${file} away, and the old file back.`,
    ),
    startStep(at(best), [], [{ type: "one-leader", database }], 60_000),
    ...[...rest, ...lost].flatMap(({ member, address: own, isLost }): Draft[] => [
      ...(isLost ? [] : [setAsideStep(at(member), "it belongs to the old cluster")]),
      joinStep(at(member), own, [address]),
      startStep(at(member), [{ type: "one-leader", database }], [{ type: "caught-up", database, member }], 300_000),
    ]),
  ];
}
