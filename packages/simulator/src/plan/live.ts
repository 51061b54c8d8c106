/** From what running servers say of themselves to a question: `cluster/status` of each member, by its shape alone. */
import { ScenarioError } from "../scenario/error.ts";

/** The part of a cluster status that is looked at. A status with more in it will do, such as that of @ovnha/cluster. */
export type StatusLike = {
  readonly serverId?: string | undefined;
  readonly servers: readonly { readonly id: string }[];
  readonly electionTimerMs?: number | undefined;
  readonly term?: number | undefined;
  readonly role?: string | undefined;
};

export type LiveCluster = {
  /** Configured and answering. */
  readonly members: number;
  /** Configured, and no answer has that id: a machine that is down, or a ghost. */
  readonly ghosts: number;
  readonly electionTimerMs: number;
  /** m1 and so on, to the ids that they stand for. */
  readonly names: Readonly<Record<string, string>>;
  readonly leader: string | undefined;
};

/** Throws `ScenarioError` if no status is given, or none of them is of a configured server. */
export function liveCluster(statuses: readonly StatusLike[]): LiveCluster {
  const newest = [...statuses].sort((a, b) => rank(b) - rank(a)).find(({ servers }) => servers.length > 0);
  if (newest === undefined) throw new ScenarioError("no cluster/status names the servers of its cluster");
  const same = (a: string, b: string): boolean => a !== "" && b !== "" && (a.startsWith(b) || b.startsWith(a));
  const answering = newest.servers
    .map(({ id }) => id)
    .filter((id) => statuses.some(({ serverId }) => serverId !== undefined && same(serverId, id)));
  if (answering.length === 0) throw new ScenarioError("none of the answers comes from a configured server");
  const names = Object.fromEntries(answering.map((id, i) => [`m${i + 1}`, id]));
  const lead = statuses.find(({ role, term }) => role === "leader" && term === newest.term)?.serverId;
  return {
    members: answering.length,
    ghosts: newest.servers.length - answering.length,
    electionTimerMs: newest.electionTimerMs ?? 1000,
    names,
    leader: Object.keys(names).find((name) => lead !== undefined && same(names[name] ?? "", lead)),
  };
}

function rank({ term = 0, role }: StatusLike): number {
  return 2 * term + (role === "leader" ? 1 : 0);
}

/** The text that `ovs-appctl cluster/status` prints, as far as it is needed here. */
export function readStatus(text: string): StatusLike {
  const line = (name: string): string | undefined => new RegExp(`^${name}: (.*)$`, "m").exec(text)?.[1];
  const id = /\(([0-9a-f-]{36})\)/.exec(line("Server ID") ?? "")?.[1] ?? line("Server ID")?.split(" ")[0];
  const servers = (text.split(/\nServers:\r?\n/)[1] ?? "")
    .split("\n")
    .flatMap((each) => /^ {4}([0-9a-f]{4,})\b/.exec(each)?.[1] ?? []);
  if (id === undefined || servers.length === 0)
    throw new ScenarioError("this is not what ovs-appctl cluster/status prints: no Server ID, or no Servers");
  return {
    serverId: id,
    servers: servers.map((each) => ({ id: each })),
    electionTimerMs: Number(/^Election timer: (\d+)/m.exec(text)?.[1] ?? 1000),
    term: Number(line("Term") ?? 0),
    role: line("Role"),
  };
}
