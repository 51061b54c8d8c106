/** What a run comes to, in an operator's words. */
import { type Header, majority } from "@ovnha/raft";
import type { MemberEnd, Run } from "./trace.ts";
import { usableLeader } from "./world/conditions.ts";
import type { Host } from "./world/host.ts";
import type { World } from "./world/world.ts";

export type Judgement = Pick<Run, "verdict" | "quorum" | "leader" | "members" | "ackedLost" | "clusters">;

export function judge(world: World): Judgement {
  const members = world.hosts.map(endOf);
  const lead = usableLeader(world);
  const cids = new Set(members.filter(({ up, joining }) => up && !joining).map(({ cid }) => cid));
  const configured = newestConfiguration(world);
  const alive = configured.filter((sid) =>
    world.hosts.some(({ server }) => server?.node.sid === sid && !server.node.failed),
  );
  const returning = configured.filter((sid) => world.hosts.some(({ disk }) => isMemberFile(disk.header, sid)));
  const needed = majority(configured.length);
  const quorum = {
    configured: configured.length,
    needed,
    alive: alive.length,
    ghosts: configured.length - returning.length,
  };
  const ackedLost = lostWrites(world, lead);
  const longestMs = Math.max(0, ...world.clients.outages.map(({ fromUs, toUs }) => toUs - fromUs)) / 1000;
  return {
    members,
    leader: lead?.name,
    quorum,
    ackedLost,
    clusters: Math.max(1, cids.size),
    verdict: wordOf(world, { lead, returning: returning.length, needed, ackedLost, longestMs, quorum, configured }),
  };
}

type Facts = {
  readonly lead: Host | undefined;
  readonly returning: number;
  readonly needed: number;
  readonly ackedLost: number;
  readonly longestMs: number;
  readonly quorum: Run["quorum"];
  readonly configured: readonly string[];
};

function wordOf(world: World, facts: Facts): Run["verdict"] {
  const { lead, returning, needed, ackedLost, longestMs, quorum, configured } = facts;
  const { electionTimerMs } = world.scenario.cluster;
  const { violations } = world.trace;
  const seconds = `${(longestMs / 1000).toFixed(longestMs < 10_000 ? 2 : 0)} s`;
  if (ackedLost > 0)
    return {
      word: "violation",
      text: `${ackedLost} acknowledged writes are lost`,
      recovery: `rebuild from the file of ${bestFile(world)}`,
    };
  if (violations.length > 0)
    return { word: "violation", text: violations[0]?.text ?? "", recovery: recoveryOf(world, lead) };
  if (lead === undefined && returning < needed)
    return {
      word: "permanent",
      text: `no leader, and none can come: ${needed} of ${configured.length} configured servers are needed, ${returning} have a disk to return with`,
      recovery: `rebuild from the file of ${bestFile(world)} (ovsdb-tool cluster-to-standalone)`,
    };
  if (lead === undefined)
    return {
      word: "outage",
      text: `no leader at the end: ${quorum.alive} of ${configured.length} configured servers run, ${needed} are needed`,
      recovery: recoveryOf(world, lead),
    };
  if (world.clients.outages.length === 0)
    return { word: "safe", text: "writes were never interrupted", recovery: "none needed" };
  const isBrief = longestMs <= 2 * (electionTimerMs + 1000);
  return {
    word: isBrief ? "brief" : "outage",
    text: `writes stopped for at most ${seconds}${isBrief ? "" : ", then it healed by itself"}`,
    recovery: recoveryOf(world, lead),
  };
}

function recoveryOf(world: World, lead: Host | undefined): string {
  const down = world.hosts.filter(({ server, isMember }) => server === undefined && isMember);
  const refused = down.filter(({ refusal }) => refusal !== undefined);
  if (refused.length > 0)
    return `${refused.map(({ name, refusal }) => `${name} does not start (${refusal})`).join("; ")}: kick it and let it join anew`;
  if (lead === undefined)
    return down.length === 0 ? "wait: enough servers run" : `start ${down.map(({ name }) => name).join(", ")}`;
  const ghosts = world.ghostsNow();
  const orphans = ghosts.filter((sid) => !world.hosts.some(({ disk }) => isMemberFile(disk.header, sid)));
  if (orphans.length > 0)
    return `kick ${orphans.map((sid) => sid.slice(0, 4)).join(", ")}: configured, and no server has that id`;
  return down.length === 0 ? "none needed" : `start ${down.map(({ name }) => name).join(", ")}`;
}

function endOf(host: Host): MemberEnd {
  const { server, disk, name } = host;
  const node = server?.node;
  const header = disk.header;
  const cid = node?.cid ?? header?.cluster_id ?? "";
  return {
    name,
    up: node !== undefined,
    sid: node?.sid ?? header?.server_id ?? "",
    cid,
    role: node?.role ?? "down",
    term: node?.term ?? disk.term,
    connected: server?.connectedSeen ?? false,
    joining: node?.joining ?? false,
    failed: node?.failed ?? false,
    commitIndex: node?.commitIndex ?? 0,
    logEnd: disk.index + 1,
    refusal: host.refusal,
  };
}

function isMemberFile(header: Header | undefined, sid: string): boolean {
  return header !== undefined && header.remote_addresses === undefined && header.server_id === sid;
}

/** Of the newest entry with servers that any disk holds: what elections go by (configuration is in force when appended). */
function newestConfiguration(world: World): readonly string[] {
  let best: { readonly term: number; readonly index: number; readonly servers: readonly string[] } | undefined;
  const offer = (term: number, index: number, servers: readonly string[]): void => {
    if (best === undefined || term > best.term || (term === best.term && index > best.index))
      best = { term, index, servers };
  };
  for (const { disk } of world.hosts) {
    const { header } = disk;
    if (header === undefined || header.remote_addresses !== undefined) continue;
    offer(header.prev_term, header.prev_index, Object.keys(header.prev_servers));
    for (const { term, index, servers } of disk.configurations()) offer(term, index, Object.keys(servers));
  }
  return best?.servers ?? [];
}

/** The disk with the newest log: the highest last term, then the highest last index. */
function bestFile(world: World): string {
  let best: { readonly name: string; readonly term: number; readonly index: number } | undefined;
  for (const { disk, name, server, lastChain } of world.hosts) {
    if (disk.header === undefined || disk.header.remote_addresses !== undefined) continue;
    const chain = server?.chain ?? lastChain;
    const term = chain?.termAt(disk.index) ?? 0;
    if (best === undefined || term > best.term || (term === best.term && disk.index > best.index))
      best = { name, term, index: disk.index };
  }
  return best?.name ?? "nobody: every file is gone";
}

/** Acknowledged writes that the cluster, as its leader has it, does not hold. */
function lostWrites(world: World, lead: Host | undefined): number {
  const chain = lead?.server?.chain;
  const cid = lead?.server?.node.cid;
  if (chain === undefined || cid === undefined) return 0;
  const record = world.check.clusterOf(cid);
  if (world.trace.violations.length === 0) return 0;
  let lost = 0;
  for (const { cid: where, index, eid } of world.clients.acknowledged) {
    if (where !== cid) lost++;
    else if (index > chain.base && chain.eidAt(index) !== eid) lost++;
    else if (index <= chain.base && chain.baseHash !== record.hashAt(chain.base)) lost++;
  }
  return lost;
}
