/** From what running servers say of themselves to a question: `cluster/status` of each member, by its shape alone. */
import { ScenarioError } from "../scenario/error.ts";

/** The part of a cluster status that is looked at. A status with more in it will do, such as that of @ovnha/cluster. */
export type StatusLike = {
  readonly serverId?: string | undefined;
  readonly clusterId?: string | undefined;
  readonly servers: readonly { readonly id: string; readonly lastMessageMs?: number | undefined }[];
  /** Sessions: an incoming one was opened by the very server of that id; one that goes out reaches whoever has the address. */
  readonly connections?:
    | readonly { readonly incoming: boolean; readonly connected: boolean; readonly serverId: string }[]
    | undefined;
  readonly electionTimerMs?: number | undefined;
  readonly term?: number | undefined;
  readonly role?: string | undefined;
};

/** A configured server of which no status was given. */
export type NotHeard = {
  readonly id: string;
  /** Whether one of those that were heard hears it. */
  readonly isAlive: boolean;
  /** By whose word, for people. */
  readonly why: string;
};

export type LiveCluster = {
  /** Configured, and alive: by its own status, or by the word of one that gave one. */
  readonly members: number;
  /** Configured, and nobody hears it: a machine that is down, or a ghost. */
  readonly ghosts: number;
  readonly electionTimerMs: number;
  /** m1 and so on, to the ids that they stand for. */
  readonly names: Readonly<Record<string, string>>;
  readonly leader: string | undefined;
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
  const living = configured.filter((id) => !dead.has(id));
  const names = Object.fromEntries(living.map((id, i) => [`m${i + 1}`, id]));
  const lead = statuses.find(({ role, term }) => role === "leader" && term === newest.term)?.serverId;
  return {
    members: living.length,
    ghosts: dead.size,
    electionTimerMs: newest.electionTimerMs ?? 1000,
    names,
    leader: Object.keys(names).find((name) => lead !== undefined && isSame(names[name] ?? "", lead)),
    notHeard,
  };
}

function refuseDoubles(statuses: readonly StatusLike[]): void {
  const ids = statuses.flatMap(({ serverId }) => serverId ?? []);
  const twice = ids.find((id, i) => ids.findIndex((other) => isSame(other, id)) !== i);
  if (twice !== undefined)
    throw new ScenarioError(`two of the answers are of server ${twice.slice(0, 4)}: give one of each member`);
  const clusters = [...new Set(statuses.flatMap(({ clusterId }) => clusterId ?? []))];
  if (clusters.length > 1)
    throw new ScenarioError(
      `the answers are of different clusters (${clusters.map((id) => id.slice(0, 4)).join(", ")}): ask each member for the same database`,
    );
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
    const ms = / last msg (\d+) ms ago/.exec(each)?.[1];
    return found === undefined ? [] : [{ id: found, lastMessageMs: ms === undefined ? undefined : Number(ms) }];
  });
  if (id === undefined || servers.length === 0)
    throw new ScenarioError("this is not what ovs-appctl cluster/status prints: no Server ID, or no Servers");
  return {
    serverId: id,
    clusterId: idOf("Cluster ID"),
    servers,
    connections: [...(line("Connections") ?? "").matchAll(/(\(?)(->|<-)([0-9a-f]{4,})/g)].map(
      ([, bracket, arrow, serverId = ""]) => ({ incoming: arrow === "<-", connected: bracket === "", serverId }),
    ),
    electionTimerMs: Number(/^Election timer: (\d+)/m.exec(text)?.[1] ?? 1000),
    term: Number(line("Term") ?? 0),
    role: line("Role"),
  };
}
