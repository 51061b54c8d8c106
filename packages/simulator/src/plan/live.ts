/** From what running servers say of themselves to a question: `cluster/status` of each member, by its shape alone. */
import { ScenarioError } from "../scenario/error.ts";

/** The part of a cluster status that is looked at, as `readStatus` gives it; one with more in it will do. */
export type StatusLike = {
  /** What `Name:` says, such as "OVN_Northbound". */
  readonly database?: string | undefined;
  readonly serverId?: string | undefined;
  readonly clusterId?: string | undefined;
  readonly servers: readonly {
    readonly id: string;
    readonly address?: string | undefined;
    readonly lastMessageMs?: number | undefined;
  }[];
  /** Sessions: an incoming one was opened by the very server of that id; one that goes out reaches whoever has the address. */
  readonly connections?:
    | readonly { readonly incoming: boolean; readonly connected: boolean; readonly serverId: string }[]
    | undefined;
  readonly electionTimerMs?: number | undefined;
  readonly term?: number | undefined;
  readonly role?: string | undefined;
  /** What `Leader:` says: an id, "self" or "unknown". */
  readonly leader?: string | undefined;
  /** What `Status:` says; "cluster member" if all is well. */
  readonly state?: string | undefined;
};

/** A configured server of which no status was given. */
export type NotHeard = {
  readonly id: string;
  /** Whether one of those that were heard hears it. */
  readonly isAlive: boolean;
  /** By whose word, for people. */
  readonly why: string;
};

/** A configured server that runs, and takes no part. */
export type Apart = { readonly member: string; readonly id: string; readonly why: string };

export type LiveCluster = {
  /** Such as "OVN_Northbound", where an answer names it. */
  readonly database: string | undefined;
  /** Configured, and alive: by its own status, or by the word of one that gave one. */
  readonly members: number;
  /** Configured, and nobody hears it: a machine that is down, or a ghost. */
  readonly ghosts: number;
  readonly electionTimerMs: number;
  /** m1 and so on, to the ids that they stand for; the leader is m1, as in every simulation. */
  readonly names: Readonly<Record<string, string>>;
  /** The same, to where they are. */
  readonly addresses: Readonly<Record<string, string>>;
  readonly leader: string | undefined;
  /** Members without which the cluster has to do now: as long as there is one, nobody else may be restarted. */
  readonly apart: readonly Apart[];
  /** Ids that nobody hears, the leader neither; none if its own answer was not given, for then a kick is not to be proposed. */
  readonly silent: readonly string[];
  /** Configured servers of which no status was given, alive or not. */
  readonly notHeard: readonly NotHeard[];
};

const isSame = (a: string, b: string): boolean => a !== "" && b !== "" && (a.startsWith(b) || b.startsWith(a));

/**
 * Throws `ScenarioError` if no status is given, two are of one server or of different clusters, or none is of a configured
 * server. A member without a status is judged by what the others hear of it.
 */
