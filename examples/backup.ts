/** A backup that one can trust: both databases as one pair, checked, rehearsed on a scratch server, and old ones counted. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { rehearse, rotate, takeBackup, verifyBackup } from "@ovnha/backup";
import { openDatabase } from "@ovnha/ovsdb";
import { inPair } from "./pair.ts";

await inPair("backup", "Backs up both databases, verifies, rehearses, and plans what may go.", async (pair) => {
  const remotes = { OVN_Northbound: pair.remotes.nb.join(","), OVN_Southbound: pair.remotes.sb.join(",") };
  if (pair.own !== undefined) {
    await using db = await openDatabase("OVN_Northbound", { remote: remotes.OVN_Northbound });
    await db.transact((tx) => {
      for (let i = 0; i < 1000; i++) tx.insert("Logical_Switch", { name: `sw${i}` });
    });
  }
  const into = await mkdtemp(join(tmpdir(), "ovn-backups-"));
  try {
    const databases = Object.entries(remotes).map(([database, remote]) => ({ database, remote }));
    const { backups, warnings } = await takeBackup({ databases, into, gzip: true });
    for (const warning of warnings) console.log(`warning: ${warning}`);
    for (const { path, manifest } of backups) {
      const rows = Object.values(manifest.rows).reduce((sum, count) => sum + count, 0);
      console.log(`${manifest.database}: ${rows} rows as of index ${manifest.cluster?.index}`);
      const live = { remote: remotes[manifest.database as keyof typeof remotes] };
      const report = await verifyBackup(path, { live, record: true });
      console.log(`  verified: ${report.ok ? "whole" : report.problems.map(({ message }) => message).join("; ")}`);
      const rehearsal = await rehearse(path);
      console.log(
        `  rehearsed on ovsdb-server ${rehearsal.server}: ${rehearsal.ok ? "every row is back" : "it differs"}, ${rehearsal.restoreMs} ms`,
      );
      if (!report.ok || !rehearsal.ok) process.exitCode = 1;
    }
    const { keep, remove } = await rotate({ folder: into, policy: { last: 3, daily: 7, weekly: 4 } });
    console.log(`to keep: ${keep.length}, to remove: ${remove.length} (a plan; nothing was removed)`);
  } finally {
    await rm(into, { recursive: true });
  }
});
