import { dumpRows, type OvsdbCluster, realOvs, serverRow, startCluster, startProxy, waitFor } from "@ovnha/testkit";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import {
  ConflictError,
  type Database,
  type Dialer,
  DuplicateUuidError,
  type EditOptions,
  openDatabase,
  OutcomeUnknownError,
  socketDialer,
} from "../../src/index.ts";
import { expectNoStrayRejections, QUICK, Work } from "./cluster-work.ts";

const skip = realOvs() === "skip";
const PATIENT = { timeoutMs: 60_000 };
const COUNTED = "counted";

/** A link on which `_Server` never changes, so that the client stays with a server that has lost its lead. */
const deafToServer: Dialer = (endpoint, events, sink) =>
  socketDialer()(
    endpoint,
    {
      ...events,
      message: (message, bytes) => {
        const { method, params } = message as { method?: string; params?: unknown[] };
        if (method !== "update2" || !JSON.stringify(params?.[0]).includes("_Server")) events.message(message, bytes);
      },
    },
    sink,
  );

async function editCounter(db: Database<typeof Work>, options: EditOptions): Promise<unknown> {
  const replica = await db.replicate({ Counter: true });
  return db.edit(
    replica,
    (tx) => {
      const [known] = [...replica.Counter];
      const row = tx.read(replica.Counter, known?._uuid ?? "");
      if (row !== undefined) tx.update(row, { n: row.n + 1 });
    },
    { ...PATIENT, ...options },
  );
}

