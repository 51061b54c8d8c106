/** What a schedule waits for, and whom it means. */
import type { Condition, Target } from "../scenario/types.ts";
import { ScenarioError } from "../scenario/error.ts";
import type { Host } from "./host.ts";
import type { World } from "./world.ts";

/** The member that leads, of the newest term if two think they do. */
export function leaderOf(world: World): Host | undefined {
  let best: Host | undefined;
  for (const host of world.hosts) {
    const { server } = host;
    if (server === undefined || server.node.role !== "leader") continue;
    if (best === undefined || server.node.term > (best.server?.node.term ?? 0)) best = host;
  }
  return best;
}

export function hostsOf(world: World, target: Target): Host[] {
  const members = world.hosts.filter(({ isMember }) => isMember);
  switch (target) {
    case "all":
      return members;
    case "leader": {
      const leader = leaderOf(world);
      return leader === undefined ? [] : [leader];
    }
    case "followers":
    case "others": {
      const leader = leaderOf(world);
      return members.filter((host) => host !== leader && host.server !== undefined);
    }
    case "random": {
      const up = members.filter(({ server }) => server !== undefined);
      return up.length === 0 ? [] : [up[world.targets.below(up.length)]!];
    }
    default: {
      const host = world.hosts.find(({ name }) => name === target);
      if (host === undefined) throw new ScenarioError(`there is no member "${target}"`);
      return [host];
    }
  }
}

export function holds(world: World, condition: Condition): boolean {
  switch (condition.is) {
    case "connected":
      return every(world, condition.target, (host) => host.server?.connectedSeen === true);
    case "joined":
      return every(
        world,
        condition.target,
        ({ server }) => server !== undefined && !server.node.joining && server.connectedSeen,
      );
    case "leads":
      return every(world, condition.target, ({ server }) => server?.node.role === "leader");
    case "leader":
      return usableLeader(world) !== undefined;
    case "no-leader":
      return leaderOf(world) === undefined;
    case "caught-up":
      return isCaughtUp(world);
    case "healthy":
      return isHealthy(world);
  }
}

function every(world: World, target: Target, test: (host: Host) => boolean): boolean {
  const hosts = hostsOf(world, target);
  return hosts.length > 0 && hosts.every(test);
}

/** A leader that has heard from a majority in its own window: writes go through it. */
export function usableLeader(world: World): Host | undefined {
  const leader = leaderOf(world);
  const node = leader?.server?.node;
  if (leader === undefined || node === undefined || leader.server?.isPaused === true) return undefined;
  const linked = node.servers.filter(({ sid }) => sid === node.sid || isLinked(world, leader, sid)).length;
  return linked > node.servers.length / 2 ? leader : undefined;
}

function isLinked(world: World, from: Host, sid: string): boolean {
  const to = world.hosts.find(({ server }) => server?.node.sid === sid);
  if (to?.server === undefined || to.server.isPaused || to.server.isMuted || to.server.node.failed) return false;
  return !world.net.isBlocked(from.index, to.index) && !world.net.isBlocked(to.index, from.index);
}

function isCaughtUp(world: World): boolean {
  const node = leaderOf(world)?.server?.node;
  if (node === undefined) return false;
  const end = node.logStart + node.log.length;
  return (
    node.servers.every((peer) => peer.sid === node.sid || peer.matchIndex === end - 1) && node.commitIndex === end - 1
  );
}

/** The gate of a careful restart. */
function isHealthy(world: World): boolean {
  const node = usableLeader(world)?.server?.node;
  if (node === undefined || node.adding.length > 0 || node.removing !== undefined || !isCaughtUp(world)) return false;
  return node.servers.every(({ sid }) =>
    world.hosts.some(
      ({ server }) => server?.node.sid === sid && server.connectedSeen && server.node.leader === node.sid,
    ),
  );
}
