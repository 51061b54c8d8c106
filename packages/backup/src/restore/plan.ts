/** The restore of a whole cluster: every server stopped, one begun anew from the source, the others joined to it. */
import { DATABASE_NAMES, type DatabaseKey } from "../layout/profile.ts";
import type { ClusterDescription, MemberDescription, RestoreFacts, SourceFacts } from "./facts.ts";
import { serverRef } from "./facts.ts";
import { Findings, judgeMembers, judgeSources, judgeVersions } from "./findings.ts";
import {
  backupStep,
  clientsStep,
  fileWord,
  keepStep,
  moveStep,
  newIds,
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
import { type Check, HERE, type PlanCode, type RestorePlan, type RestoreStep } from "./types.ts";

export interface PlanOptions {
  /** 8 hexadecimal digits that no other restore of these hosts has. */
  readonly id: string;
  /** Milliseconds since 1970. */
  readonly nowMs: number;
  /** Draws a uuid, for the ids of the new cluster and its servers. */
  readonly drawUuid: () => string;
  /** On the operator's machine, absolute: for the journal and the files that are made. */
  readonly workFolder: string;
  /** A source older than this is refused, in ms; 24 hours unless told. */
  readonly sourceAgeMsMax?: number | undefined;
  /** Refusals that are accepted, by code. */
  readonly accept?: readonly PlanCode[] | undefined;
  /** Copy the old files before moving them; true unless told. Without copies, less room is needed. */
  readonly copies?: boolean | undefined;
  /** How long one member may take to be connected, in ms; 180,000 unless told. */
  readonly connectMs?: number | undefined;
  /** Of the new cluster, in ms; the server's own default of 1,000 unless told. */
  readonly electionTimerMs?: number | undefined;
  /** Stop the layout's controllers while it lasts; true unless told. */
  readonly freeze?: boolean | undefined;
  /** Move the southbound database away without a backup of it, so that the platform and northd make it anew. */
  readonly rebuildSouthbound?: boolean | undefined;
}

const DAY_MS = 24 * 3_600_000;

/**
 * The plan for a cluster that is lost, or that shall go back to a backup. Pure: a function of what was described and found.
 * A plan with findings of severity `refuse` is complete, can be printed, and cannot be carried out.
 */
export function planRestore(cluster: ClusterDescription, facts: RestoreFacts, options: PlanOptions): RestorePlan {
  const { id, nowMs, workFolder, sourceAgeMsMax = DAY_MS, accept = [], copies = true, connectMs = 180_000 } = options;
  const restored = (["nb", "sb"] as const).filter((key) => facts.sources.some(({ database }) => database === key));
  const cleared: DatabaseKey[] = options.rebuildSouthbound === true && !restored.includes("sb") ? ["sb"] : [];
  const databases = [...restored, ...cleared];
  const context: PlanContext = { id, cluster, members: facts.members, workFolder, copies, connectMs, ids: newIds(options.drawUuid) };
  const findings = new Findings(accept);
  judgeSources(facts.sources, findings, { nowMs, sourceAgeMsMax, accept, databases, copies });
  judgeMembers(cluster, facts, findings, { nowMs, sourceAgeMsMax, accept, databases, copies });
  judgeCluster(context, facts, findings, restored, cleared);
  const [first] = cluster.members;
  if (first !== undefined) judgeVersions(facts, first.name, findings);
  const clients = cluster.profile.clients;
  return {
    format: "ovnha-restore",
    formatVersion: 1,
    id,
    createdMs: nowMs,
    kind: "whole-cluster",
    title: `Restore ${restored.map((key) => DATABASE_NAMES[key]).join(" and ")} on ${cluster.members.length} members from ${facts.sources.map(({ path }) => path).join(" and ")}`,
    profile: cluster.profile.name,
    workFolder,
    members: cluster.members.map(({ name, addresses }, index) => ({
      name,
      where: facts.members.find((member) => member.name === name)?.where ?? "",
      addresses,
      bootstraps: index === 0,
    })),
    databases,
    sources: facts.sources.map((source) => ({
      database: source.database,
      at: source.at,
      path: source.path,
      what: `${source.kind}, schema ${source.schemaVersion ?? "without a version"}, of ${new Date(source.takenMs).toISOString()}`,
      sha256: source.sha256,
    })),
    findings: findings.list,
    steps: first === undefined ? [] : wholeSteps(context, facts.sources, options, databases, cleared, first),
    clients,
  };
}

function judgeCluster(
  context: PlanContext,
  facts: RestoreFacts,
  findings: Findings,
  restored: readonly DatabaseKey[],
  cleared: readonly DatabaseKey[],
): void {
  const { cluster } = context;
  const { profile, members } = cluster;
  if (restored.length === 0)
    findings.refuse("SOURCE_MISMATCH", "there is nothing to restore from", "give a backup or a database file: --source");
  if (members.length === 0) findings.refuse("MEMBER_COUNT", "the cluster description names no member", "name its members");
  if (members.length % 2 === 0 && members.length > 0)
    findings.warn("MEMBER_COUNT", `${members.length} members bear no more failures than ${members.length - 1}`, "restore an odd number");
  if (cleared.length > 0 && profile.form !== "standalone")
    findings.refuse(
      "PAIR_INCOMPLETE",
      `nothing makes a new southbound database in the layout ${profile.name}`,
      "give a backup of it too, or keep the one that is there: northd makes it fit",
    );
  for (const member of members)
    for (const key of [...restored, ...cleared]) {
      const { stop, start } = member.databases[key];
      const isBare = profile.control === "each" ? stop.length === 0 || start.length === 0 : profile.stopAll.length === 0 || profile.startAll.length === 0;
      if (isBare)
        findings.refuse("NO_COMMANDS", `nothing is known that stops and starts ${DATABASE_NAMES[key]} on ${member.name}`, "give the commands in the cluster description");
    }
  for (const key of restored) judgeAlive(context, facts, findings, key);
  const bytes = facts.sources.reduce((sum, { contentBytes, sizeBytes }) => sum + sizeBytes + contentBytes * 3, 0);
  if (facts.workFreeBytes < bytes)
    findings.refuse("SPACE", `${context.workFolder} has ${facts.workFreeBytes} bytes free, and ${bytes} are needed`, "choose another folder: --work");
}

/** A cluster that still has its quorum holds more than any backup. */
function judgeAlive(context: PlanContext, facts: RestoreFacts, findings: Findings, key: DatabaseKey): void {
  const servers = facts.members.flatMap((member) => {
    const server = member.reachable ? member.databases[key]?.server : undefined;
    return server === undefined ? [] : [{ name: member.name, server }];
  });
  const connected = servers.filter(({ server }) => server.connected && server.model === "clustered");
  const leader = connected.find(({ server }) => server.leader);
  if (leader !== undefined && connected.length * 2 > context.cluster.members.length)
    findings.refuse(
      "STILL_ALIVE",
      `${DATABASE_NAMES[key]} is alive: ${leader.name} leads, ${connected.length} of ${context.cluster.members.length} members are connected; what is newer than the source will be gone`,
      "if one member is broken, replace that one alone (--member NAME); to go back on purpose, take a backup of today first",
    );
  const source = facts.sources.find(({ database }) => database === key);
  for (const { name, server } of servers) {
    if (source?.index === undefined || server.index === undefined || server.cid !== source.cid) continue;
    if (server.index > source.index)
      findings.warn("SOURCE_BEHIND", `${name} has applied index ${server.index}, and ${source.path} ends at ${source.index}: ${server.index - source.index} entries will be gone`, "back that member up first, or restore from its file (ovn-backup rank)");
  }
}

function wholeSteps(
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
    ...(profile.control === "together" ? [stopAllStep(context, databases)] : members.flatMap((member) => databases.map((key) => stopStep(context, member, key)))),
    ...(context.copies ? members.flatMap((member) => databases.map((key) => keepStep(context, member, key))) : []),
    ...restored.filter((key) => !isHere(key)).flatMap(prepare),
    ...members.flatMap((member) => databases.map((key) => moveStep(context, member, key))),
    ...(profile.control === "together" ? togetherStart(context, restored, first) : restored.flatMap((key) => eachStart(context, key, first))),
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
      ...sources.filter(({ at }) => at === HERE).map(({ path, sha256 }) => ({ kind: "hash", at: HERE, path, sha256 }) as const),
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
function prepareSteps(context: PlanContext, source: SourceFacts | undefined, key: DatabaseKey, options: PlanOptions): RestoreStep[] {
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
      actions: [{ kind: "convert", database: key, from: fetched, to: standalone, expect: { databaseName, sha256, schemaVersion, rows } }],
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
    undo: { kind: "actions", title: "Start it again", before: [], actions: profile.thaw.map((command) => run(HERE, command, true)) },
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
      databases.flatMap((key): Check[] => [unlocked(member, key), { kind: "silent", server: serverRef(context.cluster, member, key) }]),
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
    ...context.cluster.members.slice(1).flatMap((member) => [
      ...(isCluster ? [placeStep(context, member, key, fileOf(member))] : []),
      startStep(context, member, key, cid),
    ]),
    togetherStep(context, key, cid),
  ];
}

/** All files first, since nobody can hold the others back. */
function togetherStart(context: PlanContext, restored: readonly DatabaseKey[], first: MemberDescription): RestoreStep[] {
  const { profile, members } = context.cluster;
  const placed = profile.form === "cluster" ? members : [first];
  const fileOf = (key: DatabaseKey, member: MemberDescription): string =>
    workFile(context, profile.form === "cluster" ? memberFile(key, member.name) : standaloneName(key));
  return [
    ...restored.flatMap((key) => placed.map((member) => placeStep(context, member, key, fileOf(key, member)))),
    step({
      id: "start.all",
      phase: "start",
      title: `Start all members, and wait until ${first.name} is connected`,
      host: HERE,
      actions: profile.startAll.map((command) => run(HERE, command)),
      after: restored.map((key) => ({ kind: "connected", server: serverRef(context.cluster, first, key), cid: newCid(context, key) }) as const),
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