describe.skipIf(skip)(
  "ovsdb-server runs a transaction again by itself when its followers are silent for too long",
  { timeout: 120_000 },
  () => {
    let cluster: OvsdbCluster;
    beforeAll(async () => {
      cluster = await startCluster({ schema: Work.literal });
    });
    afterAll(() => cluster?.[Symbol.asyncDispose]());
    beforeEach(async () => {
      await cluster.waitConnected();
      await using db = await openDatabase(Work, { remote: cluster.remote, ...QUICK });
      await db.transact((tx) => {
        for (const table of ["Item", "Named", "Counter"] as const) tx.where(table, true).delete();
        tx.insert("Counter", { name: COUNTED, n: 0 });
      });
    });
    afterEach(expectNoStrayRejections);

    const rows = async (table: "Item" | "Named" | "Counter") => [
      ...((await dumpRows(cluster.member(await cluster.waitForLeader()).unix, "Work")).get(table)?.values() ?? []),
    ];
    const counted = async (): Promise<number> => Number((await rows("Counter"))[0]?.["n"]);

    /**
     * The leader takes the write into its log, and its followers, frozen, do not answer for more than twice the election
     * timer. Then they wake and store the entry, and the request, still open at the old leader, is run again.
     */
    async function underSilence<T>(write: (db: Database<typeof Work>) => Promise<T>): Promise<PromiseSettledResult<T>> {
      await cluster.waitConnected();
      const leader = await cluster.waitForLeader();
      const { unix } = cluster.member(leader);
      const followers = cluster.members.filter((_member, index) => index !== leader);
      await using db = await openDatabase(Work, { remote: unix, transport: deafToServer });
      const proposed = Number((await serverRow(unix, "Work"))?.index);
      const logEnd = async (): Promise<number> =>
        Number(/^Log: \[\d+, (\d+)\]/m.exec(await cluster.status(leader))?.[1]);
      for (const follower of followers) follower.pause();
      try {
        const outcome = Promise.allSettled([write(db)]);
        await waitFor(async () => (await logEnd()) > proposed + 1, { what: "the entry in the leader's log" });
        await waitFor(async () => (await serverRow(unix, "Work"))?.connected === false, {
          what: "the leader to give up",
        });
        for (const follower of followers) follower.resume();
        const [settled] = await outcome;
        await cluster.waitConnected();
        return settled;
      } finally {
        for (const follower of followers) follower.resume();
      }
    }

    /**
     * Whether the entry survives depends on who wins the election. What must hold is checked each time; what is to be seen
     * has to show within a few rounds.
     */
    async function untilShown(round: (name: string) => Promise<boolean>): Promise<void> {
      for (let count = 1; count <= 5; count++) if (await round(`round-${count}`)) return;
      throw new Error("in five rounds the server never ran anything twice");
    }
    const named = async (table: "Item" | "Named", name: string) =>
      (await rows(table)).filter((row) => row["name"] === name);

    test("n += 1, sent once and answered once, counts two", () =>
      untilShown(async () => {
        const before = await counted();
        const settled = await underSilence((db) =>
          db.transact((tx) => tx.where("Counter", { name: COUNTED }).mutate((m) => m.n.add(1)), PATIENT),
        );
        expect(settled).toEqual({ status: "fulfilled", value: 1 });
        return (await counted()) === before + 2;
      }));

    test("with { once }, it counts one; that it may have been another's is said", () =>
      untilShown(async () => {
        const before = await counted();
        const settled = await underSilence((db) =>
          db.transact((tx) => tx.where("Counter", { name: COUNTED }).mutate((m) => m.n.add(1)), {
            ...PATIENT,
            once: true,
          }),
        );
        expect(await counted()).toBe(before + 1);
        if (settled.status === "fulfilled") return false;
        expect(settled.reason).toMatchObject({ code: "OUTCOME_UNKNOWN", cause: { code: "TIMED_OUT" } });
        return true;
      }));

    test("with { once } and a lock, it counts one, and is told as committed", async () => {
      const settled = await underSilence(async (db) => {
        await using lock = await db.lock("counting");
        return await db.transact((tx) => void tx.where("Counter", { name: COUNTED }).mutate((m) => m.n.add(1)), {
          ...PATIENT,
          once: true,
          lock,
        });
      });
      expect(settled).toEqual({ status: "fulfilled", value: undefined });
      expect(await counted()).toBe(1);
    });

    test("an update with { once } is told as committed", async () => {
      const settled = await underSilence((db) =>
        db.transact((tx) => void tx.where("Counter", { name: COUNTED }).update({ n: 7 }), { ...PATIENT, once: true }),
      );
      expect(settled).toEqual({ status: "fulfilled", value: undefined });
      expect(await counted()).toBe(7);
    });

    test("an edit without { once } counts two, though each run was held to what it had read", () =>
      untilShown(async () => {
        const before = await counted();
        const settled = await underSilence((db) => editCounter(db, {}));
        expect(settled.status).toBe("fulfilled");
        return (await counted()) === before + 2;
      }));

    test("an edit with { once } and a lock counts one", async () => {
      const settled = await underSilence(async (db) => {
        await using lock = await db.lock("counting");
        return await editCounter(db, { once: true, lock });
      });
      expect(settled.status).toBe("fulfilled");
      expect(await counted()).toBe(1);
    });

    test("a plain insert makes two rows", () =>
      untilShown(async (name) => {
        const settled = await underSilence((db) => db.transact((tx) => tx.insert("Item", { name }), PATIENT));
        expect(settled.status).toBe("fulfilled");
        return (await named("Item", name)).length === 2;
      }));

    test("an insert with { once } makes one, and its uuid is answered", async () => {
      const settled = await underSilence((db) =>
        db.transact((tx) => tx.insert("Item", { name: "once" }), { ...PATIENT, once: true }),
      );
      const found = await named("Item", "once");
      expect(settled).toEqual({ status: "fulfilled", value: (found[0]?.["_uuid"] as string[] | undefined)?.[1] });
      expect(found).toHaveLength(1);
    });

    test("a plain insert of a unique name is refused as a violation of itself", () =>
      untilShown(async (name) => {
        const settled = await underSilence((db) => db.transact((tx) => tx.insert("Named", { name }), PATIENT));
        expect(await named("Named", name)).toHaveLength(1);
        if (settled.status === "fulfilled") return false;
        expect(settled.reason).toMatchObject({ code: "CONSTRAINT" });
        return true;
      }));

    test("an insert of a unique name with { once } is told as committed", async () => {
      const settled = await underSilence((db) =>
        db.transact((tx) => void tx.insert("Named", { name: "once" }), { ...PATIENT, once: true }),
      );
      expect(settled).toEqual({ status: "fulfilled", value: undefined });
      expect(await named("Named", "once")).toHaveLength(1);
    });

    test("a client that hears its server leaves it in time: the outcome is unknown, once, and found out", async () => {
      await using db = await openDatabase(Work, { remote: cluster.remote, ...QUICK });
      const leader = await cluster.waitForLeader();
      const followers = cluster.members.filter((_member, index) => index !== leader);
      for (const follower of followers) follower.pause();
      const write = db.transact((tx) => tx.insert("Item", { name: "left" }), { ...PATIENT, once: true });
      const error = await write.catch((reason: unknown) => reason);
      for (const follower of followers) follower.resume();
      expect(error).toBeInstanceOf(OutcomeUnknownError);
      await cluster.waitConnected();
      const told = await waitFor(() => (error as OutcomeUnknownError).resolve?.(), { what: "the outcome" });
      expect(await rows("Item")).toHaveLength(told.committed === true ? 1 : 0);
    });
  },
);

describe.skipIf(skip)("a leader that is frozen with requests unread in its socket", () => {
  afterEach(expectNoStrayRejections);

  test("may carry them out when it wakes: until then nobody claims to know, and afterwards the truth is told", async () => {
    await using cluster = await startCluster({ schema: Work.literal });
    await using db = await openDatabase(Work, { remote: cluster.remote, ...QUICK });
    for (let round = 0; round < 3; round++) {
      const names = Array.from({ length: 5 }, (_none, index) => `unread-${round}-${index}`);
      const leader = cluster.member(await cluster.waitForLeader());
      leader.pause();
      const writes = names.map((name) =>
        db.transact((tx) => tx.insert("Item", { name }), { once: true }).catch((reason: unknown) => reason),
      );
      const errors = (await Promise.all(writes)).filter((error) => error instanceof OutcomeUnknownError);
      expect(errors).toHaveLength(names.length);
      const early = await Promise.all(errors.map((error) => error.resolve?.()));
      for (const told of early) expect(told?.committed).toBe("unknown");
      leader.resume();
      await cluster.waitConnected();
      const told = await Promise.all(errors.map((error) => error.resolve?.()));
      const items = await db.select("Item");
      const found = names.map((name) => items.some((row) => row.name === name));
      expect(told.map((one) => one?.committed)).toEqual(found);
    }
  });
});

