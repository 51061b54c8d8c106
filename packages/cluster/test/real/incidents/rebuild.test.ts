import { renameSync } from "node:fs";
import { dumpRows, realOvs } from "@ovnha/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { FileFacts } from "../../../src/index.ts";
import { damage } from "./damage.ts";
import { type Lab, SB, startLab } from "./lab.ts";

describe.skipIf(realOvs() === "skip")("a quorum that is lost for good", () => {
  let lab: Lab;

  beforeAll(async () => {
    lab = await startLab(5);
  }, 120_000);
  afterAll(() => lab?.[Symbol.asyncDispose]());

  it("A2: two files are lost and one is damaged; the better of the two whole ones becomes a new cluster", async () => {
    const cluster = lab.cluster();
    const old = await cluster.cid();
    const best = await cluster.waitForLeader();
    const [behind = 0, damaged = 0, ...lost] = await cluster.followers();
    await cluster.member(behind).kill("SIGTERM");
    for (let number = 0; number < 3; number++) await lab.write();
    await cluster.waitConnected();
    const rows = await rowsOf(lab, best);
    expect(rows.length).toBeGreaterThan(2);
    for (const index of [damaged, ...lost]) await cluster.member(index).kill("SIGKILL");
    damage(cluster.file(damaged));
    for (const index of lost) renameSync(cluster.file(index), `${cluster.file(index)}.gone`);
    await lab.until("no-quorum");
    // Two can be had of the three that it takes, so that starting is no way out.
    const files: Record<string, FileFacts> = {};
    for (const index of [best, behind, damaged]) files[lab.name(index)] = await lab.readFile(index);
    const plan = await lab.recovery({ files, lost: lost.map((index) => lab.name(index)) });
    expect(plan).toMatchObject({ decision: "rebuild", blockers: [] });
    expect(plan.files.map(({ member, unfit }) => [member, unfit === undefined])).toEqual([
      [lab.name(best), true],
      [lab.name(behind), true],
      [lab.name(damaged), false],
    ]);
    expect(plan.warnings.join()).toContain("the cluster id changes");
    expect((await lab.execute(plan)).isComplete).toBe(true);
    expect(await cluster.cid(best)).not.toBe(old);
    await cluster.waitConnected();
    for (const index of cluster.members.keys()) expect(new Map(await rowsOf(lab, index))).toEqual(new Map(rows));
  }, 120_000);
});

/** Without `_version`, which is no part of a file. */
async function rowsOf(lab: Lab, index: number): Promise<(readonly [row: string, columns: object])[]> {
  const dumped = await dumpRows(lab.cluster().member(index).unix, SB);
  return [...dumped].flatMap(([table, rows]) =>
    [...rows].map(([uuid, { _version: _, ...columns }]) => [`${table} ${uuid}`, columns] as const),
  );
}
