/** The command: what it prints, and how it ends. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { runQuorumSim } from "../src/edge/cli/quorum-sim.ts";
import { VERSION } from "../src/version.ts";

async function run(
  ...args: readonly string[]
): Promise<{ status: number; out: string; err: string; files: Map<string, string> }> {
  let out = "";
  let err = "";
  const files = new Map<string, string>();
  const status = await runQuorumSim(args, {
    out: (text) => {
      out += text;
    },
    err: (text) => {
      err += text;
    },
    isTerminal: false,
    columns: 100,
    signal: new AbortController().signal,
    writeFile: (path, text) => void files.set(path, text),
  });
  return { status, out, err, files };
}

describe("quorum-sim", () => {
  test.each([
    ...["", "run", "sweep", "what-if", "explore", "twin", "measures", "list", "show"],
    ...["plan", "timer", "odds", "diff", "replay", "shrink", "schema", "map"],
  ])("%s --help", async (name) => {
    const { status, out } = await run(...(name === "" ? [] : [name]), "--help");
    expect(status).toBe(0);
    expect(out).toContain(`Usage: quorum-sim ${name}`.trimEnd());
  });

  test("--version", async () => {
    expect(await run("--version")).toMatchObject({ status: 0, out: `${VERSION}\n`, err: "" });
  });

  test.each([
    [["replay", "s1"], "s1: no failure is saved in it. shrink s1 --save FILE"],
    [["sweep", "s1", "--faults", "3"], "--faults is for random faults, and s1 has a schedule of its own"],
    [["sweep", "s1", "--identity-faults"], "--identity-faults is for random faults"],
    [["run", "s5-wipe-roling"], "did you mean s5-wipe-rolling?"],
    [["run", "mixed-versions"], "did you mean s20-mixed-versions?"],
    [["run", "s1", "--html", "/proc/x.html"], "--html /proc/x.html: it may not be written"],
    [["map", "--svg", "/proc/x.svg"], "--svg /proc/x.svg: it may not be written"],
    [["shrink", "s5", "--save", "/proc/x.yaml"], "--save /proc/x.yaml: it may not be written"],
    [["fly"], "unknown command 'fly'"],
    [["run"], "missing required argument 'scenario'"],
    [["run", "nothing.yaml"], 'no file and no shipped scenario "nothing.yaml"'],
    [["run", "s1", "--seed", "x"], "Not a whole number"],
    [["run", "s1", "--profile", "1.0"], "1.0"],
    [["what-if", "--restart", "m9"], 'there is no member "m9"'],
    [["what-if", "--down", "40"], "Not a duration"],
    [["what-if", "--how", "shout"], '"shout" is no way to stop a server'],
    [["twin", "s18"], "s18-power-loss has no twin"],
    [["odds", "--zones", "2,x"], "Not a whole number"],
    [["odds", "--zones", "3,2", "--members", "3"], "--members 3: the 5 members are those of --zones"],
    [["odds", "--zone-availability", "140%"], "Not a share"],
    [["timer", "--stall", "2s", "--stall-p99", "1s"], "--stall-p99 is shorter than --stall"],
    [["timer", "--stall", "0s"], "stalls: 0 < p50"],
    [["plan", "--order", "m7"], 'there is no member "m7"'],
    [["plan", "--profile", "9.9"], "no release 9.9 is known: profiles are 2.13 to 2.17, 3.0 to 3.7, main, kube-ovn"],
    [["run", "s1", "--profile", "3.8.0"], "no release 3.8.0 is known"],
    [["plan", "--order", "m1,m2,m1"], "m1 is restarted twice: name each member once"],
    [["what-if", "--restart", "m2,m2"], "m2 is restarted twice: name each member once"],
    [["what-if", "--kick"], "kick goes with wipe (--kick with --wipe)"],
    [["what-if", "--wait", "soon"], "Not a duration"],
    [["plan", "--wait", "40"], "Not a duration"],
    [
      ["run", "s1", "--html", "no-such-folder/a.html"],
      "--html no-such-folder/a.html: there is no folder no-such-folder",
    ],
    [["run", "s1", "--trace", "."], "--trace .: this is a folder"],
    [["sweep", "--save", "no-such-folder/a.yaml"], "there is no folder no-such-folder"],
    [["shrink", "s5", "--towards", "glory"], "--towards glory: no outcome"],
    [["plan", "--from-status", "package.json"], "package.json: this is not what ovs-appctl cluster/status prints"],
    [["diff", "s1@colour=red", "s1"], '"colour=red" is no setting'],
    [["diff", "s5@members=2", "s5"], "members=2: a whole number from 3"],
    [["replay", "nothing.yaml"], 'no file and no shipped scenario "nothing.yaml"'],
    [["explore", "--members", "12"], "Not a whole number"],
    [["map", "--waits", "5s,soon"], '"soon": Not a duration'],
    [["map", "--downs", "5s,healthy"], '"healthy": Not a duration'],
    [["map", "--downs", "2h"], "downs: 2h is too long; at most 1h"],
    [["map", "--restart", "m9"], 'there is no member "m9"'],
    [["map", "--kick"], "kick goes with wipe"],
    [["map", "--svg", "no-such-folder/a.svg"], "there is no folder no-such-folder"],
  ])("%j is refused with 2", async (args, complaint) => {
    const { status, err } = await run(...args);
    expect(err).toContain(complaint);
    expect(status).toBe(2);
  });

  test("run tells the verdict, and writes the pictures", async () => {
    const { status, out, files } = await run(
      "run",
      "s5",
      "--story",
      "--html",
      "a.html",
      "--mermaid",
      "a.mmd",
      "--trace",
      "a.ndjson",
    );
    expect(status).toBe(0);
    expect(out).toMatch(/^PERMANENT {2}no leader, and none can come/);
    expect(out).toContain("as expected");
    expect([...files.keys()]).toEqual(["a.html", "a.mmd", "a.ndjson"]);
    for (const line of (files.get("a.ndjson") ?? "").trim().split("\n").slice(0, 50))
      expect(JSON.parse(line)).toHaveProperty("atUs");
  });

  test("what a machine reads is JSON with a version", async () => {
    for (const args of [
      ["run", "s4", "--json"],
      ["list", "--json"],
      ["show", "s1", "--json"],
      ["sweep", "s2", "--seeds", "3", "--json"],
      ["what-if", "--seeds", "3", "--json"],
      ["sweep", "--seeds", "5", "--json"],
      ["explore", "--states", "200", "--json"],
      ["odds", "--members", "3", "--samples", "1000", "--json"],
      ["timer", "--json"],
      ["plan", "--down", "2s", "--seeds", "5", "--json"],
      ["diff", "s14", "s14@3.1.0", "--seeds", "3", "--json"],
      ["measures", "--seeds", "20", "--json"],
      ["map", "--waits", "5s", "--downs", "2s", "--seeds", "2", "--json"],
      ["shrink", "s7", "--json"],
    ]) {
      const { out, err } = await run(...args);
      if (args[0] === "shrink") expect(err).toContain('comes to "violation"');
      else expect({ args, version: (JSON.parse(out) as { version: number }).version }).toEqual({ args, version: 1 });
    }
  });

  test("map prints a table, and writes the page and the picture", async () => {
    const axes = ["--waits", "joined,2s", "--downs", "10s,3s", "--seeds", "3"];
    const { status, out, files } = await run("map", ...axes, "--wipe", "--html", "a.html", "--svg", "a.svg");
    expect(status).toBe(0);
    expect(out).toMatch(/^m1, m2, m3 of 3 restarted by terminate, disks wiped; election timer 1s, OVS 3.7.1\n/);
    expect(out).toMatch(/wait \\ down +3s +10s\n2s +FATAL +FATAL\njoined +FATAL +FATAL\nenough +- +-\n/);
    expect([...files.keys()]).toEqual(["a.html", "a.svg"]);
  });

  test("an outage that is longer than accepted ends with 1, lost quorum with 4", async () => {
    expect((await run("what-if", "--down", "6s", "--wait", "2s", "--seeds", "5", "--outage", "1s")).status).toBe(1);
    expect((await run("what-if", "--down", "6s", "--wait", "30s", "--wipe", "--seeds", "5")).status).toBe(4);
    expect(
      (await run("what-if", "--down", "6s", "--wait", "healthy", "--how", "exit", "--seeds", "5", "--outage", "1s"))
        .status,
    ).toBe(0);
  });

  test("what shrinks nothing says what the scenario comes to, and how to ask for that", async () => {
    const { status, err } = await run("shrink", "s5");
    expect(status).toBe(6);
    expect(err).toContain('seed 1 of s5-wipe-rolling comes to "permanent"');
    expect(err).toContain("as the scenario expects");
    expect(err).toContain("quorum-sim shrink s5-wipe-rolling --towards permanent");
    const small = await run("shrink", "s5", "--towards", "permanent", "--save", "small.yaml");
    expect(small.status).toBe(4);
    expect(small.files.get("small.yaml")).toContain("verdict-permanent");
    expect((await run("shrink", "s5", "--towards", "lost-writes")).err).toContain("and not to lost-writes");
  });

  test("a scenario's name may be in capitals, and a run that ends before its first step says so", async () => {
    const { status, err } = await run("run", "S1", "--until", "5");
    expect(status).toBe(0);
    expect(err).toMatch(/ends after 5 s, before the first step of s1-consecutive-restarts at \d+ s: nothing was done/);
    expect((await run("run", "S4")).err).toBe("");
  });

  test("odds explains its columns, and what zones mean", async () => {
    const zones = ["odds", "--samples", "1000", "--zones"];
    const never = await run(...zones, "3,2");
    expect(never.out).toContain("zones are taken as never failing: --zone-availability 99.9%");
    expect(never.out).toContain("zone 1 (3 of 5) decides: while it is down there is no quorum");
    const failing = await run(...zones, "2,1", "--members", "3", "--zone-availability", "99.9%");
    expect(failing.out).toMatch(/2\+1 .* 2\.\d+ +\d+\.\d × /);
    expect(failing.out).toMatch(/losses: how often quorum is lost in a year/);
    expect(failing.out).not.toContain("never failing");
    expect((await run(...zones, "1,1,1", "--zone-availability", "99.9%")).out).toContain("survives the outage of any");
    expect((await run("odds", "--help")).out).toContain("fail-overs: how often the leader fails while quorum stays");
  });

  test("timer says what it took for granted, leaves a timer that will do, and bounds what is rare", async () => {
    const guessed = (await run("timer", "--rtt", "8ms", "--stall", "2s")).out;
    expect(guessed).toMatch(/^67200 ms {2}is the smallest election timer that will do\n/);
    expect(guessed).toContain("one in a hundred is longer than 20s (ten times as long, for want of --stall-p99)");
    expect(guessed).toContain("24 a day; elections for nothing that are bearable: one in 100 days");
    expect(guessed).toContain("(--stall-p99 2s), 3000 ms would do");
    expect(guessed).toMatch(/change-election-timer OVN_Northbound 67200\n$/);
    const good = (await run("timer", "--stall", "100ms", "--now", "5s")).out;
    expect(good).toMatch(/^5s will do, leave it; the smallest election timer that will do is 3\d00 ms\n/);
    expect(good).not.toContain("change-election-timer");
    const { ladderMs } = JSON.parse((await run("timer", "--stall", "100ms", "--now", "5s", "--json")).out);
    expect(ladderMs).toEqual([]);
    const still = (await run("timer", "--stall", "2s", "--stall-p99", "2s")).out;
    expect(still).toMatch(/elections for nothing +fewer than one in 2738 years/);
    expect(still).not.toMatch(/never|for want of/);
  });

  test("a wiped member's ghost is named even where nothing is lost yet", async () => {
    const wiped = ["what-if", "--restart", "m2", "--wipe", "--down", "3s", "--seeds", "3"];
    const { out } = await run(...wiped);
    expect(out).toContain("4 are configured then and 3 needed, of which 3 live");
    expect(out).toContain("kick each old id once the new one has joined: --kick");
    expect((await run(...wiped, "--kick")).out).not.toContain("stays configured");
  });

  test("a default that is a time has its unit", async () => {
    for (const name of ["what-if", "plan", "timer", "odds", "sweep"])
      for (const line of (await run(name, "--help")).out.split(/\n(?= +--)/))
        if (line.includes("<duration>")) expect(line).not.toMatch(/\(default: \d+\)/);
  });

  test("the README has the keys of what each command prints for machines", async () => {
    const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
    const row = (name: string): string => {
      const found = readme.split("\n").find((line) => line.startsWith(`| ${name} |`) && line.includes("` `"));
      return found?.slice(found.indexOf("|", 2)) ?? "";
    };
    const saved = join(mkdtempSync(join(tmpdir(), "saved-")), "small.yaml");
    const { files } = await run("shrink", "s5", "--towards", "permanent", "--save", saved);
    writeFileSync(saved, files.get(saved)!);
    onTestFinished(() => rmSync(join(saved, ".."), { recursive: true }));
    const cases: readonly (readonly [row: string, ...args: string[]])[] = [
      ["`run`", "run", "s4"],
      ["`sweep`, `what-if`", "what-if", "--seeds", "2"],
      ["`sweep` without a scenario", "sweep", "--seeds", "2"],
      ["`plan`", "plan", "--down", "1s", "--seeds", "5", "--wait", "3s"],
      ["`timer`", "timer"],
      ["`diff`", "diff", "s14", "s14@3.1.0", "--seeds", "2"],
      ["`shrink`", "shrink", "s5", "--towards", "permanent"],
      ["`replay`", "replay", saved, "--seeds", "1"],
      ["`explore`", "explore", "--states", "200"],
      ["`measures`", "measures", "--seeds", "20"],
    ];
    for (const [name, ...args] of cases) {
      const keys = Object.keys(JSON.parse((await run(...args, "--json")).out) as object);
      const text = row(name);
      expect({ name, missing: keys.filter((key) => key !== "version" && !text.includes(`\`${key}`)) }).toEqual({
        name,
        missing: [],
      });
    }
  });

  test("what-if prints the plan as a file that run takes", async () => {
    const { out } = await run("what-if", "--restart", "m2,m1", "--down", "6s", "--wait", "2s", "--print");
    expect(out).toContain("restart: m2");
    expect(out).toContain("down: 6s");
  });

  test("a sweep on several processes says what it says on one", async () => {
    const [one, two] = await Promise.all([
      run("sweep", "s3", "--seeds", "44", "--workers", "1", "--json"),
      run("sweep", "s3", "--seeds", "44", "--workers", "2", "--json"),
    ]);
    expect(two.out).toBe(one.out);
  });

  test("random faults with reused ids: broken, made small, saved", async () => {
    const { status, out, files } = await run("sweep", "--seeds", "3000", "--identity-faults", "--save", "small.yaml");
    expect(status).toBe(3);
    expect(out).toContain("the smallest schedule that does it");
    expect(files.get("small.yaml")).toMatch(/^version: 1\nname: random-faults/);
  });
});

test("the lines of the README run", async () => {
  const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
  const [, yaml = ""] = /```yaml\n([\s\S]*?)```/.exec(readme) ?? [];
  const { parseScenario, simulate } = await import("../src/index.ts");
  expect(simulate(parseScenario(yaml), { seed: 1 }).verdict.word).toBe("outage");
  // The lines of TypeScript, as they stand, with the package's name for its sources.
  const [, code = ""] = /```ts\n([\s\S]*?)```/.exec(readme) ?? [];
  const index = new URL("../src/index.ts", import.meta.url).href;
  const folder = mkdtempSync(join(tmpdir(), "readme-"));
  try {
    const file = join(folder, "readme.mts");
    writeFileSync(file, code.replace('"@ovnha/simulator"', JSON.stringify(index)));
    const args = ["--conditions=ovnha-source", "--import", import.meta.resolve("tsx"), file];
    const out = execFileSync(process.execPath, args, { encoding: "utf8", timeout: 50_000 });
    expect(out).toMatch(/^outage - /);
    expect(out).toMatch(/restart m2, m3, m1 - smallest wait \d+ ms/);
  } finally {
    rmSync(folder, { recursive: true });
  }
  // The map is printed as it is shown.
  const [, line = "", shown = ""] = /```console\n\$ quorum-sim (map [^\n]*)\n([\s\S]*?)```/.exec(readme) ?? [];
  expect((await run(...line.split(" "))).out.startsWith(shown)).toBe(true);
  expect(shown).toContain("enough");
  // And the commands: each is one that there is, with flags that there are.
  const [, shell = ""] = /```sh\n([\s\S]*?)```/.exec(readme) ?? [];
  for (const line of shell.trim().split("\n")) {
    const [, ...args] = line.replace(/#.*/, "").trim().split(/\s+/);
    if (args[0] === "plan") args.push("--seeds", "5");
    expect({ line, status: (await run(...args)).status }).toEqual({ line, status: line.includes("--wipe") ? 4 : 0 });
  }
});
