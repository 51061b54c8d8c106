/** Real clusters of both databases on which incidents are made, looked at, judged, and healed by executing the plan. */
import { readFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import { localRunner, type Runner, type RunResult } from "@ovnha/runner";
import { type OvsdbCluster, ovsdbTransact, rawCall, runCommand, SCHEMAS, startCluster, waitFor } from "@ovnha/testkit";
import {
  type DatabaseVerdict,
  emptyHistory,
  execute,
  type ExecuteReport,
  type Expected,
  type FileFacts,
  type Finding,
  type FindingCode,
  type History,
  type MemberAccess,
  observe,
  type Observation,
  type Plan,
  planRecovery,
  type RecoveryOptions,
  type RecoveryPlan,
  type Site,
  track,
  type Verdict,
} from "../../../src/index.ts";

export const [NB, SB] = ["OVN_Northbound", "OVN_Southbound"] as const;

const result = (exitCode: number, stderr = ""): RunResult => ({
  exitCode,
  signal: undefined,
  stdout: "",
  stderr,
  durationMs: 0,
});

export class Lab implements AsyncDisposable {
  readonly clusters: Readonly<Record<string, OvsdbCluster>>;
  history: History = emptyHistory();
  expected: Expected;
  withLogs = false;
  /** What is known of the members' files of the Southbound database, by member. */
  files: Record<string, FileFacts> = {};

  constructor(clusters: Readonly<Record<string, OvsdbCluster>>, size: number) {
    this.clusters = clusters;
    this.expected = { members: size };
  }

  cluster(database: string = SB): OvsdbCluster {
    const cluster = this.clusters[database];
    if (cluster === undefined) throw new Error(`no ${database}`);
    return cluster;
  }

  get size(): number {
    return Object.values(this.clusters)[0]?.members.length ?? 0;
  }

  name(index: number): string {
    return `node${index}`;
  }

  get access(): MemberAccess[] {
    return Array.from({ length: this.size }, (_, index) => ({
      name: this.name(index),
      databases: Object.fromEntries(
        Object.entries(this.clusters).map(([database, cluster]) => {
          const { dir, remote } = cluster.member(index);
          return [database, { remote, control: join(dir, "ctl"), logFile: join(dir, "log") }];
        }),
      ),
    }));
  }

  /** Files where they lie, and starting and stopping by the testkit instead of a service manager. */
  get site(): Site {
    const places = Object.fromEntries(
      this.access.map(({ name }, index) => [
        name,
        Object.fromEntries(
          Object.entries(this.clusters).map(([database, cluster]) => [database, { file: cluster.file(index) }]),
        ),
      ]),
    );
    return {
      places,
      start: { program: "lab-start", args: ["{database}"] },
      stop: { program: "lab-stop", args: ["{database}"] },
      restart: { program: "lab-restart", args: [] },
    };
  }

  runner(at: string): Runner | undefined {
    const index = this.access.findIndex(({ name }) => name === at);
    if (index < 0) return undefined;
    const local = localRunner();
    return {
      name: at,
      run: async (program, args, options) => {
        const [database = SB] = args;
        if (program === "lab-start") {
          const server = this.cluster(database).member(index);
          if (server.pid === undefined) await server.start();
          return result(0);
        }
        if (program === "lab-stop") {
          await this.cluster(database).member(index).kill("SIGTERM");
          return result(0);
        }
        if (program === "lab-restart") {
          for (const cluster of Object.values(this.clusters)) await cluster.member(index).restart();
          return result(0);
        }
        return local.run(program, args, options);
      },
    };
  }

  async look(): Promise<Observation> {
    const observation = await observe({
      members: this.access,
      timeoutMs: 600,
      extras: this.withLogs ? ["storage", "log"] : ["storage"],
    });
    const databases = observation.databases.map(({ database, members }) => ({
      database,
      members: members.map((seen) => {
        const file = database === SB ? this.files[seen.member] : undefined;
        return file === undefined ? seen : { ...seen, file: { ...file } };
      }),
    }));
    return { ...observation, databases };
  }

  /** The facts about a stopped member's file: who it is by `ovsdb-tool`, what it holds by its records. */
  async readFile(index: number, database: string = SB): Promise<FileFacts> {
    const path = this.cluster(database).file(index);
    const tool = async (command: string): Promise<string> => (await runCommand("ovsdb-tool", [command, path])).trim();
    const damage = await tool("check-cluster").then(
      () => undefined,
      (error: unknown) => (error as Error).message,
    );
    return {
      path,
      serverId: await tool("db-sid"),
      clusterId: await tool("db-cid"),
      address: await tool("db-local-address"),
      ...readRecords(path),
      ...(damage === undefined ? {} : { damage }),
    };
  }

  /** The address for the other members. */
  async raftAddress(index: number, database: string = SB): Promise<string> {
    return (await runCommand("ovsdb-tool", ["db-local-address", this.cluster(database).file(index)])).trim();
  }

  /** A member loses its file and gets one that asks `remotes` to let it join; it stays at its address. */
  async loseFile(index: number, remotes: readonly string[], database: string = SB): Promise<void> {
    const cluster = this.cluster(database);
    const own = await this.raftAddress(index, database);
    await cluster.member(index).kill("SIGKILL");
    renameSync(cluster.file(index), `${cluster.file(index)}.lost-${process.hrtime.bigint()}`);
    await runCommand("ovsdb-tool", ["join-cluster", cluster.file(index), database, own, ...remotes]);
  }

  /** The member is removed by whoever leads, and the others have forgotten it. */
  async kick(index: number, database: string = SB): Promise<void> {
    const cluster = this.cluster(database);
    const sid = await cluster.sid(index);
    const leader = await cluster.waitForLeader({ not: index });
    await cluster.member(leader).appctl("cluster/kick", database, sid);
    await waitFor(async () => !(await cluster.status(leader)).includes(sid.slice(0, 4)), {
      what: `member ${index} to be forgotten`,
      deadlineMs: 60_000,
    });
  }

  /** A new incident is not judged by what the ones before left in the memory. */
  async forget(): Promise<void> {
    this.files = {};
    this.history = emptyHistory();
    await this.untilWell();
  }

  async judge(): Promise<{ observation: Observation; verdict: Verdict }> {
    const observation = await this.look();
    const { history, verdict } = track(this.history, observation, { expected: this.expected });
    this.history = history;
    return { observation, verdict };
  }

  /** Looks until the finding is confirmed. */
  until(
    code: FindingCode,
    database: string = SB,
  ): Promise<{ finding: Finding; verdict: DatabaseVerdict; observation: Observation }> {
    let seen: readonly string[] = [];
    return waitFor(
      async () => {
        const { observation, verdict } = await this.judge();
        const one = verdict.databases.find((each) => each.database === database);
        seen =
          one?.findings.map((finding) => `${finding.code} ${finding.members.join("+")} ${finding.sightings}`) ?? [];
        const finding = one?.findings.find((each) => each.code === code && each.isConfirmed);
        return one !== undefined && finding !== undefined ? { finding, verdict: one, observation } : undefined;
      },
      { what: `${code} in ${database}`, deadlineMs: 60_000 },
    ).catch((error: unknown) => {
      throw new Error(`${(error as Error).message}; seen: ${seen.join(", ")}`);
    });
  }

  /** Until nothing is wrong in any database, in two looks. */
  async untilWell(): Promise<void> {
    let seen = "";
    let well = 0;
    await waitFor(
      async () => {
        const { verdict } = await this.judge();
        seen = verdict.databases
          .map(
            ({ database, health, findings }) =>
              `${database} ${health}: ${findings.map(({ code, members }) => `${code}(${members.join(",")})`).join(" ")}`,
          )
          .join("; ");
        well = verdict.health === "ok" ? well + 1 : 0;
        return well >= 2;
      },
      { what: "everything to be well", deadlineMs: 60_000 },
    ).catch((error: unknown) => {
      throw new Error(`${(error as Error).message}; seen: ${seen}`);
    });
  }

  async recovery(options: Partial<RecoveryOptions> = {}): Promise<RecoveryPlan> {
    const observation = await this.look();
    return planRecovery(observation, {
      database: SB,
      expected: this.expected,
      history: this.history,
      site: this.site,
      ...options,
    });
  }

  execute(plan: Plan): Promise<ExecuteReport> {
    return execute(plan, {
      runners: (at) => this.runner(at),
      observe: () => this.look(),
      confirm: "all",
      expected: this.expected,
      history: this.history,
      pollMs: 100,
    });
  }

  /** A write that is really logged; resolves when it is committed. */
  async write(database: string = SB, index?: number): Promise<void> {
    const cluster = this.cluster(database);
    const leader = index ?? (await cluster.waitForLeader());
    const table = database === SB ? "RBAC_Role" : "Logical_Switch";
    await ovsdbTransact(cluster.member(leader).unix, database, [
      { op: "insert", table, row: { name: `w${Math.random()}` } },
    ]);
  }

  /** A write that nobody waits for, as it can't be committed. */
  async submit(database: string, index: number): Promise<void> {
    const row = { op: "insert", table: "RBAC_Role", row: { name: "stuck" } };
    await rawCall(this.cluster(database).member(index).unix, "transact", [database, row] as never, 300).catch(
      () => undefined,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(Object.values(this.clusters).map((cluster) => cluster[Symbol.asyncDispose]()));
  }
}

type FileRecord = {
  readonly term?: number;
  readonly index?: number;
  readonly commit_index?: number;
  readonly servers?: Readonly<Record<string, string>>;
  readonly prev_term?: number;
  readonly prev_index?: number;
  readonly prev_servers?: Readonly<Record<string, string>>;
};

/** As ovsdb-server reads them: up to the first one that is damaged. */
function readRecords(path: string): Partial<FileFacts> {
  let facts: { -readonly [K in keyof FileFacts]?: FileFacts[K] } = {};
  for (const [, json = ""] of readFileSync(path, "latin1").matchAll(/^OVSDB CLUSTER \d+ [\da-f]{40}\n(.*)$/gm)) {
    let record: FileRecord;
    try {
      record = JSON.parse(json) as FileRecord;
    } catch {
      break;
    }
    const { term, index, commit_index: commitIndex, servers, prev_index: prevIndex } = record;
    if (prevIndex !== undefined) {
      const prevTerm = record.prev_term ?? 0;
      facts = { term: prevTerm, lastTerm: prevTerm, lastIndex: prevIndex, commitIndex: prevIndex };
      if (record.prev_servers !== undefined) facts.servers = record.prev_servers;
    }
    if (term !== undefined) facts.term = Math.max(facts.term ?? 0, term);
    if (index !== undefined) Object.assign(facts, { lastIndex: index, lastTerm: term });
    if (commitIndex !== undefined) facts.commitIndex = commitIndex;
    if (servers !== undefined) facts.servers = servers;
  }
  return facts;
}

export async function startLab(size = 3): Promise<Lab> {
  const [nb, sb] = await Promise.all([
    startCluster({ members: size, schema: SCHEMAS.northbound }),
    startCluster({ members: size, schema: SCHEMAS.southbound }),
  ]);
  const lab = new Lab({ [NB]: nb, [SB]: sb }, size);
  await lab.untilWell();
  return lab;
}
