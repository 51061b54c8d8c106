import {
  canNetns,
  type CuttingProxy,
  type NetnsCluster,
  type OvsdbCluster,
  realOvs,
  startCluster,
  startNetnsCluster,
  startProxy,
  waitFor,
} from "@ovnha/testkit";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type LifecycleEvent, openDatabase, UnavailableError } from "../../src/index.ts";
import { expectNoStrayRejections, QUICK, startWork, Work } from "./cluster-work.ts";

const skip = realOvs() === "skip";

describe.skipIf(skip || !canNetns())("members in network namespaces, under three writers and a follower", () => {
  let cluster: NetnsCluster;
  beforeAll(async () => {
    cluster = await startNetnsCluster({ schema: Work.literal, database: "Work" });
  });
  afterAll(() => cluster?.[Symbol.asyncDispose]());
  afterEach(expectNoStrayRejections);

  test("the leader loses the others and keeps its clients: they leave it, and it comes back with nothing of its own", async () => {
    await using work = await startWork(cluster);
    await work.progress();
    const leader = await cluster.waitForLeader();
    await cluster.isolate(leader);
    await work.progress();
    expect(work.follower.status.endpoint).not.toBe(cluster.member(leader).remote);
    await cluster.rejoin(leader);
    await work.progress();
    await work.audit();
  });

  test("a follower loses the others: nobody notices, and it catches up", async () => {
    await using work = await startWork(cluster);
    const away = ((await cluster.waitForLeader()) + 1) % 3;
    await cluster.isolate(away);
    await work.progress();
    await cluster.rejoin(away);
    await work.progress();
    await work.audit();
  });

  test("every member is alone: writes end within their limit and say that nothing was sent, or that nobody knows", async () => {
    await using work = await startWork(cluster);
    await work.progress();
    for (const index of [0, 1, 2]) await cluster.isolate(index);
    await waitFor(async () => (await cluster.leader()) === undefined, { what: "nobody to lead" });
    await waitFor(() => work.follower.status.state !== "ready", { what: "the follower to know" });
    const write = work.follower.transact((tx) => tx.insert("Named", { name: "nobody" }), { timeoutMs: 200 });
    await expect(write).rejects.toThrow(UnavailableError);
    await expect(
      work.follower.transact((tx) => tx.insert("Named", { name: "nobody" }), { whileDown: "reject" }),
    ).rejects.toMatchObject({ code: "UNAVAILABLE", reasons: { length: 3 } });
    for (const index of [0, 1, 2]) await cluster.rejoin(index);
    await work.progress();
    await work.audit();
  });
});

describe.skipIf(skip)("client links through proxies, under three writers and a follower", () => {
  let cluster: OvsdbCluster;
  let proxies: CuttingProxy[];
  beforeAll(async () => {
    cluster = await startCluster({ schema: Work.literal });
    proxies = await Promise.all(cluster.members.map(({ remote }) => startProxy(remote)));
  });
  afterAll(async () => {
    for (const proxy of proxies ?? []) await proxy[Symbol.asyncDispose]();
    await cluster?.[Symbol.asyncDispose]();
  });
  afterEach(expectNoStrayRejections);

  const remotes = (): string => proxies.map(({ remote }) => remote).join(",");

  test("the links are reset again and again while everybody writes", async () => {
    await using work = await startWork(cluster, { remote: remotes() });
    for (let round = 0; round < 10; round++) {
      for (const proxy of proxies) proxy.cut();
      await work.progress(2);
    }
    await work.progress();
    await work.audit();
  });

  test("the links to the leader fall silent, though it leads on: what was under way is found out once they work again", async () => {
    await using work = await startWork(cluster, { remote: remotes() });
    await work.progress();
    const leader = await cluster.waitForLeader();
    proxies[leader]?.stall();
    await waitFor(() => work.follower.status.state !== "ready", { what: "the silence to be noticed" });
    proxies[leader]?.heal();
    await work.progress();
    await work.audit();
  });

  test("all servers refuse for seconds: dials stay few, and work goes on after", async () => {
    await using work = await startWork(cluster, { remote: remotes() });
    await work.progress();
    const before = proxies.reduce((sum, { connections }) => sum + connections, 0);
    const attempts = work.follower.status.attempts;
    for (const proxy of proxies) await proxy.refuse();
    // Four seconds by the client's own pauses: 0.1, 0.2, 0.4, 0.8, then 1 s each.
    await waitFor(() => work.follower.status.attempts >= attempts + 3 * 7, { what: "seven rounds of dials" });
    for (const proxy of proxies) await proxy.accept();
    await work.progress();
    const { committed } = await work.audit();
    expect(committed).toBeGreaterThan(0);
    // Four clients, three servers, a round or two until each knows the leader again.
    expect(proxies.reduce((sum, { connections }) => sum + connections, 0) - before).toBeLessThanOrEqual(4 * 3 * 3);
  });
});

describe.skipIf(skip)("a cluster rebuilt from a backup", () => {
  afterEach(expectNoStrayRejections);

  test("is another cluster with the same rows: clients follow it, unless they are pinned to the old one", async () => {
    await using cluster = await startCluster({ schema: Work.literal });
    await using work = await startWork(cluster);
    await work.progress(20);
    const oldCid = work.follower.status.clusterId;
    const events: LifecycleEvent[] = [];
    const listening = (async () => {
      for await (const event of work.follower.lifecycle()) events.push(event);
    })();
    await using pinned = await openDatabase(Work, { remote: `${cluster.remote},cid:${oldCid}`, ...QUICK });
    await work.audit();
    const rowsBefore = new Map([...work.replica.Item].map((row) => [row._uuid, row]));
    const index = work.follower.status.index ?? 0;
    await cluster.rebuildFromBackup(await cluster.waitForLeader());
    await waitFor(() => work.follower.status.state === "ready" && work.follower.status.clusterId !== oldCid, {
      what: "the follower on the new cluster",
    });
    await work.replica.synced();
    expect(events).toContainEqual({ type: "cluster-changed", from: oldCid, to: work.follower.status.clusterId });
    expect(work.follower.status.index).toBeLessThan(index);
    expect(new Map([...work.replica.Item].map((row) => [row._uuid, row]))).toEqual(rowsBefore);
    // Rows that are as before are the same objects: the reload brought a difference, not a new world.
    for (const row of work.replica.Item) expect(rowsBefore.get(row._uuid)).toBe(row);
    await work.audit();
    await waitFor(
      () =>
        pinned.status.reasons.length === 3 && pinned.status.reasons.every(({ reason }) => reason === "wrong-cluster"),
      { what: "the pinned client to refuse all three" },
    );
    await expect(pinned.transact((tx) => tx.insert("Item", { name: "lost" }), { whileDown: "reject" })).rejects.toThrow(
      /wrong-cluster/,
    );
    await work.follower.close();
    await listening;
  });

  test("is followed under writers, whose acknowledged writes are in it as of the backup", async () => {
    await using cluster = await startCluster({ schema: Work.literal });
    await using work = await startWork(cluster);
    await work.progress();
    await cluster.rebuildFromBackup(await cluster.waitForLeader());
    await work.progress();
    await work.audit();
  });
});
