/** A cluster whose members each live in a network namespace of their own, so that any of them can be cut off. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { OvsdbCluster } from "./cluster.ts";
import { removeFolder, runCommand, temporaryFolder } from "./processes.ts";
import { OvsdbServer, schemaPath } from "./server.ts";

const BRIDGE = "br0";
const RAFT_PORT = 6643;
let made = 0;

/** One namespace holds a bridge; the members' namespaces hang on it. All addresses are private to them. */
class Networks {
  readonly hub: string;
  readonly names: readonly string[];

  constructor(members: number) {
    const tag = `ovnha-${process.pid}-${made++}`;
    this.hub = `${tag}-hub`;
    this.names = Array.from({ length: members }, (_none, index) => `${tag}-m${index}`);
  }

  async make(): Promise<void> {
    await ip("netns", "add", this.hub);
    await ip("-n", this.hub, "link", "add", BRIDGE, "type", "bridge");
    await ip("-n", this.hub, "link", "set", BRIDGE, "up");
    for (const [index, name] of this.names.entries()) {
      await ip("netns", "add", name);
      await ip("-n", this.hub, "link", "add", `port${index}`, "type", "veth", "peer", "name", "eth0", "netns", name);
      await ip("-n", this.hub, "link", "set", `port${index}`, "master", BRIDGE, "up");
      await ip("-n", name, "addr", "add", `${addressOf(index)}/24`, "dev", "eth0");
      await ip("-n", name, "link", "set", "lo", "up");
      await ip("-n", name, "link", "set", "eth0", "up");
    }
  }

  /** Takes a member's cable out of the bridge, or puts it back. Nobody is told: packets vanish. */
  async cable(index: number, state: "in" | "out"): Promise<void> {
    await ip("-n", this.hub, "link", "set", `port${index}`, ...(state === "in" ? ["master", BRIDGE] : ["nomaster"]));
  }

  async remove(): Promise<void> {
    for (const name of [...this.names, this.hub]) await ip("netns", "del", name).catch(() => {});
  }
}

const ip = (...args: readonly string[]): Promise<string> => runCommand("ip", args);
const addressOf = (index: number): string => `10.199.0.${index + 1}`;

/** Clients reach every member through its Unix socket all the time; only the members lose each other. */
export class NetnsCluster extends OvsdbCluster {
  readonly #networks: Networks;

  constructor(networks: Networks, ...parts: ConstructorParameters<typeof OvsdbCluster>) {
    super(...parts);
    this.#networks = networks;
  }

  /** The member hears no other and is heard by none. */
  isolate(index: number): Promise<void> {
    return this.#networks.cable(index, "out");
  }

  rejoin(index: number): Promise<void> {
    return this.#networks.cable(index, "in");
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    await super[Symbol.asyncDispose]();
    await this.#networks.remove();
  }
}

/** Needs `canNetns()`. */
export async function startNetnsCluster(options: {
  readonly members?: number;
  readonly schema: string | object;
  readonly database: string;
}): Promise<NetnsCluster> {
  const networks = new Networks(options.members ?? 3);
  const dir = temporaryFolder();
  try {
    await networks.make();
    const members = networks.names.map((name, index) => {
      const memberDir = join(dir, `member${index}`);
      mkdirSync(memberDir);
      return new OvsdbServer({
        dir: memberDir,
        databases: [join(memberDir, "db.db")],
        listen: [],
        extraArgs: [],
        tls: undefined,
        prefix: ["ip", "netns", "exec", name],
      });
    });
    const addresses = members.map((_member, index) => `tcp:${addressOf(index)}:${RAFT_PORT}`);
    const cluster = new NetnsCluster(networks, dir, options.database, members, addresses, 1_000);
    try {
      await cluster.bootstrap(schemaPath(dir, options.schema));
    } catch (error) {
      await cluster[Symbol.asyncDispose]();
      throw error;
    }
    return cluster;
  } catch (error) {
    await networks.remove();
    removeFolder(dir);
    throw error;
  }
}
