/** What can be seen of a real cluster at a moment. */
import type { Checkpoint } from "../../trace.ts";
import type { RealCluster } from "./cluster.ts";
import { numbersOf } from "./writer.ts";

export async function look(
  cluster: RealCluster,
): Promise<Pick<Checkpoint, "leader" | "configured" | "clusters" | "alive">> {
  const statuses = await cluster.statuses();
  const lead = await cluster.leader();
  const running = new Set(
    statuses.flatMap((status, i) =>
      status === undefined || cluster.members[i]?.isPaused === true ? [] : [status.sid.slice(0, 4)],
    ),
  );
  const votes = lead?.status.servers.filter((sid) => running.has(sid)).length ?? 0;
  const isUsable = lead !== undefined && votes * 2 > lead.status.servers.length;
  const cids = new Set(
    statuses.flatMap((status) => (status === undefined || status.status.startsWith("joining") ? [] : [status.cid])),
  );
  const known = lead?.status ?? statuses.find((status) => status !== undefined && status.servers.length > 0);
  return {
    leader: isUsable ? lead.member.name : undefined,
    configured: known?.servers.length ?? 0,
    clusters: cids.size,
    alive: cluster.members.filter(({ process }) => process !== undefined).length,
  };
}

/** Acknowledged writes that the leader does not hold; undefined where there is none, or it could not be asked. */
export async function lost(cluster: RealCluster, acked: readonly number[]): Promise<number | undefined> {
  const { leader } = await look(cluster);
  const held = leader === undefined ? undefined : await numbersOf(cluster.member(leader).socket);
  return held === undefined ? undefined : acked.filter((number) => !held.has(number)).length;
}
