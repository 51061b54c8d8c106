/** A cluster is lost: all servers of OVN_Northbound, and two of their files. A backup is restored by a plan, step by step. */
import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import {
  executeRestore,
  formatPlan,
  lookAtSource,
  parseDescription,
  planRestore,
  surveyRestore,
  takeBackup,
} from "@ovnha/backup";
import { inspect } from "@ovnha/dbfile";
import { openDatabase } from "@ovnha/ovsdb";
import { localRunner, type Runner } from "@ovnha/runner";
import { dumpRows, type OvsdbCluster } from "@ovnha/testkit";
import { inLab } from "./lab.ts";

const DATABASE = "OVN_Northbound";

await inLab("restore-cluster", "Loses a cluster, and restores it from a backup at the same addresses.", async (lab) => {
  const { cluster } = lab;
  if (cluster === undefined) {
    console.log("It loses a cluster: run ovn-backup restore --cluster cluster.json --source BACKUP instead.");
    return;
  }
  {
    await using db = await openDatabase(DATABASE, { remote: lab.remote });
    await db.transact((tx) => {
      for (let i = 0; i < 100; i++) tx.insert("Logical_Switch", { name: `sw${i}` });
    });
  }
  const into = await mkdtemp(join(tmpdir(), "ovn-restore-"));
  try {
    const { backups } = await takeBackup({ databases: [{ database: DATABASE, remote: lab.remote }], into, gzip: true });
    const before = await namesOf(cluster.member(0).remote);
    const addresses = await Promise.all(cluster.members.map((_, index) => addressOf(cluster.file(index))));
    for (const member of cluster.members) await member.kill("SIGKILL");
    for (const index of [1, 2]) await rm(cluster.file(index));
    console.log(`lost: three servers and two files; left: a backup with ${before.length} switches`);

    const described = parseDescription(description(cluster, addresses), "cluster.json").cluster;
    const runners = Object.fromEntries(cluster.members.map((_, index) => [`member${index}`, operator(cluster, index)]));
    const [source] = backups;
    if (source === undefined) throw new Error("there is no backup");
    const nowMs = Date.now();
    const sources = [await lookAtSource(source.path, { nowMs })];
    const workFolder = join(into, "work");
    const facts = await surveyRestore(described, { runners, databases: ["nb"], sources, workFolder });
    const plan = planRestore(described, facts, { id: "00c0ffee", nowMs, drawUuid: randomUUID, workFolder });
    console.log(formatPlan(plan, { brief: true }));

    const result = await executeRestore(plan, {
      runners,
      execute: true,
      onProgress: (progress) => {
        if (progress.type === "step") console.log(`[${progress.number}/${progress.of}] ${progress.step.title}`);
      },
    });
    console.log("reason" in result ? `stopped at ${result.step}: ${result.reason}` : result.outcome);
    const after = await Promise.all(cluster.members.map(({ remote }) => namesOf(remote)));
    const same = after.filter((names) => names.join() === before.join()).length;
    console.log(`${same} of 3 members have all ${before.length} switches; the old files were kept beside the new ones`);
    if (result.outcome !== "restored" || same < 3) process.exitCode = 1;
  } finally {
    await rm(into, { recursive: true });
  }
});

async function addressOf(file: string): Promise<string> {
  const found = await inspect(file);
  return found.format === "standalone" ? "" : found.localAddress;
}

async function namesOf(remote: string): Promise<string[]> {
  const rows = (await dumpRows(remote, DATABASE)).get("Logical_Switch")?.values() ?? [];
  return [...rows].map((row) => String(row["name"])).sort();
}

/** As an operator writes it: where each member's file and sockets are, and what stops and starts its server. */
function description(cluster: OvsdbCluster, addresses: readonly string[]): string {
  const members = cluster.members.map((server, index) => ({
    name: `member${index}`,
    runner: { kind: "local" },
    addresses: { nb: addresses[index] },
    remotes: { nb: server.remote },
    databases: {
      nb: {
        file: cluster.file(index),
        controlSocket: join(server.dir, "ctl"),
        stop: [["server", "stop"]],
        start: [["server", "start"]],
      },
    },
  }));
  return JSON.stringify({ profile: "debian", layout: { identity: join(dirname(cluster.file(0)), "id") }, members });
}

/** Runs commands here; `server stop` and `server start` are those of the example's own server, which no systemd knows. */
function operator(cluster: OvsdbCluster, index: number): Runner {
  const local = localRunner();
  return {
    name: local.name,
    async run(command, args, options) {
      if (command !== "server") return local.run(command, args, options);
      if (args[0] === "stop") await cluster.member(index).kill("SIGTERM");
      else await cluster.member(index).start();
      return { exitCode: 0, signal: undefined, stdout: "", stderr: "", durationMs: 0 };
    },
  };
}
