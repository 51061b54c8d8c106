/** A real cluster of ovsdb-server processes on loopback. */
import { mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { ovsHas } from "./environment.ts";
import { freePort, removeFolder, runCommand, temporaryFolder } from "./processes.ts";
import { serverRow, type ServerDatabaseRow } from "./raw.ts";
import { OvsdbServer, retryTaken, schemaPath, type TlsFiles } from "./server.ts";
import { waitFor } from "./wait-for.ts";

const DEFAULT_TIMER_MS = 1_000;
/** The first release whose `ovsdb-tool create-cluster` has `--election-timer`. */
const TIMER_OPTION = ["2.16.0"] as const;

export type ClusterOptions = {
  readonly members?: number;
  readonly schema: string | object;
  /** Default 1,000, which is ovsdb-server's own. */
  readonly electionTimerMs?: number;
  /** Clients use TLS; the members among themselves use TCP. */
  readonly tls?: TlsFiles;
  /** Start from the content of this standalone database file. */
  readonly fromStandalone?: string;
  /** For every member, such as `-vjsonrpc:file:dbg`. */
  readonly extraArgs?: readonly string[];
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
    for (const [index, address] of this.#raftAddresses.entries()) {
      if (index === 0) {
        const asOption = this.#electionTimerMs !== DEFAULT_TIMER_MS && ovsHas(...TIMER_OPTION);
        const timer = asOption ? [`--election-timer=${this.#electionTimerMs}`] : [];
        await runCommand("ovsdb-tool", [...timer, "create-cluster", this.file(0), source, address], 120_000);
      } else await this.#join(index, 0);
    }
    await this.startAll();
    if (!ovsHas(...TIMER_OPTION)) await this.#climbToTimer();
  }

  /** Before there was an option, the timer of a cluster that runs was changed: down at once, up by doubling. */
  async #climbToTimer(): Promise<void> {
    for (let ms = DEFAULT_TIMER_MS; ms !== this.#electionTimerMs; ) {
      ms = Math.min(2 * ms, this.#electionTimerMs);
      const leader = await this.waitForLeader();
      await this.member(leader).appctl("cluster/change-election-timer", this.database, String(ms));
      const isChanged = async (): Promise<boolean> => (await this.status(leader)).includes(`Election timer: ${ms}\n`);
      await waitFor(isChanged, { what: `an election timer of ${ms} ms` });
    }
  }

  async startAll(): Promise<void> {
    for (const member of this.members) if (member.pid === undefined) await member.start();
    await this.waitConnected();
  }

  /** What each member says of itself; undefined for one that is down, frozen, or not answering within 3 s. */
  rows(): Promise<(ServerDatabaseRow | undefined)[]> {
    return Promise.all(
      this.members.map(async ({ unix, pid, paused }) =>
        pid === undefined || paused ? undefined : serverRow(unix, this.database).catch(() => undefined),
      ),
    );
  }

  /**
   * The index of the leader as the members see it now. A leader that was cut off still claims to lead for up to 2 s;
   * of two claims, the one with more applied counts, since a new leader begins with an entry of its own.
   */
  async leader({ not }: { readonly not?: number | undefined } = {}): Promise<number | undefined> {
    let best: { member: number; applied: number } | undefined;
    for (const [member, row] of (await this.rows()).entries()) {
      if (row?.leader !== true || !row.connected || member === not) continue;
      if (best === undefined || (row.index ?? 0) > best.applied) best = { member, applied: row.index ?? 0 };
    }
    return best?.member;
  }

  /** The members that run and do not lead. */
  async followers(): Promise<number[]> {
    const leader = await this.waitForLeader();
    return [...this.members.keys()].filter((index) => index !== leader && this.member(index).pid !== undefined);
  }

  waitForLeader(options: { readonly not?: number; readonly deadlineMs?: number } = {}): Promise<number> {
    return waitFor(
      async () => {
        const leader = await this.leader({ not: options.not });
        return leader === undefined ? undefined : { leader };
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

  /** The text of `cluster/status`. */
  status(index: number): Promise<string> {
    return this.member(index).appctl("cluster/status", this.database);
  }

  /** The member's own id, of its file; it gets another one when it is wiped. */
  async sid(index: number): Promise<string> {
    return (await runCommand("ovsdb-tool", ["db-sid", this.file(index)])).trim();
  }

  /** The cluster's id: another one after {@link rebuildFromBackup}. */
  async cid(index = 0): Promise<string> {
    return (await runCommand("ovsdb-tool", ["db-cid", this.file(index)])).trim();
  }

  /** Ends a member by SIGTERM, which hands no leadership over, starts it again, and waits until all are connected. */
  async restartMember(index: number): Promise<void> {
    await this.member(index).restart();
    await this.waitConnected();
  }

  /** Kills a member, throws its file away, has the others forget it, and lets it join anew at the same address. */
  async wipe(index: number): Promise<void> {
    const member = this.member(index);
    const sid = await this.sid(index);
    await member.kill("SIGKILL");
    rmSync(this.file(index));
    const leader = await this.waitForLeader({ not: index });
    await this.member(leader).appctl("cluster/kick", this.database, sid);
    // Until the removal is committed, the leader would take the newcomer for the one that it removes.
    const removed = async (): Promise<boolean> =>
      !(await this.status(leader)).includes(` at ${this.#raftAddresses[index]}`);
    await waitFor(removed, { what: `member ${index} to be forgotten` });
    await this.#join(index, leader);
    await member.start();
    await this.waitConnected();
  }

  async #join(index: number, through: number): Promise<void> {
    const [own = "", other = ""] = [this.#raftAddresses[index], this.#raftAddresses[through]];
    await runCommand("ovsdb-tool", ["join-cluster", this.file(index), this.database, own, other]);
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

/** Starts the members of a new cluster, and waits until all are connected. */
export function startCluster(options: ClusterOptions): Promise<OvsdbCluster> {
  return retryTaken(() => startOnce(options));
}

async function startOnce(options: ClusterOptions): Promise<OvsdbCluster> {
  const dir = temporaryFolder();
  const schema = schemaPath(dir, options.schema);
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
        extraArgs: options.extraArgs ?? [],
        tls: options.tls,
      }),
    );
  }
  const timer = options.electionTimerMs ?? 1_000;
  const cluster = new OvsdbCluster(dir, schemaName(schema), members, raftAddresses, timer);
  try {
    await cluster.bootstrap(options.fromStandalone ?? schema);
  } catch (error) {
    await cluster[Symbol.asyncDispose]();
    throw error;
  }
  return cluster;
}

/** The database that a schema file describes. */
export function schemaName(path: string): string {
  return String((JSON.parse(readFileSync(path, "utf8")) as { name: unknown }).name);
}
