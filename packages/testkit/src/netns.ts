/** A cluster whose members each live in a network namespace of their own, so that any of them can be cut off. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { OvsdbCluster, schemaName } from "./cluster.ts";
import { Networks } from "./networks.ts";
import { removeFolder, temporaryFolder } from "./processes.ts";
import { OvsdbServer, schemaPath } from "./server.ts";

const RAFT_PORT = 6643;
const CLIENT_PORT = 6641;

export type NetnsOptions = {
  readonly members?: number;
  readonly schema: string | object;
  /** Default: the schema's name. */
  readonly database?: string;
  /** Default 1,000, which is ovsdb-server's own. */
  readonly electionTimerMs?: number;
  /**
   * How {@link OvsdbCluster.remote} reaches the members: through their Unix sockets, which nothing cuts (the default),
   * or over a network of its own, on which a member can be cut off as well.
   */
  readonly clients?: "unix" | "tcp";
};

/** The members' Unix sockets, and with them `leader`, `rows`, `status`, work all the time, whatever is cut. */
export class NetnsCluster extends OvsdbCluster {
  readonly #networks: Networks;

  constructor(networks: Networks, ...parts: ConstructorParameters<typeof OvsdbCluster>) {
    super(...parts);
    this.#networks = networks;
  }

  /** The member hears no other and is heard by none. Its clients stay. */
  isolate(index: number): Promise<void> {
    return this.#networks.plug("members", index, "out");
  }

  rejoin(index: number): Promise<void> {
    return this.#networks.plug("members", index, "in");
  }

  /** The member and its clients lose each other: packets vanish. It stays in the cluster. Needs `clients: "tcp"`. */
  cutClients(index: number): Promise<void> {
    return this.#networks.plug("clients", index, "out");
  }

  healClients(index: number): Promise<void> {
    return this.#networks.plug("clients", index, "in");
  }

  /** {@link isolate}, and with `clients: "cut"` {@link cutClients} too. */
  async partition(index: number, { clients = "keep" }: { readonly clients?: "keep" | "cut" } = {}): Promise<void> {
    if (clients === "cut") await this.cutClients(index);
    await this.isolate(index);
  }

  /** Undoes whatever was cut at this member. */
  async heal(index: number): Promise<void> {
    await this.rejoin(index);
    if (this.member(index).tcp !== undefined) await this.healClients(index);
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    await super[Symbol.asyncDispose]();
    await this.#networks.remove();
  }
}

/** Needs `canNetns()`. */
export async function startNetnsCluster(options: NetnsOptions): Promise<NetnsCluster> {
  const networks = new Networks(options.members ?? 3);
  const dir = temporaryFolder();
  const tcp = options.clients === "tcp";
  try {
    await networks.make({ clients: tcp });
    const schema = schemaPath(dir, options.schema);
    const members = networks.names.map((name, index) => {
      const memberDir = join(dir, `member${index}`);
      mkdirSync(memberDir);
      return new OvsdbServer({
        dir: memberDir,
        databases: [join(memberDir, "db.db")],
        listen: tcp ? [`ptcp:${CLIENT_PORT}:${networks.address("clients", index)}`] : [],
        extraArgs: [],
        tls: undefined,
        prefix: ["ip", "netns", "exec", name],
      });
    });
    const addresses = members.map((_member, index) => `tcp:${networks.address("members", index)}:${RAFT_PORT}`);
    const timer = options.electionTimerMs ?? 1_000;
    const database = options.database ?? schemaName(schema);
    const cluster = new NetnsCluster(networks, dir, database, members, addresses, timer);
    try {
      await cluster.bootstrap(schema);
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
