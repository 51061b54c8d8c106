import { realOvs } from "@ovnha/testkit";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type Lab, NB, SB, startLab } from "./lab.ts";
import { startSlowLink } from "./slow-link.ts";

describe.skipIf(realOvs() === "skip").sequential("incidents of joining, seen and healed", () => {
  let lab: Lab;

  beforeAll(async () => {
    lab = await startLab();
  }, 120_000);
  afterEach(() => lab.forget(), 120_000);
  afterAll(() => lab?.[Symbol.asyncDispose]());

  it("C1: a server asks a client port, or nobody, to let it join; its join file is made anew", async () => {
    const [index = 0] = await lab.cluster().followers();
    const member = lab.name(index);
    const leader = await lab.cluster().waitForLeader();
    const stale: Record<string, string> = { [SB]: lab.cluster().member(leader).remote, [NB]: "tcp:127.0.0.1:1" };
    for (const [database, remote] of Object.entries(stale)) {
      await lab.kick(index, database);
      await lab.loseFile(index, [remote], database);
      await lab.cluster(database).member(index).start();
    }
    const unreachable = await lab.until("remotes-unreachable", NB);
    expect(unreachable.finding).toMatchObject({ members: [member], incident: "C1", remedy: { kind: "repair" } });
    for (const database of [SB, NB]) {
      const { finding, verdict } = await lab.until("joining-stuck", database);
      expect(finding).toMatchObject({ members: [member], incident: "C1", remedy: { isDestructive: false } });
      expect(finding.remedy.text).toContain("Make its join file anew");
      expect(verdict).toMatchObject({ health: "warning", quorum: { state: "yes", configured: 2, live: 2 } });
      const plan = await lab.recovery({ database });
      expect(plan).toMatchObject({ decision: "rejoin", blockers: [] });
      expect(plan.steps.some(({ command }) => command?.args.includes("cluster/kick"))).toBe(false);
      const join = plan.steps.find(({ command }) => command?.args.includes("join-cluster"))?.command?.args;
      const members = await Promise.all(
        [...lab.cluster(database).members.keys()]
          .filter((one) => one !== index)
          .map((one) => lab.raftAddress(one, database)),
      );
      expect(join).toEqual(expect.arrayContaining(members));
      expect(join).not.toContain(stale[database]);
      expect((await lab.execute(plan)).isComplete).toBe(true);
    }
  }, 120_000);

  it("C3: a server catches up for ever, over a connection that trickles; it is restarted", async () => {
    const [index = 0] = await lab.cluster().followers();
    const leader = await lab.cluster().waitForLeader();
    await lab.kick(index);
    await using link = await startSlowLink(await lab.raftAddress(leader));
    await lab.loseFile(index, [link.remote]);
    await lab.cluster().member(index).start();
    const { finding } = await lab.until("catchup-stuck");
    expect(finding).toMatchObject({ incident: "C3", severity: "warning", remedy: { kind: "restart" } });
    expect(finding.members[0]).toContain(await lab.raftAddress(index));
    const plan = await lab.recovery();
    expect(plan).toMatchObject({ decision: "restart", blockers: [] });
    expect(plan.steps.filter(({ kind }) => kind === "act").map(({ member }) => member)).toEqual([lab.name(index)]);
    expect(plan.steps.some(({ isDestructive }) => isDestructive)).toBe(false);
    link.isSlow = false;
    expect((await lab.execute(plan)).isComplete).toBe(true);
  }, 120_000);
});
