/** A disk that is full while a file is written: a clear error, and nothing left. Needs the right to mount. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { clusterToStandalone, compact, createCluster, createStandalone, type DbFileError } from "../../src/index.ts";
import { fileBytes } from "../support/memory-file.ts";
import { CLUSTER, eid, HEADER, row, SCHEMA } from "../support/samples.ts";

const DISK_BYTES = 64 << 10;

function mount(folder: string): boolean {
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${DISK_BYTES}`, "tmpfs", folder], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

const sources = mkdtempSync(join(tmpdir(), "ovnha-"));
const disk = mkdtempSync(join(tmpdir(), "ovnha-"));
const isMounted = mount(disk);
if (!isMounted) for (const folder of [sources, disk]) rmSync(folder, { recursive: true });

describe.skipIf(!isMounted)("a full disk", () => {
  const target = join(disk, "new.db");
  const [small, large] = [join(sources, "small.db"), join(sources, "large.db")];
  const bear = (length: number) => ({ Animal: { [row("1")]: { name: "x".repeat(length) } } });
  const entry = (index: number) => ({ term: 3, index, data: [null, bear(2 << 20)], eid: eid(index) });

  beforeAll(() => {
    writeFileSync(small, CLUSTER);
    const records = [HEADER, entry(11), entry(12), { commit_index: 12 }];
    writeFileSync(large, fileBytes("CLUSTER", records));
  });
  afterAll(() => {
    execFileSync("umount", [disk]);
    for (const folder of [sources, disk]) rmSync(folder, { recursive: true, force: true });
  });

  test.each<[string, () => Promise<unknown>]>([
    ["clusterToStandalone", () => clusterToStandalone(large, target)],
    ["clusterToStandalone as ovsdb-tool", () => clusterToStandalone(large, target, { asOvsdbTool: true })],
    ["createCluster", () => createCluster({ source: large, path: target, localAddress: "tcp:127.0.0.1:6644" })],
    ["compact", () => compact({ source: large, target })],
    [
      "createStandalone, a record that goes to the disk before it is whole",
      () =>
        createStandalone({
          path: target,
          schema: SCHEMA,
          rows: [{ table: "Animal", uuid: row("1"), columns: { name: "x".repeat(9 << 20) } }],
        }),
    ],
  ])("%s", async (_what, write) => {
    const error = await write().catch((caught: DbFileError) => caught);
    expect(error).toMatchObject({ code: "IO", message: expect.stringContaining("ENOSPC") });
    expect(readdirSync(disk)).toEqual([]);
    // What fits is written afterwards: nothing holds the space.
    await clusterToStandalone(small, target);
    rmSync(target);
  });
});
