import { realOvs, waitFor } from "@ovnha/testkit";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type Lab, SB, startLab } from "./lab.ts";

describe.skipIf(realOvs() === "skip").sequential("incidents of a cluster of five, seen and healed", () => {
  let lab: Lab;

  beforeAll(async () => {
    lab = await startLab(5);
  }, 60_000);
  afterEach(() => lab.forget(), 120_000);
  afterAll(() => lab?.[Symbol.asyncDispose]());

  it("A3, A5: three of five die; whoever says that it is connected is not believed, and they are started", async () => {
    const leader = await lab.cluster().waitForLeader();
    const followers = await lab.cluster().followers();
    for (const index of followers.slice(0, 3)) await lab.cluster().member(index).kill("SIGKILL");
    const { verdict } = await lab.until("no-leader");
    expect(verdict).toMatchObject({ health: "critical", quorum: { state: "no", configured: 5, needed: 3, live: 2 } });
    expect(lab.cluster().member(leader).pid).toBeDefined();
    const plan = await lab.recovery();
    expect(plan).toMatchObject({ decision: "start", blockers: [], databases: [SB] });
    expect((await lab.execute(plan)).isComplete).toBe(true);
    await lab.untilWell();
  }, 40_000);

  it("B1: two lose their files and join again; both ghosts count, and are forgotten one after the other", async () => {
    const leader = await lab.cluster().waitForLeader();
    const wiped = (await lab.cluster().followers()).slice(0, 2);
    const ghosts: string[] = [];
    for (const index of wiped) {
      ghosts.push(await lab.cluster().sid(index));
      await lab.loseFile(index, [await lab.raftAddress(leader)]);
      await lab.cluster().member(index).start();
      await lab.cluster().waitConnected();
    }
    // An id that was heard a moment ago counts as live: its silence has to last first.
    const quorum = await waitFor(
      async () => {
        const { verdict } = await lab.until("duplicate-address");
        return verdict.quorum.ghosts === 2 ? verdict.quorum : undefined;
      },
      { what: "two ghosts", deadlineMs: 60_000 },
    );
    expect(quorum).toMatchObject({ state: "yes", configured: 7, needed: 4, live: 5, ghosts: 2 });
    const kicked: (string | undefined)[] = [];
    for (const _ghost of ghosts) {
      // A kick is proposed once the leader and whoever lives there have said the same often enough; till then, a look.
      const plan = await waitFor(
        async () => {
          await lab.until("duplicate-address");
          const proposed = await lab.recovery();
          return proposed.decision === "look" ? undefined : proposed;
        },
        { what: "something to do about a ghost", deadlineMs: 60_000 },
      );
      expect(plan).toMatchObject({ decision: "kick", blockers: [] });
      kicked.push(plan.steps.find(({ kind }) => kind === "act")?.command?.args.at(-1));
      expect((await lab.execute(plan)).isComplete).toBe(true);
    }
    expect(kicked.toSorted()).toEqual(ghosts.toSorted());
  }, 120_000);
});
