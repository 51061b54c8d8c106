import { appendFileSync, existsSync, readFileSync, renameSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type OvsdbServer, realOvs, startStandalone, temporaryFolder } from "@ovnha/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { listBackups, rotate, takeBackup, verifyBackup } from "../../src/index.ts";
import { runCommandLine } from "./commands.ts";
import { LAB_SCHEMA, names } from "../support/lab.ts";

const DAY_MS = 86_400_000;

describe.skipIf(realOvs() === "skip")("a folder of backups", () => {
  let server: OvsdbServer;
  beforeAll(async () => {
    server = await startStandalone({ schemas: [LAB_SCHEMA], listen: "unix" });
  });
  afterAll(() => server?.[Symbol.asyncDispose]());

  /** As if one had been taken on each of these days before now; the newest comes last. */
  async function taken(folder: string, daysAgo: readonly number[]): Promise<string[]> {
    const paths: string[] = [];
    for (const days of daysAgo) {
      const { backups } = await takeBackup({ databases: [{ database: "Lab", remote: server.unix }], into: folder });
      const { path, manifest, manifestPath } = backups[0]!;
      const date = new Date(Date.now() - days * DAY_MS).toISOString();
      const name = `Lab-${date.replace(/[-:]|\.\d+/g, "")}.db`;
      const moved = join(folder, name);
      renameSync(path, moved);
      const changed = { ...manifest, createdAt: date, file: { ...manifest.file, name } };
      writeFileSync(`${moved}.manifest.json`, JSON.stringify(changed));
      renameSync(manifestPath, `${manifestPath}.old`);
      paths.push(moved);
    }
    return paths;
  }

  test("lists what is there, newest first, and tells what is broken", async () => {
    const folder = temporaryFolder();
    const [old, middle, recent] = (await taken(folder, [9, 5, 1])) as [string, string, string];
    await verifyBackup(middle, { record: true });
    writeFileSync(join(folder, "x.manifest.json"), "{}");
    appendFileSync(old, "longer than the manifest says");
    const { backups, broken } = await listBackups(folder);
    expect(backups.map(({ path, verified }) => [path, verified?.level])).toEqual([
      [recent, undefined],
      [middle, "verified"],
    ]);
    expect(broken.map(({ path }) => path).sort()).toEqual(
      [`${old}.manifest.json`, join(folder, "x.manifest.json")].sort(),
    );
  });

  test("is only told what would go, unless it is meant; then exactly that goes", async () => {
    const folder = temporaryFolder();
    const [old, verified, recent] = (await taken(folder, [9, 5, 1])) as [string, string, string];
    await verifyBackup(verified, { record: true });
    const there = names(folder);
    const dry = await rotate({ folder, policy: { last: 1 } });
    expect(dry).toMatchObject({ dryRun: true, files: [old, `${old}.manifest.json`] });
    expect(names(folder)).toEqual(there);
    const wet = await rotate({ folder, policy: { last: 1 }, dryRun: false });
    expect(wet.files).toEqual(dry.files);
    expect(names(folder)).toEqual(there.filter((name) => !dry.files.includes(join(folder, name))));
    expect([existsSync(verified), existsSync(recent)]).toEqual([true, true]);
  });

  test("removes nothing while nothing is verified, or what was verified is no longer what it was", async () => {
    const folder = temporaryFolder();
    const [, verified] = (await taken(folder, [9, 5, 1])) as [string, string, string];
    const there = names(folder);
    expect((await rotate({ folder, policy: { last: 1 }, dryRun: false })).files).toEqual([]);
    await verifyBackup(verified, { record: true });
    const bytes = Buffer.from(await import("node:fs").then(({ readFileSync }) => readFileSync(verified)));
    bytes[200] = (bytes[200] as number) ^ 1;
    writeFileSync(verified, bytes);
    await expect(rotate({ folder, policy: { last: 1 }, dryRun: false })).rejects.toMatchObject({ code: "DAMAGED" });
    expect(names(folder)).toEqual([...there, `${verified.slice(folder.length + 1)}.verified.json`].sort());
  });

  test("withdraws the mark of what is found damaged: listed as that, and no longer the last verified", async () => {
    const folder = temporaryFolder();
    const [old, middle] = (await taken(folder, [9, 5, 1])) as [string, string, string];
    for (const path of [old, middle]) await verifyBackup(path, { record: true });
    const good = readFileSync(middle);
    const bytes = Buffer.from(good);
    bytes[200] = (bytes[200] as number) ^ 1;
    writeFileSync(middle, bytes);
    expect((await verifyBackup(middle, { record: true })).ok).toBe(false);
    const seen = async (): Promise<unknown> =>
      (await listBackups(folder)).backups.map(({ verified, damagedAt }) => verified?.level ?? damagedAt !== undefined);
    expect(await seen()).toEqual([false, true, "verified"]);
    const listed = await runCommandLine("list", folder);
    expect(listed).toMatchObject({ code: 1, out: expect.stringMatching(/ DAMAGED /) });
    const { keep } = await rotate({ folder, policy: { last: 1 } });
    expect(keep.find(({ reasons }) => reasons.includes("last verified of Lab"))?.set.id).toBe(
      (await listBackups(folder)).backups.find(({ path }) => path === old)?.manifest.set.id,
    );
    writeFileSync(middle, good);
    await verifyBackup(middle, { record: true });
    expect(await seen()).toEqual([false, "verified", "verified"]);
  });

  test("loses what a killed program left behind after a day, and never before", async () => {
    const folder = temporaryFolder();
    const [path] = (await taken(folder, [1])) as [string];
    await verifyBackup(path, { record: true });
    const [fresh, stale] = [".Lab-1.db.partial-0123abcd", ".Lab-2.db.partial-0123abcd"].map((name) =>
      join(folder, name),
    ) as [string, string];
    for (const draft of [fresh, stale]) writeFileSync(draft, "half");
    const old = new Date(Date.now() - 2 * DAY_MS);
    utimesSync(stale, old, old);
    expect((await rotate({ folder, policy: { last: 1 }, dryRun: false })).debris).toEqual([stale]);
    expect([existsSync(fresh), existsSync(stale), existsSync(path)]).toEqual([true, false, true]);
  });
});
