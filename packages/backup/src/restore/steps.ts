/** The steps that every plan is put together from. */
import {
  baseName,
  type Command,
  DATABASE_NAMES,
  type DatabaseKey,
  type DatabaseLayout,
  folderOf,
  type LayoutProfile,
  lockPath,
} from "../layout/profile.ts";
import { type ClusterDescription, type MemberDescription, type MemberFacts, serverRef } from "./facts.ts";
import { type Action, type Check, type FactRef, HERE, type RestoreStep, type Undo } from "./types.ts";

/** How long a service manager may take for one command, in ms. */
const SERVICE_MS = 240_000;
/** How long a stopped server may keep its lock, and a started one may take to be connected, in ms. */
const STOP_MS = 60_000;

/** What all steps of one plan share. */
export interface PlanContext {
  readonly id: string;
  readonly cluster: ClusterDescription;
  readonly members: readonly MemberFacts[];
  /** Without a slash at its end. */
  readonly workFolder: string;
  readonly copies: boolean;
  readonly ids: NewIds;
  /** How long a member may take to be connected after its start, in ms; more for large databases. */
  readonly connectMs: number;
}

const NOTHING: Undo = { kind: "nothing" };

type Partial_ = Pick<RestoreStep, "id" | "phase" | "title" | "host"> & Partial<RestoreStep>;

export function step(fields: Partial_): RestoreStep {
  return {
    before: [],
    actions: [],
    after: [],
    waitMs: STOP_MS,
    always: false,
    acts: true,
    undo: NOTHING,
    ...fields,
  };
}

/** Where the old files of a member go: beside them, so that moving is renaming. */
export function asideFolder(context: PlanContext, layout: DatabaseLayout): string {
  const folder = folderOf(layout.file);
  return `${folder === "/" ? "" : folder}/ovnha-restore-${context.id}`;
}

export function workFile(context: PlanContext, name: string): string {
  return `${context.workFolder}/${name}`;
}

/** A member's name as a file's: two names never give the same. */
export function fileWord(name: string): string {
  return name.replace(/[^A-Za-z0-9.-]/g, (character) => `_${character.codePointAt(0)?.toString(16) ?? ""}_`);
}

export function run(at: string, command: Command, mayFail = false): Action {
  return { kind: "run", at, command, timeoutMs: SERVICE_MS, ...(mayFail ? { mayFail } : {}) };
}

export function commandsAt(profile: LayoutProfile, member: MemberDescription): string {
  return profile.commandsAt === "here" ? HERE : member.name;
}

/** The hash of a file in the work folder; the step that makes the file tells it. */
export function hashOf(file: string): FactRef {
  return { fact: `sha256 of ${baseName(file)}` };
}

/** The ids of what is made: one cluster per database, one server per member and database. */
export interface NewIds {
  readonly cid: (key: DatabaseKey) => string;
  readonly sid: (key: DatabaseKey, member: string) => string;
}

/** Draws each id when it is first asked for. */
export function newIds(draw: () => string): NewIds {
  const drawn = new Map<string, string>();
  const id = (name: string): string => {
    const known = drawn.get(name) ?? draw();
    drawn.set(name, known);
    return known;
  };
  return { cid: (key) => id(`cluster ${key}`), sid: (key, member) => id(`server ${key} ${member}`) };
}

/** Whether the server of a database ran when the plan was made. */
export function wasRunning(context: PlanContext, member: string, key: DatabaseKey): boolean {
  const facts = context.members.find(({ name }) => name === member);
  const found = facts?.reachable === true ? facts.databases[key] : undefined;
  return found?.server !== undefined || found?.lock === "held";
}

export function unlocked(member: MemberDescription, key: DatabaseKey): Check {
  return { kind: "unlocked", at: member.name, path: member.databases[key].file };
}

/** Stops one server. Undone by starting it again, if it ran. */
export function stopStep(context: PlanContext, member: MemberDescription, key: DatabaseKey): RestoreStep {
  const { profile } = context.cluster;
  const at = commandsAt(profile, member);
  const { stop, start } = member.databases[key];
  return step({
    id: `stop.${key}.${member.name}`,
    phase: "stop",
    title: `Stop ${DATABASE_NAMES[key]} on ${member.name}`,
    host: at,
    actions: stop.map((command) => run(at, command)),
    after: [unlocked(member, key), { kind: "silent", server: serverRef(context.cluster, member, key) }],
    always: true,
    undo: !wasRunning(context, member.name, key)
      ? NOTHING
      : {
          kind: "actions",
          title: `Start ${DATABASE_NAMES[key]} on ${member.name} again, on its old file`,
          before: [],
          actions: start.map((command) => run(at, command, true)),
        },
  });
}

