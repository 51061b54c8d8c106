/**
 * The first contact. Without arguments: the founding story on the simulator, three masters restarted too fast, the same
 * with wiped disks, and the same with a wait. With `--real`: three real ovsdb-servers and a leader that is killed.
 */
import { parseArgs } from "node:util";
import { findScenario, type Run, simulate, sweep, timeline } from "@ovnha/simulator";

const usage = `Usage: npm start -- [--real]

The story that this project exists for, on the simulator: three masters are restarted one after another.

  --real   on three real ovsdb-servers instead: a client writes while the leader is killed
  --help   this text`;

const tell = (text = ""): void => console.log(text);

function picture(run: Run): void {
  for (const line of timeline(run, 90).slice(0, -1)) tell(`  ${line}`);
}

async function chapter(title: string, name: string): Promise<boolean> {
  const scenario = findScenario(name);
  const run = simulate(scenario, { seed: 1 });
  tell(`\n${title}\n`);
  picture(run);
  const many = await sweep(scenario, { seeds: 30, workers: 1 });
  const words = Object.entries(many.words).filter(([, count]) => count > 0);
  const counted = words.map(([word, count]) => `${word} in ${count} of ${many.seeds} tries`).join(", ");
  const { p50, max } = many.outageMs;
  const longest =
    max === 0
      ? "writes never stop"
      : `no writes for ${(p50 / 1000).toFixed(1)} s, at worst ${(max / 1000).toFixed(1)} s`;
  tell(`  → ${counted}: ${many.words.permanent > 0 ? run.verdict.text : longest}`);
  return many.failedCount === 0 && many.failures.length === 0;
}

async function main(): Promise<number> {
  let values: { real?: boolean | undefined; help?: boolean | undefined };
  try {
    ({ values } = parseArgs({ options: { real: { type: "boolean" }, help: { type: "boolean", short: "h" } } }));
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${usage}`);
    return 2;
  }
  if (values.help === true) {
    tell(usage);
    return 0;
  }
  if (values.real === true) return (await import("./start-real.ts")).startReal();
  tell("Three servers keep OVN's network: two of three must run and agree. An operator restarts all of them.");
  const isExpected = [
    await chapter("1. One after another, two seconds apart, each down for six", "s1"),
    await chapter("2. The same patience as an impatient script, but the state directories are wiped on boot", "s5"),
    await chapter("3. Each waits until the others are well, and exits in good order", "s2"),
  ];
  tell("\n  █ leads  ─ follows  ? candidate  j joins  · no write came through");
  tell("\nYour own plan:  npm run sim -- what-if --restart m1,m2,m3 --down 40s --wait 10s --timer 5s");
  tell("On real servers: npm start -- --real");
  return isExpected.every(Boolean) ? 0 : 1;
}

process.exitCode = await main();
