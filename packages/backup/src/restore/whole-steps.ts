/** The steps of restoring a whole cluster, in their order. */
import { DATABASE_NAMES, type DatabaseKey } from "../layout/profile.ts";
import { type MemberDescription, type SourceFacts, serverRef } from "./facts.ts";
import type { PlanOptions } from "./plan.ts";
import {
  backupStep,
  clientsStep,
  fileWord,
  forgetSteps,
  keepStep,
  leaveStep,
  moveStep,
  type PlanContext,
  placeStep,
  preflightStep,
  run,
  startStep,
  step,
  stopStep,
  togetherStep,
  unlocked,
  wasRunning,
  workFile,
} from "./steps.ts";
import { type Check, HERE, type RestoreStep } from "./types.ts";

/** Everything that needs no downtime comes before the servers are stopped; all old files are away before a new one is placed. */
export function wholeSteps(
  context: PlanContext,
  sources: readonly SourceFacts[],
  options: PlanOptions,
  databases: readonly DatabaseKey[],
  cleared: readonly DatabaseKey[],
  first: MemberDescription,
): RestoreStep[] {
  const { cluster } = context;
  const { profile, members } = cluster;
  const restored = databases.filter((key) => !cleared.includes(key));
  const source = (key: DatabaseKey): SourceFacts | undefined => sources.find(({ database }) => database === key);
  const isHere = (key: DatabaseKey): boolean => source(key)?.at === HERE;
  const prepare = (key: DatabaseKey): RestoreStep[] => prepareSteps(context, source(key), key, options);
  const freeze = options.freeze !== false && profile.freeze.length > 0;
  const content = (key: DatabaseKey): number => (source(key)?.contentBytes ?? 0) * 2;
  return [
    hereStep(context, sources),
    ...members.map((member) => preflightStep(member, databases, content)),
    // What needs no downtime is done before it begins.
    ...restored.filter(isHere).flatMap(prepare),
    ...(freeze ? [freezeStep(context)] : []),
    ...(profile.control === "together"
      ? [stopAllStep(context, databases)]
      : members.flatMap((member) => databases.map((key) => stopStep(context, member, key)))),
    ...(context.copies ? members.flatMap((member) => databases.map((key) => keepStep(context, member, key))) : []),
    ...restored.filter((key) => !isHere(key)).flatMap(prepare),
    ...members.flatMap((member) => databases.map((key) => moveStep(context, member, key))),
    ...forgetSteps(context, members),
    ...(profile.control === "together"
      ? togetherStart(context, restored, cleared, first)
      : restored.flatMap((key) => eachStart(context, key, first))),
    backupStep(context, databases),
    ...(freeze ? [thawStep(context)] : []),
    ...(profile.clients.length > 0 ? [clientsStep(profile.clients.length)] : []),
  ];
}

function hereStep(context: PlanContext, sources: readonly SourceFacts[]): RestoreStep {
  return step({
    id: "preflight.here",
    phase: "preflight",
    title: "The source is unchanged since the plan was made, and the work folder has room",
    host: HERE,
    before: [
      ...sources
        .filter(({ at }) => at === HERE)
        .map(({ path, sha256 }) => ({ kind: "hash", at: HERE, path, sha256 }) as const),
      {
        kind: "space",
        at: HERE,
        path: context.workFolder,
        bytes: sources.reduce((sum, { contentBytes }) => sum + contentBytes * 3, 0),
      },
    ],
    acts: false,
  });
}

/** The new cluster's id, as far as the restore itself makes it. */
function newCid(context: PlanContext, key: DatabaseKey): string | undefined {
  return context.cluster.profile.form === "cluster" ? context.ids.cid(key) : undefined;
}

const standaloneName = (key: DatabaseKey): string => `${key}.standalone.db`;
const memberFile = (key: DatabaseKey, member: string): string => `${key}.${fileWord(member)}.db`;

/** Fetches, converts, and makes the files of all members, in the work folder. */
function prepareSteps(
  context: PlanContext,
  source: SourceFacts | undefined,
  key: DatabaseKey,
  options: PlanOptions,
): RestoreStep[] {
  if (source === undefined) return [];
  const { cluster } = context;
  const standalone = workFile(context, standaloneName(key));
  const fetched = source.at === HERE ? source.path : workFile(context, `${key}.source.db`);
  const name = DATABASE_NAMES[key];
  const steps: RestoreStep[] = [];
  if (source.at !== HERE)
    steps.push(
      step({
        id: `fetch.${key}`,
        phase: "prepare",
        title: `Fetch ${source.path} from ${source.at}`,
        host: HERE,
        actions: [{ kind: "fetch", at: source.at, from: source.path, to: fetched }],
        acts: false,
      }),
    );
  const { databaseName, sha256, schemaVersion, rows } = source;
  steps.push(
    step({
      id: `convert.${key}`,
      phase: "prepare",
      title: `Make the standalone file of ${name} that is restored: ${standalone}`,
      host: HERE,
      actions: [
        {
          kind: "convert",
          database: key,
          from: fetched,
          to: standalone,
          expect: { databaseName, sha256, schemaVersion, rows },
          includeUncommitted: options.includeUncommitted !== false,
        },
      ],
      acts: false,
    }),
  );
  if (cluster.profile.form !== "cluster") return steps;
  const [first, ...others] = cluster.members;
  if (first === undefined) return steps;
  const address = (member: MemberDescription): string => member.addresses[key] ?? "";
  steps.push(
    step({
      id: `create.${key}`,
      phase: "prepare",
      title: `Make the file of a new cluster of one for ${first.name}, at ${address(first)}, and compare every row`,
      host: HERE,
      actions: [
        {
          kind: "create-cluster",
          database: key,
          member: first.name,
          from: standalone,
          to: workFile(context, memberFile(key, first.name)),
          address: address(first),
          electionTimerMs: options.electionTimerMs,
          cid: context.ids.cid(key),
          sid: context.ids.sid(key, first.name),
        },
      ],
      acts: false,
    }),
    ...others.map((member, index) =>
      step({
        id: `join.${key}.${member.name}`,
        phase: "prepare",
        title: `Make the file with which ${member.name} joins, at ${address(member)}`,
        host: HERE,
        actions: [
          {
            kind: "join-cluster",
            database: key,
            member: member.name,
            to: workFile(context, memberFile(key, member.name)),
            address: address(member),
            remotes: [first, ...others.slice(0, index)].map(address),
            cid: context.ids.cid(key),
            sid: context.ids.sid(key, member.name),
          },
        ],
        acts: false,
      }),
    ),
  );
  return steps;
}

