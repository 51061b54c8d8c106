/** All members are gone and their files are left: which one does a recovery start from, and what would another one lose? */
import { join } from "node:path";
import { checkCluster, clusterToStandalone, rank } from "@ovnha/dbfile";
import { openDatabase } from "@ovnha/ovsdb";
import { inLab } from "./lab.ts";

await inLab(
  "after-disaster",
  "Ranks the files of a dead cluster's members, and makes one database of the best.",
  async (lab) => {
    const { cluster } = lab;
    if (cluster === undefined) {
      console.log("It reads files: run ovn-backup rank FILE FILE FILE instead.");
      return;
    }
    {
      await using db = await openDatabase("OVN_Northbound", { remote: lab.remote });
      const write = (name: string): Promise<unknown> => db.transact((tx) => void tx.insert("Logical_Switch", { name }));
      await write("all three have this");
      const [behind = 0] = await cluster.followers();
      await cluster.member(behind).kill("SIGKILL");
      await write("two have this");
    }
    for (const member of cluster.members) await member.kill("SIGKILL");
    const files = cluster.members.map((_, index) => cluster.file(index));
    const nameOf = (path: string): string => `member${files.indexOf(path)}`;
    const { best, files: ranked } = await rank(files);
    for (const file of ranked) {
      console.log(`${file.rank ?? "-"}. ${nameOf(file.path)}: ${file.fitness}; ${file.reasons.join("; ")}`);
      for (const loss of file.loses)
        console.log(`     lacks ${loss.entries} entries of ${nameOf(loss.file)}, ${loss.committed} of them committed`);
    }
    const { findings } = await checkCluster(files);
    console.log(`the files together: ${findings.map(({ code }) => code).join(", ") || "nothing is wrong"}`);
    if (best === undefined) throw new Error("no file can be started from");
    const target = join(cluster.dir, "recovered.db");
    await clusterToStandalone(best.path, target);
    console.log("recovered.db is a standalone database with every acknowledged write");
  },
);
