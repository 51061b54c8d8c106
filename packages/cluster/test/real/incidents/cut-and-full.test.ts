import { execFileSync } from "node:child_process";
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { canNetns, ovsHas, realOvs, SCHEMAS, startNetnsCluster, waitFor } from "@ovnha/testkit";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { NetnsCluster } from "@ovnha/testkit";
import { Lab, SB, startLab } from "./lab.ts";

/** Whether this process may mount; whoever may make namespaces may. */
const canMount = realOvs() === "present" && canNetns();

describe.skipIf(!canMount).sequential("cut links", () => {
  let lab: Lab;
  let cluster: NetnsCluster;

  beforeAll(async () => {
    cluster = await startNetnsCluster({ members: 3, schema: SCHEMAS.southbound });
    lab = new Lab({ [SB]: cluster }, 3);
    await lab.untilWell();
  }, 60_000);
  afterEach(() => lab.untilWell());
  afterAll(() => lab?.[Symbol.asyncDispose]());

  it("A6: a follower is cut off; the link is at fault, and nothing is taken away", async () => {
    const [follower = 0] = await cluster.followers();
    await cluster.isolate(follower);
    const { finding, verdict } = await lab.until("peer-link-down");
    expect(finding.members).toContain(lab.name(follower));
    expect(finding.remedy).toMatchObject({ kind: "repair", isDestructive: false });
    expect(verdict).toMatchObject({ health: "warning", quorum: { state: "yes", live: 2 } });
    expect(await lab.recovery()).toMatchObject({ decision: "look" });
    if (ovsHas("3.3.0")) {
      // It asks for votes before it raises its term, and gets none.
      const asks = async (): Promise<boolean> => (await cluster.status(follower)).includes("Status: disconnected");
      await waitFor(asks, { what: "a second round of pre-votes" });
      const { findings } = (await lab.judge()).verdict.databases[0]!;
      expect(findings.map(({ code }) => code)).toContain("peer-link-down");
      expect(findings.map(({ code }) => code)).not.toContain("term-ahead");
    } else {
      const { finding: ahead } = await lab.until("term-ahead");
      expect(ahead.members).toEqual([lab.name(follower)]);
    }
    await cluster.rejoin(follower);
  });

  it("A4: the leader is cut off; the others elect, and nobody believes the old one", async () => {
    const leader = await cluster.waitForLeader();
    await cluster.isolate(leader);
    const next = await cluster.waitForLeader({ not: leader });
    const { verdict } = await lab.judge();
    expect(verdict.databases[0]).toMatchObject({ leader: { member: lab.name(next) }, quorum: { state: "yes" } });
    expect(verdict.databases[0]?.findings.filter(({ remedy }) => remedy.isDestructive)).toEqual([]);
    await cluster.rejoin(leader);
  });
});

describe.skipIf(!canMount).sequential("a full disk", () => {
  let lab: Lab;
  const mounts: string[] = [];

  beforeAll(async () => {
    lab = await startLab();
  }, 60_000);
  afterAll(async () => {
    await Promise.all(
      Object.values(lab?.clusters ?? {}).flatMap(({ members }) => members.map((member) => member.kill())),
    );
    for (const mount of mounts) execFileSync("umount", ["-l", mount]);
    await lab?.[Symbol.asyncDispose]();
  });

  it("D1: a follower can't write any more; it says that all is well, the leader and its log do not", async () => {
    const cluster = lab.cluster();
    const [index = 0] = await cluster.followers();
    const server = cluster.member(index);
    const file = cluster.file(index);
    const disk = join(dirname(file), "disk");
    await server.kill("SIGTERM");
    mkdirSync(disk);
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=2m", "tmpfs", disk]);
    mounts.push(disk);
    execFileSync("mv", [file, join(disk, "db.db")]);
    symlinkSync(join(disk, "db.db"), file);
    await server.start();
    await lab.untilWell();
    const ballast = join(disk, "ballast");
    fillUp(ballast);
    lab.withLogs = true;
    // The tail of the last page may still take one or two.
    await waitFor(
      async () => {
        for (let number = 0; number < 20; number++) await lab.write();
        return /write failed|No space left/.test(server.log());
      },
      { what: "a write to fail" },
    );
    const { finding } = await lab.until("write-errors");
    expect(finding).toMatchObject({ members: [lab.name(index)], severity: "critical", incident: "D1" });
    const { verdict } = await lab.until("peer-not-replicating");
    expect(verdict.quorum).toMatchObject({ state: "yes" });
    const confirmed = await lab.until("write-errors");
    expect(confirmed.finding.witnesses.length).toBeGreaterThanOrEqual(2);
    expect(confirmed.finding.remedy).toMatchObject({ kind: "rejoin", isDestructive: true });
    // Room first, as the remedy says.
    rmSync(ballast);
    const plan = await lab.recovery();
    expect(plan).toMatchObject({ decision: "rejoin", blockers: [] });
    expect((await lab.execute(plan)).isComplete).toBe(true);
    // What its log says of the past hour is about a file that is gone.
    renameSync(join(server.dir, "log"), join(server.dir, "log.old"));
    lab.withLogs = false;
    await lab.untilWell();
  }, 60_000);
});

/** Until there is no room left, by halves. */
function fillUp(path: string): void {
  for (let size = 1 << 20; size >= 64; ) {
    try {
      writeFileSync(path, Buffer.alloc(size), { flag: "a" });
    } catch {
      size >>= 1;
    }
  }
}
