/** Database files of real servers, and what the programs of the same release say of them. */
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  dumpRows,
  type OvsdbCluster,
  rawCall,
  type RawJson,
  runCommand,
  startStandalone,
  temporaryFolder,
  waitFor,
} from "../../src/index.ts";
import { fill, insert, LAB, LAB_2, transact } from "./lab.ts";

export type FileFacts = {
  /** Rows of table Node, as the server answered; by file. Committed ones only. */
  readonly rows: Readonly<Record<string, readonly RawJson[]>>;
  readonly sids: Readonly<Record<string, string>>;
  readonly cid: string;
  /** `ovsdb-tool check-cluster` of the three members' files. */
  readonly check: { readonly exit: number; readonly output: string };
  /** Files of which there is `NAME.tool.db`, by ovsdb-tool's cluster-to-standalone; none in releases without it. */
  readonly converted: readonly string[];
};

async function nodes(remote: string): Promise<readonly RawJson[]> {
  const rows = (await dumpRows(remote, "Lab")).get("Node") ?? new Map<string, RawJson>();
  return [...rows.values()].sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
}

async function convert(dir: string, remote: string): Promise<void> {
  const schema = join(dir, "lab-2.ovsschema");
  writeFileSync(schema, JSON.stringify(LAB_2));
  await runCommand("ovsdb-client", ["convert", remote, schema]);
}

async function standalone(folder: string): Promise<readonly RawJson[]> {
  const dir = temporaryFolder();
  await using server = await startStandalone({ schemas: [LAB], listen: "unix", dir });
  await fill(server.unix);
  await convert(dir, server.unix);
  await transact(server.unix, insert("after", { note: "of the new schema" }));
  const rows = await nodes(server.unix);
  await server.kill("SIGTERM");
  copyFileSync(join(dir, "db0.db"), join(folder, "standalone.db"));
  return rows;
}

/** What a leader wrote alone, and was overwritten later: the file as it was killed, and as it came back. */
async function cutLeaderOff(cluster: OvsdbCluster, folder: string): Promise<readonly RawJson[]> {
  const leader = await cluster.waitForLeader();
  const followers = await cluster.followers();
  const member = cluster.member(leader);
  const rows = await nodes(member.unix);
  for (const index of followers) cluster.member(index).pause();
  const lost = rawCall(member.unix, "transact", ["Lab", insert("never-committed")]).catch(() => undefined);
  const isWritten = (): boolean => readFileSync(cluster.file(leader), "utf8").includes("never-committed");
  await waitFor(isWritten, { what: "an entry of the leader alone" });
  await member.kill();
  await lost;
  copyFileSync(cluster.file(leader), join(folder, "cut-off.db"));
  for (const index of followers) cluster.member(index).resume();
  const next = await cluster.waitForLeader({ not: leader });
  await transact(cluster.member(next).unix, insert("instead"));
  await member.start();
  await cluster.waitConnected();
  return rows;
}

/** Writes, a conversion, a compaction, a cut-off leader; leaves the files of the members in the folder. */
export async function recordFiles(cluster: OvsdbCluster, folder: string): Promise<FileFacts> {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const rows: Record<string, readonly RawJson[]> = { standalone: await standalone(folder) };
  const leader = cluster.member(await cluster.waitForLeader());
  const [follower = 0, other = 0] = await cluster.followers();
  await fill(leader.unix);
  await transact(cluster.member(follower).unix, insert("through a follower"));
  await cluster.waitConnected();
  await cluster.member(other).appctl("ovsdb-server/compact", "Lab");
  await convert(cluster.dir, leader.unix);
  await transact(leader.unix, insert("after", { note: "of the new schema" }));
  rows["cut-off"] = await cutLeaderOff(cluster, folder);
  await transact(cluster.member(await cluster.waitForLeader()).unix, insert("last"));
  await cluster.waitConnected();
  const last = await nodes(cluster.member(await cluster.waitForLeader()).unix);
  const names = ["a", "b", "c"] as const;
  const cid = await cluster.cid();
  const sids: Record<string, string> = {};
  for (const member of cluster.members) await member.kill();
  for (const [index, name] of names.entries()) {
    sids[name] = await cluster.sid(index);
    rows[name] = last;
    copyFileSync(cluster.file(index), join(folder, `${name}.db`));
  }
  const check = await tool("check-cluster", ...names.map((name) => join(folder, `${name}.db`)));
  const converted: string[] = [];
  for (const name of [...names, "cut-off"]) {
    const { exit } = await tool("cluster-to-standalone", join(folder, `${name}.tool.db`), join(folder, `${name}.db`));
    if (exit === 0) converted.push(name);
  }
  // Whoever locks a file leaves this beside it.
  await runCommand("find", [folder, "-name", ".*", "-type", "f", "-delete"]);
  return { rows, sids, cid, check: { ...check, output: check.output.replaceAll(`${folder}/`, "") }, converted };
}

async function tool(...args: string[]): Promise<{ exit: number; output: string }> {
  try {
    return { exit: 0, output: await runCommand("ovsdb-tool", args) };
  } catch (error) {
    const cause = (error as Error).cause as { code?: number; stderr?: string } | undefined;
    return { exit: cause?.code ?? -1, output: cause?.stderr ?? String(error) };
  }
}
