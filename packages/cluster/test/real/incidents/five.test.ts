import { realOvs } from "@ovnha/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Lab, SB, startLab } from "./lab.ts";

describe.skipIf(realOvs() === "skip").sequential("incidents of a cluster of five, seen and healed", () => {
  let lab: Lab;

  beforeAll(async () => {
    lab = await startLab(5);
  }, 60_000);
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
});
