import { realOvs, waitFor } from "@ovnha/testkit";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { gate, planElectionTimer, planKick, planLeave } from "../../../src/index.ts";
import { type Lab, SB, startLab } from "./lab.ts";

describe.skipIf(realOvs() === "skip").sequential("incidents of leaving and removal, seen and healed", () => {
  let lab: Lab;

  beforeAll(async () => {
    lab = await startLab();
  }, 120_000);
  afterEach(() => lab.forget(), 120_000);
  afterAll(() => lab?.[Symbol.asyncDispose]());

  it("A13: a member leaves without a leader; it can't, and its wish is taken back before there is one", async () => {
    const followers = await lab.cluster().followers();
    const leaver = await lab.cluster().waitForLeader();
    for (const index of followers) await lab.cluster().member(index).kill("SIGKILL");
    await lab.until("no-leader");
    const leave = planLeave(await lab.look(), lab.name(leaver), { database: SB, site: lab.site });
    expect(leave.blockers.map(({ code }) => code)).toContain("NO_LEADER");
    // Whoever does it all the same is told that it went well.
    await lab.cluster().member(leaver).appctl("cluster/leave", SB);
    const { finding, verdict } = await lab.until("leaving-stuck");
    expect(finding).toMatchObject({ members: [lab.name(leaver)], incident: "A13", severity: "critical" });
    expect(finding.remedy).toMatchObject({ kind: "start", isDestructive: false });
    expect(verdict.health).toBe("critical");
    const plan = await lab.recovery();
    expect(plan).toMatchObject({ decision: "start", blockers: [] });
    const acts = plan.steps.filter(({ kind }) => kind === "act");
    expect(acts[0]).toMatchObject({ member: lab.name(leaver), isDestructive: false });
    expect(new Set(acts.slice(1).map(({ member }) => member))).toEqual(
      new Set(followers.map((index) => lab.name(index))),
    );
    expect((await lab.execute(plan)).isComplete).toBe(true);
    await lab.untilWell();
    expect((await lab.judge()).verdict.databases[0]?.quorum.configured).toBe(3);
  }, 120_000);

  it("A12: a member leaves, two are left, and one of them dies; it is started, and a third joins", async () => {
    const [leaver = 0, other = 0] = await lab.cluster().followers();
    const leave = planLeave(await lab.look(), lab.name(leaver), { database: SB, site: lab.site });
    expect(leave).toMatchObject({ blockers: [], isDone: false });
    expect(leave.warnings.join()).toContain("an even number");
    expect((await lab.execute(leave)).isComplete).toBe(true);
    const even = await lab.until("even-members");
    expect(even.finding).toMatchObject({ incident: "A12", remedy: { kind: "resize", isDestructive: false } });
    expect(even.verdict.quorum).toMatchObject({ state: "yes", configured: 2, needed: 2, toleranceLeft: 0 });
    expect(even.verdict.findings.map(({ code }) => code)).toContain("no-fault-tolerance");
    await lab.cluster().member(other).kill("SIGKILL");
    const { verdict } = await lab.until("no-quorum");
    expect(verdict).toMatchObject({ health: "critical", quorum: { configured: 2, needed: 2, live: 1 } });
    const start = await lab.recovery();
    expect(start).toMatchObject({ decision: "start", blockers: [] });
    expect((await lab.execute(start)).isComplete).toBe(true);
    await lab.until("not-a-member");
    const join = await lab.recovery();
    expect(join).toMatchObject({ decision: "rejoin", blockers: [] });
    expect((await lab.execute(join)).isComplete).toBe(true);
  }, 120_000);

  it("B10: a removal is not committed; it is not repeated, and the removed one comes back as another", async () => {
    const [victim = 0, hung = 0] = await lab.cluster().followers();
    const leader = await lab.cluster().waitForLeader();
    const sid = await lab.cluster().sid(victim);
    const other = await lab.cluster().sid(hung);
    // A leader without a majority gives up within two timers, and the removal with it.
    const slower = planElectionTimer(await lab.look(), 16_000, { database: SB, site: lab.site });
    expect((await lab.execute(slower)).isComplete).toBe(true);
    await lab.cluster().member(victim).kill("SIGKILL");
    lab.cluster().member(hung).pause();
    await lab.cluster().member(leader).appctl("cluster/kick", SB, sid);
    const { finding } = await lab.until("removing");
    expect(finding).toMatchObject({ incident: "B10", remedy: { kind: "wait", isDestructive: false } });
    expect(finding.evidence[0]?.text).toContain("1 entries not committed");
    for (const id of [sid, other]) {
      const again = planKick(await lab.look(), id, { database: SB, site: lab.site, history: lab.history });
      expect(again.blockers.map(({ code }) => code)).toContain("CHANGE_UNDER_WAY");
      await expect(lab.execute(again)).rejects.toMatchObject({ code: "PRECONDITION" });
    }
    const meanwhile = await lab.recovery();
    expect(meanwhile.steps.some(({ isDestructive }) => isDestructive)).toBe(false);
    lab.cluster().member(hung).resume();
    // Now it is through; the removed one is started by somebody who does not know.
    await lab.cluster().waitConnected();
    await lab.cluster().member(victim).start();
    await lab.until("removed-while-down");
    const plan = await waitFor(
      async () => {
        await lab.judge();
        const next = await lab.recovery();
        return next.decision === "rejoin" ? next : undefined;
      },
      { what: "a plan to let it join anew", deadlineMs: 60_000 },
    );
    expect(plan.blockers).toEqual([]);
    expect((await lab.execute(plan)).isComplete).toBe(true);
    const back = planElectionTimer(await lab.look(), 1_000, { database: SB, site: lab.site });
    expect((await lab.execute(back)).isComplete).toBe(true);
  }, 120_000);

  it("A6: a follower is frozen while others write; its match_index stands still, and the gate is shut", async () => {
    const [frozen = 0, other = 0] = await lab.cluster().followers();
    lab.cluster().member(frozen).pause();
    for (let number = 0; number < 5; number++) await lab.write();
    const { finding, verdict } = await lab.until("peer-hung");
    expect(finding).toMatchObject({ members: [lab.name(frozen)], remedy: { kind: "repair", isDestructive: false } });
    expect(verdict).toMatchObject({ health: "warning", quorum: { state: "yes", live: 2 } });
    const behind = (text = ""): readonly number[] =>
      (/match_index (\d+) of (\d+)/.exec(text) ?? []).slice(1).map(Number);
    const [matched = 0, last = 0] = behind(finding.evidence[0]?.text);
    expect(last).toBeGreaterThanOrEqual(matched + 5);
    await lab.write();
    const later = await lab.until("peer-hung");
    const [still = 0, further = 0] = behind(later.finding.evidence[0]?.text);
    expect(still).toBe(matched);
    expect(further).toBeGreaterThan(last);
    expect(await lab.recovery()).toMatchObject({ decision: "look", blockers: [] });
    const closed = gate(await lab.look(), { member: lab.name(other), expected: lab.expected, history: lab.history });
    expect(closed.reasons.map(({ code }) => code)).toEqual(expect.arrayContaining(["MEMBER_SILENT", "QUORUM_AFTER"]));
    lab.cluster().member(frozen).resume();
  }, 120_000);
});
