/** The simulator's promises. It has no rival on this machine: the bars are absolute, and said to be. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { findScenario, parseScenario, simulate, sweep } from "@ovnha/simulator";
import { type Finding, median, verdict } from "./table.ts";

const IDLE = parseScenario(
  "version: 1\nname: idle\ncluster: { members: 3, timer: 1s }\nclients: []\nrun: { for: 10h }\n",
);

const timed = <T>(run: () => T): { readonly ms: number; readonly value: T } => {
  const startMs = performance.now();
  const value = run();
  return { ms: performance.now() - startMs, value };
};

const alone = (promise: string, ours: string, bar: string, isHeld: boolean): Finding => ({
  promise,
  rival: "—",
  ours,
  theirs: "",
  ratio: "",
  bar,
  verdict: verdict(isHeld),
});

export async function simulator(): Promise<Finding[]> {
  const findings: Finding[] = [];
  simulate(IDLE, { trace: "none" });
  const idle = median(
    [1, 2, 3].map((seed) => timed(() => simulate({ ...IDLE, forMs: 864e5 }, { seed, trace: "none" })).ms),
  );
  findings.push(
    alone(
      "simulator: idle cluster, all checkers",
      `${Math.round(864e5 / idle)}×`,
      "≥ 100000× real time",
      864e5 / idle >= 1e5,
    ),
  );

  const mixed = findScenario("s25");
  for (let seed = 1; seed <= 20; seed++) simulate(mixed, { seed, trace: "none" });
  let events = 0;
  const { ms } = timed(() => {
    for (let seed = 100; seed < 180; seed++) events += simulate(mixed, { seed, trace: "none" }).events;
  });
  const rate = (events * 1000) / ms;
  findings.push(
    alone(
      "simulator: events, mixed faults, all checkers",
      `${(rate / 1e6).toFixed(2)} M/s`,
      "≥ 1.50 M/s",
      rate >= 1.5e6,
    ),
  );

  const five = parseScenario(
    `version: 1\nname: five\ncluster: { members: 5, timer: 1s }\nclients: []\nschedule:\n${Array.from({ length: 50 }, (_, i) => `  - { at: ${(i + 1) * 5}s, restart: leader, down: 3s }\n`).join("")}run: { for: 255s }\n`,
  );
  const elections = timed(() => {
    let count = 0;
    for (let seed = 1; count < 10_000; seed++) count += simulate(five, { seed, trace: "none" }).leaderChanges;
    return count;
  });
  const seconds = (elections.ms * 10_000) / elections.value / 1000;
  findings.push(alone("simulator: 10000 elections of five servers", `${seconds.toFixed(2)} s`, "≤ 5 s", seconds <= 5));

  const s1 = findScenario("s1");
  const slow = { ...s1, clients: s1.clients.map((client) => ({ ...client, perSecond: 1 })), expect: {} };
  const startMs = performance.now();
  await sweep(slow, { seeds: 1000, workers: 2 });
  const swept = (performance.now() - startMs) / 1000;
  findings.push(alone("simulator: 1000 seeds of s1, two cores", `${swept.toFixed(2)} s`, "≤ 5 s", swept <= 5));

  const program = fileURLToPath(new URL("../packages/simulator/dist/quorum-sim.js", import.meta.url));
  const cold = median(
    [1, 2, 3, 4, 5].map(() => timed(() => spawnSync(process.execPath, [program, "what-if", "--seeds", "1"])).ms),
  );
  findings.push(alone("simulator: a what-if, cold", `${cold.toFixed(0)} ms`, "≤ 300 ms", cold <= 300));

  const year = { ...IDLE, forMs: 30 * 864e5 };
  globalThis.gc?.();
  const before = process.memoryUsage().rss;
  simulate({ ...year, forMs: year.forMs / 10 }, { trace: "none" });
  const tenth = process.memoryUsage().rss;
  simulate(year, { trace: "none" });
  const grown = (process.memoryUsage().rss - Math.max(before, tenth)) / 2 ** 20;
  findings.push(
    alone(
      "simulator: memory, a month against three days",
      `${grown.toFixed(0)} MiB more`,
      "flat (≤ 16 MiB)",
      grown <= 16,
    ),
  );
  return findings;
}
