/**
 * What a host does with its database file before it starts ovsdb-server: the start scripts of the packages, of Kube-OVN,
 * and the shortcuts that people take.
 */
import { createCluster, joinCluster } from "@ovnha/raft";
import type { BootPolicy } from "../scenario/types.ts";
import type { Host } from "./host.ts";
import { uuidOf } from "./host.ts";
import type { World } from "./world.ts";

export const DATABASE = "OVN_Northbound";

/** Gives the host a file if it has none. Undefined if there is nothing to start with. */
export function prepare(world: World, host: Host, policy: BootPolicy): string | undefined {
  const { disk } = host;
  if (disk.header !== undefined) return "the file that it had";
  switch (policy) {
    case "same-disk":
      return undefined;
    case "bootstrap":
      return bootstrap(world, host);
    case "join":
      return join(world, host, undefined);
    case "join-same-sid":
      return join(world, host, disk.identity);
    case "kube-ovn":
      if (disk.identity !== undefined) return join(world, host, disk.identity);
      return host.index === 0 && !seesLeader(world, host) ? bootstrap(world, host) : join(world, host, undefined);
  }
}

export function bootstrap(world: World, host: Host): string {
  const cid = uuidOf(0xc1, world.clusters++);
  const { electionTimerMs } = world.scenario.cluster;
  host.disk.replace(
    ...parts(
      createCluster({
        cid,
        sid: host.newSid(),
        eid: world.newEid(),
        name: DATABASE,
        address: host.address,
        data: [0, 0],
        ...(electionTimerMs === 1000 ? {} : { electionTimerMs }),
      }),
    ),
  );
  return "a new cluster";
}

function join(
  world: World,
  host: Host,
  identity: { readonly sid: string; readonly cid: string | undefined } | undefined,
): string {
  const remotes = world.hosts.filter((other) => other !== host && other.isMember).map(({ address }) => address);
  const sid = identity?.sid ?? host.newSid();
  host.disk.replace(...parts(joinCluster({ sid, cid: identity?.cid, name: DATABASE, address: host.address, remotes })));
  return identity === undefined
    ? "an empty file and a new server id, to join"
    : "an empty file and its old server id, to join";
}

const parts = ({ header, records }: ReturnType<typeof createCluster>): [typeof header, typeof records] => [
  header,
  records,
];

/** Whether a peer that can be reached says that it leads (`ovsdb-client query … leader`, as start scripts ask). */
function seesLeader(world: World, host: Host): boolean {
  return world.hosts.some(
    (other) =>
      other !== host &&
      other.server !== undefined &&
      !other.server.isPaused &&
      other.server.node.role === "leader" &&
      !world.net.isBlocked(host.index, other.index) &&
      !world.net.isBlocked(other.index, host.index),
  );
}
