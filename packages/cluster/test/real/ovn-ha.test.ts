import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { realOvs, waitFor } from "@ovnha/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runOvnHa } from "../../src/edge/cli/ovn-ha.ts";
import { type Both, startBoth } from "../support/both.ts";
import { fakeTerminal } from "../support/terminal.ts";

const BIN = fileURLToPath(new URL("../../src/edge/cli/ovn-ha.ts", import.meta.url));

describe.skipIf(realOvs() === "skip").sequential("ovn-ha on real clusters", () => {
  let both: Both;
  let file: string;

  beforeAll(async () => {
    both = await startBoth();
    file = join(both.nb.dir, "members.json");
    const members = both.members.map(({ name, nb, sb }) => ({
      name,
      nb: { remote: nb?.remote, control: nb?.control },
      sb: { remote: sb?.remote, control: sb?.control },
    }));
    writeFileSync(file, JSON.stringify({ members, expected: { members: 3 } }));
  });
  afterAll(async () => {
    await both?.[Symbol.asyncDispose]();
  });

  it("says that both databases are well, and ends with 0", async () => {
    const terminal = fakeTerminal();
    expect(await runOvnHa(["status", "-m", file], terminal)).toBe(0);
    const lines = terminal.text().split("\n");
    expect(lines.filter((line) => line.startsWith("OVN_")).map((line) => line.split(/\s+/).slice(0, 2))).toEqual([
      ["OVN_Northbound", "ok"],
      ["OVN_Southbound", "ok"],
    ]);
    expect(lines.filter((line) => / node\d +(leader|follower) +member /.test(line))).toHaveLength(6);
    expect(terminal.text()).not.toContain("\u001b");
    const coloured = fakeTerminal({ isTerminal: true });
    await runOvnHa(["status", "-m", file], coloured);
    expect(coloured.text()).toContain("\u001b[32m");
  });

  it("has it as JSON too", async () => {
    const terminal = fakeTerminal();
    expect(await runOvnHa(["status", "-m", file, "--json", "--db", "nb"], terminal)).toBe(0);
    const { observation, verdict } = JSON.parse(terminal.text());
    expect(observation.databases.map(({ database }: { database: string }) => database)).toEqual(["OVN_Northbound"]);
    expect(verdict).toMatchObject({ health: "ok", databases: [{ quorum: { configured: 3, live: 3, needed: 2 } }] });
  });

  it("reaches members through kubectl", async () => {
    // Stands in for a cluster of pods: what follows "--" is run here.
    const kubectl = join(both.nb.dir, "kubectl");
    writeFileSync(kubectl, '#!/bin/sh\nwhile [ "$1" != -- ]; do shift; done\nshift\nexec "$@"\n', { mode: 0o755 });
    const members = both.nb.members.map(({ dir, unix }, index) => ({
      name: `node${index}`,
      nb: { remote: unix, control: join(dir, "ctl") },
      runner: { kubectl: { pod: `ovn-central-${index}`, namespace: "kube-system", kubectl } },
    }));
    const podsFile = join(both.nb.dir, "pods.json");
    writeFileSync(podsFile, JSON.stringify({ members }));
    const terminal = fakeTerminal();
    expect(await runOvnHa(["status", "-m", podsFile, "--expect", "3"], terminal)).toBe(0);
    expect(terminal.text().match(/_Server, control/g)).toHaveLength(3);
  });

  it("warns with 1 of a member that is gone, and is critical with 2 without a quorum", async () => {
    await both.nb.member(2).kill();
    await waitFor(
      async () => {
        const terminal = fakeTerminal();
        const code = await runOvnHa(["status", "-m", file], terminal);
        return code === 1 && terminal.text().includes("peer-down") && terminal.text().includes("UNREACHABLE");
      },
      { what: "a warning" },
    );
    await both.nb.member(1).kill();
    const critical = async (): Promise<boolean> => (await runOvnHa(["status", "-m", file], fakeTerminal())) === 2;
    await waitFor(critical, { what: "a critical verdict" });
    await both.nb.startAll();
  });

  it("shows a live screen on a terminal, and a line per change elsewhere", async () => {
    const live = fakeTerminal({ isTerminal: true });
    const lines = fakeTerminal();
    const json = fakeTerminal();
    const ends = [
      runOvnHa(["watch", "-m", file, "-n", "0.2"], live),
      runOvnHa(["watch", "-m", file, "-n", "0.2"], lines),
      runOvnHa(["watch", "-m", file, "-n", "0.2", "--json"], json),
    ];
    await waitFor(() => live.screens.length > 0 && lines.text() !== "" && json.text() !== "", {
      what: "the first looks",
    });
    const leader = await both.sb.waitForLeader();
    await both.sb.member(leader).appctl("cluster/failure-test", "transfer-leadership");
    const next = await both.sb.waitForLeader({ not: leader });
    // A look may fall into the election.
    const change = new RegExp(`OVN_Southbound node${next} role: (follower|candidate) → leader`);
    await waitFor(() => change.test(lines.text()) && json.text().includes('"to":"leader"'), { what: "the change" });
    await waitFor(() => live.screens.at(-1)?.includes(`node${next} leads`), { what: "the screen to show it" });
    for (const terminal of [live, lines, json]) terminal.abort();
    for (const code of await Promise.all(ends)) expect([0, 1]).toContain(code);
    expect(live.isDone()).toBe(true);
    expect(live.text()).toBe("");
    for (const line of json.text().trimEnd().split("\n")) expect(JSON.parse(line)).toHaveProperty("verdict.health");
  });

  it("ends by Ctrl-C as a process", async () => {
    const child = spawn(process.execPath, ["--conditions=ovnha-source", "--import", "tsx", BIN, "watch", "-m", file], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    let output = "";
    child.stdout.on("data", (bytes) => {
      output += String(bytes);
    });
    await waitFor(() => output.includes("OVN_Southbound"), { what: "its first lines" });
    const ended = new Promise<number | null>((resolve) => child.once("exit", (code) => resolve(code)));
    child.kill("SIGINT");
    expect([0, 1]).toContain(await ended);
  });
});
