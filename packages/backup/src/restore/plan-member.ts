/** Partial loss: the cluster has its quorum, and one member is made anew. */
import { DATABASE_NAMES, type DatabaseKey } from "../layout/profile.ts";
import { BackupError } from "../error.ts";
import {
  type ClusterDescription,
  type MemberDescription,
  type MemberDatabaseFacts,
  type RestoreFacts,
  serverRef,
} from "./facts.ts";
import { Findings, judgeMembers } from "./findings.ts";
import type { PlanOptions } from "./plan.ts";
import {
  backupStep,
  fileWord,
  forgetSteps,
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
  workFile,
} from "./steps.ts";
import { HERE, type PlannedMember, type RestorePlan, type RestoreStep } from "./types.ts";

/** What a healthy part of the cluster says, and who of it says so. */
interface Healthy {
  readonly leader: MemberDescription;
  readonly live: readonly MemberDescription[];
  readonly cid: string;
  /** What the leader has configured at the address of the member that is replaced. */
  readonly ghosts: readonly string[];
}

const NEW_MEMBER_BYTES = 64 * 1024 * 1024;

/**
 * The plan that replaces one member: stop it, keep its files, let the cluster forget its old id, join it anew.
 * Its last step before the removal is the last that can be undone: a server that was removed never comes back.
 *
 * @throws BackupError `ARGUMENT` if there is no such member.
 */
export function planMember(
  cluster: ClusterDescription,
  facts: RestoreFacts,
  name: string,
  databases: readonly DatabaseKey[],
  options: PlanOptions,
): RestorePlan {
  const target = cluster.members.find((member) => member.name === name);
  if (target === undefined)
    throw new BackupError("ARGUMENT", `the cluster description has no member ${JSON.stringify(name)}`, {
      remedy: `name one of ${cluster.members.map((member) => member.name).join(", ")}`,
    });
  const { id, nowMs, workFolder, accept = [], copies = true, connectMs = 180_000 } = options;
  const context: PlanContext = {
    id,
    cluster,
    members: facts.members,
    workFolder,
    copies,
    connectMs,
    ids: newIds(options.drawUuid),
  };
  const findings = new Findings(accept);
  judgeMembers(
    cluster,
    facts,
    findings,
    { nowMs, sourceAgeMsMax: 0, accept, databases, copies, includeUncommitted: false },
    name,
  );
  const healthy = new Map<DatabaseKey, Healthy>();
  for (const key of databases) {
    const found = judgeQuorum(context, facts, findings, target, key);
    if (found !== undefined) healthy.set(key, found);
    const { stop, start } = target.databases[key];
    if (stop.length === 0 || start.length === 0)
      findings.refuse(
        "NO_COMMANDS",
        `nothing is known that stops and starts ${DATABASE_NAMES[key]} on ${name}`,
        "give the commands in the cluster description",
      );
  }
  const removed = [...healthy.values()].some(({ ghosts }) => ghosts.length > 0);
  if (removed)
    findings.note(
      "POINT_OF_NO_RETURN",
      "once the cluster has forgotten the old server id, its file can never come back",
      "until then everything can be undone",
    );
  return {
    format: "ovnha-restore",
    formatVersion: 1,
    id,
    createdMs: nowMs,
    kind: "one-member",
    title: `Replace ${name} in ${databases.map((key) => DATABASE_NAMES[key]).join(" and ")}, ${cluster.members.length} members`,
    profile: cluster.profile.name,
    workFolder,
    members: cluster.members.map(
      (member): PlannedMember => ({
        name: member.name,
        where: facts.members.find((found) => found.name === member.name)?.where ?? "",
        addresses: member.addresses,
        bootstraps: false,
      }),
    ),
    databases,
    sources: [],
    findings: findings.list,
    steps: [
      preflightStep(target, databases, () => NEW_MEMBER_BYTES),
      ...databases.flatMap((key, index) => {
        const found = healthy.get(key);
        return found === undefined ? [] : memberSteps(context, target, key, found, index === 0);
      }),
      backupStep(context, databases),
    ],
    clients: [],
  };
}

