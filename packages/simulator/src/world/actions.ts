/** Everything that can be done to a world: faults, repairs, and what operators type. */
import { changeElectionTimer, clusterKick, clusterLeave, failureTest, profileOf } from "@ovnha/raft";
import type { Action, StopHow } from "../scenario/types.ts";
import { checkpoint } from "./checkpoint.ts";
import { hostsOf, leaderOf } from "./conditions.ts";
import { addressOf, type Host } from "./host.ts";
import type { World } from "./world.ts";

/** An answer of `ovs-appctl` is told; a target that is not there is told too. Undefined: nothing to wait for. */
export function perform(world: World, action: Action, line: number | undefined): void {
  if ("target" in action && action.do !== "kick") {
    const hosts = hostsOf(world, action.target);
    tell(world, describe(action), hosts, line);
    for (const host of hosts) onHost(world, host, action);
    if ("forMs" in action && action.forMs !== undefined) world.later(action.forMs, () => undo(world, action, hosts));
    return;
  }
  onWorld(world, action, line);
}

function tell(world: World, text: string, hosts: readonly Host[], line: number | undefined): void {
  world.fault(
    text,
    hosts.map(({ name }) => name),
    line,
  );
}

function onWorld(world: World, action: Action, line: number | undefined): void {
  switch (action.do) {
    case "cut": {
      const [from, to] = action.between.map((target) => hostsOf(world, target));
      tell(world, describe(action), [...(from ?? []), ...(to ?? [])], line);
      cut(world, from ?? [], to ?? [], action.oneWay, true);
      if (action.forMs !== undefined)
        world.later(action.forMs, () => cut(world, from ?? [], to ?? [], action.oneWay, false));
      return;
    }
    case "heal":
      tell(world, "all links are healed", [], line);
      world.net.healAll();
      return;
    case "swizzle":
      swizzle(world, action.everyMs, line);
      return;
    case "transfer": {
      const leader = leaderOf(world);
      tell(world, "the leader hands over", leader === undefined ? [] : [leader], line);
      leader?.server?.stepWith({ type: "yield" });
      return;
    }
    case "join": {
      const host = world.addHost();
      tell(world, `${host.name} joins`, [host], line);
      world.start(host, "join");
      return;
    }
    case "kick":
      kick(world, action.target, line);
      return;
    case "burst": {
      tell(world, `${action.count} writes at once`, [], line);
      const client = world.clients.list.find(({ spec }) => spec.kind === "writer");
      for (let i = 0; client !== undefined && i < action.count; i++) world.clients.invoke(client);
      return;
    }
    case "mark":
      world.trace.add({ type: "mark", text: action.text });
      return;
    case "expect":
      world.checkpoints.push(checkpoint(world, action, line));
      return;
    default:
      throw new RangeError(`${action.do} is not of the world`);
  }
}

function onHost(world: World, host: Host, action: Action): void {
  const { server, disk } = host;
  switch (action.do) {
    case "restart":
      return world.stop(host, action.how, () => {
        if (action.wipe !== undefined) disk.wipe(action.wipe);
        world.later(action.downMs, () => {
          const kicked = action.kick ? world.ghostsNow() : undefined;
          world.start(host, action.boot ?? (action.wipe === undefined ? "same-disk" : host.boot));
          if (kicked !== undefined) world.whenJoined(host, () => kick(world, "ghosts", undefined));
        });
      });
    case "stop":
      return world.stop(host, action.how);
    case "start":
      return world.start(host, action.boot ?? host.boot);
    case "pause":
      if (server !== undefined) server.isPaused = true;
      return world.net.watchSilence();
    case "resume":
      return server?.wake();
    case "wipe":
      if (server !== undefined) world.stop(host, "kill");
      return disk.wipe(action.what);
    case "rollback":
      return rollBack(world, host, action.toMs);
    case "move-address":
      host.address = addressOf(host.index, ++world.moves);
      return;
    case "isolate":
      return cut(
        world,
        [host],
        world.hosts.filter((other) => other !== host),
        false,
        true,
      );
    case "mute":
      if (server !== undefined) server.isMuted = true;
      return world.net.watchSilence();
    case "degrade":
      world.net.degraded.set(host.index, action);
      return;
    case "slow-disk":
      host.fsync = action.fsync;
      return;
    case "lying-disk":
      disk.isLying = true;
      return;
    case "fill-disk":
      disk.isFull = true;
      return server?.stepWith({ type: "disk", writable: false });
    case "clock":
      host.setClock(action.ppm, world.nowUs);
      server?.after();
      return;
    case "compact":
      return world.compact(host);
    case "change-timer":
      if (server !== undefined)
        answer(world, host, changeElectionTimer(server.node, server.nowMs, action.toMs, server));
      return server?.after();
    case "leave":
      if (server !== undefined) answer(world, host, clusterLeave(server.node, server.nowMs, server));
      return server?.after();
    case "upgrade":
      return world.stop(host, "exit", () => {
        host.profile = profileOf(action.profile);
        world.later(action.downMs, () => world.start(host, "same-disk"));
      });
    case "failure-test":
      if (server !== undefined) answer(world, host, failureTest(server.node, server.nowMs, action.test, server));
      return server?.after();
    default:
      throw new RangeError(`${action.do} is not of a member`);
  }
}

