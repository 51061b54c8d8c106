/** An online backup of 210,000 rows, as its users run it: wall time, CPU and memory, against `ovsdb-client backup`. */
import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { OvsdbCluster } from "@ovnha/testkit";
import { timed, type Usage } from "./child.ts";
import { absent, type Finding, median, verdict } from "./table.ts";

const PROGRAM = fileURLToPath(new URL("../packages/backup/dist/ovn-backup.js", import.meta.url));
const DATABASE = "OVN_Southbound";

/** The cluster holds a southbound database; a follower serves both, so that what the leader does besides is not measured. */
export async function backup(cluster: OvsdbCluster, rounds = 3): Promise<Finding[]> {
  const leader = await cluster.waitForLeader();
  const follower = cluster.member((leader + 1) % cluster.members.length).remote;
  const folder = mkdtempSync(join(tmpdir(), "ovnha-bench-backup-"));
  const ours: Usage[] = [];
  const theirs: Usage[] = [];
  let mib = 0;
  try {
    for (let round = 0; round < rounds; round++) {
      const into = mkdtempSync(join(folder, "ours-"));
      // It asks all three members which of them is current; ovsdb-client believes the one that it is given.
      const args = ["take", "--into", into, "--db", `${DATABASE}=${cluster.remote}`, "--no-verify"];
      const usage = timed(process.execPath, [PROGRAM, ...args]);
      if (usage !== undefined) ours.push(usage);
      const made = readdirSync(into);
      if (made.length !== 2) throw new Error(`ovn-backup made ${made.join(", ") || "nothing"}; was it built?`);
      const target = join(folder, `theirs-${round}`);
      // The shell becomes ovsdb-client, so that its output goes to a file and not through a pipe to us.
      const rival = ["-c", 'exec ovsdb-client backup "$0" "$1" > "$2" 2> "$2.log"', follower, DATABASE, target];
      const other = timed("sh", rival);
      if (other !== undefined) theirs.push(other);
      mib = statSync(target).size / 2 ** 20;
      for (const path of [into, target]) rmSync(path, { recursive: true });
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  const of = (name: keyof Usage, usages: readonly Usage[]): number => median(usages.map((usage) => usage[name]));
  const seconds = (ms: number): string => `${(ms / 1000).toFixed(2)} s`;
  const rival = "ovsdb-client backup";
  const what = `online backup (210000 rows, ${mib.toFixed(0)} MiB)`;
  if (theirs.length === 0 || ours.length === 0) return [absent(what, rival, "≤ 1.00", "")];
  const compare = (name: "wallMs" | "cpuMs", promise: string, bar: number): Finding => {
    const [mine, its] = [of(name, ours), of(name, theirs)];
    return {
      promise,
      rival,
      ours: seconds(mine),
      theirs: seconds(its),
      ratio: (mine / its).toFixed(2),
      bar: `≤ ${bar.toFixed(2)}`,
      verdict: verdict(mine <= bar * its),
    };
  };
  const [memory, itsMemory] = [of("rssMiB", ours), of("rssMiB", theirs)];
  return [
    compare("wallMs", `${what}: wall time`, 1),
    compare("cpuMs", "online backup: CPU", 0.8),
    {
      promise: "online backup: peak resident memory",
      rival,
      ours: `${memory.toFixed(0)} MiB`,
      theirs: `${itsMemory.toFixed(0)} MiB`,
      ratio: (memory / itsMemory).toFixed(2),
      bar: "≤ 300 MB",
      verdict: verdict(memory * 1.048576 <= 300),
    },
  ];
}