export function liveCluster(statuses: readonly StatusLike[]): LiveCluster {
  refuseDoubles(statuses);
  const newest = [...statuses].sort((a, b) => rank(b) - rank(a)).find(({ servers }) => servers.length > 0);
  if (newest === undefined) throw new ScenarioError("no cluster/status names the servers of its cluster");
  const configured = newest.servers.map(({ id }) => id);
  const isAnswer = (id: string): boolean =>
    statuses.some(({ serverId }) => serverId !== undefined && isSame(serverId, id));
  if (!configured.some(isAnswer)) throw new ScenarioError("none of the answers comes from a configured server");
  const notHeard = configured.filter((id) => !isAnswer(id)).map((id) => judge(id, statuses));
  const dead = new Set(notHeard.filter(({ isAlive }) => !isAlive).map(({ id }) => id));
  const lead = leaderOf(statuses);
  const isLead = (id: string): boolean => lead !== undefined && isSame(id, lead);
  const all = configured.filter((id) => !dead.has(id));
  const living = [...all.filter(isLead), ...all.filter((id) => !isLead(id))];
  const named = living.map((id, i) => ({ member: `m${i + 1}`, id }));
  const addressOf = (id: string): string => newest.servers.find((each) => each.id === id)?.address ?? "";
  const isLeaderHeard = statuses.some(({ serverId, role }) => role === "leader" && isLead(serverId ?? ""));
  return {
    database: newest.database,
    members: living.length,
    ghosts: dead.size,
    electionTimerMs: newest.electionTimerMs ?? 1000,
    names: Object.fromEntries(named.map(({ member, id }) => [member, id])),
    addresses: Object.fromEntries(named.map(({ member, id }) => [member, addressOf(id)])),
    leader: named.find(({ id }) => isLead(id))?.member,
    apart: named.flatMap(({ member, id }) => {
      const why = isLead(id) ? undefined : apartBecause(id, lead, statuses);
      return why === undefined ? [] : [{ member, id, why }];
    }),
    silent: isLeaderHeard ? [...dead] : [],
    notHeard,
  };
}

/** Who leads, by its own word or by that of any that was heard, of the newest term in which somebody knows. */
function leaderOf(statuses: readonly StatusLike[]): string | undefined {
  const told = statuses.flatMap(({ role, leader, serverId, term = 0 }) => {
    if (role === "leader") return serverId === undefined ? [] : [{ id: serverId, term, isOwn: true }];
    return leader === undefined || !/^[0-9a-f]{4}/.test(leader) ? [] : [{ id: leader, term, isOwn: false }];
  });
  return told.sort((a, b) => b.term - a.term || Number(b.isOwn) - Number(a.isOwn))[0]?.id;
}

/** Why a living server is no part of the cluster now; undefined if it is one. */
function apartBecause(id: string, lead: string | undefined, statuses: readonly StatusLike[]): string | undefined {
  const own = statuses.find(({ serverId = "" }) => isSame(serverId, id));
  if (own?.state !== undefined && own.state !== "cluster member") return `it says "${own.state}"`;
  const newestTerm = Math.max(...statuses.map(({ term = 0 }) => term));
  if (own?.role === "leader")
    return `it takes itself for the leader of term ${own.term ?? 0}, and ${(lead ?? "").slice(0, 4)} leads in term ${newestTerm}`;
  if (own?.role === "candidate") return "it stands for election and has no leader";
  if (own?.leader === "unknown") return "it knows no leader";
  if (own?.term !== undefined && own.term < newestTerm)
    return `it is in term ${own.term}, and others are in term ${newestTerm}`;
  const leading = statuses.find(({ serverId, role }) => role === "leader" && isSame(serverId ?? "", lead ?? ""));
  const ms = leading?.servers.find((each) => isSame(each.id, id))?.lastMessageMs;
  const mostMs = 2 * ((leading?.electionTimerMs ?? 1000) + 1000);
  return ms === undefined || ms <= mostMs ? undefined : `the leader last heard it ${ms} ms before`;
}

function refuseDoubles(statuses: readonly StatusLike[]): void {
  const ids = statuses.flatMap(({ serverId }) => serverId ?? []);
  const twice = ids.find((id, i) => ids.findIndex((other) => isSame(other, id)) !== i);
  if (twice !== undefined)
    throw new ScenarioError(`two of the answers are of server ${twice.slice(0, 4)}: give one of each member`);
  const databases = [...new Set(statuses.flatMap(({ database }) => database ?? []))];
  if (databases.length > 1)
    throw new ScenarioError(
      `the answers are of different databases (${databases.join(", ")}): ask about one at a time`,
    );
  const clusters = [...new Set(statuses.flatMap(({ clusterId }) => clusterId ?? []))];
  if (clusters.length > 1)
    throw new ScenarioError(
      `the answers are of different clusters (${clusters.map((id) => id.slice(0, 4)).join(", ")}): ask each member for the same database`,
    );
}

