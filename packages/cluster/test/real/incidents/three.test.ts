import { renameSync } from "node:fs";
import { realOvs, runCommand } from "@ovnha/testkit";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { planElectionTimer } from "../../../src/index.ts";
import { type Lab, NB, SB, startLab } from "./lab.ts";

async function raftAddress(lab: Lab, index: number, database: string = SB): Promise<string> {
  return (await runCommand("ovsdb-tool", ["db-local-address", lab.cluster(database).file(index)])).trim();
}

describe.skipIf(realOvs() === "skip").sequential("incidents of a cluster of three, seen and healed", () => {
  let lab: Lab;

  beforeAll(async () => {
    lab = await startLab();
  }, 60_000);
  afterEach(() => lab.untilWell());
  afterAll(() => lab?.[Symbol.asyncDispose]());

  it("A1: a member dies; it is started with its file", async () => {
    const [follower = 0] = await lab.cluster().followers();
    await lab.cluster().member(follower).kill("SIGKILL");
    const { finding, verdict } = await lab.until("peer-down");
    expect(finding).toMatchObject({ members: [lab.name(follower)], remedy: { kind: "start" } });
    expect(finding.witnesses.length).toBeGreaterThanOrEqual(2);
    expect(verdict).toMatchObject({
      health: "warning",
      quorum: { state: "yes", live: 2, needed: 2, toleranceLeft: 0 },
    });
    const plan = await lab.recovery();
    expect(plan).toMatchObject({ decision: "start", blockers: [] });
    expect(plan.steps.some(({ isDestructive }) => isDestructive)).toBe(false);
    expect((await lab.execute(plan)).isComplete).toBe(true);
  });

  it("A1, A4: two of three die; the leader is believed no more, and one start is enough", async () => {
    const leader = await lab.cluster().waitForLeader();
    const followers = await lab.cluster().followers();
    for (const index of followers) await lab.cluster().member(index).kill("SIGKILL");
    const stale = await lab.until("stale-leader");
    expect(stale.verdict).toMatchObject({ health: "critical", quorum: { state: "no", live: 1, needed: 2 } });
    expect(stale.finding.members).toEqual([lab.name(leader)]);
    const { verdict } = await lab.until("no-leader");
    expect(verdict.findings.map(({ code }) => code)).toContain("no-quorum");
    const plan = await lab.recovery();
    expect(plan).toMatchObject({ decision: "start", blockers: [] });
    expect((await lab.execute(plan)).isComplete).toBe(true);
  });

  it("A6: a member hangs; it is not dead, and nothing is taken away", async () => {
    const [follower = 0] = await lab.cluster().followers();
    lab.cluster().member(follower).pause();
    const { finding } = await lab.until("peer-hung");
    expect(finding).toMatchObject({ members: [lab.name(follower)], remedy: { kind: "repair", isDestructive: false } });
    expect(await lab.recovery()).toMatchObject({ decision: "look" });
    lab.cluster().member(follower).resume();
  });

  it("A1, A6: both followers hang with a write under way; no quorum, and the write waits", async () => {
    const leader = await lab.cluster().waitForLeader();
    const followers = await lab.cluster().followers();
    for (const index of followers) lab.cluster().member(index).pause();
    await lab.submit(SB, leader);
    const { verdict } = await lab.until("no-quorum");
    expect(verdict.health).toBe("critical");
    for (const index of followers) lab.cluster().member(index).resume();
  });

  it("B1: a member loses its file and joins again; the ghost is forgotten by its whole id", async () => {
    const [index = 0] = await lab.cluster().followers();
    const ghost = await lab.cluster().sid(index);
    const address = await raftAddress(lab, index);
    const leader = await lab.cluster().waitForLeader();
    await lab.cluster().member(index).kill("SIGKILL");
    renameSync(lab.cluster().file(index), `${lab.cluster().file(index)}.lost`);
    await runCommand("ovsdb-tool", [
      "join-cluster",
      lab.cluster().file(index),
      SB,
      address,
      await raftAddress(lab, leader),
    ]);
    await lab.cluster().member(index).start();
    const { finding, verdict } = await lab.until("duplicate-address");
    expect(finding.remedy).toMatchObject({ kind: "kick", isDestructive: true });
    expect(verdict.quorum).toMatchObject({ configured: 4, needed: 3, ghosts: 1, live: 3 });
    const plan = await lab.recovery();
    expect(plan).toMatchObject({ decision: "kick", blockers: [] });
    expect(plan.steps.find(({ kind }) => kind === "act")?.command?.args).toContain(ghost);
    expect((await lab.execute(plan)).isComplete).toBe(true);
    // The same plan again finds nothing left to do, once the links have settled.
    await lab.untilWell();
    expect(await lab.recovery()).toMatchObject({ decision: "none", isDone: true });
  });

  it("B2: a member loses its file and makes a cluster of its own; it is stopped and joins anew", async () => {
    const [index = 0] = await lab.cluster().followers();
    const address = await raftAddress(lab, index);
    await lab.cluster().member(index).kill("SIGKILL");
    renameSync(lab.cluster().file(index), `${lab.cluster().file(index)}.lost2`);
    await runCommand("ovsdb-tool", [
      "create-cluster",
      lab.cluster().file(index),
      "/usr/share/ovn/ovn-sb.ovsschema",
      address,
    ]);
    await lab.cluster().member(index).start();
    const { finding, verdict } = await lab.until("cluster-id-mismatch");
    expect(finding).toMatchObject({
      severity: "critical",
      members: [lab.name(index)],
      remedy: { kind: "stop", isDestructive: true },
    });
    expect(verdict.health).toBe("critical");
    const plan = await lab.recovery();
    expect(plan).toMatchObject({ decision: "stop", blockers: [] });
    expect((await lab.execute(plan)).isComplete).toBe(true);
  });

  it("B7: a member that was removed while it was down comes back; it gets a new file and a new id", async () => {
    const [index = 0] = await lab.cluster().followers();
    const sid = await lab.cluster().sid(index);
    const leader = await lab.cluster().waitForLeader();
    await lab.cluster().member(index).kill("SIGKILL");
    await lab.cluster().member(leader).appctl("cluster/kick", SB, sid);
    await lab.cluster().member(index).start();
    const { finding } = await lab.until("removed-while-down");
    expect(finding).toMatchObject({ members: [lab.name(index)], remedy: { kind: "rejoin", isDestructive: true } });
    const plan = await lab.recovery();
    expect(plan).toMatchObject({ decision: "rejoin", blockers: [] });
    expect((await lab.execute(plan)).isComplete).toBe(true);
    expect(await lab.cluster().sid(index)).not.toBe(sid);
  });

  it("B7: a member that runs is removed; it says so, the leader too, and it joins anew", async () => {
    const [index = 0] = await lab.cluster().followers();
    const leader = await lab.cluster().waitForLeader();
    await lab
      .cluster()
      .member(leader)
      .appctl("cluster/kick", SB, await lab.cluster().sid(index));
    const { finding } = await lab.until("not-a-member");
    expect(finding.remedy).toMatchObject({ kind: "rejoin", isDestructive: true });
    const plan = await lab.recovery();
    expect(plan).toMatchObject({ decision: "rejoin", blockers: [] });
    expect((await lab.execute(plan)).isComplete).toBe(true);
  });

  it("A8: the timer is too small; elections are counted, and it is raised in steps of two", async () => {
    const down = planElectionTimer(await lab.look(), 250, { database: SB, site: lab.site });
    expect(down.steps.map(({ after }) => after)).toMatchObject([[{ ms: 500 }], [{ ms: 250 }]]);
    expect((await lab.execute(down)).isComplete).toBe(true);
    for (let round = 0; round < 5; round++) {
      const leader = await lab.cluster().waitForLeader();
      lab.cluster().member(leader).pause();
      await lab.cluster().waitForLeader({ not: leader });
      lab.cluster().member(leader).resume();
      await lab.cluster().waitConnected();
      await lab.judge();
    }
    const { finding } = await lab.until("frequent-elections");
    expect(finding.remedy.kind).toBe("timer");
    const plan = await lab.recovery({ expected: { members: 3, electionTimerMs: 1_000 } });
    expect(plan).toMatchObject({ decision: "timer", blockers: [] });
    expect(plan.steps).toHaveLength(2);
    expect((await lab.execute(plan)).isComplete).toBe(true);
    expect((await lab.cluster().status(0)).match(/Election timer: (\d+)/)?.[1]).toBe("1000");
    lab.history = { version: 1, databases: {} };
  });

  it("leaves the other database alone throughout", async () => {
    const { verdict } = await lab.judge();
    expect(verdict.databases.find(({ database }) => database === NB)).toMatchObject({
      health: "ok",
      term: expect.any(Number),
    });
  });
});
