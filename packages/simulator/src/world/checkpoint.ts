/** What is looked at in the middle of a run, here and on real servers alike. */
import type { Action } from "../scenario/types.ts";
import type { Checkpoint } from "../trace.ts";
import { holds, leaderOf, usableLeader } from "./conditions.ts";
import type { World } from "./world.ts";

export function checkpoint(
  world: World,
  asked: Extract<Action, { do: "expect" }>,
  line: number | undefined,
): Checkpoint {
  const lead = usableLeader(world) ?? leaderOf(world);
  const configured = lead?.server?.node.servers.length ?? 0;
  const clusters = world.clustersNow().size;
  const hasLeader = usableLeader(world) !== undefined;
  const failed: string[] = [];
  if (asked.leader !== undefined && asked.leader !== hasLeader)
    failed.push(hasLeader ? "there is a leader" : "there is no leader");
  if (asked.configured !== undefined && asked.configured !== configured)
    failed.push(`${configured} servers are configured, not ${asked.configured}`);
  if (asked.clusters !== undefined && asked.clusters !== clusters)
    failed.push(`${clusters} clusters, not ${asked.clusters}`);
  if (asked.connected !== undefined && !holds(world, { is: "connected", target: asked.connected }))
    failed.push(`${asked.connected} is not connected`);
  return {
    atUs: world.nowUs - world.trace.zeroUs,
    leader: usableLeader(world)?.name,
    configured,
    clusters,
    alive: world.hosts.filter(({ server }) => server !== undefined).length,
    failed,
    line,
  };
}
