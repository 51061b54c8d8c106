/** A full sync of 210,000 rows into an indexed replica: wall time, CPU, memory, and the longest stall of the event loop. */
import type { OvsdbCluster } from "@ovnha/testkit";
import { runChild, timed } from "./child.ts";
import { absent, type Finding, median, verdict } from "./table.ts";

type Ours = { wallMs: number; processCpuMs: number; rssMiB: number; stallMs: number; rows: number };
type Bare = { wallMs: number; bytes: number };

/** The C IDL on the same tables with all their columns: `find` keeps a replica of what it searches. */
export const IDL_FIND: readonly string[] = [
  "--",
  "find",
  "Logical_Flow",
  "priority=9",
  "--",
  "find",
  "Port_Binding",
  "tunnel_key=9999999",
];

export async function fullSync(cluster: OvsdbCluster, rounds = 3): Promise<Finding[]> {
  // A follower serves, so that what the leader does besides is not measured.
  const leader = await cluster.waitForLeader();
  const remote = cluster.member((leader + 1) % cluster.members.length).remote;
  const ours: Ours[] = [];
  const bare: Bare[] = [];
  const idl: { wallMs: number; cpuMs: number; rssMiB: number }[] = [];
  for (let round = 0; round < rounds; round++) {
    bare.push(runChild<Bare>("sync-bare.mjs", [remote]));
    ours.push(runChild<Ours>("sync-ours.mjs", [remote]));
    const usage = timed("ovn-sbctl", ["--no-leader-only", `--db=${remote}`, ...IDL_FIND]);
    if (usage !== undefined) idl.push(usage);
  }
  const wallMs = median(ours.map((run) => run.wallMs));
  const bareMs = median(bare.map((run) => run.wallMs));
  const cpuMs = median(ours.map((run) => run.processCpuMs));
  const rssMiB = median(ours.map((run) => run.rssMiB));
  const stallMs = median(ours.map((run) => run.stallMs));
  const mib = (bare[0]?.bytes ?? 0) / 2 ** 20;
  const seconds = (ms: number): string => `${(ms / 1000).toFixed(2)} s`;
  const size = `${ours[0]?.rows} rows, ${mib.toFixed(0)} MiB`;
  const cpu = `full sync (${size}): client CPU`;
  const memory = "full sync: peak resident memory";
  return [
    {
      promise: `full sync (${size}): wall time`,
      rival: "bare socket",
      ours: seconds(wallMs),
      theirs: seconds(bareMs),
      ratio: (wallMs / bareMs).toFixed(2),
      bar: "≤ 1.10",
      verdict: verdict(wallMs <= 1.1 * bareMs),
    },
    idl.length === 0
      ? absent(cpu, "C IDL (ovn-sbctl)", "≤ 0.60", seconds(cpuMs))
      : ((theirs) => ({
          promise: cpu,
          rival: "C IDL (ovn-sbctl)",
          ours: seconds(cpuMs),
          theirs: seconds(theirs),
          ratio: (cpuMs / theirs).toFixed(2),
          bar: "≤ 0.60",
          verdict: verdict(cpuMs <= 0.6 * theirs),
        }))(median(idl.map((run) => run.cpuMs))),
    {
      promise: memory,
      rival: "C IDL (ovn-sbctl)",
      ours: `${rssMiB.toFixed(0)} MiB`,
      theirs: idl.length === 0 ? "not installed" : `${median(idl.map((run) => run.rssMiB)).toFixed(0)} MiB`,
      ratio: idl.length === 0 ? "" : (rssMiB / median(idl.map((run) => run.rssMiB))).toFixed(2),
      bar: "≤ 450 MB",
      verdict: verdict(rssMiB * 1.048576 <= 450),
    },
    {
      promise: "full sync: longest stall of the event loop",
      rival: "—",
      ours: `${stallMs.toFixed(0)} ms`,
      theirs: "",
      ratio: "",
      bar: "≤ 50 ms",
      verdict: verdict(stallMs <= 50),
    },
  ];
}