/** How people find the members: `m2 (2b3c at tcp:10.0.0.2:6643)`. */
export function labelsOf({ names, addresses }: LiveCluster): Record<string, string> {
  return Object.fromEntries(
    Object.entries(names).map(([name, id]) => {
      const at = addresses[name];
      return [name, `${name} (${id.slice(0, 4)}${at === undefined || at === "" ? "" : ` at ${at}`})`];
    }),
  );
}

/** What those that take part can still lose. */
export function spareOf({ members, ghosts, apart }: LiveCluster): string {
  const configured = members + ghosts;
  const [needed, taking] = [Math.floor(configured / 2) + 1, members - apart.length];
  const arithmetic = `${taking} of ${configured} take part and ${needed} are needed`;
  if (taking < needed) return `${arithmetic}: writes have stopped already`;
  if (taking === needed) return `${arithmetic}: with one more that stops, writes stop`;
  return `${arithmetic}: ${taking - needed} more may be missing, for whatever else goes wrong`;
}

/** A server that is silent for two windows of a leader has no say any more (raft_run, RAFT_FOLLOWER and RAFT_LEADER). */
function judge(id: string, statuses: readonly StatusLike[]): NotHeard {
  for (const { serverId = "", servers, connections, electionTimerMs = 1000 } of statuses) {
    const by = serverId.slice(0, 4) || "one that answers";
    if (connections?.some((each) => each.incoming && each.connected && isSame(each.serverId, id)) === true)
      return { id, isAlive: true, why: `it has a session to ${by}` };
    const ms = servers.find((each) => isSame(each.id, id))?.lastMessageMs;
    if (ms !== undefined && ms <= 2 * (electionTimerMs + 1000))
      return { id, isAlive: true, why: `${by} heard it ${ms} ms before` };
  }
  return { id, isAlive: false, why: "none of those that were asked has a session from it, or heard it lately" };
}

function rank({ term = 0, role }: StatusLike): number {
  return 2 * term + (role === "leader" ? 1 : 0);
}

/** The text that `ovs-appctl cluster/status` prints, as far as it is needed here. */
export function readStatus(text: string): StatusLike {
  const line = (name: string): string | undefined => new RegExp(`^${name}: (.*)$`, "m").exec(text)?.[1];
  const idOf = (name: string): string | undefined =>
    /\(([0-9a-f-]{36})\)/.exec(line(name) ?? "")?.[1] ?? line(name)?.split(" ")[0];
  const id = idOf("Server ID");
  const servers = (text.split(/\nServers:\r?\n/)[1] ?? "").split("\n").flatMap((each) => {
    const found = /^ {4}([0-9a-f]{4,})\b/.exec(each)?.[1];
    const address = / at ([^)\s]+)\)/.exec(each)?.[1];
    const ms = / last msg (\d+) ms ago/.exec(each)?.[1];
    return found === undefined
      ? []
      : [{ id: found, address, lastMessageMs: ms === undefined ? undefined : Number(ms) }];
  });
  if (id === undefined || servers.length === 0)
    throw new ScenarioError("this is not what ovs-appctl cluster/status prints: no Server ID, or no Servers");
  return {
    database: line("Name"),
    serverId: id,
    clusterId: idOf("Cluster ID"),
    servers,
    connections: [...(line("Connections") ?? "").matchAll(/(\(?)(->|<-)([0-9a-f]{4,})/g)].map(
      ([, bracket, arrow, serverId = ""]) => ({ incoming: arrow === "<-", connected: bracket === "", serverId }),
    ),
    electionTimerMs: Number(/^Election timer: (\d+)/m.exec(text)?.[1] ?? 1000),
    term: Number(line("Term") ?? 0),
    role: line("Role"),
    leader: line("Leader"),
    state: line("Status"),
  };
}
