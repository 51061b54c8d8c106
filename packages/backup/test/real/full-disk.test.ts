/** Disks that fill up in the middle of a restore: nothing is lost, the error says so, and with room again it goes on. */
import { execFileSync } from "node:child_process";
import { createHash, randomUUID } from "node:crypto";
import { closeSync, existsSync, openSync, readdirSync, readFileSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { localRunner } from "@ovnha/runner";
import { dumpRows, realOvs, removeFolder, runCommand, SCHEMAS, temporaryFolder } from "@ovnha/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  executeRestore,
  lookAtSource,
  planRestore,
  type RestorePlan,
  type RestoreProgress,
  surveyRestore,
} from "../../src/index.ts";
import { DATABASE, type Lab, startLab } from "./members.ts";

const mounts: string[] = [];

function mount(folder: string): boolean {
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=8m", "tmpfs", folder], { stdio: "ignore" });
    mounts.push(folder);
    return true;
  } catch {
    return false;
  }
}

const work = temporaryFolder();
const mayMount = realOvs() === "present" && mount(work);

describe.skipIf(!mayMount)("a disk that fills up during a restore", { timeout: 120_000 }, () => {
  const folder = temporaryFolder();
  const source = join(folder, "source.db");
  let lab: Lab;
  let plan: RestorePlan;
  /** Of the member whose folder is a small disk. */
  let disk: string;
  let before: string[];

  beforeAll(async () => {
    await runCommand("ovsdb-tool", ["create", source, SCHEMAS.northbound]);
    const insert = { op: "insert", table: "Logical_Switch", row: { name: "x".repeat(100_000) } };
    await runCommand("ovsdb-tool", ["transact", source, JSON.stringify([DATABASE, insert])]);
    const homes: string[] = [];
    lab = await startLab(source, "nb", (home) => {
      homes.push(home);
      if (homes.length === 2) mount(home);
    });
    disk = homes[1] ?? "";
    for (const index of lab.folders.keys()) await lab.service("stop", index);
    before = lab.folders.map((home) => hash(join(home, "db.db")));
    const nowMs = Date.now();
    const runners = runnersOf();
    const workFolder = join(work, "restore");
    const sources = [await lookAtSource(source, { nowMs })];
    const facts = await surveyRestore(lab.cluster, { runners, databases: ["nb"], sources, workFolder });
    plan = planRestore(lab.cluster, facts, { id: "0000000f", nowMs, drawUuid: randomUUID, workFolder });
    expect(plan.findings.filter(({ severity }) => severity === "refuse")).toEqual([]);
  }, 120_000);
  afterAll(async () => {
    for (const home of lab?.folders ?? []) await runCommand("sh", ["-c", 'kill $(cat "$0/pid") || true', home]);
    for (const at of mounts) execFileSync("umount", ["-l", at]);
    await lab?.[Symbol.asyncDispose]();
    for (const at of [folder, work]) removeFolder(at);
  });

  const runnersOf = () => Object.fromEntries(lab.cluster.members.map(({ name }) => [name, localRunner()]));

  /** Runs until the disk that fills up at that point stops it. @returns what the operator is told. */
  async function runAndFill(
    full: string,
    point: RestoreProgress["type"],
    isAt: (id: string) => boolean,
  ): Promise<string> {
    const ballast = join(full, "ballast");
    const onProgress = (progress: RestoreProgress): void => {
      if (progress.type === point && isAt(progress.step.id) && !existsSync(ballast)) fillUp(ballast);
    };
    try {
      const result = await executeRestore(plan, { runners: runnersOf(), execute: true, onProgress });
      expect(result.outcome).toBe("stopped");
      return result.outcome === "stopped" ? `${result.reason}; ${result.remedy}` : "";
    } catch (error) {
      expect(error).toMatchObject({ code: "IO", remedy: expect.stringMatching(/free space/) });
      return `${(error as Error).message}; ${(error as { remedy?: string }).remedy}`;
    } finally {
      rmSync(ballast);
    }
  }

  /** The old files, where they were or where they were moved to. */
  const kept = (): string[] =>
    lab.folders.map((home) =>
      hash([join(home, "db.db"), join(home, `ovnha-restore-${plan.id}/old/db.db`)].filter(existsSync).at(-1) ?? ""),
    );
  const drafts = (): string[] =>
    lab.folders.flatMap((home) =>
      readdirSync(home, { recursive: true, encoding: "utf8" }).filter((name) =>
        /partial|incoming|restore\.[0-9a-f]/.test(name),
      ),
    );

  test("the host's, before its claim: nothing was begun, and nothing is claimed", async () => {
    const last = plan.steps.findLast(({ phase }) => phase === "preflight")?.id;
    expect(await runAndFill(disk, "done", (id) => id === last)).toMatch(/cannot claim.*No space left.*free space/s);
    expect(kept()).toEqual(before);
    expect(lab.folders.flatMap((home) => readdirSync(home).filter((name) => /ovnha/.test(name)))).toEqual([]);
  });

  test.each([
    ["the work folder's, while files are made", () => work, "convert.", /ENOSPC|no space/i],
    ["the work folder's, while a member's file is made", () => work, "create.", /ENOSPC|no space/i],
    ["the host's, while its old file is copied", () => disk, "keep.nb.node 2", /No space left.*resume/s],
    ["the host's, while its new file is put there", () => disk, "place.nb.node 2", /No space left.*resume/s],
  ])("%s", async (_what, full, step, told) => {
    expect(await runAndFill(full(), "step", (id) => id.startsWith(step))).toMatch(told);
    expect(kept()).toEqual(before);
    expect(drafts()).toEqual([]);
  });

  test("with room again it is restored, from where it stopped", async () => {
    const begun: string[] = [];
    const onProgress = ({ type, step }: RestoreProgress): void => void (type === "step" && begun.push(step.id));
    const result = await executeRestore(plan, { runners: runnersOf(), execute: true, onProgress });
    expect(result).toMatchObject({ outcome: "restored" });
    expect(begun[0]).toMatch(/^place\.nb\.node 2/);
    await lab.connected();
    for (const remote of lab.remotes) expect((await dumpRows(remote, DATABASE)).get("Logical_Switch")?.size).toBe(1);
    expect(kept()).toEqual(before);
  });
});

function fillUp(path: string): void {
  const file = openSync(path, "w");
  try {
    for (const size of [1 << 16, 1 << 12, 1]) {
      const zeros = Buffer.alloc(size);
      for (;;) {
        try {
          writeSync(file, zeros);
        } catch {
          break;
        }
      }
    }
  } finally {
    closeSync(file);
  }
}

function hash(path: string): string {
  return createHash("sha256").update(readFileSync(path)).digest("hex");
}
