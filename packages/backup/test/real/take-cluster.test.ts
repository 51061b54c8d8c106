import {
  type OvsdbCluster,
  realOvs,
  SCHEMAS,
  startCluster,
  startProxy,
  temporaryFolder,
  waitFor,
} from "@ovnha/testkit";
import { openDatabase } from "@ovnha/ovsdb";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { takeBackup } from "../../src/index.ts";
import { fakeMember } from "../support/fake-member.ts";
import { fillLab, LAB_SCHEMA, names, persistentRows, rowsOfFile } from "../support/lab.ts";

describe.skipIf(realOvs() === "skip")("a backup of OVN's pair under writers", () => {
  let nb: OvsdbCluster;
  let sb: OvsdbCluster;
  beforeAll(async () => {
    [nb, sb] = await Promise.all([
      startCluster({ schema: SCHEMAS.northbound }),
      startCluster({ schema: SCHEMAS.southbound, members: 1 }),
    ]);
  });
  afterAll(async () => {
    await nb?.[Symbol.asyncDispose]();
    await sb?.[Symbol.asyncDispose]();
  });

  /** Each transaction writes a switch and an address set of one name: whoever reads one moment reads both or none. */
  async function* writing(): AsyncGenerator<number> {
    await using db = await openDatabase("OVN_Northbound", { remote: nb.remote });
    for (let count = 0; ; count++) {
      const row = { name: `pair${count}` };
      await db.transactRaw([
        { op: "insert", table: "Logical_Switch", row },
        { op: "insert", table: "Address_Set", row },
      ]);
      yield count;
    }
  }

  test("is of one moment each, and both carry the same set and how far northd was", async () => {
    const writer = writing();
    let isDone = false;
    let written = 0;
    const writes = (async () => {
      while (!isDone) written = (await writer.next()).value + 1;
      await writer.return(undefined);
    })();
    await waitFor(() => written > 50, { what: "some writes" });
    const into = temporaryFolder();
    const before = written;
    const { id, backups } = await takeBackup({
      databases: [
        { database: "OVN_Northbound", remote: nb.remote },
        { database: "OVN_Southbound", remote: sb.remote },
      ],
      into,
      gzip: true,
    });
    isDone = true;
    await writes;
    expect(backups.map(({ manifest }) => manifest.database)).toEqual(["OVN_Northbound", "OVN_Southbound"]);
    for (const { manifest } of backups) {
      expect(manifest.set).toEqual({ id, databases: ["OVN_Northbound", "OVN_Southbound"] });
      expect(manifest.cluster?.index).toBeLessThanOrEqual(manifest.cluster?.indexMax ?? 0);
    }
    const [north] = backups;
    expect(north!.manifest.cluster?.cid).toBe(await nb.cid());
    expect(north!.manifest.source).toMatchObject({ role: "follower", asked: 3, answered: 3, warnings: [] });
    const rows = await rowsOfFile(north!.path, "OVN_Northbound");
    const of = (table: string): unknown[] => [...(rows.get(table)?.values() ?? [])].map(({ name }) => name).sort();
    expect(of("Logical_Switch")).toEqual(of("Address_Set"));
    // Whatever was acknowledged before is in it: a follower that lags is waited for.
    expect(of("Logical_Switch").length).toBeGreaterThanOrEqual(before);
    expect(north!.manifest.rows).toMatchObject({ Logical_Switch: of("Logical_Switch").length });
  });
});

describe.skipIf(realOvs() === "skip")("a backup of a cluster with faults", () => {
  let cluster: OvsdbCluster;
  beforeAll(async () => {
    cluster = await startCluster({ schema: LAB_SCHEMA });
    await fillLab(cluster.member(await cluster.waitForLeader()).remote);
    await cluster.waitConnected();
  });
  afterAll(() => cluster?.[Symbol.asyncDispose]());

  const take = (remote: string, more: object = {}): ReturnType<typeof takeBackup> =>
    takeBackup({ databases: [{ database: "Lab", remote }], into: temporaryFolder(), ...more });

  test("comes from a follower while the leader is killed", async () => {
    const leader = await cluster.waitForLeader();
    const expected = await persistentRows(cluster.member(leader).remote);
    let killed: Promise<void> | undefined;
    const { backups } = await take(cluster.remote, {
      onProgress: ({ phase }: { phase: string }) => {
        if (phase === "reading") killed ??= cluster.member(leader).kill("SIGKILL");
      },
    });
    await killed;
    expect(killed).toBeDefined();
    expect(backups[0]!.manifest.source.role).toBe("follower");
    expect(backups[0]!.manifest.source.place).not.toBe(cluster.member(leader).remote);
    expect(await rowsOfFile(backups[0]!.path)).toEqual(expected);
    await cluster.member(leader).start();
    await cluster.waitConnected();
  });

  test("goes on with another member when the first is lost in the middle", async () => {
    const leader = await cluster.waitForLeader();
    const [first = 0, second = 0] = await cluster.followers();
    await using proxy = await startProxy(cluster.member(first).remote);
    const lost = proxy.dropAfterRequest("monitor_cond_since");
    const { backups } = await take(
      [proxy.remote, cluster.member(second).remote, cluster.member(leader).remote].join(","),
    );
    await lost;
    expect(backups[0]!.manifest.source.place).toBe(cluster.member(second).remote);
    expect(await rowsOfFile(backups[0]!.path)).toEqual(await persistentRows(cluster.member(leader).remote));
  });

  test("never comes from a member that is behind the others, however connected it says it is", async () => {
    const cid = await cluster.cid();
    await using stale = await fakeMember({ cid, index: 2 }, [false, "00000000-0000-0000-0000-000000000000", {}]);
    const leader = cluster.member(await cluster.waitForLeader()).remote;
    const [follower = 0] = await cluster.followers();
    const { backups } = await take([stale.remote, leader].join(","), { catchUpMs: 100 });
    expect(backups[0]!.manifest.source).toMatchObject({ place: leader, role: "leader" });
    await using stranger = await fakeMember({ cid: "11111111-2222-4333-8444-555555555555", index: 9_000 }, [
      false,
      "",
      {},
    ]);
    const all = [stranger.remote, leader, cluster.member(follower).remote].join(",");
    await expect(take(all)).rejects.toThrow(/different clusters/);
    const pinned = await take(`${all},cid:${cid}`);
    expect(pinned.backups[0]!.manifest.source.place).toBe(cluster.member(follower).remote);
  });

  test("is refused where the quorum is lost, unless anything is better than nothing", async () => {
    const into = temporaryFolder();
    const [alive = 0, ...others] = [await cluster.waitForLeader(), ...(await cluster.followers())];
    const expected = await persistentRows(cluster.member(alive).remote);
    for (const other of others) await cluster.member(other).kill("SIGKILL");
    await expect(take(cluster.remote, { into })).rejects.toMatchObject({
      code: "NO_SOURCE",
      message: expect.stringMatching(/1 of 3 members answer|disconnected/),
    });
    expect(names(into)).toEqual([]);
    const { backups, warnings } = await take(cluster.remote, { into, accept: "any" });
    expect(await rowsOfFile(backups[0]!.path)).toEqual(expected);
    expect(warnings.join("\n")).toMatch(/of 3 members answer/);
    for (const other of others) await cluster.member(other).start();
    await cluster.waitConnected();
  });
});
