/** The verbs of a schedule, done to real servers. */
import { ScenarioError } from "../../scenario/error.ts";
import { type Action, type BootPolicy, DATABASE_BYTES, type Scenario } from "../../scenario/types.ts";
import { needsNetworks, type RealCluster } from "./cluster.ts";
import { ovsVersion } from "./commands.ts";
import { canNetns } from "./networks.ts";
import { DATABASE, type RealMember } from "./member.ts";

const POSSIBLE = new Set<Action["do"]>([
  ...([
    "restart",
    "stop",
    "start",
    "pause",
    "resume",
    "wipe",
    "rollback",
    "mute",
    "burst",
    "compact",
    "transfer",
  ] as const),
  ...(["cut", "isolate", "heal", "move-address"] as const),
  ...(["change-timer", "join", "leave", "kick", "failure-test", "mark", "expect"] as const),
]);

/** Why a scenario cannot be run on processes of this machine; undefined if it can. */
export function whyNot(scenario: Scenario): string | undefined {
  if (scenario.cluster.watchdog !== "none") return "its watchdog is not played on real servers";
  if (isSlowSnapshot(scenario)) return "its pause needs a database of a size that takes as long to write";
  if (scenario.models.databaseBytes > DATABASE_BYTES) return "its database has a size that the twin's has not";
  if (scenario.groups.length > 0 && needsNetworks(scenario))
    return "it has several groups, and the links of one alone can be cut";
  if (needsNetworks(scenario) && !canNetns())
    return "it cuts links or moves addresses, which needs network namespaces: run as root on Linux, with iproute2";
  for (const { action } of scenario.steps) {
    if (!POSSIBLE.has(action.do)) return `"${action.do}" needs machines or chance of its own`;
    if (action.do === "mute" && /^2\.(9|1[0-5])\./.test(ovsVersion() ?? ""))
      return '"mute" needs cluster/failure-test stop-raft-rpc, which Open vSwitch has since 2.16';
    if ("how" in action && action.how === "powerloss") return "a process can be killed, not its power cut";
  }
  return undefined;
}

/** From when on a server compacts by itself, in ms. */
const COMPACTS_MS = 600_000;

/** Whether a snapshot is taken, and takes as long as real ones of the twin's size do not. */
function isSlowSnapshot({ models, groups, steps, forMs }: Scenario): boolean {
  if (models.snapshotMs > 0) return true;
  const isTaken = steps.some(
    ({ action }) =>
      action.do === "compact" || action.do === "join" || action.do === "wipe" || ("wipe" in action && action.wipe),
  );
  return groups.some(({ snapshotMs = 0 }) => snapshotMs > 0) && (isTaken || forMs >= COMPACTS_MS);
}