/** Copies the old files to a folder of the restore. */
export function keepStep(context: PlanContext, member: MemberDescription, key: DatabaseKey): RestoreStep {
  const layout = member.databases[key];
  const aside = asideFolder(context, layout);
  const files = [layout.file, ...layout.companions];
  return step({
    id: `keep.${key}.${member.name}`,
    phase: "keep",
    title: `Copy the old files of ${DATABASE_NAMES[key]} on ${member.name} to ${aside}/copy`,
    host: member.name,
    before: [unlocked(member, key)],
    actions: [
      { kind: "folder", at: member.name, path: aside },
      { kind: "folder", at: member.name, path: `${aside}/copy` },
      ...files.map((from): Action => ({ kind: "copy", at: member.name, from, to: `${aside}/copy/${baseName(from)}` })),
    ],
  });
}

/** Moves the old files out of the way. */
export function moveStep(context: PlanContext, member: MemberDescription, key: DatabaseKey): RestoreStep {
  const layout = member.databases[key];
  const aside = asideFolder(context, layout);
  // The database last: as long as it is there, a start would find the member whole.
  const files = [lockPath(layout.file), ...layout.companions, layout.file];
  const moves = files.map(
    (from): Action => ({ kind: "move", at: member.name, from, to: `${aside}/old/${baseName(from)}` }),
  );
  const back = files
    .slice(1)
    .reverse()
    .map((to): Action => ({ kind: "move", at: member.name, from: `${aside}/old/${baseName(to)}`, to }));
  return step({
    id: `move.${key}.${member.name}`,
    phase: "move away",
    title: `Move the old files of ${DATABASE_NAMES[key]} on ${member.name} to ${aside}/old`,
    host: member.name,
    before: [unlocked(member, key)],
    actions: [
      { kind: "folder", at: member.name, path: aside },
      { kind: "folder", at: member.name, path: `${aside}/old` },
      ...moves,
    ],
    after: [{ kind: "absent", at: member.name, path: layout.file }],
    undo: {
      kind: "actions",
      title: `Move the old files of ${DATABASE_NAMES[key]} on ${member.name} back`,
      before: [unlocked(member, key)],
      actions: back,
    },
  });
}

/**
 * Moves what a host remembers of its member out of the way: the restored servers have new ids, and the check that runs
 * before they start (`check-dirs --remember`) would refuse these, and then remembers them. None where nothing is remembered.
 */
export function forgetSteps(context: PlanContext, members: readonly MemberDescription[]): RestoreStep[] {
  return members.flatMap(({ name }) => {
    const facts = context.members.find((member) => member.name === name);
    const path = facts?.reachable === true ? facts.identity : undefined;
    if (path === undefined) return [];
    const [old, newer] = [`${path}.before-${context.id}`, `${path}.of-${context.id}`];
    const move = (from: string, to: string) => ({ kind: "move", at: name, from, to }) as const;
    return step({
      id: `forget.${name}`,
      phase: "move away",
      title: `Move what ${name} remembers of its old servers to ${old}; its next check-dirs --remember learns the new ones`,
      host: name,
      actions: [move(path, old)],
      undo: {
        kind: "actions",
        title: `Let ${name} remember its old servers again`,
        before: [],
        // Once the old one is back, it is not moved away again by whoever repeats this.
        actions: [{ ...move(path, newer), onlyIf: old }, move(old, path)],
      },
    });
  });
}

/** Puts a new file where the old one was. */
export function placeStep(
  context: PlanContext,
  member: MemberDescription,
  key: DatabaseKey,
  from: string,
): RestoreStep {
  const layout = member.databases[key];
  const facts = context.members.find(({ name }) => name === member.name);
  const old = facts?.reachable === true ? facts.databases[key]?.file : undefined;
  const sha256 = hashOf(from);
  const aside = asideFolder(context, layout);
  const owner = old?.owner ?? context.cluster.profile.owner;
  const mode = old?.mode ?? context.cluster.profile.fileMode;
  return step({
    id: `place.${key}.${member.name}`,
    phase: "place",
    title: `Put the new file of ${DATABASE_NAMES[key]} on ${member.name}: ${layout.file}, ${owner.user}:${owner.group}, mode 0${mode.toString(8)}`,
    host: member.name,
    before: [unlocked(member, key), { kind: "absent", at: member.name, path: layout.file }],
    actions: [
      { kind: "folder", at: member.name, path: aside },
      { kind: "put", from, at: member.name, to: layout.file, sha256, owner, mode, via: aside },
    ],
    after: [{ kind: "hash", at: member.name, path: layout.file, sha256 }],
    undo: newFilesAway(context, member, key),
  });
}

