/** `ovn-ha` as it is lived with: an exporter that is scraped, a history over runs, a narrow screen, a gate for scripts. */
import { lstatSync, readdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { ovsdbTransact, realOvs, runCommand, waitFor } from "@ovnha/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runOvnHa } from "../../src/edge/cli/ovn-ha.ts";
import { type Both, startBoth } from "../support/both.ts";
import { type FakeTerminal, fakeTerminal } from "../support/terminal.ts";

const NB = "OVN_Northbound";

describe.skipIf(realOvs() === "skip").sequential("ovn-ha as it is lived with", () => {
  let both: Both;
  let file: string;
  let dir: string;

  beforeAll(async () => {
    both = await startBoth();
    ({ dir } = both.nb);
    file = join(dir, "members.json");
    const members = both.members.map(({ name, nb, sb }) => ({
      name,
      nb: { remote: nb?.remote, control: nb?.control },
      sb: { remote: sb?.remote, control: sb?.control },
    }));
    writeFileSync(file, JSON.stringify({ members, expected: { members: 3 } }));
  });
  afterAll(() => both?.[Symbol.asyncDispose]());

  async function run(...args: readonly string[]): Promise<{ code: number; out: string; err: string }> {
    const terminal = fakeTerminal();
    const code = await runOvnHa([...args, "-m", file, "--timeout", "1"], terminal);
    return { code, out: terminal.text(), err: terminal.errors() };
  }

  async function startExporter(): Promise<{ terminal: FakeTerminal; ended: Promise<number>; url: string }> {
    const terminal = fakeTerminal();
    const args = ["metrics", "-m", file, "--timeout", "1", "--listen", "127.0.0.1:0", "--probe"];
    const ended = runOvnHa(args, terminal);
    const url = await waitFor(() => /serving metrics on (\S+)\/metrics/.exec(terminal.errors())?.[1], {
      what: "it to listen",
    });
    return { terminal, ended, url };
  }

  it("metrics --listen: serves until Ctrl-C, one look for those who ask at once", async () => {
    await ovsdbTransact(both.nb.member(0).unix, NB, [{ op: "insert", table: "Logical_Switch", row: { name: "sw" } }]);
    const { terminal, ended, url } = await startExporter();
    const scrapes = await Promise.all([1, 2, 3].map(() => fetch(`${url}/metrics`)));
    expect(scrapes.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(scrapes[0]?.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
    const texts = await Promise.all(scrapes.map((scrape) => scrape.text()));
    expect(new Set(texts).size).toBe(1);
    expect(texts[0]).toMatch(/^ovn_cluster_member_up\{database="OVN_Northbound",member="node2"\} 1$/m);
    // The Northbound database has a row for the probe, the Southbound one has none.
    expect(texts[0]).toMatch(/^ovn_cluster_probe_success\{database="OVN_Northbound"\} 1$/m);
    expect(texts[0]).not.toMatch(/^ovn_cluster_probe_success\{database="OVN_Southbound"\}/m);

    const indexOf = (text = ""): number =>
      Number(/^ovn_cluster_log_index_next\{database="OVN_Northbound",member="node0"\} (\d+)$/m.exec(text)?.[1]);
    const later = async (): Promise<boolean> => {
      const text = await (await fetch(`${url}/metrics?collect=all`)).text();
      return indexOf(text) > indexOf(texts[0]);
    };
    // The second look has a probe of its own, and the first one's entry behind it.
    await waitFor(later, { what: "a fresh look" });

    expect((await fetch(`${url}/metrics`, { method: "HEAD" })).status).toBe(200);
    expect((await fetch(`${url}/`)).status).toBe(200);
    const wrong = await fetch(`${url}/metric`);
    expect([wrong.status, await wrong.text()]).toEqual([404, "there is only /metrics\n"]);
    const posted = await fetch(`${url}/metrics`, { method: "POST" });
    expect([posted.status, posted.headers.get("allow")]).toEqual([405, "GET, HEAD"]);

    const address = url.replace("http://", "");
    const busy = await run("metrics", "--listen", address);
    expect(busy).toMatchObject({
      code: 3,
      out: "",
      err: `ovn-ha: --listen ${address}: somebody else listens there; give another port, or end that one\n`,
    });
    terminal.abort();
    expect(await ended).toBe(0);
    await expect(fetch(`${url}/metrics`)).rejects.toThrow();
  });

  it("gate: 0 while all is well, for one and for anybody", async () => {
    const [anybody, one, json] = await Promise.all([
      run("gate", "--settle", "1"),
      run("gate", "node1", "--settle", "1"),
      run("gate", "node2", "--settle", "1", "--json"),
    ]);
    expect(anybody).toEqual({ code: 0, out: "open: one member may go down\n", err: "" });
    expect(one).toEqual({ code: 0, out: "open: node1 may go down\n", err: "" });
    expect({ code: json.code, ...JSON.parse(json.out) }).toEqual({
      code: 0,
      isOpen: true,
      member: "node2",
      reasons: [],
    });
  });

  it("with a member down: it is scraped, the screen is narrow, the gate is shut, and the history believes it at last", async () => {
    const { terminal, ended, url } = await startExporter();
    const up = async (): Promise<string> => (await fetch(`${url}/metrics`)).text();
    expect(await up()).toMatch(/^ovn_cluster_member_up\{database="OVN_Northbound",member="node2"\} 1$/m);
    await both.nb.member(2).kill("SIGKILL");
    const seen = async (): Promise<boolean> =>
      /^ovn_cluster_member_up\{database="OVN_Northbound",member="node2"\} 0$/m.test(await up()) &&
      /^ovn_cluster_fault_tolerance\{database="OVN_Northbound"\} 0$/m.test(await up());
    await waitFor(seen, { what: "the exporter to see it" });
    terminal.abort();
    expect(await ended).toBe(0);

    const narrow = fakeTerminal({ isTerminal: true, columns: 40, environment: { NO_COLOR: "1" } });
    const watching = runOvnHa(["watch", "-m", file, "-n", "0.2"], narrow);
    const shows = (): boolean => narrow.screens.at(-1)?.includes("no answer") === true;
    await waitFor(shows, { what: "the screen to show it" });
    narrow.abort();
    await watching;
    const rows = (narrow.screens.at(-1) ?? "")
      .split("\n")
      .filter((line) => /^ {2}(member|node\d|\(unnamed\))/.test(line));
    expect(rows.length).toBeGreaterThanOrEqual(8);
    for (const row of rows) expect(stripVTControlCharacters(row).length).toBeLessThanOrEqual(40);

    const history = join(dir, "history.json");
    const doctor = ["doctor", "--looks", "1", "--history", history];
    const sightings = (): number[] =>
      Object.entries(JSON.parse(readFileSync(history, "utf8")).databases[NB].findings)
        .filter(([key]) => key.startsWith("peer-down "))
        .map(([, one]) => (one as { sightings: number }).sightings);
    await run(...doctor);
    expect(sightings()).toEqual([1]);
    const confirmed = async (): Promise<boolean> => /warning peer-down: (?!.*seen)/.test((await run(...doctor)).out);
    await waitFor(async () => (await confirmed()) && (sightings()[0] ?? 0) >= 2, { what: "it to be believed" });
    const [gate, text, markdown, json] = await Promise.all([
      run("gate", "node1", "--settle", "1"),
      run("runbook", "--history", history),
      run("runbook", "--history", history, "--format", "markdown"),
      run("runbook", "--history", history, "--json"),
    ]);
    expect(gate.code).toBe(1);
    expect(gate.out).toMatch(/^shut: node1 must not go down\n[\s\S]*OVN_Northbound QUORUM_AFTER: without node1 1 live/);
    for (const one of [text, markdown, json]) expect(one).toMatchObject({ code: 1, err: "" });
    expect(text.out).toMatch(/ 1\. [\s\S]*\[node2\] \$ systemctl start ovn-ovsdb-server-nb/);
    expect(markdown.out).toMatch(/^# Runbook for OVN_Northbound[\s\S]*```sh\n {3}# at node2\n {3}systemctl start/m);
    const book = JSON.parse(json.out);
    expect(book.plans.flatMap(({ databases }: { databases: string[] }) => databases)).toContain(NB);
    expect(book.sections.length).toBeGreaterThan(0);
  }, 60_000);

  it("a history is never lost: not by many at once, not by a link, not by a folder that is not there", async () => {
    const kept = join(dir, "kept");
    const link = join(dir, "link.json");
    symlinkSync(kept, link);
    const doctor = (path: string): Promise<{ code: number; out: string; err: string }> =>
      run("doctor", "--looks", "1", "--db", "sb", "--history", path);
    await doctor(kept);
    await Promise.all([doctor(kept), doctor(link), doctor(kept), doctor(link)]);
    expect(lstatSync(link).isSymbolicLink()).toBe(true);
    expect(JSON.parse(readFileSync(kept, "utf8")).databases.OVN_Southbound.samples.length).toBeGreaterThanOrEqual(2);
    expect(lstatSync(kept).mode & 0o777).toBe(0o640);
    expect(readdirSync(dir).filter((name) => /^(kept|link\.json)./.test(name) && name !== "link.json")).toEqual([]);

    const before = readFileSync(kept, "utf8").slice(0, -20);
    writeFileSync(kept, before);
    expect(await doctor(kept)).toMatchObject({ code: 3, out: "", err: expect.stringContaining("move this one away") });
    expect(readFileSync(kept, "utf8")).toBe(before);

    const nowhere = await doctor(join(dir, "no-such-folder", "history.json"));
    expect(nowhere.out).toContain("Nothing is wrong");
    expect(nowhere).toMatchObject({
      code: 1,
      err: expect.stringContaining("history.json: the history could not be writ"),
    });
  });

  it("a member that can't join is stuck once the history has known it for long; the gate is 2 and 3 then", async () => {
    const history = join(dir, "joining.json");
    const path = both.nb.file(2);
    const [sockets] = (await runCommand("ovsdb-tool", ["db-local-address", path])).trim().split("\n");
    renameSync(path, `${path}.aside`);
    await runCommand("ovsdb-tool", ["join-cluster", path, NB, sockets ?? "", "tcp:127.0.0.1:1"]);
    await both.nb.member(2).start();
    const doctor = ["doctor", "--looks", "1", "--db", "nb", "--history", history];
    expect((await run(...doctor)).out).toContain("warning joining: ");
    // As if that had been a minute ago: in a minute's time it would be the same.
    const remembered = JSON.parse(readFileSync(history, "utf8"));
    for (const seen of Object.values(remembered.databases[NB].findings) as { firstMs: number }[])
      seen.firstMs -= 60_000;
    writeFileSync(history, JSON.stringify(remembered));
    expect((await run(...doctor)).out).toMatch(/warning joining-stuck: [\s\S]*for 6\d s, in 2 sightings/);

    await both.nb.member(1).kill("SIGKILL");
    const down = async (): Promise<boolean> => (await run("status", "--db", "nb")).code === 2;
    await waitFor(down, { what: "a critical verdict" });
    const gone = fakeTerminal();
    const nowhere = ["--nb", "tcp:127.0.0.1:1,tcp:127.0.0.1:2", "--timeout", "1"];
    const [critical, unknown] = await Promise.all([
      run("gate", "node1", "--settle", "1", "--db", "nb"),
      runOvnHa(["gate", "--settle", "1", ...nowhere], gone),
    ]);
    expect(critical.code).toBe(2);
    expect(unknown).toBe(3);
    expect(gone.text()).toMatch(/^shut: one member must not go down\n/);
  }, 30_000);
});
