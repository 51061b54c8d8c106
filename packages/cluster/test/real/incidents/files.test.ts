import { copyFileSync, renameSync } from "node:fs";
import { realOvs } from "@ovnha/testkit";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { damage } from "./damage.ts";
import { type Lab, NB, SB, startLab } from "./lab.ts";

describe.skipIf(realOvs() === "skip").sequential("incidents of files, seen before the server is started again", () => {
  let lab: Lab;

  beforeAll(async () => {
    lab = await startLab();
  }, 120_000);
  afterEach(() => lab.forget(), 120_000);
  afterAll(() => lab?.[Symbol.asyncDispose]());

  /** Whoever the plan gives a new file is somebody new, and has what the others have. */
  async function healed(index: number, former: string): Promise<void> {
    const plan = await lab.recovery();
    expect(plan).toMatchObject({ decision: "rejoin", blockers: [] });
    // The old file is set aside and not opened again; from here on there is another one.
    expect(plan.steps.find(({ command }) => command?.program === "mv")?.command?.args).toContain(
      lab.cluster().file(index),
    );
    expect(plan.steps.find(({ command }) => command?.args.includes("cluster/kick"))?.command?.args).toContain(former);
    lab.files = {};
    expect((await lab.execute(plan)).isComplete).toBe(true);
    expect(await lab.cluster().sid(index)).not.toBe(former);
    await lab.cluster().waitConnected();
  }

  it("D2: a record in the middle of a file is damaged; nobody starts it, and it joins anew", async () => {
    const [index = 0] = await lab.cluster().followers();
    const former = await lab.cluster().sid(index);
    await lab.write();
    await lab.cluster().waitConnected();
    await lab.cluster().member(index).kill("SIGTERM");
    damage(lab.cluster().file(index));
    lab.files = { [lab.name(index)]: await lab.readFile(index) };
    await lab.until("peer-down");
    const { finding, verdict } = await lab.until("file-damaged");
    expect(finding).toMatchObject({ members: [lab.name(index)], incident: "D2", severity: "critical" });
    expect(finding.remedy).toMatchObject({ kind: "rejoin", isDestructive: true });
    expect(finding.witnesses.length).toBeGreaterThanOrEqual(2);
    expect(verdict.quorum).toMatchObject({ state: "yes", live: 2 });
    await healed(index, former);
  }, 120_000);

  it("D6: an old copy of a file is put back; it is not started, and joins anew", async () => {
    const [index = 0] = await lab.cluster().followers();
    const file = lab.cluster().file(index);
    const former = await lab.cluster().sid(index);
    await lab.cluster().member(index).kill("SIGTERM");
    copyFileSync(file, `${file}.snapshot`);
    await lab.cluster().member(index).start();
    for (let number = 0; number < 5; number++) await lab.write();
    await lab.untilWell();
    await lab.cluster().member(index).kill("SIGTERM");
    renameSync(file, `${file}.newer`);
    renameSync(`${file}.snapshot`, file);
    lab.files = { [lab.name(index)]: await lab.readFile(index) };
    await lab.until("peer-down");
    const { finding } = await lab.until("state-went-backwards");
    expect(finding).toMatchObject({ members: [lab.name(index)], incident: "D6", severity: "critical" });
    expect(finding.remedy).toMatchObject({ kind: "rejoin", isDestructive: true });
    expect(finding.evidence[0]?.text).toMatch(/last entry \d+, had acknowledged \d+/);
    await healed(index, former);
  }, 120_000);

  it("D6: without a memory of what was there, the leader's match_index tells", async () => {
    const [index = 0] = await lab.cluster().followers();
    const file = lab.cluster().file(index);
    const former = await lab.cluster().sid(index);
    await lab.cluster().member(index).kill("SIGTERM");
    copyFileSync(file, `${file}.snapshot`);
    await lab.cluster().member(index).start();
    await lab.cluster().waitConnected();
    for (let number = 0; number < 5; number++) await lab.write();
    await lab.cluster().waitConnected();
    await lab.cluster().member(index).kill("SIGTERM");
    renameSync(file, `${file}.newest`);
    renameSync(`${file}.snapshot`, file);
    lab.history = { version: 1, databases: {} };
    lab.files = { [lab.name(index)]: await lab.readFile(index) };
    const { finding } = await lab.until("state-went-backwards");
    expect(finding.remedy).toMatchObject({ kind: "rejoin", isDestructive: true });
    await lab.until("peer-down");
    await healed(index, former);
  }, 120_000);

  it("leaves the other database alone throughout", async () => {
    const { verdict } = await lab.judge();
    expect(verdict.databases.find(({ database }) => database === NB)).toMatchObject({ health: "ok" });
    expect(verdict.databases.find(({ database }) => database === SB)?.quorum.configured).toBe(3);
  });
});
