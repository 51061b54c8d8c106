/** What runs over ssh, over a real sshd: arguments, folders of another host, and a restore of three members. */
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { localRunner, type Runner, sshRunner } from "@ovnha/runner";
import {
  dumpRows,
  realOvs,
  removeFolder,
  runCommand,
  SCHEMAS,
  type Sshd,
  startSshd,
  temporaryFolder,
} from "@ovnha/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { checkDirectories, findProfile, ovsdbTool } from "../../src/index.ts";
import { runCommandLine } from "./commands.ts";
import { DATABASE, type Lab, SERVICE, startLab } from "./members.ts";

const sshd: Sshd | undefined = await startSshd();

describe.skipIf(sshd === undefined)("over ssh", () => {
  const folder = temporaryFolder();
  let runner: Runner;
  beforeAll(() => {
    runner = sshRunner(sshd!.target);
  });
  afterAll(async () => {
    await sshd?.[Symbol.asyncDispose]();
    removeFolder(folder);
  });

  test("arguments, names of programs, inputs and outputs arrive as they are", async () => {
    const nasty = [
      "",
      " ",
      "a b",
      "it's",
      '"',
      "$(touch PWNED)",
      "`id`",
      "$HOME",
      "$'x'",
      "*",
      "~",
      "!!",
      "#",
      ";&|<>(){}[]",
    ];
    const more = [
      "\n",
      "a\nb\n",
      "\t\r",
      "\\",
      "\\n",
      "-n",
      "--",
      "-rf",
      "=",
      "A=b",
      "ü 日本 𝄞",
      "\u0001\u007f",
      "x".repeat(100_000),
    ];
    const args = [...nasty, ...more];
    const print = ["-e", "process.stdout.write(JSON.stringify(process.argv.slice(1)))", "--"];
    const { stdout, exitCode } = await runner.run(process.execPath, [...print, ...args]);
    expect([exitCode, JSON.parse(stdout)]).toEqual([0, args]);
    const program = join(folder, "a 'program' $(x)\n-ü");
    writeFileSync(program, '#!/bin/sh\nprintf "%s|" "$0" "$@"\n', { mode: 0o755 });
    expect((await runner.run(program, ["a b", "-"])).stdout).toBe(`${program}|a b|-|`);
    const bytes = randomBytes(3_000_000);
    async function* pieces(): AsyncGenerator<Uint8Array> {
      for (let at = 0; at < bytes.length; at += 100_000) yield bytes.subarray(at, at + 100_000);
    }
    const got: Uint8Array[] = [];
    await runner.run("cat", [], { input: pieces(), onStdout: (chunk) => void got.push(Uint8Array.from(chunk)) });
    expect(Buffer.concat(got).equals(bytes)).toBe(true);
    // No input is an empty one: a program that reads does not wait for a terminal.
    expect(await runner.run("sh", ["-c", "cat; echo over >&2; exit 7"])).toMatchObject({
      exitCode: 7,
      stderr: "over\n",
    });
    expect(existsSync("PWNED")).toBe(false);
  });

  test("a host that refuses, and one whose key is another, are not reached", async () => {
    const { target } = sshd!;
    const refused = sshRunner({ ...target, port: 1 }).run("true", []);
    await expect(refused).rejects.toMatchObject({ code: "UNREACHABLE", message: expect.stringContaining("refused") });
    const known = join(folder, "known");
    writeFileSync(known, "");
    const stranger = sshRunner({ ...target, options: { ...target.options, UserKnownHostsFile: known } });
    await expect(stranger.run("true", [])).rejects.toMatchObject({
      code: "UNREACHABLE",
      message: expect.stringContaining("Host key verification failed"),
    });
  });

  test("what is canceled ends", async () => {
    const abort = new AbortController();
    const running = runner.run("sh", ["-c", "echo begun; sleep 60"], {
      signal: abort.signal,
      onStdout: () => abort.abort(),
    });
    await expect(running).rejects.toMatchObject({ code: "CANCELED" });
  });

  describe.skipIf(realOvs() === "skip")("with servers", () => {
    const source = join(folder, "source.db");
    let lab: Lab;
    beforeAll(async () => {
      await runCommand("ovsdb-tool", ["create", source, SCHEMAS.northbound]);
      const insert = { op: "insert", table: "Logical_Switch", row: { name: "it's $(x)" } };
      await runCommand("ovsdb-tool", ["transact", source, JSON.stringify([DATABASE, insert])]);
      lab = await startLab(source);
    }, 60_000);
    afterAll(() => lab?.[Symbol.asyncDispose]());

    test("another host's folders are looked at as this one's own", async () => {
      const home = lab.folders[0] ?? "";
      const base = findProfile("debian");
      const nb = { ...base.databases.nb, file: join(home, "db.db"), pidFile: join(home, "pid") };
      const directories = [{ ...base.directories[0]!, path: home, freeBytesMin: 0 }];
      const profile = { ...base, directories, databases: { nb, sb: nb } };
      const [far, near] = await Promise.all(
        [runner, localRunner()].map((each) => checkDirectories({ profile, databases: ["nb"], runner: each })),
      );
      expect({ ...far, host: "" }).toEqual({ ...near, host: "" });
      expect(far?.host).toBe(runner.name);
      const tool = ovsdbTool({ engine: "ovsdb-tool", runner });
      expect(await tool.clusterId(nb.file)).toBe((await lab.cids())[0]);
    });

    test("a lost cluster is restored", { timeout: 120_000 }, async () => {
      for (const index of lab.folders.keys()) await lab.service("stop", index);
      const old = lab.folders.map((home) => readFileSync(join(home, "db.db")));
      const members = lab.cluster.members.map(({ name, addresses }, index) => {
        const home = lab.folders[index] ?? "";
        const nb = {
          file: join(home, "db.db"),
          clientSocket: join(home, "db.sock"),
          controlSocket: join(home, "ctl"),
          stop: [["sh", SERVICE, "stop", home]],
          start: [["sh", SERVICE, "start", home]],
        };
        return { name, runner: { kind: "ssh", ...sshd!.target }, addresses, databases: { nb } };
      });
      const cluster = join(folder, "cluster.json");
      writeFileSync(cluster, JSON.stringify({ profile: "debian", members }));
      const work = join(folder, "work");
      mkdirSync(work);
      const args = ["--cluster", cluster, "--source", source, "--work", join(work, "r"), "--execute"];
      const done = await runCommandLine("restore", ...args);
      expect(done.code, done.out + done.err).toBe(0);
      await lab.connected();
      for (const remote of lab.remotes)
        expect([...((await dumpRows(remote, DATABASE)).get("Logical_Switch")?.values() ?? [])]).toMatchObject([
          { name: "it's $(x)" },
        ]);
      const id = /ovnha-restore-([0-9a-f]{8})/.exec(done.out)?.[1] ?? "";
      for (const [index, home] of lab.folders.entries()) {
        const kept = readFileSync(join(home, `ovnha-restore-${id}/old/db.db`));
        expect(kept.equals(old[index] ?? Buffer.alloc(0))).toBe(true);
        expect(existsSync(join(home, "db.db.ovnha-restore"))).toBe(false);
      }
      expect(existsSync("PWNED")).toBe(false);
    });
  });
});
