import { spawnSync } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { realOvs } from "@ovnha/testkit";

const folder = fileURLToPath(new URL("..", import.meta.url));
const tsx = fileURLToPath(new URL("../../node_modules/.bin/tsx", import.meta.url));

function run(
  name: string,
  args: readonly string[] = [],
  env: NodeJS.ProcessEnv = process.env,
): { status: number | null; out: string; err: string } {
  const { status, stdout, stderr } = spawnSync(tsx, ["--conditions=ovnha-source", `${folder}${name}.ts`, ...args], {
    encoding: "utf8",
    timeout: 120_000,
    env,
  });
  return { status, out: stdout, err: stderr };
}

const STORIES: Record<string, RegExp> = {
  "start --real":
    /a candidate that nobody can elect[\s\S]*healed by itself[\s\S]*a ghost\n.*4 are counted, 3 must agree[\s\S]*every acknowledged write, once, and nothing else[\s\S]*equal to the server, row by row/,
  "follow-leader":
    /leader=true connected=true[\s\S]* leads\n[\s\S]*member \d was leading and has been killed\n.* leads/,
  "watch-table": /insert {2}red\n {8}\(the leader is killed\)\nupdate {2}blue \(was \{"name":"red"\}\)\ndelete {2}blue/,
  "safe-edit": /10 writers, \d+ runs, counter = 10/,
  "leader-watch":
    /OVN_Northbound: master\d leads, 3 of 3 live[\s\S]*is killed[\s\S]*OVN_Northbound: master\d leads, 2 of 3 live/,
  doctor:
    /OVN_Northbound: ok; 3 of 3 live[\s\S]*peer-down[\s\S]*no-quorum \(critical\)[\s\S]*wipe nothing[\s\S]*OVN_Southbound: ok/,
  "rolling-restart": /All 3 were restarted\.\n\d+ writes acknowledged meanwhile, 0 lost; the longest took \d+\.\d\d s/,
  exporter:
    /ovn-cluster\.rules\.yaml[\s\S]*fault_tolerance\{database="OVN_Northbound"\} 1[\s\S]*is killed[\s\S]*fault_tolerance\{database="OVN_Northbound"\} 0[\s\S]*my_tool_up 1/,
  "emergency-runbook":
    /# Runbook for OVN_Northbound and OVN_Southbound: critical[\s\S]*ping -c3 100\.64\.0\.1[\s\S]*Start master2's server of OVN_Northbound[\s\S]*forgotten: [0-9a-f-]{36} [\s\S]*Make master3 a file that joins[\s\S]*Start master3's server of OVN_Northbound[\s\S]*undo: /,
  backup:
    /1000 rows as of index \d+\n {2}verified: whole\n {2}rehearsed on ovsdb-server .*every row is back[\s\S]*to keep: 1, to remove: 0/,
  "restore-cluster":
    /a backup with 100 switches[\s\S]*\[\d+\/\d+\] Start OVN_Northbound on member0[\s\S]*\nrestored\n3 of 3 members have all 100 switches/,
  "row-history": /insert {2}ada: .* → green\n.*modify {2}bob: .*green → blue\n.*delete {2}eve: /,
  "after-disaster":
    /1\. member\d: good; [\s\S]*lacks 1 entries of member\d, 1 of them committed[\s\S]*with every acknowledged write/,
  "lock-failover": /tryLock gives undefined[\s\S]*second: holds the lock: true\nsecond: wrote under the lock/,
};

describe.skipIf(realOvs() === "skip")("on three real ovsdb-servers", () => {
  for (const [name, story] of Object.entries(STORIES)) {
    it(`${name} tells its story and ends well`, () => {
      const [file = "", ...args] = name.split(" ");
      const { status, out, err } = run(file, args);
      expect(err).toBe("");
      expect(out).toMatch(story);
      expect(status).toBe(0);
    });
  }
});

describe("npm start", () => {
  it("tells the founding story on the simulator", () => {
    const { status, out, err } = run("start");
    expect(err).toBe("");
    expect(out).toMatch(
      /outage in 200 of 200 tries[\s\S]*ghosts[\s\S]*permanent in 200 of 200 tries[\s\S]*the plan {2}m2, then m3, then m1[\s\S]*at least \d+ s between two stops/,
    );
    const [, report = ""] = /The report, for a browser: (\S+)/.exec(out) ?? [];
    expect(readFileSync(report, "utf8")).toContain("<!doctype html>");
    rmSync(dirname(report), { recursive: true });
    expect(status).toBe(0);
  }, 150_000);

  it("explains itself, and refuses a wrong argument", () => {
    expect(run("start", ["--help"]).out).toContain("npm start -- [--real]");
    expect(run("start", ["--unreal"]).status).toBe(2);
  });
});

describe("an example", () => {
  const names = Object.keys(STORIES).filter((name) => name !== "start --real");

  it.each(names)("%s explains itself with --help", (name) => {
    const { status, out } = run(name, ["--help"]);
    expect(out).toContain(`npm run example:${name}`);
    expect(status).toBe(0);
  });

  it.each(names)("%s refuses a wrong argument with exit code 2", (name) => {
    const { status, err } = run(name, ["--nonsense"]);
    expect(err).toContain("--nonsense");
    expect(status).toBe(2);
  });

  it("says what to install where there is no ovsdb-server, in one line", () => {
    const { status, err } = run("start", ["--real"], {
      ...process.env,
      PATH: fileURLToPath(new URL(".", `file://${process.execPath}`)),
      OVNHA_REQUIRE_OVS: "",
    });
    expect(err.trim().split("\n")).toHaveLength(1);
    expect(err).toContain("apt-get install");
    expect(status).toBe(2);
  });
});
