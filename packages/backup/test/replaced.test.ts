import { mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "@ovnha/testkit";
import { expect, test } from "vitest";
import { takeBackup } from "../src/index.ts";
import { JournalFile } from "../src/edge/restore/journal-file.ts";
import type { RestorePlan } from "../src/index.ts";
import { fakeMember } from "./support/fake-member.ts";

const ID = "00000000-0000-4000-8000-00000000000";

test("a database that is replaced under the connection is no backup, and leaves nothing", async () => {
  const row = { cid: `${ID}1`, sid: `${ID}2`, index: 3 };
  const reply = [false, `${ID}4`, {}];
  const into = temporaryFolder();
  await using member = await fakeMember({ ...row, sidThen: `${ID}3` }, reply);
  await expect(takeBackup({ into, databases: [{ database: "Lab", remote: member.remote }] })).rejects.toMatchObject({
    code: "NO_SOURCE",
    message: expect.stringContaining("became another server"),
  });
  expect(readdirSync(into)).toEqual([]);
  await using same = await fakeMember(row, reply);
  const { backups } = await takeBackup({ into, databases: [{ database: "Lab", remote: same.remote }] });
  expect(backups[0]?.manifest.cluster).toMatchObject({ sid: `${ID}2`, index: 3 });
});

test("a restore that a process of another container works on is busy, though nothing can be seen of that process", async () => {
  const workFolder = join(temporaryFolder(), "work");
  mkdirSync(workFolder);
  const plan = { format: "ovnha-restore", formatVersion: 1, id: "0", workFolder } as RestorePlan;
  const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  const lock = join(workFolder, "executor.lock");
  writeFileSync(lock, `4194303 1 ${boot} pid:[1]`);
  await expect(JournalFile.open(plan)).rejects.toMatchObject({ code: "BUSY" });
  // One of this machine before it was started anew, and one of ours, are gone.
  for (const mark of [`4194303 1 another-boot pid:[1]`, `4194303 1 ${boot} ${readlinkSync("/proc/self/ns/pid")}`]) {
    writeFileSync(lock, mark);
    await (await JournalFile.open(plan))[Symbol.asyncDispose]();
  }
});
