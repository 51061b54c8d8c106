import { dumpRows, type OvsdbCluster, realOvs, startCluster, startProxy, waitFor } from "@ovnha/testkit";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type Database, NotOwnerError, openDatabase, OutcomeUnknownError, UnavailableError } from "../../src/index.ts";
import { expectNoHandles, expectNoStrayRejections, QUICK, Work } from "./cluster-work.ts";

describe.skipIf(realOvs() === "skip")("a client of a cluster of three", () => {
  let cluster: OvsdbCluster;
  beforeAll(async () => {
    cluster = await startCluster({ schema: Work.literal });
  });
  afterAll(() => cluster?.[Symbol.asyncDispose]());
  afterEach(expectNoStrayRejections);

  const open = (remote = cluster.remote): Promise<Database<typeof Work>> => openDatabase(Work, { remote, ...QUICK });

  test("reads its own writes: a thousand times the replica shows the row as soon as the promise resolves", async () => {
    await using db = await open();
    const replica = await db.replicate({ Named: { indexes: [{ name: "name", columns: ["name"], unique: true }] } });
    const unseen: string[] = [];
    for (let count = 0; count < 1_000; count++) {
      const name = `own-${count}`;
      const uuid = await db.transact((tx) => tx.insert("Named", { name }));
      if (replica.Named.byIndex.name(name)?._uuid !== uuid) unseen.push(name);
    }
    expect(unseen).toEqual([]);
    expect(replica.Named.size).toBe(1_000);
  });

  test("synced() shows what another client committed before", async () => {
    await using reader = await open();
    await using writer = await open();
    const replica = await reader.replicate({ Item: true });
    for (let count = 0; count < 50; count++) {
      const uuid = await writer.transact((tx) => tx.insert("Item", { name: `other-${count}` }));
      await replica.synced();
      expect(replica.Item.get(uuid)?.name).toBe(`other-${count}`);
    }
  });

  test("a lock is lost with the leader, its signal says so, and it is held again at the new one, by one client only", async () => {
    await using first = await open();
    await using second = await open();
    const held = await first.lock("captain");
    const { signal } = held;
    expect(await second.tryLock("captain")).toBeUndefined();
    const waiting = second.lock("captain");
    waiting.catch(() => {});
    const leader = await cluster.waitForLeader();
    await cluster.member(leader).kill("SIGKILL");
    await waitFor(() => signal.aborted, { what: "the lock to be lost" });
    const holders = await Promise.race([held.acquired().then(() => "first"), waiting.then(() => "second")]);
    const mine = holders === "first" ? held : await waiting;
    const [holder, other] = holders === "first" ? [first, second] : [second, first];
    expect(mine.held).toBe(true);
    expect(mine.signal).not.toBe(signal);
    await holder.transact((tx) => tx.insert("Item", { name: "under lock" }), { lock: mine });
    // The server keeps the other one out, whatever it believes itself.
    const outside = other.transact((tx) => tx.insert("Item", { name: "without lock" }), { lock: mine });
    await expect(outside).rejects.toThrow(NotOwnerError);
    await cluster.member(leader).start();
    await mine.release();
    await cluster.waitConnected();
  });

  test("a frozen server is noticed, though its connection stands, and a write ends within its limit", async () => {
    await using db = await open(cluster.member(await cluster.waitForLeader()).remote);
    const leader = cluster.members.find(({ remote }) => remote === db.status.endpoint);
    leader?.pause();
    const write = db.transact((tx) => tx.insert("Item", { name: "frozen" }), { once: true, timeoutMs: 1_000 });
    const error = await write.catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(OutcomeUnknownError);
    await waitFor(() => db.status.state !== "ready", { what: "the silence to be noticed" });
    expect(db.status.reasons).toMatchObject([{ reason: "timeout" }]);
    await expect(db.transact((tx) => tx.insert("Item", { name: "nowhere" }), { timeoutMs: 100 })).rejects.toThrow(
      UnavailableError,
    );
    leader?.resume();
    await cluster.waitConnected();
    db.setRemotes(cluster.remote);
    const told = await waitFor(() => (error as OutcomeUnknownError).resolve?.(), { what: "the outcome" });
    const items = (await dumpRows(cluster.member(await cluster.waitForLeader()).unix, "Work")).get("Item");
    const copies = [...(items?.values() ?? [])].filter(({ name }) => name === "frozen").length;
    expect(copies).toBe(told.committed === true ? 1 : 0);
  });

  test("a client of any member stays where it is while the leader changes, and its replica goes on", async () => {
    await cluster.waitConnected();
    const leader = await cluster.waitForLeader();
    const member = cluster.member((leader + 1) % 3);
    await using db = await openDatabase(Work, { remote: member.remote, server: "any", ...QUICK });
    const replica = await db.replicate({ Item: true });
    await cluster.member(leader).exitGracefully();
    await cluster.waitForLeader({ not: leader });
    const uuid = await db.transact((tx) => tx.insert("Item", { name: "through a follower" }), { once: true });
    expect(replica.Item.get(uuid)?.name).toBe("through a follower");
    await cluster.member(leader).start();
    await cluster.waitConnected();
  });

  test("close() leaves no socket and no timer, in the middle of everything", async () => {
    await expectNoHandles();
    const db = await open();
    await db.replicate({ Item: true });
    await db.lock("closing");
    const calls = Array.from({ length: 20 }, (_none, index) =>
      db.transact((tx) => tx.insert("Item", { name: `closing-${index}` }), { once: true }),
    );
    const settled = Promise.allSettled(calls);
    await db.close();
    for (const outcome of await settled)
      if (outcome.status === "rejected") expect(["OUTCOME_UNKNOWN", "CLOSED"]).toContain(outcome.reason.code);
    await expectNoHandles();
  });

  test("close() while nobody can be reached leaves nothing either", async () => {
    await using proxy = await startProxy(cluster.member(await cluster.waitForLeader()).remote);
    await expectNoHandles();
    const db = await open(proxy.remote);
    await proxy.refuse();
    await waitFor(() => db.status.state === "waiting", { what: "the loss to be noticed" });
    const write = db.transact((tx) => tx.insert("Item", { name: "waiting" }));
    write.catch(() => {});
    await db.close();
    await expect(write).rejects.toMatchObject({ code: "CLOSED" });
    await expectNoHandles();
  });
});
