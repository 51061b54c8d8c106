import { rmSync } from "node:fs";
import { realOvs, runCommand, SCHEMAS } from "@ovnha/testkit";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type Lab, startLab } from "./lab.ts";

describe.skipIf(realOvs() === "skip").sequential("members of five that lose their files and come back wrong", () => {
  let lab: Lab;

  beforeAll(async () => {
    lab = await startLab(5);
  }, 120_000);
  afterEach(() => lab.forget(), 120_000);
  afterAll(() => lab?.[Symbol.asyncDispose]());

  it("B1, C1: one loses its file and asks its own old address; the ghost goes, and it asks the members", async () => {
    const [index = 0] = await lab.cluster().followers();
    const ghost = await lab.cluster().sid(index);
    const address = await lab.raftAddress(index);
    // ovsdb-tool wants a remote that is not its own; a host that has no name for it yet looks the same.
    await lab.loseFile(index, ["tcp:127.0.0.1:1"]);
    await lab.cluster().member(index).start();
    const { finding, verdict } = await lab.until("remotes-unreachable");
    expect(finding).toMatchObject({ members: [lab.name(index)], incident: "C1", remedy: { isDestructive: false } });
    expect(verdict.quorum).toMatchObject({ state: "yes", configured: 5, live: 4, ghosts: 1 });
    const plan = await lab.recovery();
    expect(plan).toMatchObject({ decision: "rejoin", blockers: [] });
    expect(plan.steps.find(({ command }) => command?.args.includes("cluster/kick"))?.command?.args).toContain(ghost);
    const join = plan.steps.find(({ command }) => command?.args.includes("join-cluster"))?.command?.args ?? [];
    expect(join.filter((word) => word === address)).toHaveLength(1);
    expect(join).not.toContain("tcp:127.0.0.1:1");
    expect((await lab.execute(plan)).isComplete).toBe(true);
  }, 120_000);

  it("B2: the first node bootstraps a second cluster, and another joins it; both come back, one by one", async () => {
    const leader = await lab.cluster().waitForLeader();
    const [first = 0, second = 0] = await lab.cluster().followers();
    const cid = await lab.cluster().cid(leader);
    const address = await lab.raftAddress(first);
    await lab.loseFile(first, [address.replace(/\d+$/, "1")]);
    rmSync(lab.cluster().file(first));
    await runCommand("ovsdb-tool", ["create-cluster", lab.cluster().file(first), SCHEMAS.southbound, address]);
    await lab.cluster().member(first).start();
    await lab.loseFile(second, [address]);
    await lab.cluster().member(second).start();
    for (const left of [2, 1]) {
      const { finding, verdict } = await lab.until("cluster-id-mismatch");
      expect(finding).toMatchObject({ severity: "critical", incident: "B2" });
      expect(finding.remedy).toMatchObject({ kind: "stop", isDestructive: true });
      expect(finding.members.length).toBeLessThanOrEqual(left);
      expect(verdict).toMatchObject({ clusterId: cid, health: "critical", quorum: { state: "yes", configured: 5 } });
      const plan = await lab.recovery();
      expect(plan).toMatchObject({ decision: "stop", blockers: [] });
      expect((await lab.execute(plan)).isComplete).toBe(true);
    }
    expect(await Promise.all([first, second].map((index) => lab.cluster().cid(index)))).toEqual([cid, cid]);
  }, 120_000);
});
