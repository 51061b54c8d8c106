/**
 * The simulator's promises. It has no rival on this machine: the bars are absolute, and said to be. Rates of one core count
 * its CPU time (the collector's threads too), and are the best of twenty rounds in a process of its own, for whatever else runs
 * on the machine can only slow a round down; the median is told beside it. OVNHA_BENCH_YEAR=1 takes a whole year for the row
 * about memory, which needs some minutes.
 */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { findScenario, sweep } from "@ovnha/simulator";
import { runChild } from "./child.ts";
import { type Finding, median, verdict } from "./table.ts";

const alone = (promise: string, ours: string, bar: string, isHeld: boolean): Finding => ({
  promise: `simulator: ${promise}`,
  rival: "—",
  ours,
  theirs: "",
  ratio: "",
  bar,
  verdict: verdict(isHeld),
});

const measure = <Answer>(...args: readonly string[]): Answer => runChild<Answer>("simulate.mjs", args);

/** `memory` needs to be able to ask for a collection. */
function memoryOver(days: number): { readonly before: number; readonly grown: number; readonly acked: number } {
  const child = fileURLToPath(new URL("children/simulate.mjs", import.meta.url));
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    ["--expose-gc", "--max-old-space-size=512", child, "memory", String(days)],
    { encoding: "utf8" },
  );
  if (status !== 0) throw new Error(`simulate.mjs memory: ${stderr}`);
  return JSON.parse(stdout) as ReturnType<typeof memoryOver>;
}

type Hashes = { readonly node: string; readonly hashes: Readonly<Record<string, string>> };

/** Another Node.js comes from the registry, by npx; without a network there is none, and the table says so. */
function hashesOn(major: number): Hashes | undefined {
  if (process.version.startsWith(`v${major}.`)) return measure<Hashes>("hashes");
  const child = fileURLToPath(new URL("children/simulate.mjs", import.meta.url));
  const { stdout, status } = spawnSync("npx", ["-y", "-p", `node@${major}`, "node", child, "hashes"], {
    encoding: "utf8",
    timeout: 300_000,
  });
  return status === 0 ? (JSON.parse(stdout.trim().split("\n").at(-1) ?? "null") as Hashes) : undefined;
}

function sameEverywhere(): Finding {
  const asked = [20, 22, 24].map((major) => ({ major, answer: hashesOn(major) }));
  const answers = asked.flatMap(({ answer }) => answer ?? []);
  const [first] = answers;
  const different = new Set<string>();
  for (const { node, hashes } of answers) {
    console.error(`  ${node.padEnd(9)} ${Object.values(hashes).join(" ")}`);
    for (const [run, hash] of Object.entries(hashes))
      if (hash !== first?.hashes[run]) different.add(`${run} on ${node}`);
  }
  const missing = asked.filter(({ answer }) => answer === undefined).map(({ major }) => `${major} was not to be had`);
  const same = `${Object.keys(first?.hashes ?? {}).length} runs alike on ${answers.map(({ node }) => node).join(", ")}`;
  const ours = [different.size === 0 ? same : `other hashes: ${[...different].join(", ")}`, ...missing].join("; ");
  return alone("trace hashes across Node.js", ours, "the same on 20, 22, 24", different.size + missing.length === 0);
}

export async function simulator(): Promise<Finding[]> {
  const findings: Finding[] = [];
  const faster = measure<number[]>("idle");
  findings.push(
    alone(
      "idle cluster, all checkers",
      `${Math.round(Math.max(...faster))}× (median ${Math.round(median(faster))}×)`,
      "≥ 100000× real time",
      Math.max(...faster) >= 1e5,
    ),
  );

  const millions = measure<number[]>("events").map((rate) => rate / 1e6);
  findings.push(
    alone(
      "events, mixed faults, all checkers",
      `${Math.max(...millions).toFixed(2)} M/s (median ${median(millions).toFixed(2)})`,
      "≥ 1.50 M/s",
      Math.max(...millions) >= 1.5,
    ),
  );

  const seconds = measure<number>("elections");
  findings.push(alone("10000 elections of five servers", `${seconds.toFixed(2)} s`, "≤ 5 s", seconds <= 5));

  const s1 = findScenario("s1");
  const slow = { ...s1, clients: s1.clients.map((client) => ({ ...client, perSecond: 1 })), expect: {} };
  const startMs = performance.now();
  await sweep(slow, { seeds: 1000, workers: 2 });
  const swept = (performance.now() - startMs) / 1000;
  findings.push(alone("1000 seeds of s1, two cores", `${swept.toFixed(2)} s`, "≤ 5 s", swept <= 5));

  const program = fileURLToPath(new URL("../packages/simulator/dist/quorum-sim.js", import.meta.url));
  const cold = (seeds: number): { readonly best: number; readonly middle: number } => {
    const tries = Array.from({ length: 15 }, () => {
      const fromMs = performance.now();
      spawnSync(process.execPath, [program, "what-if", "--seeds", String(seeds)]);
      return performance.now() - fromMs;
    });
    return { best: Math.min(...tries), middle: median(tries) };
  };
  const [one, hundred] = [cold(1), cold(100)];
  findings.push(
    alone(
      "a what-if, cold",
      `${one.best.toFixed(0)} ms (median ${one.middle.toFixed(0)}; 100 seeds: ${hundred.middle.toFixed(0)} ms)`,
      "≤ 300 ms",
      one.best <= 300,
    ),
  );

  const isYear = process.env["OVNHA_BENCH_YEAR"] === "1";
  const { grown, acked } = memoryOver(isYear ? 365 : 30);
  findings.push(
    alone(
      `memory, ${isYear ? "a year" : "a month"} against three days`,
      `${(grown / 2 ** 20).toFixed(1)} MiB more, ${acked} writes`,
      "flat (≤ 16 MiB)",
      grown <= 16 * 2 ** 20,
    ),
  );

  findings.push(sameEverywhere());
  return findings;
}
