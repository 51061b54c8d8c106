/**
 * The first contact. Without arguments: the founding story on the simulator, two masters restarted too fast, one wiped on
 * boot, and then the order and the wait that lose nothing. With `--real`: the same on three real ovsdb-servers.
 */
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { findScenario, planWait, report, type Run, type Scenario, simulate, sweep, timeline } from "@ovnha/simulator";

const usage = `Usage: npm start -- [--real]

The story that this project exists for, on the simulator: masters are restarted one after another, too fast, with a wiped
disk, and as it should be done. It takes about half a minute and writes a report for a browser.

  --real   on three real ovsdb-servers instead, with a client that writes all the time
  --help   this text`;

const TRIES = 200;
const tell = (text = ""): void => console.log(text);

/** What is under way, on a terminal alone: nothing of it stays. */
function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
}

type Page = { readonly file: string; readonly text: string; readonly scenario: Scenario; readonly run: Run };

async function chapter(number: number, text: string, what: string): Promise<{ page: Page; isExpected: boolean }> {
  const scenario = findScenario(what);
  tell(`\n${number}. ${text}\n`);
  const run = simulate(scenario, { seed: 1, trace: "full" });
  for (const line of timeline(run, 90)) tell(`   ${line}`);
  const many = await sweep(scenario, {
    seeds: TRIES,
    workers: 1,
    onProgress: (done, of) => progress(`chapter ${number} of 3: ${done} of ${of} tries`),
  });
  progress("");
  const { configured, needed, alive, ghosts } = run.quorum;
  tell(`\n   verdict   ${run.verdict.word}: ${run.verdict.text}`);
  tell(
    `   quorum    ${needed} of ${configured} must agree; ${alive} run${ghosts > 0 ? `; ${ghosts} of the ${configured} are ghosts, ids that nobody has any more` : ""}`,
  );
  tell(`   recovery  ${run.verdict.recovery}`);
  const counted = Object.entries(many.words).filter(([, count]) => count > 0);
  const { p50, max } = many.outageMs;
  const seconds = (ms: number): string => `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s`;
  const pause =
    max === 0
      ? "writes never stop"
      : p50 < 100
        ? `writes pause for ${seconds(max)} at worst`
        : `no writes for ${seconds(p50)} in the middle, ${seconds(max)} at worst`;
  const tries = counted.map(([word, count]) => `${word} in ${count}`).join(", ");
  tell(`   chance    ${tries} of ${many.seeds} tries; ${many.words.permanent > 0 ? "the pause never ends" : pause}`);
  tell(`   why       ${wrapped(scenario.reason)}`);
  const page = { file: `${number}-${scenario.name}.html`, text: `${number}. ${text}`, scenario, run };
  return { page, isExpected: many.failedCount === 0 && many.failures.length === 0 };
}

/** In lines of about a hundred characters, under the first. */
function wrapped(text: string): string {
  return text.replace(/(.{60,96}?) /g, "$1\n             ");
}

async function plan(): Promise<void> {
  progress("trying plans");
  const masters = {
    members: 3,
    electionTimerMs: 1000,
    order: ["m2", "m3", "m1"],
    downMs: 6000,
    profile: "3.7.1",
    seeds: 20,
  };
  const found = await planWait({ ...masters, how: "exit", wait: "healthy" });
  progress("");
  const wait =
    found.smallestWaitMs === undefined
      ? "no fixed wait will do"
      : `if you can only wait by the clock: at least ${found.smallestWaitMs / 1000} s between two stops, here, where each is down for six`;
  tell(`   the plan  ${found.steps.map(({ member }) => member).join(", then ")}: followers first, the leader last`);
  tell(`   its gate  ${found.steps[0]?.gate.join("\n             ")}`);
  tell(`   or else   ${wait}`);
}

/** A page for each chapter, each with links to the others. Gives the path of the first. */
function write(pages: readonly Page[]): string {
  const folder = mkdtempSync(join(tmpdir(), "ovnha-story-"));
  for (const { file, scenario, run } of pages) {
    const links = pages.map((each) => ({ text: each.text, href: each.file, isHere: each.file === file }));
    writeFileSync(join(folder, file), report(run, { title: scenario.title, reason: scenario.reason, links }));
  }
  return join(folder, pages[0]?.file ?? "");
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
  tell("Three servers keep OVN's network: two of the three must run and agree, or nothing in it changes any more.");
  tell("An operator restarts the masters. This is a simulation of their Raft, held against real ovsdb-servers.");
  const chapters = [
    await chapter(1, "One after another, two seconds apart, each down for six", "s1"),
    await chapter(2, "Each waits until the last one has joined, but the disks are wiped on boot", "s5"),
    await chapter(3, "The same masters, each waits until all is well, and exits in good order", "s2"),
  ];
  await plan();
  tell(`\nThe report, for a browser: ${write(chapters.map(({ page }) => page))}`);
  tell("Your own plan:             npm run sim -- plan --down 40s --timer 5s");
  tell("On real servers:           npm start -- --real");
  return chapters.every(({ isExpected }) => isExpected) ? 0 : 1;
}

process.exitCode = await main();
