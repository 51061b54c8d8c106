import { chmodSync, copyFileSync, existsSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Runner, RunnerError } from "@ovnha/runner";
import { ovsHas, realOvs, runCommand, SCHEMAS, startCluster, temporaryFolder, waitFor } from "@ovnha/testkit";
import { beforeAll, describe, expect, test } from "vitest";
import { ovsdbTool, takeBackup, verifyBackup } from "../../src/index.ts";
import { LAB_SCHEMA, fillLab, names, rowsOfFile } from "../support/lab.ts";

const LOCAL = "tcp:127.0.0.1:6643";
const REMOTE = "tcp:127.0.0.1:6644";

describe.skipIf(realOvs() === "skip")("ovsdb-tool", () => {
  let good: string;
  let kicked: string;
  let schema: string;
  beforeAll(async () => {
    const folder = temporaryFolder();
    schema = join(folder, "lab.ovsschema");
    writeFileSync(schema, JSON.stringify(LAB_SCHEMA));
    await using cluster = await startCluster({ schema });
    const leader = await cluster.waitForLeader();
    await fillLab(cluster.member(leader).remote);
    const [victim = 0] = await cluster.followers();
    const sid = await cluster.sid(victim);
    await cluster.member(leader).appctl("cluster/kick", "Lab", sid);
    const isGone = (): Promise<boolean> =>
      cluster.status(victim).then(
        () => false,
        () => true,
      );
    await waitFor(isGone, { what: "the member to be removed" });
    [good, kicked] = [join(folder, "good.db"), join(folder, "kicked.db")];
    copyFileSync(cluster.file(leader), good);
    copyFileSync(cluster.file(victim), kicked);
  });

  describe.each(["ovsdb-tool", "native"] as const)("by the engine %s", (engine) => {
    const tool = ovsdbTool({ engine });

    test("makes files, and says what they are", async () => {
      const folder = temporaryFolder();
      const at = (name: string): string => join(folder, name);
      await tool.create({ target: at("new.db"), schema });
      const first = { target: at("first.db"), contents: at("new.db"), localAddress: LOCAL };
      const withTimer = tool.createCluster({ ...first, electionTimerMs: 2_000 });
      if (engine === "native" || ovsHas("2.16.0")) await withTimer;
      else {
        await expect(withTimer).rejects.toMatchObject({ code: "UNSUPPORTED", message: /no --election-timer/ });
        await tool.createCluster(first);
      }
      await tool.createCluster({ target: at("other.db"), contents: schema, localAddress: LOCAL });
      const cid = await tool.clusterId(at("first.db"));
      await tool.joinCluster({
        target: at("second.db"),
        database: "Lab",
        localAddress: REMOTE,
        remoteAddresses: [LOCAL],
        clusterId: cid,
      });
      await tool.joinCluster({
        target: at("third.db"),
        database: "Lab",
        localAddress: REMOTE,
        remoteAddresses: [LOCAL],
      });
      await tool.clusterToStandalone({ target: at("back.db"), source: at("first.db") });
      await tool.compact({ target: at("small.db"), source: at("back.db") });
      await tool.convert({ target: at("nb.db"), source: at("new.db"), schema: SCHEMAS.northbound });
      // Neither drafts nor lock files of drafts.
      expect(names(folder).filter((name) => name.includes("partial"))).toEqual([]);
      const kinds = await Promise.all(
        ["new.db", "first.db", "second.db", "back.db", "small.db", "nb.db"].map(async (name) => [
          await tool.databaseName(at(name)),
          (await tool.isClustered(at(name))) ? "clustered" : "",
          (await tool.isStandalone(at(name))) ? "standalone" : "",
        ]),
      );
      expect(kinds).toEqual([
        ["Lab", "", "standalone"],
        ["Lab", "clustered", ""],
        ["Lab", "clustered", ""],
        ["Lab", "", "standalone"],
        ["Lab", "", "standalone"],
        ["OVN_Northbound", "", "standalone"],
      ]);
      expect(await tool.clusterId(at("second.db"))).toBe(cid);
      expect(await tool.clusterId(at("third.db"))).toBeUndefined();
      expect(await tool.localAddress(at("second.db"))).toBe(REMOTE);
      expect(await tool.serverId(at("first.db"))).toMatch(/^[0-9a-f-]{36}$/);
      expect(await tool.databaseVersion(at("small.db"))).toBe("1.2.3");
      expect(await tool.databaseCksum(at("nb.db"))).toBe(await tool.schemaCksum(SCHEMAS.northbound));
      expect([await tool.schemaName(schema), await tool.schemaVersion(schema)]).toEqual(["Lab", "1.2.3"]);
      expect(await tool.needsConversion({ file: at("new.db"), schema })).toBe(false);
      expect(await tool.needsConversion({ file: at("new.db"), schema: SCHEMAS.northbound })).toBe(true);
    });

    test("converts a member's file to the rows that it has, with their uuids", async () => {
      const folder = temporaryFolder();
      const target = join(folder, "-starts with a dash.db");
      expect(await tool.clusterToStandalone({ target, source: good })).toEqual({ notices: [] });
      const rows = await rowsOfFile(target);
      expect([...rows].map(([table, { size }]) => [table, size]).sort()).toEqual([
        ["Bare", 2],
        ["Empty", 0],
        ["Port", 7],
        ["Switch", 7],
      ]);
      const other = join(folder, "other.db");
      await ovsdbTool({ engine: engine === "native" ? "ovsdb-tool" : "native" }).clusterToStandalone({
        target: other,
        source: good,
      });
      expect(await rowsOfFile(other)).toEqual(rows);
    });

    test("tells that a file is one of a member that was removed, which the exit status hides", async () => {
      const target = join(temporaryFolder(), "kicked.db");
      const { notices } = await tool.clusterToStandalone({ target, source: kicked });
      expect(notices.join()).toMatch(/left the cluster/);
      expect(await tool.checkCluster([kicked])).toMatchObject({ removed: [kicked] });
      expect(await tool.checkCluster([good])).toMatchObject({ ok: true, removed: [] });
    });

    test("leaves no file behind when a conversion fails, and never writes over one", async () => {
      const folder = temporaryFolder();
      const [cut, joining, target] = [join(folder, "cut.db"), join(folder, "joining.db"), join(folder, "out.db")];
      copyFileSync(good, cut);
      truncateSync(cut, 1_000);
      await tool.joinCluster({ target: joining, database: "Lab", localAddress: LOCAL, remoteAddresses: [REMOTE] });
      const before = names(folder);
      for (const source of [cut, joining, join(folder, "nowhere.db")])
        await expect(tool.clusterToStandalone({ target, source })).rejects.toThrow(/cut|joining|nowhere/);
      expect(names(folder)).toEqual(before);
      writeFileSync(target, "somebody's");
      for (const make of [
        () => tool.clusterToStandalone({ target, source: good }),
        () => tool.create({ target, schema }),
        () => tool.createCluster({ target, contents: schema, localAddress: LOCAL }),
        () => tool.joinCluster({ target, database: "Lab", localAddress: LOCAL, remoteAddresses: [REMOTE] }),
      ])
        await expect(make()).rejects.toMatchObject({ code: "EXISTS" });
      const standalone = join(folder, "standalone.db");
      await tool.create({ target: standalone, schema });
      await expect(tool.compact({ target, source: standalone })).rejects.toMatchObject({ code: "EXISTS" });
      await expect(tool.convert({ target, source: standalone, schema })).rejects.toMatchObject({ code: "EXISTS" });
      expect(readFileSync(target, "utf8")).toBe("somebody's");
    });

    test("finds a broken file", async () => {
      const broken = join(temporaryFolder(), "broken.db");
      const bytes = readFileSync(good);
      const at = bytes.indexOf("Logical") === -1 ? Math.floor(bytes.length / 2) : bytes.indexOf("Logical");
      bytes[at] = (bytes[at] as number) ^ 1;
      writeFileSync(broken, bytes);
      const { ok, problem } = await tool.checkCluster([broken]);
      expect([ok, problem]).toEqual([false, expect.stringContaining("broken.db")]);
    });

    test.each([
      ["1.2.3", "<", "1.10.0", true],
      ["1.2.3", ">=", "1.10.0", false],
      ["1.2.3", "==", "1.2.3", true],
      ["1.2.3", "!=", "1.2.3", false],
      ["2.0.0", ">", "1.99.99", true],
      ["2.0.0", "<=", "1.99.99", false],
    ] as const)("compares versions: %s %s %s is %s", async (left, operator, right, expected) => {
      expect(await tool.compareVersions({ left, operator, right })).toBe(expected);
    });

    test("refuses what is no version, and shows a log", async () => {
      await expect(tool.compareVersions({ left: "1.x", operator: "<", right: "1.0.0" })).rejects.toThrow(/1\.x/);
      const [short, long] = [await tool.showLog({ file: good }), await tool.showLog({ file: good, more: 2 })];
      expect(short).toMatch(/^record 0/);
      expect(long.length).toBeGreaterThan(short.length);
      expect(long).toContain("sw plain");
    });
  });

  test("is not needed to see that a removed member's file is no source for a backup, unless anything is", async () => {
    const into = temporaryFolder();
    const databases = [{ database: "Lab", file: kicked }];
    await expect(takeBackup({ databases, into })).rejects.toMatchObject({ code: "NO_SOURCE" });
    expect(names(into)).toEqual([]);
    const { backups, warnings } = await takeBackup({ databases, into, accept: "any", gzip: true });
    expect(warnings.join("\n")).toMatch(/removed from its cluster/);
    expect(await verifyBackup(backups[0]!.path)).toMatchObject({ ok: true, rows: { Switch: 7, Port: 7 } });
    const cut = join(into, "cut.db");
    copyFileSync(good, cut);
    truncateSync(cut, readFileSync(good).length - 5);
    const torn = await takeBackup({ databases: [{ database: "Lab", file: cut }], into: temporaryFolder() });
    expect(torn.warnings.join("\n")).toMatch(/damaged from offset/);
  });

  test("runs offline transactions, and takes an operation's error for what it is", async () => {
    const file = join(temporaryFolder(), "lab.db");
    const tool = ovsdbTool();
    await tool.create({ target: file, schema });
    const insert = { op: "insert", table: "Empty", row: { note: 'it\'s "$HOME" `here`' } };
    await tool.transact({ file, database: "Lab", operations: [insert] });
    const select = { op: "select", table: "Empty", where: [], columns: ["note"] };
    expect(await tool.query({ file, database: "Lab", operations: [select] })).toEqual([
      { rows: [{ note: insert.row.note }] },
    ]);
    await expect(tool.transact({ file, database: "Lab", operations: [{ op: "nope" }] })).rejects.toMatchObject({
      code: "TOOL_FAILED",
      message: expect.stringContaining("nope"),
    });
    await expect(
      ovsdbTool({ engine: "native" }).query({ file, database: "Lab", operations: [] }),
    ).rejects.toMatchObject({
      code: "UNSUPPORTED",
    });
  });

  test("says its version, and that a subcommand is only in another build", async () => {
    const tool = ovsdbTool({ engine: "ovsdb-tool" });
    const version = await tool.version();
    expect(version.version).toMatch(/^\d+\.\d+\.\d+$/);
    expect(version.commands).toContain("cluster-to-standalone");
    await expect(tool.fixCluster([good])).rejects.toMatchObject({
      code: "UNSUPPORTED",
      remedy: expect.stringContaining("Kube-OVN"),
    });
    const header = JSON.parse(await ovsdbTool({ engine: "native" }).raftHeader(good)) as { name: string };
    expect(header.name).toBe("Lab");
  });

  test("rejoins from a remembered header, natively", async () => {
    const folder = temporaryFolder();
    const native = ovsdbTool({ engine: "native" });
    const [header, target] = [join(folder, "lab.hdr"), join(folder, "again.db")];
    writeFileSync(header, await native.raftHeader(good));
    await native.rejoinCluster({ target, header, localAddress: LOCAL, remoteAddresses: [REMOTE] });
    expect((await runCommand("ovsdb-tool", ["db-sid", target])).trim()).toBe(await native.serverId(good));
    expect((await runCommand("ovsdb-tool", ["db-cid", target])).trim()).toBe(await native.clusterId(good));
  });
});