function undo(world: World, action: Action, hosts: readonly Host[]): void {
  for (const host of hosts)
    switch (action.do) {
      case "pause":
      case "mute":
        host.server?.wake();
        break;
      case "isolate":
        cut(
          world,
          [host],
          world.hosts.filter((other) => other !== host),
          false,
          false,
        );
        break;
      case "degrade":
        world.net.degraded.delete(host.index);
        break;
      case "slow-disk":
        host.fsync = world.scenario.models.fsync;
        break;
      case "fill-disk":
        host.disk.isFull = false;
        host.server?.stepWith({ type: "disk", writable: true });
        break;
      default:
        break;
    }
  world.fault(
    `over: ${describe(action)}`,
    hosts.map(({ name }) => name),
    undefined,
  );
}

function cut(world: World, from: readonly Host[], to: readonly Host[], oneWay: boolean, isCut: boolean): void {
  for (const a of from)
    for (const b of to) {
      if (a === b) continue;
      for (const [x, y] of oneWay ? [[a, b] as const] : [[a, b] as const, [b, a] as const])
        if (isCut) world.net.block(x.index, y.index);
        else world.net.unblock(x.index, y.index);
    }
}

/** A random part of the members is cut off one by one, and healed in another order (FoundationDB's swizzle-clog). */
function swizzle(world: World, everyMs: number, line: number | undefined): void {
  const shuffled = (): Host[] => {
    const list = world.hosts.filter(({ isMember }) => isMember);
    for (let i = list.length - 1; i > 0; i--) {
      const j = world.targets.below(i + 1);
      [list[i], list[j]] = [list[j]!, list[i]!];
    }
    return list;
  };
  const chosen = shuffled().slice(0, 1 + world.targets.below(world.hosts.length));
  const healed = shuffled().filter((host) => chosen.includes(host));
  tell(world, `swizzle: ${chosen.map(({ name }) => name).join(", ")} are cut off one by one`, chosen, line);
  const others = (host: Host): Host[] => world.hosts.filter((other) => other !== host);
  chosen.forEach((host, i) => void world.later(i * everyMs, () => cut(world, [host], others(host), false, true)));
  healed.forEach(
    (host, i) =>
      void world.later((chosen.length + i) * everyMs, () => {
        cut(world, [host], others(host), false, false);
        world.fault("over: a cut of the swizzle", [host.name], undefined);
      }),
  );
}

function kick(world: World, target: string, line: number | undefined): void {
  const leader = leaderOf(world);
  const sids =
    target === "ghosts" ? world.ghostsNow() : hostsOf(world, target).map(({ disk }) => disk.header?.server_id ?? "");
  tell(
    world,
    `kick ${target === "ghosts" ? "the ids that no server has" : target}`,
    leader === undefined ? [] : [leader],
    line,
  );
  const server = leader?.server;
  if (leader === undefined || server === undefined)
    return world.fault("nobody leads: nothing can be kicked", [], undefined);
  for (const sid of sids) answer(world, leader, clusterKick(server.node, server.nowMs, sid, server));
  server.after();
}

function rollBack(world: World, host: Host, toMs: number): void {
  if (host.server !== undefined) world.stop(host, "kill");
  const toUs = toMs * 1000 + world.trace.zeroUs;
  const mark = [...host.marks].reverse().find(({ atUs }) => atUs <= toUs);
  if (mark !== undefined) host.disk.restore(mark.mark);
}

function answer(world: World, host: Host, { ok, text }: { readonly ok: boolean; readonly text: string }): void {
  if (text !== "") world.trace.add({ type: "mark", text: `${host.name}: ${ok ? "" : "refused: "}${text}` });
}

const STOPS: Readonly<Record<StopHow, string>> = {
  kill: "is killed (SIGKILL)",
  terminate: "is terminated (SIGTERM)",
  exit: "exits in good order",
  powerloss: "loses its power",
};

const seconds = (ms: number): string => `${ms / 1000} s`;

/** In words, without whom. */
export function describe(action: Action): string {
  switch (action.do) {
    case "restart":
      return `${STOPS[action.how]}, ${action.wipe === undefined ? "" : "loses its database, "}back in ${seconds(action.downMs)}`;
    case "stop":
      return STOPS[action.how];
    case "start":
      return "starts";
    case "pause":
      return "is frozen";
    case "resume":
      return "is thawed";
    case "wipe":
      return action.what === "all" ? "its disk is wiped" : "its database file is lost";
    case "rollback":
      return `its disk goes back to ${seconds(action.toMs)}`;
    case "move-address":
      return "gets another address";
    case "cut":
      return action.oneWay
        ? `nothing passes from ${action.between[0]} to ${action.between[1]}`
        : `nothing passes between ${action.between[0]} and ${action.between[1]}`;
    case "isolate":
      return "is cut off from the others";
    case "mute":
      return "its raft goes silent";
    case "degrade":
      return "its network is slow";
    case "slow-disk":
      return "its disk is slow";
    case "lying-disk":
      return "its disk says synced when it is not";
    case "fill-disk":
      return "its disk is full";
    case "clock":
      return `its clock runs ${action.ppm} ppm fast`;
    case "compact":
      return "compacts its file";
    case "change-timer":
      return `is told an election timer of ${action.toMs} ms`;
    case "leave":
      return "is told to leave";
    case "upgrade":
      return `is upgraded to ${action.profile}`;
    case "failure-test":
      return `failure test ${action.test}`;
    default:
      return action.do;
  }
}