/** Does it, and whatever follows from it by itself later (`later` runs in the background). */
export async function perform(
  cluster: RealCluster,
  action: Action,
  later: (ms: number, run: () => Promise<void>) => void,
): Promise<void> {
  switch (action.do) {
    case "restart":
      for (const member of await cluster.targets(action.target)) {
        await member.stop(action.how);
        if (action.wipe !== undefined) member.wipe(action.wipe);
        later(action.downMs, async () => {
          await boot(cluster, member, action.boot ?? (action.wipe === undefined ? "same-disk" : "join"));
          if (!action.kick) return;
          await cluster.wait(() => member.isConnected(), 60_000, `${member.name} to be connected`);
          await kickGhosts(cluster);
        });
      }
      return;
    case "stop":
      for (const member of await cluster.targets(action.target)) {
        await member.stop(action.how);
      }
      return;
    case "start":
      for (const member of await cluster.targets(action.target)) await boot(cluster, member, action.boot ?? "join");
      return;
    case "pause": {
      const members = await cluster.targets(action.target);
      for (const member of members) member.signal(true);
      if (action.forMs !== undefined)
        later(action.forMs, async () => members.forEach((member) => void member.signal(false)));
      return;
    }
    case "resume":
      for (const member of await cluster.targets(action.target)) member.signal(false);
      return;
    case "wipe":
      for (const member of await cluster.targets(action.target)) {
        await member.stop("kill");
        member.wipe(action.what);
      }
      return;
    case "rollback":
      for (const member of await cluster.targets(action.target)) {
        await member.stop("kill");
        member.restore(`mark-${action.toMs}`);
      }
      return;
    case "mute": {
      const members = await cluster.targets(action.target);
      for (const member of members) await member.ctl("cluster/failure-test", "stop-raft-rpc");
      if (action.forMs !== undefined)
        later(action.forMs, async () => {
          for (const member of members) await member.ctl("cluster/failure-test", "clear").catch(() => "");
        });
      return;
    }
    case "failure-test":
      for (const member of await cluster.targets(action.target))
        await member.ctl("cluster/failure-test", action.test).catch(() => "");
      return;
    case "compact":
      for (const member of await cluster.targets(action.target))
        await member.ctl("ovsdb-server/compact", DATABASE).catch(() => "");
      return;
    case "transfer":
      for (const member of await cluster.targets("leader"))
        await member.ctl("cluster/failure-test", "transfer-leadership");
      return;
    case "change-timer":
      for (const member of await cluster.targets(action.target))
        await member.ctl("cluster/change-election-timer", DATABASE, String(action.toMs)).catch(() => "");
      return;
    case "join": {
      const member = await cluster.add();
      await boot(cluster, member, "join");
      return;
    }
    case "leave":
      for (const member of await cluster.targets(action.target)) {
        await member.ctl("cluster/leave", DATABASE);
        member.isMember = false;
      }
      return;
    case "kick":
      if (action.target === "ghosts") return kickGhosts(cluster);
      for (const member of await cluster.targets(action.target)) await kick(cluster, member.identity?.sid ?? "");
      return;
    case "cut": {
      const [from = [], to = []] = await Promise.all(action.between.map((target) => cluster.targets(target)));
      await cluster.cut(from, to, action.oneWay, true);
      if (action.forMs !== undefined) later(action.forMs, () => cluster.cut(from, to, action.oneWay, false));
      return;
    }
    case "isolate": {
      const members = await cluster.targets(action.target);
      await cluster.cut(members, cluster.members, false, true);
      if (action.forMs !== undefined) later(action.forMs, () => cluster.cut(members, cluster.members, false, false));
      return;
    }
    case "heal":
      return cluster.cut(cluster.members, cluster.members, true, false);
    case "move-address":
      for (const member of await cluster.targets(action.target))
        await cluster.networks?.move(cluster.members.indexOf(member));
      return;
    case "burst":
    case "mark":
    case "expect":
      return;
    default:
      throw new ScenarioError(`"${action.do}" cannot be done to a process`);
  }
}

async function kick(cluster: RealCluster, sid: string): Promise<void> {
  const lead = await cluster.leader();
  await lead?.member.ctl("cluster/kick", DATABASE, sid).catch(() => "");
}

async function kickGhosts(cluster: RealCluster): Promise<void> {
  const lead = await cluster.leader();
  const alive = new Set((await cluster.statuses()).map((status) => status?.sid.slice(0, 4)));
  for (const sid of lead?.status.servers ?? []) if (!alive.has(sid)) await kick(cluster, sid);
}

/** What start scripts do with a file that is missing; as world/boot.ts. */
async function boot(cluster: RealCluster, member: RealMember, policy: BootPolicy): Promise<void> {
  if (member.process !== undefined) return;
  if (!member.hasFile) {
    const remotes = cluster.members.filter((other) => other !== member && other.isMember).map(({ address }) => address);
    const isFirst = member === cluster.members[0];
    const how =
      policy !== "kube-ovn"
        ? policy
        : member.identity !== undefined
          ? "join-same-sid"
          : isFirst && (await cluster.leader()) === undefined
            ? "bootstrap"
            : "join";
    if (how === "same-disk") {
      member.refusal = "there is no database file";
      return;
    }
    if (how === "bootstrap") await member.create(cluster.scenario.cluster.electionTimerMs);
    else await member.join(remotes, how === "join-same-sid" ? member.identity : undefined);
  }
  await member.start();
}