function freezeStep({ cluster: { profile } }: PlanContext): RestoreStep {
  return step({
    id: "freeze",
    phase: "freeze",
    title: "Stop what changes the databases, so that nothing is written while they change hands",
    host: HERE,
    actions: profile.freeze.map((command) => run(HERE, command)),
    undo: {
      kind: "actions",
      title: "Start it again",
      before: [],
      actions: profile.thaw.map((command) => run(HERE, command, true)),
    },
  });
}

function thawStep({ cluster: { profile } }: PlanContext): RestoreStep {
  return step({
    id: "thaw",
    phase: "after",
    title: "Start again what changes the databases",
    host: HERE,
    actions: profile.thaw.map((command) => run(HERE, command)),
  });
}

function stopAllStep(context: PlanContext, databases: readonly DatabaseKey[]): RestoreStep {
  const { profile, members } = context.cluster;
  const ran = members.some(({ name }) => databases.some((key) => wasRunning(context, name, key)));
  return step({
    id: "stop.all",
    phase: "stop",
    title: "Stop all members of both databases",
    host: HERE,
    actions: profile.stopAll.map((command) => run(HERE, command)),
    after: members.flatMap((member) =>
      databases.flatMap((key): Check[] => [
        unlocked(member, key),
        { kind: "silent", server: serverRef(context.cluster, member, key) },
      ]),
    ),
    always: true,
    undo: ran
      ? {
          kind: "actions",
          title: "Start all members again, on their old files",
          before: [],
          actions: profile.startAll.map((command) => run(HERE, command, true)),
        }
      : { kind: "nothing" },
  });
}

/** One after the other: the first alone, compared with the source, then each of the others until it is connected. */
function eachStart(context: PlanContext, key: DatabaseKey, first: MemberDescription): RestoreStep[] {
  const cid = newCid(context, key);
  const isCluster = context.cluster.profile.form === "cluster";
  const fileOf = (member: MemberDescription): string =>
    workFile(context, isCluster ? memberFile(key, member.name) : standaloneName(key));
  return [
    placeStep(context, first, key, fileOf(first)),
    startStep(context, first, key, cid),
    compareStep(context, key, first),
    ...context.cluster.members
      .slice(1)
      .flatMap((member) => [
        isCluster ? placeStep(context, member, key, fileOf(member)) : leaveStep(context, member, key),
        startStep(context, member, key, cid),
      ]),
    togetherStep(context, key, cid),
  ];
}

/** Whether the restore gives a member its file; otherwise the member's start script makes it. */
function placed(form: "cluster" | "standalone", member: MemberDescription, first: MemberDescription): boolean {
  return form === "cluster" || member === first;
}

/** All files first, since nobody can hold the others back. */
function togetherStart(
  context: PlanContext,
  restored: readonly DatabaseKey[],
  cleared: readonly DatabaseKey[],
  first: MemberDescription,
): RestoreStep[] {
  const { profile, members } = context.cluster;
  const left = members.filter((member) => !placed(profile.form, member, first));
  const fileOf = (key: DatabaseKey, member: MemberDescription): string =>
    workFile(context, profile.form === "cluster" ? memberFile(key, member.name) : standaloneName(key));
  return [
    ...restored.flatMap((key) => [
      ...members
        .filter((member) => placed(profile.form, member, first))
        .map((member) => placeStep(context, member, key, fileOf(key, member))),
      ...left.map((member) => leaveStep(context, member, key)),
    ]),
    ...cleared.flatMap((key) => members.map((member) => leaveStep(context, member, key))),
    step({
      id: "start.all",
      phase: "start",
      title: `Start all members, and wait until ${first.name} is connected`,
      host: HERE,
      actions: profile.startAll.map((command) => run(HERE, command)),
      after: restored.map(
        (key) =>
          ({ kind: "connected", server: serverRef(context.cluster, first, key), cid: newCid(context, key) }) as const,
      ),
      waitMs: context.connectMs,
      undo: {
        kind: "actions",
        title: "Stop all members",
        before: [],
        actions: profile.stopAll.map((command) => run(HERE, command)),
      },
    }),
    ...restored.flatMap((key) => [togetherStep(context, key, newCid(context, key)), compareStep(context, key, first)]),
  ];
}

function compareStep(context: PlanContext, key: DatabaseKey, first: MemberDescription): RestoreStep {
  return step({
    id: `compare.${key}`,
    phase: "verify",
    title: `Every row of the source is on ${first.name}`,
    host: HERE,
    actions: [
      {
        kind: "compare-rows",
        database: key,
        server: serverRef(context.cluster, first, key),
        with: workFile(context, standaloneName(key)),
        // northd and the chassis change the southbound database the moment that they can.
        strict: key === "nb",
      },
    ],
    acts: false,
  });
}
