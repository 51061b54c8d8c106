import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { realOvs, startCluster, startStandalone, temporaryFolder } from "@ovnha/testkit";
import { describe, expect, test } from "vitest";
import { rehearse, type TakenBackup, takeBackup } from "../../src/index.ts";
import { fillLab, LAB_SCHEMA, names } from "../support/lab.ts";

async function backupOf(remote: string, gzip = false): Promise<TakenBackup> {
  const { backups } = await takeBackup({ databases: [{ database: "Lab", remote }], into: temporaryFolder(), gzip });
  return backups[0] as TakenBackup;
}

describe.skipIf(realOvs() === "skip")("a rehearsed restore", () => {
  test("of a cluster's backup goes through a new cluster, and every row comes back", async () => {
    await using cluster = await startCluster({ schema: LAB_SCHEMA, members: 1 });
    await fillLab(cluster.remote);
    const { path } = await backupOf(cluster.remote, true);
    const scratch = temporaryFolder();
    for (const engine of ["native", "ovsdb-tool"] as const) {
      const seen: string[] = [];
      const rehearsal = await rehearse(path, { scratch, engine, record: true, onStep: (step) => seen.push(step) });
      expect(rehearsal.report.problems).toEqual([]);
      expect(rehearsal).toMatchObject({ ok: true, as: "cluster", difference: { tables: {}, rows: 16, equal: 16 } });
      expect(rehearsal.server).toMatch(/^\d+\.\d+/);
      expect(seen).toEqual(["copy", "convert", "serve", "compare"]);
      expect(rehearsal.steps.map(({ name }) => name)).toEqual(seen);
      const sum = rehearsal.steps.slice(0, 3).reduce((ms, { durationMs }) => ms + durationMs, 0);
      expect(rehearsal.restoreMs).toBe(sum);
    }
    expect(names(scratch)).toEqual([]);
    expect(JSON.parse(readFileSync(`${path}.verified.json`, "utf8"))).toMatchObject({ level: "rehearsed" });
  });

  test("of a standalone database's backup is served as one", async () => {
    await using server = await startStandalone({ schemas: [LAB_SCHEMA], listen: "unix" });
    await fillLab(server.unix);
    const { path } = await backupOf(server.unix);
    expect(await rehearse(path)).toMatchObject({ ok: true, as: "standalone", difference: { tables: {} } });
    expect(await rehearse(path, { as: "cluster" })).toMatchObject({ ok: true, as: "cluster" });
  });

  test("without ovsdb-server says that it could only check natively", async () => {
    await using server = await startStandalone({ schemas: [LAB_SCHEMA], listen: "unix" });
    const { path } = await backupOf(server.unix);
    const rehearsal = await rehearse(path, { command: "/nowhere/ovsdb-server", record: true });
    expect(rehearsal).toMatchObject({ ok: true, server: undefined, steps: [], restoreMs: undefined });
    expect(JSON.parse(readFileSync(`${path}.verified.json`, "utf8"))).toMatchObject({ level: "verified" });
  });

  test("finds a server that serves nothing, something else, or does not end", async () => {
    await using server = await startStandalone({ schemas: [LAB_SCHEMA], listen: "unix" });
    const before = await backupOf(server.unix);
    await fillLab(server.unix);
    const { path } = await backupOf(server.unix);
    const folder = temporaryFolder();
    const script = (name: string, text: string): string => {
      const command = join(folder, name);
      writeFileSync(command, `#!/bin/sh\n[ "$1" = --version ] && exec ovsdb-server --version\n${text}\n`);
      chmodSync(command, 0o755);
      return command;
    };
    const scratch = join(folder, "scratch");
    mkdirSync(scratch);
    const dead = script("dead", "exit 3");
    const other = script("other", `cp "${before.path}" "$1" && exec ovsdb-server "$@"`);
    const mute = script("mute", "exec sleep 100");
    for (const [command, problem] of [
      [dead, /did not start.*ended with 3/],
      [other, /serves other rows.*"removed":7/],
      [mute, /does not serve the backup after 300 ms/],
    ] as const) {
      const { ok, report } = await rehearse(path, {
        command,
        scratch,
        record: true,
        ...(command === mute ? { startMs: 300 } : {}),
      });
      expect(ok).toBe(false);
      expect(report.problems).toMatchObject([{ code: "SERVED", message: expect.stringMatching(problem) }]);
    }
    expect(existsSync(`${path}.verified.json`)).toBe(false);
    expect(names(scratch)).toEqual([]);
  });
});