function judgeQuorum(
  context: PlanContext,
  facts: RestoreFacts,
  findings: Findings,
  target: MemberDescription,
  key: DatabaseKey,
): Healthy | undefined {
  const { members } = context.cluster;
  const database = DATABASE_NAMES[key];
  const of = (member: MemberDescription): MemberDatabaseFacts | undefined => {
    const found = facts.members.find(({ name }) => name === member.name);
    return found?.reachable === true ? found.databases[key] : undefined;
  };
  const others = members.filter((member) => member !== target);
  const live = others.filter(
    (member) => of(member)?.server?.connected === true && of(member)?.server?.model === "clustered",
  );
  const leaders = live.filter((member) => of(member)?.server?.leader === true);
  const [leader] = leaders;
  const cids = new Set(live.map((member) => of(member)?.server?.cid));
  if (cids.size > 1) {
    findings.refuse(
      "NO_QUORUM",
      `${database}: the other members are of ${cids.size} clusters: ${[...cids].join(", ")}`,
      "find out which of them is right first; never merge them",
    );
    return undefined;
  }
  if (leader === undefined || leaders.length > 1) {
    const asked =
      of(target)?.server?.leader === true
        ? `${target.name} leads it; let it hand the leadership over first (ovs-appctl … exit)`
        : "bring a member back with its file, or restore the whole cluster";
    findings.refuse(
      "NO_QUORUM",
      `${database}: ${leaders.length === 0 ? "no other member leads" : "several members say that they lead"}`,
      asked,
    );
    return undefined;
  }
  const configured = of(leader)?.configured ?? [];
  const size = Math.max(configured.length, members.length);
  if (live.length * 2 <= size)
    findings.refuse(
      "NO_QUORUM",
      `${database}: ${live.length} of ${size} configured servers are connected without ${target.name}, and ${Math.floor(size / 2) + 1} must be`,
      "bring another member back first",
    );
  const address = target.addresses[key];
  const ghosts = configured.filter((server) => server.address === address && !server.self);
  const fileSid = of(target)?.fileSid;
  if (fileSid !== undefined && ghosts.length > 0 && !ghosts.some(({ shortId }) => fileSid.startsWith(shortId)))
    findings.warn(
      "NOT_THE_MEMBER",
      `${target.name}'s file of ${database} is of server ${fileSid}, which the cluster does not know at ${address}`,
      "nothing: it is replaced either way",
    );
  const healthyServer = of(target)?.server;
  if (healthyServer?.connected === true && healthyServer.cid === [...cids][0])
    findings.refuse(
      "STILL_ALIVE",
      `${database}: ${target.name} is connected to its cluster, so that nothing needs to be replaced`,
      "leave it alone",
    );
  const cid = [...cids][0];
  if (cid === undefined) return undefined;
  // The file has the whole id, and the status its first four digits; two ids at one address are two removals.
  const ids = ghosts.map(({ shortId }) => (fileSid?.startsWith(shortId) === true ? fileSid : shortId));
  return { leader, live, cid, ghosts: ids };
}

function memberSteps(
  context: PlanContext,
  target: MemberDescription,
  key: DatabaseKey,
  healthy: Healthy,
  isFirst: boolean,
): RestoreStep[] {
  const { cluster } = context;
  const database = DATABASE_NAMES[key];
  const file = workFile(context, `${key}.${fileWord(target.name)}.db`);
  const address = target.addresses[key] ?? "";
  const { leader } = healthy;
  const layout = leader.databases[key];
  const server = serverRef(cluster, leader, key);
  return [
    step({
      id: `join.${key}.${target.name}`,
      phase: "prepare",
      title: `Make the file with which ${target.name} joins cluster ${healthy.cid}, at ${address}`,
      host: HERE,
      actions: [
        {
          kind: "join-cluster",
          database: key,
          member: target.name,
          to: file,
          address,
          remotes: healthy.live.map((member) => member.addresses[key] ?? ""),
          cid: healthy.cid,
          sid: context.ids.sid(key, target.name),
        },
      ],
      acts: false,
    }),
    stopStep(context, target, key),
    ...(context.copies ? [keepStep(context, target, key)] : []),
    ...healthy.ghosts.map((sid) => {
      const [program = "ovs-appctl", ...args] = [
        ...layout.toolPrefix,
        "ovs-appctl",
        "-t",
        layout.controlSocket,
        "cluster/kick",
        database,
        sid,
      ];
      return step({
        id: `remove.${key}.${sid}`,
        phase: "remove",
        title: `Let ${leader.name}, which leads ${database}, remove the old server ${sid} of ${target.name}`,
        host: leader.name,
        before: [
          { kind: "unlocked", at: target.name, path: target.databases[key].file },
          { kind: "connected", server, cid: healthy.cid },
        ],
        actions: [run(leader.name, [program, ...args])],
        after: [
          {
            kind: "forgotten",
            server: { ...server, at: leader.name, control: layout.controlSocket, toolPrefix: layout.toolPrefix },
            sid,
          },
        ],
        undo: {
          kind: "impossible",
          reason: `server ${sid} was removed from the cluster, and a removed server never comes back (ovsdb(7))`,
        },
      });
    }),
    moveStep(context, target, key),
    ...(isFirst ? forgetSteps(context, [target]) : []),
    placeStep(context, target, key, file),
    startStep(context, target, key, healthy.cid),
    togetherStep(context, key, healthy.cid),
  ];
}