describe.skipIf(skip)("a reply that never comes", () => {
  let cluster: OvsdbCluster;
  beforeAll(async () => {
    cluster = await startCluster({ schema: Work.literal });
  });
  afterAll(() => cluster?.[Symbol.asyncDispose]());
  afterEach(expectNoStrayRejections);

  async function throughProxy<T>(
    run: (db: Database<typeof Work>, proxy: Awaited<ReturnType<typeof startProxy>>) => Promise<T>,
  ): Promise<T> {
    await using proxy = await startProxy(cluster.member(await cluster.waitForLeader()).remote);
    await using db = await openDatabase(Work, { remote: proxy.remote, ...QUICK });
    return await run(db, proxy);
  }
  const unknownOf = async (write: Promise<unknown>): Promise<OutcomeUnknownError> => {
    const error = await write.catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(OutcomeUnknownError);
    return error as OutcomeUnknownError;
  };

  test("though the insert was committed: resolve says so", () =>
    throughProxy(async (db, proxy) => {
      proxy.dropBeforeReply('"uuid"');
      const error = await unknownOf(db.transact((tx) => tx.insert("Item", { name: "replyless" }), { once: true }));
      expect(await error.resolve?.()).toEqual({ committed: true });
      expect(await db.select("Item", { where: { name: "replyless" } })).toHaveLength(1);
    }));

  test("after a request that was passed on as the link broke: resolve says what the server holds", () =>
    throughProxy(async (db, proxy) => {
      proxy.dropAfterRequest("passed-on");
      const error = await unknownOf(db.transact((tx) => tx.insert("Item", { name: "passed-on" }), { once: true }));
      const told = await error.resolve?.();
      expect(told?.committed).toBeTypeOf("boolean");
      expect(await db.select("Item", { where: { name: "passed-on" } })).toHaveLength(told?.committed === true ? 1 : 0);
    }));

  test("for an update and a delete: the values tell; for a count nobody can, and it is not claimed", () =>
    throughProxy(async (db, proxy) => {
      await db.transact((tx) => tx.insert("Counter", { name: "c", n: 1 }));
      const lose = async (build: Parameters<typeof db.transact<unknown>>[0]): Promise<unknown> => {
        // The guard's `wait` answers {}; its reads before that look different.
        proxy.dropBeforeReply('[{},{"count":1}]');
        return (await unknownOf(db.transact(build, { once: true }))).resolve?.();
      };
      expect(await lose((tx) => tx.where("Counter", { name: "c" }).update({ n: 2 }))).toEqual({ committed: true });
      expect(await lose((tx) => tx.where("Counter", { name: "c" }).mutate((m) => m.n.add(1)))).toMatchObject({
        committed: "unknown",
      });
      expect(await lose((tx) => tx.where("Counter", { name: "c" }).delete())).toEqual({ committed: true });
      expect(await db.select("Counter", { where: { name: "c" } })).toEqual([]);
    }));

  test("of a counter that two programs raise at once with { once }: both counts arrive", () =>
    throughProxy(async (db) => {
      await using other = await openDatabase(Work, { remote: cluster.remote, ...QUICK });
      await db.transact((tx) => tx.insert("Counter", { name: "two", n: 0 }));
      const raise = (one: Database<typeof Work>) =>
        one.transact((tx) => tx.where("Counter", { name: "two" }).mutate((m) => m.n.add(1)), { once: true });
      const outcomes = await Promise.allSettled(
        Array.from({ length: 20 }, (_none, index) => raise(index % 2 === 0 ? db : other)),
      );
      const [row] = await db.select("Counter", { where: { name: "two" } });
      for (const outcome of outcomes)
        if (outcome.status === "rejected") expect(outcome.reason).toBeInstanceOf(ConflictError);
      expect(row?.n).toBe(outcomes.filter(({ status }) => status === "fulfilled").length);
      expect(row?.n).toBeGreaterThan(10);
    }));

  test("a uuid that the caller chose, and that is taken, is a refusal and not an earlier success", () =>
    throughProxy(async (db) => {
      const uuid = "5e7d3c1a-0000-4000-8000-000000000001";
      await db.transact((tx) => tx.insert("Item", { name: "first" }, { uuid }), { once: true });
      await expect(
        db.transact((tx) => tx.insert("Item", { name: "second" }, { uuid }), { once: true }),
      ).rejects.toThrow(DuplicateUuidError);
      expect(await db.select("Item", { where: { name: "second" } })).toEqual([]);
    }));

  test("without { once } there is no guard, and nothing is pretended", () =>
    throughProxy(async (db, proxy) => {
      proxy.dropBeforeReply('"uuid"');
      const error = await unknownOf(db.transact((tx) => tx.insert("Item", { name: "unguarded" })));
      expect(error.resolve).toBeUndefined();
    }));
});
