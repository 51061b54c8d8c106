/** Both databases of a lost cluster restored as one pair, on real servers: six of them, three members. */
import { randomUUID } from "node:crypto";
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { localRunner } from "@ovnha/runner";
import { dumpRows, ovsdbTransact, realOvs, removeFolder, runCommand, SCHEMAS, temporaryFolder } from "@ovnha/testkit";
import { afterAll, expect, test } from "vitest";
import {
  checkDirectories,
  type ClusterDescription,
  executeRestore,
  lookAtSource,
  planRestore,
  surveyRestore,
  takeBackup,
} from "../../src/index.ts";
import { type Lab, startLab } from "./members.ts";

const folder = temporaryFolder();
afterAll(() => removeFolder(folder));

test.skipIf(realOvs() === "skip")(
  "a pair: every row of both databases is back on every member, and check-dirs takes the new servers",
  { timeout: 120_000 },
  async () => {
    await using nb = await labOf("nb");
    await using sb = await labOf("sb");
    await ovsdbTransact(nb.remotes.join(","), "OVN_Northbound", [
      { op: "insert", table: "NB_Global", row: { nb_cfg: 5 } },
      { op: "insert", table: "Logical_Switch", row: { name: "second" } },
    ]);
    await ovsdbTransact(sb.remotes.join(","), "OVN_Southbound", [
      { op: "insert", table: "SB_Global", row: { nb_cfg: 5 } },
    ]);
    const into = join(folder, "backups");
    mkdirSync(into);
    const { backups } = await takeBackup({
      into,
      gzip: true,
      databases: [
        { database: "OVN_Northbound", remote: nb.remotes.join(",") },
        { database: "OVN_Southbound", remote: sb.remotes.join(",") },
      ],
    });
    expect(backups.map(({ manifest }) => manifest.nbCfg)).toEqual([5, 5]);
    const wanted = [await rowsOf(nb, "OVN_Northbound"), await rowsOf(sb, "OVN_Southbound")];

    // Every server is lost, and most of the files.
    for (const lab of [nb, sb]) {
      for (const index of lab.folders.keys()) await lab.service("stop", index);
      for (const home of lab.folders.slice(1)) rmSync(join(home, "db.db"));
    }
    const identityPath = join(folder, "identity.json");
    const cluster: ClusterDescription = { ...pairOf(nb, sb), identityPath };
    const checked = { profile: { ...cluster.profile, directories: [] }, identityPath, remember: true };
    const [first] = cluster.members;
    const profile = { ...checked.profile, databases: first?.databases ?? checked.profile.databases };
    expect(await checkDirectories({ ...checked, profile })).toMatchObject({ fit: true, remembered: true });

    const nowMs = Date.now();
    const workFolder = join(folder, "work");
    const runners = Object.fromEntries(cluster.members.map(({ name }) => [name, localRunner()]));
    const sources = [];
    for (const { path } of backups) sources.push(await lookAtSource(path, { nowMs }));
    const facts = await surveyRestore(cluster, { runners, databases: ["nb", "sb"], sources, workFolder });
    const plan = planRestore(cluster, facts, { id: "000000aa", nowMs, drawUuid: randomUUID, workFolder });
    expect(plan.findings.filter(({ severity }) => severity === "refuse")).toEqual([]);
    const result = await executeRestore(plan, { runners, execute: true });
    expect(result, "reason" in result ? result.reason : "").toMatchObject({ outcome: "restored" });

    await Promise.all([nb.connected(), sb.connected()]);
    const found = [await rowsOf(nb, "OVN_Northbound"), await rowsOf(sb, "OVN_Southbound")];
    expect(found).toEqual(wanted);
    // What the host remembered made way: nothing is refused, and the new servers are remembered.
    expect(await checkDirectories({ ...checked, profile })).toMatchObject({ fit: true, remembered: true });
  },
);

async function labOf(key: "nb" | "sb"): Promise<Lab> {
  const source = join(folder, `${key}.source.db`);
  await runCommand("ovsdb-tool", ["create", source, key === "nb" ? SCHEMAS.northbound : SCHEMAS.southbound]);
  return startLab(source, key);
}

/** Members that have both: the labs' members, laid on one another. */
function pairOf(nb: Lab, sb: Lab): ClusterDescription {
  const members = nb.cluster.members.map((member, index) => {
    const other = sb.cluster.members[index] ?? member;
    return {
      ...member,
      addresses: { ...member.addresses, ...other.addresses },
      databases: { nb: member.databases.nb, sb: other.databases.sb },
    };
  });
  return { ...nb.cluster, members };
}

/** Of every member, without what a server makes up when it reads a file. */
async function rowsOf(lab: Lab, database: string): Promise<Map<string, Map<string, object>>[]> {
  const all = await Promise.all(lab.remotes.map((remote) => dumpRows(remote, database)));
  return all.map(
    (tables) =>
      new Map(
        [...tables].map(([table, rows]) => [
          table,
          new Map([...rows].map(([uuid, { _version, ...row }]) => [uuid, row])),
        ]),
      ),
  );
}