/** Programs that misbehave. */
describe("ovsdb-tool that is not there, or lies", () => {
  function script(text: string): string {
    const path = join(temporaryFolder(), "ovsdb-tool");
    writeFileSync(path, `#!/bin/sh\n${text}\n`);
    chmodSync(path, 0o755);
    return path;
  }

  test("a missing program is a clear error with a remedy", async () => {
    const tool = ovsdbTool({ command: "/nowhere/ovsdb-tool" });
    await expect(tool.version()).rejects.toMatchObject({ code: "NO_TOOL", remedy: expect.stringContaining("install") });
  });

  test("a program that reports success and makes nothing, or nonsense, is not believed", async () => {
    const target = join(temporaryFolder(), "out.db");
    for (const lie of ["exit 0", 'case "$1" in create) echo x > "$2";; db-is-standalone) exit 2;; esac'])
      await expect(ovsdbTool({ command: script(lie) }).create({ target, schema: "s" })).rejects.toMatchObject({
        code: "TOOL_FAILED",
      });
    expect(existsSync(target)).toBe(false);
  });

  test("one that hangs is ended by time or by signal, and leaves no draft", async () => {
    const folder = temporaryFolder();
    const target = join(folder, "out.db");
    const hanging = script('if [ "$1" = create ]; then echo half > "$2"; exec sleep 100; fi');
    await expect(ovsdbTool({ command: hanging, timeoutMs: 300 }).create({ target, schema: "s" })).rejects.toMatchObject(
      { code: "LIMIT" },
    );
    const abort = new AbortController();
    const making = ovsdbTool({ command: hanging }).create({ target, schema: "s" }, { signal: abort.signal });
    await waitFor(() => names(folder).length > 0, { what: "the draft" });
    abort.abort();
    await expect(making).rejects.toMatchObject({ code: "ABORTED" });
    expect(names(folder)).toEqual([]);
  });

  test("one that talks without end is cut off", async () => {
    const talking = ovsdbTool({ command: script("exec yes"), outputBytesMax: 100_000 });
    await expect(talking.showLog({ file: "x" })).rejects.toMatchObject({ code: "LIMIT" });
  });

  test("works wherever the runner is, and names that place", async () => {
    const calls: string[][] = [];
    const runner: Runner = {
      name: "pod kube-system/ovn-central-0",
      run: (command, args) => {
        calls.push([command, ...args]);
        throw new RunnerError("NOT_FOUND", "no such file");
      },
    };
    await expect(ovsdbTool({ runner }).databaseName("/etc/ovn/a b;c.db")).rejects.toThrow(/pod kube-system/);
    expect(calls).toEqual([["ovsdb-tool", "db-name", "/etc/ovn/a b;c.db"]]);
    expect(() => ovsdbTool({ engine: "native", runner })).toThrow(expect.objectContaining({ code: "ARGUMENT" }));
  });
});
