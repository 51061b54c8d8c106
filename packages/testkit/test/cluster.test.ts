import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  dumpRows,
  type OvsdbCluster,
  ovsHas,
  rawCall,
  realOvs,
  serverRow,
  startCluster,
  waitFor,
} from "../src/index.ts";
import { NOTES, put, told } from "./notes.ts";

describe.skipIf(realOvs() === "skip")("a cluster of three", () => {
  let cluster: OvsdbCluster;
  beforeAll(async () => {
    cluster = await startCluster({ schema: NOTES });
  });
  afterAll(() => cluster?.[Symbol.asyncDispose]());

  test("starts with one leader, of whom all know", async () => {
    const leader = await cluster.waitForLeader();
    expect(await cluster.followers()).toEqual([0, 1, 2].filter((index) => index !== leader));
    expect(await cluster.status(leader)).toMatch(/^Role: leader$/m);
    expect(cluster.remote.split(",")).toEqual(cluster.members.map(({ tcp }) => tcp));
    expect(new Set(await Promise.all([0, 1, 2].map((index) => cluster.sid(index)))).size).toBe(3);
  });

  test("elects another when the leader is killed, and takes it back", async () => {
    const leader = await cluster.waitForLeader();
    await cluster.member(leader).kill("SIGKILL");
    const next = await cluster.waitForLeader({ not: leader });
    await put(cluster.member(next).remote, "while one was dead");
    await cluster.member(leader).start();
    await cluster.waitConnected();
    expect(await told(cluster.member(leader).unix)).toContain("while one was dead");
  });

  test("elects another when the leader is frozen, without waiting for it", async () => {
    const leader = await cluster.waitForLeader();
    cluster.member(leader).pause();
    expect(cluster.member(leader).paused).toBe(true);
    await expect(rawCall(cluster.member(leader).remote, "list_dbs", [], 200)).rejects.toThrow("no reply");
    const next = await cluster.waitForLeader({ not: leader });
    expect(next).not.toBe(leader);
    const startMs = performance.now();
    expect((await cluster.rows())[leader]).toBeUndefined();
    expect(performance.now() - startMs).toBeLessThan(2_500);
    cluster.member(leader).resume();
    await cluster.waitConnected();
  });

  test("hands the leadership over on a graceful exit", async () => {
    const leader = await cluster.waitForLeader();
    await cluster.member(leader).exitGracefully();
    expect(cluster.member(leader).pid).toBeUndefined();
    const next = await cluster.waitForLeader();
    // Older ones don't say why.
    if (ovsHas("2.15.0")) expect(await cluster.status(next)).toContain("reason: leadership_transfer");
    await cluster.startAll();
  });

  test("a wiped member joins anew, as another", async () => {
    const [follower = 0] = await cluster.followers();
    const before = await cluster.sid(follower);
    await put(cluster.member(await cluster.waitForLeader()).remote, "for the newcomer");
    await cluster.wipe(follower);
    expect(await cluster.sid(follower)).not.toBe(before);
    expect(await told(cluster.member(follower).unix)).toContain("for the newcomer");
  });

  test("rebuilt from a backup it is another cluster, at the same addresses, with the same rows", async () => {
    const [cid, remote] = [await cluster.cid(), cluster.remote];
    const leader = await cluster.waitForLeader();
    await put(cluster.member(leader).remote, "kept");
    const before = await dumpRows(cluster.member(leader).unix, "Notes");
    await cluster.rebuildFromBackup(leader);
    expect(cluster.remote).toBe(remote);
    expect(await cluster.cid()).not.toBe(cid);
    const rows = await Promise.all(cluster.members.map(({ unix }) => serverRow(unix, "Notes")));
    expect(new Set(rows.map((row) => row?.cid))).toEqual(new Set([await cluster.cid()]));
    const after = await dumpRows(cluster.member(0).unix, "Notes");
    expect([...(after.get("Note")?.keys() ?? [])].sort()).toEqual([...(before.get("Note")?.keys() ?? [])].sort());
  });
});

describe.skipIf(realOvs() === "skip")("a cluster of five", () => {
  test("lives through the loss of two, the leader among them", async () => {
    await using cluster = await startCluster({ members: 5, schema: NOTES, electionTimerMs: 500 });
    const leader = await cluster.waitForLeader();
    expect(await cluster.status(leader)).toMatch(/^Election timer: 500$/m);
    const [follower = 0] = await cluster.followers();
    await Promise.all([cluster.member(leader).kill(), cluster.member(follower).kill()]);
    const next = await cluster.waitForLeader({ not: leader });
    await put(cluster.member(next).remote, "three of five");
    await waitFor(async () => (await told(cluster.member(next).unix)).length === 1, { what: "the note" });
  });
});
