/** The commands against real servers: a lost cluster, one lost member, a member whose disk was wiped on boot. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  dumpRows,
  ovsdbTransact,
  realOvs,
  removeFolder,
  runCommand,
  SCHEMAS,
  serverRow,
  temporaryFolder,
} from "@ovnha/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { takeBackup } from "../../src/index.ts";
import { runCommandLine } from "./commands.ts";
import { DATABASE, type Lab, SERVICE, startLab } from "./members.ts";

describe.skipIf(realOvs() === "skip")("ovn-backup restore", { timeout: 120_000 }, () => {
  const folder = temporaryFolder();
  const source = join(folder, "source.db");
  /** One cluster for all that need one: it is lost, restored, loses a member, and at last does not start. */
  let lab: Lab;

  beforeAll(async () => {
    await runCommand("ovsdb-tool", ["create", source, SCHEMAS.northbound]);
    await runCommand("ovsdb-tool", [
      "transact",
      source,
      JSON.stringify([DATABASE, { op: "insert", table: "Logical_Switch", row: { name: "first" } }]),
    ]);
    lab = await startLab(source);
  });
  afterAll(async () => {
    await lab[Symbol.asyncDispose]();
    removeFolder(folder);
  });

  /** The description of a lab, as an operator writes it. */
  function describeLab(lab: Lab, name: string): string {
    const path = join(folder, `${name}.json`);
    const members = lab.cluster.members.map(({ name: member, addresses }, index) => {
      const home = lab.folders[index] ?? "";
      return {
        name: member,
        runner: { kind: "local" },
        addresses,
        databases: {
          nb: {
            file: join(home, "db.db"),
            clientSocket: join(home, "db.sock"),
            controlSocket: join(home, "ctl"),
            stop: [["sh", SERVICE, "stop", home]],
            start: [["sh", SERVICE, "start", home]],
          },
        },
      };
    });
    writeFileSync(path, JSON.stringify({ profile: "debian", members }));
    return path;
  }

  test("restores a lost cluster from a backup, at the same addresses; a dry run changes nothing", async () => {
    await ovsdbTransact(lab.remotes.join(","), DATABASE, [
      { op: "insert", table: "Logical_Switch", row: { name: "second" } },
    ]);
    const into = join(folder, "backups");
    mkdirSync(into);
    const taken = await takeBackup({
      databases: [{ database: DATABASE, remote: lab.remotes.join(",") }],
      into,
      gzip: true,
    });
    const wanted = await names(lab.remotes[0] ?? "");
    expect(wanted).toEqual(["first", "second"]);
    const cluster = describeLab(lab, "lost");
    const backup = taken.backups[0]?.path ?? "";

    const alive = await runCommandLine("restore", "--cluster", cluster, "--source", backup);
    expect(alive.code).toBe(1);
    expect(alive.out).toContain("REFUSED STILL_ALIVE");
    for (const index of lab.folders.keys()) await lab.service("stop", index);
    for (const home of lab.folders.slice(0, 2)) rmSync(join(home, "db.db"));

    const work = join(folder, "work lost");
    const dry = await runCommandLine("restore", "--cluster", cluster, "--source", backup, "--work", work);
    expect(dry).toMatchObject({ code: 0, err: "" });
    expect(dry.out).toContain("Nothing was changed.");
    expect(existsSync(work)).toBe(false);
    const json = await runCommandLine("restore", "--cluster", cluster, "--source", backup, "--work", work, "--json");
    expect((JSON.parse(json.out) as { plan: object }).plan).toMatchObject({
      format: "ovnha-restore",
      kind: "whole-cluster",
      databases: ["nb"],
    });

    const done = await runCommandLine("restore", "--cluster", cluster, "--source", backup, "--work", work, "--execute");
    expect(done.code, done.out + done.err).toBe(0);
    expect(done.out).toContain("Restored.");
    expect(done.out).not.toContain("Nothing was changed");
    expect(done.err).toContain("fresh backup: ");
    await lab.connected();
    for (const remote of lab.remotes) expect(await names(remote)).toEqual(wanted);
    expect(readdirSync(join(work, "backup")).some((name) => name.endsWith(".db.gz"))).toBe(true);

    const again = await runCommandLine(
      "restore",
      "--cluster",
      cluster,
      "--source",
      backup,
      "--work",
      work,
      "--accept",
      "STILL_ALIVE",
      "--execute",
    );
    expect(again).toMatchObject({ code: 3 });
    expect(again.err).toContain("work folder of another restore");
    const told = await runCommandLine("restore", "--status", work);
    expect(told.out).toContain("It is restored.");
    expect(told.out).not.toContain("Nothing was changed");
    const status = await runCommandLine("restore", "--status", work, "--json");
    expect(JSON.parse(status.out)).toMatchObject({ closed: "restored" });
    expect((await runCommandLine("restore", "--resume", work, "--execute")).out).toContain("Restored.");
  });

  test("a source that is damaged, old or unverified is refused, with the remedy", async () => {
    const cluster = describeLab(lab, "refused");
    const torn = join(folder, "torn.db");
    writeFileSync(torn, readFileSync(source).subarray(0, -10));
    const damaged = await runCommandLine("restore", "--cluster", cluster, "--source", torn, "--execute");
    expect(damaged.code).toBe(1);
    expect(damaged.out).toMatch(/REFUSED SOURCE_DAMAGED: .*damaged at offset \d+/);
    const old = await runCommandLine("restore", "--cluster", cluster, "--source", source, "--max-age", "0s");
    expect(old.code).toBe(1);
    expect(old.out).toContain("REFUSED SOURCE_OLD");
    expect(old.out).toContain("--accept SOURCE_OLD");
    const none = await runCommandLine("restore", "--cluster", cluster, "--source", join(folder, "nothing.db"));
    expect(none).toMatchObject({ code: 3 });
    expect((await runCommandLine("restore")).err).toContain("one of --cluster, --resume, --undo and --status");
  });

  test("replaces one member while the others have their quorum", async () => {
    const cluster = describeLab(lab, "member");
    const victim = 1;
    const name = lab.cluster.members[victim]?.name ?? "";
    const refused = await runCommandLine("restore", "--cluster", cluster, "--member", name, "--db", "nb");
    expect(refused.code).toBe(1);
    expect(refused.out).toContain("is connected to its cluster");
    const before = await serverRow(lab.remotes[victim] ?? "", DATABASE);
    await lab.service("stop", victim);
    rmSync(join(lab.folders[victim] ?? "", "db.db"));
    const done = await runCommandLine(
      "restore",
      "--cluster",
      cluster,
      "--member",
      name,
      "--db",
      "nb",
      "--work",
      join(folder, "work member"),
      "--execute",
    );
    expect(done.code, done.out + done.err).toBe(0);
    await lab.connected();
    const after = await serverRow(lab.remotes[victim] ?? "", DATABASE);
    expect(after?.cid).toBe(before?.cid);
    expect(after?.sid).not.toBe(before?.sid);
    expect(await names(lab.remotes[victim] ?? "")).toEqual(["first", "second"]);
    const undo = await runCommandLine("restore", "--undo", join(folder, "work member"), "--execute");
    expect(undo).toMatchObject({ code: 3 });
    expect(undo.err).toContain("never comes back");
  });

  test("stops where a step fails, tells how to go on, and takes all back", async () => {
    for (const index of lab.folders.keys()) await lab.service("stop", index);
    const before = lab.folders.map((home) => readFileSync(join(home, "db.db")));
    const work = join(folder, "work stops");
    const cluster = withBrokenStart(describeLab(lab, "stops"), 0);
    const args = [
      "restore",
      "--cluster",
      cluster,
      "--source",
      source,
      "--work",
      work,
      "--connect-timeout",
      "1s",
      "--execute",
    ];
    const stopped = await runCommandLine(...args);
    expect(stopped.code).toBe(4);
    expect(stopped.out).toContain("failed with exit code 1");
    expect(stopped.out).toContain(`--resume '${work}' --execute`);
    expect((await runCommandLine("restore", "--status", work)).out).toContain("[begun] Start");
    expect(await runCommandLine("restore", "--undo", work, "--execute")).toMatchObject({ code: 0 });
    expect(lab.folders.map((home) => readFileSync(join(home, "db.db")))).toEqual(before);
    expect(await runCommandLine("restore", "--resume", work, "--execute")).toMatchObject({
      code: 0,
      out: expect.stringContaining("Undone"),
    });
  });
});

async function names(remote: string): Promise<string[]> {
  const rows = (await dumpRows(remote, DATABASE)).get("Logical_Switch")?.values() ?? [];
  return [...rows].map((row) => String(row["name"])).sort();
}

/** The description in which a member's server does not start. */
function withBrokenStart(path: string, index: number): string {
  const description = JSON.parse(readFileSync(path, "utf8")) as {
    members: { databases: { nb: { start: string[][] } } }[];
  };
  const member = description.members[index];
  if (member !== undefined) member.databases.nb.start = [["false"]];
  const broken = path.replace(/\.json$/, "-broken.json");
  writeFileSync(broken, JSON.stringify(description));
  return broken;
}
