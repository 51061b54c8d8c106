import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makePki, type OvsdbServer, realOvs, startStandalone, temporaryFolder } from "@ovnha/testkit";
import { filesTls } from "@ovnha/ovsdb";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { takeBackup } from "../../src/index.ts";
import { parseManifest } from "../../src/manifest.ts";
import { fakeMember } from "../support/fake-member.ts";
import { fillLab, LAB_SCHEMA, names, persistentRows, rowsOfFile } from "../support/lab.ts";

describe.skipIf(realOvs() === "skip")("a backup of a server", () => {
  let server: OvsdbServer;
  beforeAll(async () => {
    server = await startStandalone({ schemas: [LAB_SCHEMA] });
    await fillLab(server.remote);
  });
  afterAll(() => server?.[Symbol.asyncDispose]());

  const take = (into: string, more: object = {}): ReturnType<typeof takeBackup> =>
    takeBackup({ databases: [{ database: "Lab", remote: server.remote }], into, ...more });

  test.each([undefined, 1, 9])("has every row with its uuid, as a real server reads it (gzip %s)", async (gzip) => {
    const into = temporaryFolder();
    const { backups } = await take(into, { gzip });
    const [backup] = backups;
    expect(await rowsOfFile(backup!.path)).toEqual(await persistentRows(server.remote));
    expect(statSync(backup!.path).mode & 0o777).toBe(0o640);
    expect(statSync(backup!.manifestPath).mode & 0o777).toBe(0o640);
    expect(names(into)).toEqual([backup!.path, backup!.manifestPath].map((path) => path.slice(into.length + 1)));
    const manifest = parseManifest(readFileSync(backup!.manifestPath, "utf8"), "manifest");
    expect(manifest).toEqual(JSON.parse(JSON.stringify(backup!.manifest)));
    expect(manifest).toMatchObject({
      database: "Lab",
      schema: { version: "1.2.3" },
      rows: { Switch: 7, Port: 7, Empty: 0, Bare: 2 },
      source: { kind: "server", model: "standalone", place: server.remote },
    });
    const bytes = readFileSync(backup!.path);
    expect(manifest.file).toMatchObject({
      bytes: bytes.length,
      sha256: createHash("sha256").update(bytes).digest("hex"),
    });
  });

  test("is what every subcommand of ovsdb-tool reads without a complaint", async () => {
    const { backups } = await take(temporaryFolder());
    for (const command of ["db-name", "db-version", "db-is-standalone", "compact", "show-log"]) {
      const { status, stderr } = spawnSync("ovsdb-tool", [command, backups[0]!.path], { encoding: "utf8" });
      expect({ command, status, stderr }).toEqual({ command, status: 0, stderr: "" });
    }
  });

  test("refuses a name that is taken, and leaves what is there as it is", async () => {
    const into = temporaryFolder();
    const { backups } = await take(into);
    const { name } = backups[0]!.manifest.file;
    const before = readFileSync(backups[0]!.path);
    // The next second's names are all taken too, whichever it is when the file is named.
    for (let second = 0; second < 120; second++) {
      const next = new Date(Date.now() + second * 1_000).toISOString().replace(/[-:]|\.\d+/g, "");
      if (!name.includes(next)) writeFileSync(join(into, `Lab-${next}.db`), "somebody's");
    }
    const there = names(into);
    await expect(take(into)).rejects.toMatchObject({ code: "EXISTS" });
    expect(names(into)).toEqual(there);
    expect(readFileSync(backups[0]!.path).equals(before)).toBe(true);
  });

  test("leaves nothing behind when the disk is full", async ({ skip }) => {
    const into = join(temporaryFolder(), "small");
    mkdirSync(into);
    if (spawnSync("mount", ["-t", "tmpfs", "-o", "size=16k", "none", into]).status !== 0) skip("no right to mount");
    try {
      // A block must be written before the disk is full, so the file is made longer than the disk.
      await expect(take(into)).resolves.toBeDefined();
      writeFileSync(join(into, "ballast"), Buffer.alloc(4_096));
      await expect(take(into)).rejects.toMatchObject({ code: "IO", remedy: expect.stringContaining("free space") });
      expect(names(into).filter((name) => name.startsWith("."))).toEqual([]);
    } finally {
      spawnSync("umount", [into]);
    }
  });

  test("speaks TLS, and refuses a server that it can't trust", async () => {
    const pki = await makePki(temporaryFolder());
    await using secure = await startStandalone({ schemas: [LAB_SCHEMA], listen: "ssl", tls: pki.server });
    await fillLab(secure.unix);
    const databases = [{ database: "Lab", remote: secure.remote }];
    const into = temporaryFolder();
    const { backups } = await takeBackup({ databases, into, tls: filesTls(pki.client) });
    expect(await rowsOfFile(backups[0]!.path)).toEqual(await persistentRows(secure.unix));
    const stranger = filesTls({ ...pki.client, ca: pki.stranger.ca });
    await expect(takeBackup({ databases, into: temporaryFolder(), tls: stranger })).rejects.toMatchObject({
      code: "NO_SOURCE",
    });
  });

  test("says what is wrong: no server, no database, no folder, no sense", async () => {
    const into = temporaryFolder();
    const of = (database: string, remote: string, folder = into): Promise<unknown> =>
      takeBackup({ databases: [{ database, remote }], into: folder });
    await expect(of("Lab", "unix:/nowhere/db.sock")).rejects.toMatchObject({
      code: "NO_SOURCE",
      message: expect.stringContaining("/nowhere/db.sock"),
    });
    await expect(of("Other", server.remote)).rejects.toThrow(/does not serve Other/);
    await expect(of("Lab", server.remote, "/nowhere")).rejects.toMatchObject({ code: "NOT_FOUND" });
    await expect(of("Lab", "ptcp:6641")).rejects.toMatchObject({ code: "ARGUMENT" });
    await expect(of("../Lab", server.remote)).rejects.toMatchObject({ code: "ARGUMENT" });
    expect(names(into)).toEqual([]);
  });

  test("of two databases is both or nothing", async () => {
    const into = temporaryFolder();
    const lab = { database: "Lab", remote: server.remote };
    await expect(
      takeBackup({ databases: [lab, { database: "Other", remote: server.remote }], into }),
    ).rejects.toMatchObject({ code: "NO_SOURCE", message: expect.stringContaining("Other") });
    expect(names(into)).toEqual([]);
  });

  test("ends at once when it is given up, at whatever moment", async () => {
    const into = temporaryFolder();
    const abort = new AbortController();
    await using silent = await fakeMember({ model: "standalone", leader: true });
    const databases = [{ database: "Lab", remote: silent.remote }];
    const taking = takeBackup({ databases, into, signal: abort.signal });
    await silent.asked("monitor_cond_since");
    expect(names(into).filter((name) => name.startsWith(".Lab"))).toHaveLength(1);
    abort.abort();
    await expect(taking).rejects.toMatchObject({ code: "ABORTED" });
    expect(names(into)).toEqual([]);
    await expect(take(into, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: "ABORTED" });
  });

  test("counts a server that falls silent in the middle as lost", async () => {
    const into = temporaryFolder();
    await using silent = await fakeMember({ model: "standalone", leader: true });
    const databases = [{ database: "Lab", remote: silent.remote }];
    await expect(takeBackup({ databases, into, silenceMs: 200 })).rejects.toThrow(/no byte came for 200 ms/);
    expect(names(into)).toEqual([]);
  });
});
