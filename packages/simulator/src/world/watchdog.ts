/**
 * What restarts servers that it takes for sick: the probes of Kube-OVN's deployment and its check for a second leader. A
 * watchdog that is quicker than Raft's own recovery makes a storm of it.
 */
import type { Host } from "./host.ts";
import type { World } from "./world.ts";

const LIVENESS_FIRST_MS = 30_000;
const LIVENESS_EVERY_MS = 15_000;
const LIVENESS_STRIKES = 10;
const LEADER_EVERY_MS = 5000;
const LEADER_STRIKES = 3;
/** Kubernetes waits before it starts a container again: 10 s, doubled each time, at most 5 minutes. */
const BACKOFF_FIRST_MS = 10_000;
const BACKOFF_MAX_MS = 300_000;
/** How long Kubernetes waits for a container that was asked to end before it kills it. */
const GRACE_MS = 30_000;

class Watch {
  sick = 0;
  doubled = 0;
  starts = 0;
  backoffMs = BACKOFF_FIRST_MS;
}

export function startWatchdogs(world: World): void {
  for (const host of world.hosts) {
    const watch = new Watch();
    repeat(world, LIVENESS_FIRST_MS, LIVENESS_EVERY_MS, () => probe(world, host, watch));
    repeat(world, LEADER_EVERY_MS, LEADER_EVERY_MS, () => checkLeaders(world, host, watch));
  }
}

function repeat(world: World, firstMs: number, everyMs: number, run: () => void): void {
  const again = (): void => {
    run();
    world.later(everyMs, again);
  };
  world.later(firstMs, again);
}

function probe(world: World, host: Host, watch: Watch): void {
  const { server } = host;
  if (server === undefined || host.starts !== watch.starts) {
    watch.starts = host.starts;
    watch.sick = 0;
    return;
  }
  const { node } = server;
  const isRetrying = node.role === "candidate" && !server.connectedSeen;
  watch.sick = server.isPaused || node.failed || node.joining || isRetrying ? watch.sick + 1 : 0;
  if (watch.sick >= LIVENESS_STRIKES) restart(world, host, watch, "the liveness probe failed ten times");
}

/** A leader that sees another one, three times in a row, ends itself. */
function checkLeaders(world: World, host: Host, watch: Watch): void {
  const isLeader = (each: Host): boolean => each.server?.node.role === "leader";
  const isDouble = isLeader(host) && world.hosts.some((other) => other !== host && isLeader(other));
  watch.doubled = isDouble ? watch.doubled + 1 : 0;
  if (watch.doubled >= LEADER_STRIKES) restart(world, host, watch, "two leaders were seen three times");
}

function restart(world: World, host: Host, watch: Watch, why: string): void {
  watch.sick = 0;
  watch.doubled = 0;
  world.fault(`is restarted by its watchdog: ${why}`, [host.name], undefined);
  const { server } = host;
  const { backoffMs } = watch;
  world.stop(host, "exit", () => world.later(backoffMs, () => world.start(host, host.boot)));
  // One that is frozen does not hear the request.
  world.later(GRACE_MS, () => server !== undefined && host.server === server && world.stop(host, "kill"));
  watch.backoffMs = Math.min(watch.backoffMs * 2, BACKOFF_MAX_MS);
}
