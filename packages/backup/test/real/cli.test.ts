import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, mkdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  type OvsdbCluster,
  ovsdbTransact,
  realOvs,
  startCluster,
  startStandalone,
  temporaryFolder,
} from "@ovnha/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runOvnBackup } from "../../src/edge/cli/ovn-backup.ts";
import { fakeMember } from "../support/fake-member.ts";
import { fillLab, LAB_SCHEMA, names, persistentRows, rowsOfFile } from "../support/lab.ts";

type Answer = { readonly status: number; readonly out: string; readonly err: string };

async function run(...args: readonly string[]): Promise<Answer> {
  let [out, err] = ["", ""];
  const status = await runOvnBackup(args, {
    out: (text) => {
      out += text;
    },
    err: (text) => {
      err += text;
    },
    signal: new AbortController().signal,
    isTerminal: false,
    progressStream: undefined,
  });
  return { status, out, err };
}

describe.skipIf(realOvs() === "skip")("ovn-backup", () => {
  let cluster: OvsdbCluster;
  let folder: string;
  beforeAll(async () => {
    cluster = await startCluster({ schema: LAB_SCHEMA });
    await fillLab(cluster.member(await cluster.waitForLeader()).remote);
    await cluster.waitConnected();
    folder = temporaryFolder();
  });
  afterAll(() => cluster?.[Symbol.asyncDispose]());

  test("takes, lists, verifies, rehearses, rotates", async () => {
    const taken = await run("take", "--into", folder, "--db", `Lab=${cluster.remote}`, "--gzip", "--json");
    expect({ ...taken, out: "" }).toEqual({ status: 0, out: "", err: "" });
    const { version, command, backups, warnings, problems } = JSON.parse(taken.out) as Record<string, unknown>;
    expect({ version, command, warnings, problems }).toEqual({
      version: 1,
      command: "take",
      warnings: [],
      problems: [],
    });
    const [{ path, verified, manifest }] = backups as unknown as [
      { path: string; verified: boolean; manifest: { rows: object } },
    ];
    expect([verified, manifest.rows]).toEqual([true, { Bare: 2, Empty: 0, Port: 7, Switch: 7 }]);

    const listed = await run("list", folder);
    expect(listed).toMatchObject({ status: 0, err: "" });
    expect(listed.out).toMatch(/^taken +database .*\n\S+Z +Lab +16 .* verified +Lab-\d{8}T\d{6}Z\.db\.gz\n$/);

    const verifying = await run("verify", folder, "--live", cluster.remote);
    expect(verifying).toMatchObject({ status: 0, out: expect.stringMatching(/^whole .*now: 16 rows, 16 of them/s) });

    const rehearsed = await run("rehearse", folder, "--json");
    expect(rehearsed.status).toBe(0);
    expect(JSON.parse(rehearsed.out)).toMatchObject({
      command: "rehearse",
      ok: true,
      rehearsals: [{ ok: true, as: "cluster", difference: { rows: 16, equal: 16 } }],
    });
    expect((await run("list", folder)).out).toContain("rehearsed");

    const dry = await run("rotate", folder, "--keep-last", "1");
    expect(dry).toMatchObject({ status: 0, out: expect.stringContaining("would remove 0 of 1 sets") });
    const bad = join(folder, "copy.db.gz");
    copyFileSync(path, bad);
    truncateSync(bad, 500);
    const damaged = await run("verify", bad);
    expect(damaged).toMatchObject({ status: 1, out: expect.stringMatching(/^DAMAGED .*can't be unpacked/s) });
    rmSync(bad);
  });

  test("falls back to a member's file where no server can be trusted, and says so", async () => {
    const into = temporaryFolder();
    const copy = join(into, "member.db");
    copyFileSync(cluster.file(0), copy);
    for (const engine of ["native", "ovsdb-tool"]) {
      const target = join(into, engine);
      mkdirSync(target);
      const args = [
        "--into",
        target,
        "--db",
        "Lab=unix:/nowhere",
        "--file",
        `Lab=${copy}`,
        "--engine",
        engine,
        "--json",
      ];
      const { status, out } = await run("take", ...args);
      expect(status).toBe(0);
      const { backups, warnings } = JSON.parse(out) as {
        backups: { path: string; manifest: Record<string, unknown> }[];
        warnings: string[];
      };
      expect(warnings.join("\n")).toMatch(/no server can be trusted/);
      const [{ path, manifest }] = backups as [(typeof backups)[0]];
      expect(manifest).toMatchObject({
        source: { kind: "file", place: copy, model: "clustered" },
        tool: { engine },
        cluster: { cid: await cluster.cid(), sid: await cluster.sid(0), term: expect.any(Number) },
        rows: { Switch: 7 },
      });
      expect(await rowsOfFile(path)).toEqual(await persistentRows(cluster.member(0).remote));
    }
    const other = await run("take", "--into", into, "--file", `OVN_Northbound=${copy}`);
    expect(other).toMatchObject({ status: 2, err: expect.stringContaining("is a file of Lab") });
  });

  test("inspects, ranks, and tells the history of a row", async () => {
    const leader = cluster.member(await cluster.waitForLeader()).remote;
    const [inserted] = await ovsdbTransact(leader, "Lab", [
      { op: "insert", table: "Empty", row: { note: "first" } },
      { op: "comment", comment: "made by the test" },
    ]);
    const uuid = (inserted as { uuid: [string, string] }).uuid[1];
    await ovsdbTransact(leader, "Lab", [{ op: "update", table: "Empty", where: [], row: { note: "second" } }]);
    await cluster.waitConnected();
    const files = cluster.members.map((_member, index) => cluster.file(index));
    const inspected = await run("inspect", files[0] as string);
    expect(inspected).toMatchObject({ status: 0, out: expect.stringContaining(await cluster.cid()) });
    const ranked = await run("rank", ...files, "--json");
    expect(ranked.status).toBe(0);
    expect((JSON.parse(ranked.out) as { files: unknown[] }).files).toHaveLength(3);
    const told = await run("history", files[0] as string, "Empty", uuid);
    expect(told.status).toBe(0);
    expect(told.out).toMatch(
      /insert .*made by the test\n {4}note: "first"\n.*modify .*\n {4}note: "first" → "second"\n/s,
    );
    expect((await run("history", files[0] as string, "Empty", "00000000-0000-4000-8000-000000000000")).status).toBe(1);
    expect(await run("inspect", "/nowhere.db")).toMatchObject({
      status: 3,
      err: expect.stringContaining("/nowhere.db"),
    });
  });

  test("verifies a folder of two databases against servers of one of them, and says which is not compared", async () => {
    const into = temporaryFolder();
    const other = { ...LAB_SCHEMA, name: "Other" };
    await using server = await startStandalone({ schemas: [other], listen: "unix" });
    const databases = ["--db", `Lab=${cluster.remote}`, "--db", `Other=${server.unix}`];
    expect((await run("take", "--into", into, ...databases)).status).toBe(0);
    const { status, out, err } = await run("verify", into, "--live", cluster.remote);
    expect({ status, err }).toEqual({ status: 0, err: "" });
    expect(out.match(/^whole /gm)).toHaveLength(2);
    expect(out).toMatch(/not compared: .* does not serve Other/);
    expect(out).toMatch(/now: \d+ rows/);
    const both = await run("verify", into, "--live", cluster.remote, "--live", server.unix);
    expect(both).toMatchObject({ status: 0, err: "" });
    expect(both.out.match(/now: \d+ rows/g)).toHaveLength(2);
    expect(both.out).not.toContain("not compared");
    const apart = await run(
      "verify",
      join(into, names(into).find((name) => /^Lab-.*db$/.test(name)) ?? ""),
      "--live",
      server.unix,
    );
    expect(apart).toMatchObject({ status: 3, out: expect.stringMatching(/^whole .*not compared/s) });
  });

  test.each([
    [[], 2],
    [["--help"], 0],
    [["--version"], 0],
    [["take", "--help"], 0],
    [["back-up"], 2],
    [["take", "--into", "/tmp"], 2],
    [["take", "--into", "/tmp", "--nb", "nonsense"], 2],
    [["take", "--into", "/nowhere", "--nb", "tcp:127.0.0.1:1"], 3],
    [["take", "--into", "/tmp", "--nb", "tcp:127.0.0.1:1", "--gzip", "11"], 2],
    [["verify", "/nowhere.db"], 3],
    [["rotate", "/tmp"], 2],
    [["check-dirs", "--ssh", "a", "--pod", "b"], 2],
    [["list", "/nowhere"], 3],
  ])("ends %j with %i", async (args, expected) => {
    const { status, out, err } = await run(...args);
    expect({ status, said: out !== "" || err !== "" }).toEqual({ status: expected, said: true });
    expect(err).not.toMatch(/\n {4}at /);
  });

  test("an error with --json is JSON too", async () => {
    const { status, out } = await run("take", "--into", temporaryFolder(), "--db", "Lab=unix:/nowhere", "--json");
    expect(status).toBe(3);
    expect(JSON.parse(out)).toMatchObject({ version: 1, error: { code: "NO_SOURCE" } });
  });

  test.each(["SIGINT", "SIGTERM"] as const)(
    "%s in the middle leaves nothing behind, and ends with 130",
    async (signal) => {
      const into = temporaryFolder();
      await using silent = await fakeMember({ model: "standalone", leader: true });
      const program = fileURLToPath(new URL("../../src/edge/cli/ovn-backup.ts", import.meta.url));
      const args = ["--conditions=ovnha-source", "--import", "tsx", program];
      const child = spawn(process.execPath, [...args, "take", "--into", into, "--db", `Lab=${silent.remote}`], {
        cwd: fileURLToPath(new URL("../../../..", import.meta.url)),
        stdio: ["ignore", "pipe", "pipe"],
      });
      let err = "";
      child.stderr.on("data", (chunk) => {
        err += String(chunk);
      });
      const ended = once(child, "exit");
      await Promise.race([silent.asked("monitor_cond_since"), ended]);
      expect({ err, drafts: names(into).filter((name) => name.startsWith(".Lab")).length }).toEqual({
        err: "",
        drafts: 1,
      });
      child.kill(signal);
      expect((await ended)[0]).toBe(130);
      expect(names(into)).toEqual([]);
    },
  );

  test("names its version as package.json does", async () => {
    const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
    expect((await run("--version")).out.trim()).toBe((JSON.parse(text) as { version: string }).version);
    writeFileSync(join(folder, "x.manifest.json"), "{");
    expect(await run("list", folder)).toMatchObject({ status: 1, err: expect.stringContaining("x.manifest.json") });
  });
});
