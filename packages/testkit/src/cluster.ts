/** A real cluster of ovsdb-server processes on loopback. */
import { readFileSync } from "node:fs";
import { mkdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import { freePort, removeFolder, runCommand, temporaryFolder } from "./processes.ts";
import { serverRow, type ServerDatabaseRow } from "./raw.ts";
import { OvsdbServer, schemaPath, type TlsFiles } from "./server.ts";
import { waitFor } from "./wait-for.ts";

export type ClusterOptions = {
  readonly members?: number;
  readonly schema: string | object;
  /** Default 1,000, which is ovsdb-server's own. */
  readonly electionTimerMs?: number;
  /** Clients use TLS; the members among themselves use TCP. */
  readonly tls?: TlsFiles;
  /** Start from the content of this standalone database file. */
  readonly fromStandalone?: string;
};

export class OvsdbCluster implements AsyncDisposable {
  readonly dir: string;
  readonly database: string;
  readonly members: readonly OvsdbServer[];
  readonly #raftAddresses: readonly string[];
  readonly #electionTimerMs: number;

  constructor(
    dir: string,
    database: string,
    members: readonly OvsdbServer[],
    raftAddresses: readonly string[],
    electionTimerMs: number,
  ) {
    this.dir = dir;
    this.database = database;
    this.members = members;
    this.#raftAddresses = raftAddresses;
    this.#electionTimerMs = electionTimerMs;
  }

  /** All members, for a client. */
  get remote(): string {
    return this.members.map(({ remote }) => remote).join(",");
  }

  member(index: number): OvsdbServer {
    const member = this.members[index];
    if (member === undefined) throw new Error(`no member ${index}`);
    return member;
  }

  file(index: number): string {
    return join(this.member(index).dir, "db.db");
  }

  /** Makes the first member's file from a schema or a standalone file, and the others' by joining; starts all. */
  async bootstrap(source: string): Promise<void> {
    const [first = ""] = this.#raftAddresses;
    for (const [index, address] of this.#raftAddresses.entries()) {
      if (index === 0) {
        const timer = this.#electionTimerMs === 1_000 ? [] : [`--election-timer=${this.#electionTimerMs}`];
        await runCommand("ovsdb-tool", [...timer, "create-cluster", this.file(0), source, address], 120_000);
      } else await runCommand("ovsdb-tool", ["join-cluster", this.file(index), this.database, address, first]);
    }
    await this.startAll();
  }

  async startAll(): Promise<void> {
    for (const member of this.members) if (member.pid === undefined) await member.start();
    await this.waitConnected();
  }

  rows(): Promise<(ServerDatabaseRow | undefined)[]> {
    return Promise.all(
      this.members.map(async ({ unix, pid }) =>
        pid === undefined ? undefined : serverRow(unix, this.database).catch(() => undefined),
      ),
    );
  }

  /** The index of the leader as the members see it now. */
  async leader(): Promise<number | undefined> {
    const index = (await this.rows()).findIndex((row) => row?.leader === true && row.connected);
    return index < 0 ? undefined : index;
  }

  waitForLeader(options: { readonly not?: number; readonly deadlineMs?: number } = {}): Promise<number> {
    return waitFor(
      async () => {
        const leader = await this.leader();
        return leader === undefined || leader === options.not ? undefined : { leader };
      },
      {
        what: `a leader of ${this.database}${options.not === undefined ? "" : ` other than ${options.not}`}`,
        deadlineMs: options.deadlineMs ?? 30_000,
      },
    ).then(({ leader }) => leader);
  }

  /** Until every member that runs is connected, one leads, and all have applied the same. */
  async waitConnected(deadlineMs = 60_000): Promise<void> {
    await waitFor(
      async () => {
        const rows = (await this.rows()).filter((_row, index) => this.members[index]?.pid !== undefined);
        const indexes = new Set(rows.map((row) => row?.index));
        return (
          rows.every((row) => row?.connected === true) && rows.some((row) => row?.leader === true) && indexes.size === 1
        );
      },
      { what: `all members of ${this.database} to be connected`, deadlineMs },
    );
  }

  status(index: number): Promise<string> {
    return this.member(index).appctl("cluster/status", this.database);
  }

  /** Stops all, takes one member's content, and starts a new cluster from it at the same addresses: a new cluster id. */
  async rebuildFromBackup(from = 0): Promise<void> {
    for (const member of this.members) await member.kill("SIGTERM");
    const backup = join(this.dir, `backup-${Date.now()}.db`);
    await runCommand("ovsdb-tool", ["cluster-to-standalone", backup, this.file(from)], 120_000);
    for (const [index] of this.members.entries()) renameSync(this.file(index), `${this.file(index)}.old-${Date.now()}`);
    await this.bootstrap(backup);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.members.map((member) => member.kill("SIGKILL")));
    removeFolder(this.dir);
  }
}

export async function startCluster(options: ClusterOptions): Promise<OvsdbCluster> {
  const dir = temporaryFolder();
  const schema = schemaPath(dir, options.schema);
  const database = String((JSON.parse(readFileSync(schema, "utf8")) as { name: unknown }).name);
  const members: OvsdbServer[] = [];
  const raftAddresses: string[] = [];
  for (let index = 0; index < (options.members ?? 3); index++) {
    const memberDir = join(dir, `member${index}`);
    mkdirSync(memberDir);
    raftAddresses.push(`tcp:127.0.0.1:${await freePort()}`);
    const kind = options.tls === undefined ? "ptcp" : "pssl";
    members.push(
      new OvsdbServer({
        dir: memberDir,
        databases: [join(memberDir, "db.db")],
        listen: [`${kind}:${await freePort()}:127.0.0.1`],
        extraArgs: [],
        tls: options.tls,
      }),
    );
  }
  const cluster = new OvsdbCluster(dir, database, members, raftAddresses, options.electionTimerMs ?? 1_000);
  try {
    await cluster.bootstrap(options.fromStandalone ?? schema);
  } catch (error) {
    await cluster[Symbol.asyncDispose]();
    throw error;
  }
  return cluster;
}
