/** Network namespaces for the members of a cluster: one network among them, and on demand one to their clients. */
import { spawnSync } from "node:child_process";
import { atExit, runCommand } from "./processes.ts";

const PREFIX = "ovnha-";
const CLIENT_NETWORKS = 256;
let made = 0;

/** Which of a member's two cables: to the other members, or to the clients. */
export type Cable = "members" | "clients";
const BRIDGES = { members: "br0", clients: "br1" } as const;
const LINKS = { members: "eth0", clients: "eth1" } as const;

const ip = (...args: readonly string[]): Promise<string> => runCommand("ip", args);

/** Namespaces and links that this process has now. They outlive it unless they are removed. */
const present = { links: new Set<string>(), namespaces: new Set<string>() };
atExit(() => {
  for (const name of present.links) spawnSync("ip", ["link", "del", name]);
  for (const name of present.namespaces) spawnSync("ip", ["netns", "del", name]);
});

/**
 * A hub namespace holds the bridges, and each member has a namespace that hangs on them. The members' network,
 * 10.199.0.0/24, exists only in there. That of the clients, 198.18.N.0/24, of the range for benchmarks (RFC 2544), has
 * one address in the namespace of this process. Nothing leaves the machine.
 */
export class Networks {
  readonly names: readonly string[];
  readonly #hub: string;
  #clientNetwork: number | undefined;

  constructor(members: number) {
    const tag = `${PREFIX}${process.pid}-${made++}`;
    this.#hub = `${tag}-hub`;
    this.names = Array.from({ length: members }, (_none, index) => `${tag}-m${index}`);
  }

  /** Makes them, after removing those of processes that are gone. */
  async make({ clients }: { readonly clients: boolean }): Promise<void> {
    await removeStale();
    await addNamespace(this.#hub);
    for (const name of this.names) {
      await addNamespace(name);
      await ip("-n", name, "link", "set", "lo", "up");
    }
    await this.#wire("members");
    if (!clients) return;
    await this.#reachHub();
    await this.#wire("clients");
    await ip("-n", this.#hub, "link", "set", "outside", "master", BRIDGES.clients, "up");
  }

  /** @throws if there is no such network. */
  address(cable: Cable, index: number): string {
    if (cable === "members") return `10.199.0.${index + 1}`;
    if (this.#clientNetwork === undefined) throw new Error('there is no network to the clients: say clients: "tcp"');
    return `198.18.${this.#clientNetwork}.${index + 1}`;
  }

  /** Takes a member's cable out of its bridge, or puts it back. Nobody is told: packets vanish. */
  async plug(cable: Cable, index: number, state: "in" | "out"): Promise<void> {
    this.address(cable, index);
    const bridge = state === "in" ? ["master", BRIDGES[cable]] : ["nomaster"];
    await ip("-n", this.#hub, "link", "set", portOf(cable, index), ...bridge);
  }

  async remove(): Promise<void> {
    // It would go with the hub, but when the kernel finds the time.
    const link = `${PREFIX}c${this.#clientNetwork}`;
    if (present.links.delete(link)) await ip("link", "del", link).catch(() => {});
    for (const name of [...this.names, this.#hub]) await removeNamespace(name);
  }

  async #wire(cable: Cable): Promise<void> {
    await ip("-n", this.#hub, "link", "add", BRIDGES[cable], "type", "bridge");
    await ip("-n", this.#hub, "link", "set", BRIDGES[cable], "up");
    for (const [index, name] of this.names.entries()) {
      const [port, link] = [portOf(cable, index), LINKS[cable]];
      await ip("-n", this.#hub, "link", "add", port, "type", "veth", "peer", "name", link, "netns", name);
      await ip("-n", this.#hub, "link", "set", port, "master", BRIDGES[cable], "up");
      await ip("-n", name, "addr", "add", `${this.address(cable, index)}/24`, "dev", link);
      await ip("-n", name, "link", "set", link, "up");
    }
  }

  /** A cable from here to the hub. Its name takes the number of the network: two processes cannot have the same. */
  async #reachHub(): Promise<void> {
    for (let number = 0; number < CLIENT_NETWORKS; number++) {
      const link = `${PREFIX}c${number}`;
      try {
        await ip("link", "add", link, "type", "veth", "peer", "name", "outside", "netns", this.#hub);
      } catch (error) {
        if (String(error).includes("File exists")) continue;
        throw error;
      }
      present.links.add(link);
      this.#clientNetwork = number;
      await ip("addr", "add", `198.18.${number}.254/24`, "dev", link);
      await ip("link", "set", link, "up");
      return;
    }
    throw new Error(`all ${CLIENT_NETWORKS} client networks are taken`);
  }
}

function portOf(cable: Cable, index: number): string {
  return `${cable}${index}`;
}

async function addNamespace(name: string): Promise<void> {
  await ip("netns", "add", name);
  present.namespaces.add(name);
}

async function removeNamespace(name: string): Promise<void> {
  if (!present.namespaces.delete(name)) return;
  await ip("netns", "del", name).catch(() => {});
}

/** Removes the namespaces of processes that are gone without having done so. @returns their names. */
export async function removeStale(): Promise<readonly string[]> {
  const removed: string[] = [];
  for (const line of (await ip("netns", "list")).split("\n")) {
    const [, name, pid] = /^(ovnha-(\d+)-\S+)/.exec(line) ?? [];
    if (name === undefined || isAlive(Number(pid))) continue;
    await ip("netns", "del", name).catch(() => {});
    removed.push(name);
  }
  return removed;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ESRCH";
  }
}