/** Leaves the place of a file empty, for the member's start script; what that makes there is in the way of an undo. */
export function leaveStep(context: PlanContext, member: MemberDescription, key: DatabaseKey): RestoreStep {
  const layout = member.databases[key];
  return step({
    id: `leave.${key}.${member.name}`,
    phase: "place",
    title: `Leave ${layout.file} on ${member.name} to its start script, which makes it anew`,
    host: member.name,
    before: [unlocked(member, key), { kind: "absent", at: member.name, path: layout.file }],
    actions: [{ kind: "folder", at: member.name, path: asideFolder(context, layout) }],
    undo: newFilesAway(context, member, key),
  });
}

function newFilesAway(context: PlanContext, member: MemberDescription, key: DatabaseKey): Undo {
  const layout = member.databases[key];
  const aside = asideFolder(context, layout);
  return {
    kind: "actions",
    title: `Move the new file of ${DATABASE_NAMES[key]} on ${member.name} to ${aside}/new`,
    before: [unlocked(member, key)],
    actions: [
      { kind: "folder", at: member.name, path: aside },
      { kind: "folder", at: member.name, path: `${aside}/new` },
      ...[layout.file, ...layout.companions].map(
        (path): Action => ({ kind: "move", at: member.name, from: path, to: `${aside}/new/${baseName(path)}` }),
      ),
    ],
  };
}

/** Starts one server and waits until it is part of its cluster. */
export function startStep(
  context: PlanContext,
  member: MemberDescription,
  key: DatabaseKey,
  cid: string | undefined,
): RestoreStep {
  const { cluster } = context;
  const at = commandsAt(cluster.profile, member);
  const { start, stop } = member.databases[key];
  return step({
    id: `start.${key}.${member.name}`,
    phase: "start",
    title: `Start ${DATABASE_NAMES[key]} on ${member.name}, and wait until it is connected`,
    host: at,
    actions: start.map((command) => run(at, command)),
    after: [{ kind: "connected", server: serverRef(cluster, member, key), cid }],
    waitMs: context.connectMs,
    undo: {
      kind: "actions",
      title: `Stop ${DATABASE_NAMES[key]} on ${member.name}`,
      before: [],
      actions: stop.map((command) => run(at, command)),
    },
  });
}

/** All members of a database in one cluster, caught up. */
export function togetherStep(context: PlanContext, key: DatabaseKey, cid: string | undefined): RestoreStep {
  const { cluster } = context;
  return step({
    id: `verify.${key}`,
    phase: "verify",
    title: `${DATABASE_NAMES[key]}: all ${cluster.members.length} members connected, one cluster, one leader, caught up`,
    host: HERE,
    after: [{ kind: "together", servers: cluster.members.map((member) => serverRef(cluster, member, key)), cid }],
    waitMs: context.connectMs,
    acts: false,
  });
}

/** What a host must still be when the restore begins. */
export function preflightStep(
  member: MemberDescription,
  databases: readonly DatabaseKey[],
  bytes: (key: DatabaseKey) => number,
): RestoreStep {
  return step({
    id: `preflight.${member.name}`,
    phase: "preflight",
    title: `${member.name} can be reached, its folders can be written and have room`,
    host: member.name,
    before: [
      { kind: "reachable", at: member.name },
      ...databases.flatMap((key): Check[] => {
        const path = folderOf(member.databases[key].file);
        return [
          { kind: "writable", at: member.name, path },
          { kind: "space", at: member.name, path, bytes: bytes(key) },
        ];
      }),
    ],
    acts: false,
  });
}

/** A backup of the restored cluster, before anybody relies on it. */
export function backupStep(context: PlanContext, databases: readonly DatabaseKey[]): RestoreStep {
  const { cluster } = context;
  const remotes = Object.fromEntries(
    databases.map((key) => [
      key,
      cluster.members.map((member) => member.remotes[key] ?? `unix:${member.databases[key].clientSocket}`),
    ]),
  );
  return step({
    id: "backup",
    phase: "after",
    title: `Take a fresh backup of ${databases.map((key) => DATABASE_NAMES[key]).join(" and ")}; keep the old files until it is verified`,
    host: HERE,
    actions: [{ kind: "backup", databases, remotes }],
    acts: false,
  });
}

export function clientsStep(count: number): RestoreStep {
  return step({
    id: "clients",
    phase: "after",
    title: `Reset the ${count} kinds of clients listed in this plan: they remember the old cluster and call the new one stale`,
    host: HERE,
    actions: [{ kind: "tell", text: "reset the clients listed in the plan" }],
    acts: false,
  });
}
