/** The client's public face against one real ovsdb-server: values, errors, monitors of every version, locks, raw calls. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type OvsdbServer, realOvs, startProxy, startStandalone, waitFor } from "@ovnha/testkit";
import {
  AbortedError,
  ConstraintError,
  type Database,
  defineSchema,
  type Dialer,
  DuplicateUuidError,
  ExpectationError,
  frameChannel,
  type FrameEvent,
  IntegerRangeError,
  NotOwnerError,
  openDatabase,
  OutcomeUnknownError,
  ReferentialError,
  socketDialer,
  TimedOutError,
  transactionChannel,
  UnknownMethodError,
} from "../../src/index.ts";
import { failure, RequestObject } from "../../src/message.ts";
import { LAB, Lab, wireRows } from "../support/lab-schema.ts";

describe.skipIf(realOvs() === "skip")("one real ovsdb-server", () => {
  let server: OvsdbServer;
  let db: Database<typeof Lab>;
  beforeAll(async () => {
    server = await startStandalone({ schemas: [LAB] });
    db = await openDatabase(Lab, { remote: server.remote });
  });
  afterAll(async () => {
    await db?.close();
    await server?.[Symbol.asyncDispose]();
  });

  it("takes every mutator, and the replica is what the server holds", async () => {
    await using lab = await db.replicate({ Host: true, Port: true });
    const { host } = await db.transact((tx) => {
      const port = tx.insert("Port", { name: "p1", speed: 10 });
      return {
        host: tx.insert("Host", {
          name: "mutated",
          count: 7,
          load: 1.5,
          ports: [port],
          tags: ["a"],
          labels: { k: "v" },
        }),
      };
    });
    await db.transact((tx) =>
      tx
        .row("Host", host)
        .mutate((m) =>
          m.count
            .add(5)
            .count.subtract(2)
            .count.multiply(3)
            .count.divide(4)
            .count.modulo(5)
            .load.multiply(2)
            .load.divide(4)
            .tags.insert("b", "c")
            .tags.delete("a")
            .labels.set("k", "w")
            .labels.setIfAbsent("k", "no")
            .labels.setIfAbsent("n", "1")
            .labels.delete("k"),
        ),
    );
    await db.transact((tx) => tx.row("Host", host).update({ up: true, level: "high" }).expect(1));
    const row = lab.Host.get(host);
    expect(row).toMatchObject({
      count: 2,
      load: 0.75,
      up: true,
      level: "high",
      tags: new Set(["b", "c"]),
      labels: new Map([["n", "1"]]),
    });
    await db.transact((tx) => tx.row("Host", host).update({ up: undefined, tags: [] }));
    expect(lab.Host.get(host)).toMatchObject({ up: undefined, tags: new Set() });
    expect(lab.diffAgainst({ Host: await wireRows(server, "Host"), Port: await wireRows(server, "Port") })).toEqual([]);
  });

  it("is read at once after it was written, a thousand times", async () => {
    await using lab = await db.replicate({ Host: ["name", "count"] });
    const { host } = await db.transact((tx) => ({ host: tx.insert("Host", { name: "counter" }) }));
    for (let count = 1; count <= 1000; count++) {
      await db.transact((tx) => tx.row("Host", host).mutate((m) => m.count.add(1)));
      expect(lab.Host.get(host)?.count).toBe(count);
    }
  });

  it("answers what went wrong with a class of its own", async () => {
    const make = (name: string): Promise<unknown> =>
      db.transact((tx) => {
        tx.insert("Host", { name });
      });
    await make("twice");
    await expect(make("twice")).rejects.toThrow(ConstraintError);
    const ghost = "00000000-0000-4000-8000-00000000dead";
    await expect(
      db.transact((tx) => {
        tx.insert("Host", { name: "ghost", ports: [ghost] });
      }),
    ).rejects.toThrow(ReferentialError);
    const uuid = "11111111-2222-4333-8444-555555555555";
    await db.transact((tx) => {
      tx.insert("Host", { name: "u1" }, { uuid });
    });
    await expect(
      db.transact((tx) => {
        tx.insert("Host", { name: "u2" }, { uuid });
      }),
    ).rejects.toThrow(DuplicateUuidError);
    await expect(
      db.transact((tx) => {
        tx.insert("Host", { name: "never" });
        tx.abort();
      }),
    ).rejects.toThrow(AbortedError);
    await expect(
      db.transact((tx) => {
        tx.assertLock("not_mine");
        tx.insert("Host", { name: "never" });
      }),
    ).rejects.toThrow(NotOwnerError);
    await expect(
      db.transact((tx) => {
        tx.waitUntil("Host", {
          where: { name: "never" },
          columns: ["name"],
          until: "==",
          rows: [{ name: "never" }],
          timeout: 0,
        });
        tx.comment("x");
      }),
    ).rejects.toThrow(TimedOutError);
    await expect(db.call("no_such_method")).rejects.toThrow(UnknownMethodError);
    await expect(
      db.transact((tx) => {
        tx.where("Host", { name: "never" }).delete().expect({ min: 1 });
      }),
    ).rejects.toThrow(ExpectationError);
    await expect(openDatabase("Nowhere", { remote: server.remote, limits: { openMs: 500 } })).rejects.toMatchObject({
      code: "UNAVAILABLE",
      reasons: [{ reason: "no-database" }],
    });
    expect(await db.select("Host", { where: { name: "never" } })).toEqual([]);
  });

  it("sends nothing for nothing, commits nothing in a dry run, and ends a blocked wait with its signal", async () => {
    const sent: string[] = [];
    const listen = (event: unknown): void => {
      const { direction, message } = event as FrameEvent;
      if (direction === "out" && "method" in message) sent.push(message.method);
    };
    const transactions: unknown[] = [];
    const heard = (event: unknown): void => {
      transactions.push(event);
    };
    frameChannel.subscribe(listen);
    transactionChannel.subscribe(heard);
    try {
      expect(await db.transact(() => "nothing")).toBe("nothing");
      expect(sent).toEqual([]);
      await db.transact(
        (tx) => {
          tx.insert("Host", { name: "dry" });
        },
        { dryRun: true },
      );
      expect(await db.select("Host", { where: { name: "dry" } })).toEqual([]);
      const stop = new AbortController();
      const blocked = db.transact(
        (tx) => {
          tx.waitUntil("Host", {
            where: { name: "later" },
            columns: ["name"],
            until: "==",
            rows: [{ name: "later" }],
            timeout: 60_000,
          });
          tx.insert("Host", { name: "after later" });
        },
        { signal: stop.signal },
      );
      await waitFor(() => sent.filter((method) => method === "transact").length >= 3, {
        what: "the blocked transaction to be sent",
      });
      stop.abort();
      await expect(blocked).rejects.toThrow(OutcomeUnknownError);
      await waitFor(() => sent.includes("cancel"), { what: "cancel to be sent" });
      await db.transact((tx) => {
        tx.insert("Host", { name: "later" });
      });
      expect(await db.select("Host", { where: { name: "after later" } })).toEqual([]);
      expect(transactions.length).toBeGreaterThan(1);
    } finally {
      frameChannel.unsubscribe(listen);
      transactionChannel.unsubscribe(heard);
    }
  });

  const without =
    (...methods: string[]): Dialer =>
    (endpoint, events, sink) => {
      const connection = socketDialer()(endpoint, events, sink);
      const send = connection.send.bind(connection);
      connection.send = (message) => {
        if (
          message instanceof RequestObject &&
          methods.includes(message.method) &&
          (message.params as unknown[])[0] === "Lab"
        ) {
          setImmediate(() => events.message(failure(message.id as number, "unknown method"), 1));
        } else send(message);
      };
      return connection;
    };

  it.each([
    ["monitor_cond_since", []],
    ["monitor_cond", ["monitor_cond_since"]],
    ["monitor", ["monitor_cond_since", "monitor_cond"]],
  ])("is followed through %s", async (_method, refused) => {
    await using old = await openDatabase(Lab, { remote: server.remote, transport: without(...refused) });
    await using lab = await old.replicate({ Host: true, Port: true });
    expect(lab.Host.size).toBeGreaterThan(0);
    await db.transact((tx) => {
      const port = tx.insert("Port", { name: `via ${_method}`, speed: 1 });
      tx.insert("Host", { name: `via ${_method}`, ports: [port], labels: { a: "1" } });
      tx.where("Host", { name: "counter" }).mutate((m) =>
        m.count.add(1).labels.set("via", _method).tags.insert(_method),
      );
      tx.where("Host", { name: "twice" }).delete();
    });
    await lab.Host.until((row) => row.name === `via ${_method}`);
    expect(lab.diffAgainst({ Host: await wireRows(server, "Host"), Port: await wireRows(server, "Port") })).toEqual([]);
  });

  it("changes its conditions while another client writes, and ends with exactly the rows that fit", async () => {
    await using lab = await db.replicate({ Host: { columns: ["name", "count"], where: [["count", "<", 0]] } });
    expect(lab.Host.size).toBe(0);
    let isDone = false;
    const writing = (async () => {
      await using other = await openDatabase(Lab, { remote: server.remote });
      for (let index = 0; !isDone; index++)
        await other.transact((tx) => {
          tx.insert("Host", { name: `load ${index}`, count: index % 10 });
        });
    })();
    for (let level = 1; level <= 9; level++) await lab.setConditions({ Host: [["count", "<", level]] });
    await lab.setConditions({ Host: [["count", ">=", 5]] });
    isDone = true;
    await writing;
    await lab.synced();
    const wanted = (await wireRows(server, "Host")).filter((row) => (row as { count: number }).count >= 5);
    expect(lab.Host.size).toBeGreaterThan(0);
    expect(lab.diffAgainst({ Host: wanted })).toEqual([]);
  });

  it("keeps 64 bits to the last, by policy", async () => {
    const values = [9007199254740993n, -9007199254740993n, 2n ** 63n - 1n, -(2n ** 63n), 2n ** 53n - 1n];
    const Big = defineSchema(LAB, { integers: { Host: { count: "bigint" } } } as const);
    await using big = await openDatabase(Big, { remote: server.remote });
    await using lab = await big.replicate({ Host: { columns: ["name", "count"], where: [["name", "==", "big"]] } });
    const { host } = await big.transact((tx) => ({ host: tx.insert("Host", { name: "big" }) }));
    for (const value of values) {
      await big.transact((tx) => tx.row("Host", host).update({ count: value }));
      expect(lab.Host.get(host)?.count).toBe(value);
    }
    await big.transact((tx) => tx.row("Host", host).update({ count: 2n ** 60n }));
    await big.transact((tx) => tx.row("Host", host).mutate((m) => m.count.add(1)));
    expect(lab.Host.get(host)?.count).toBe(2n ** 60n + 1n);
    await expect(db.select("Host", { where: { name: "big" } })).rejects.toThrow(IntegerRangeError);
    await expect(db.replicate({ Host: { columns: ["count"], where: [["name", "==", "big"]] } })).rejects.toThrow(
      /Host\.count.*bigint/,
    );
    await using untyped = await openDatabase("Lab", { remote: server.remote });
    expect((await untyped.select("Host", { where: { name: "big" } }))[0]?.["count"]).toBe(2n ** 60n + 1n);
  });

  it("carries text in every script, cut at every byte", async () => {
    await using proxy = await startProxy(server.remote);
    proxy.chunk(1);
    await using slow = await openDatabase(Lab, { remote: proxy.remote });
    await using lab = await slow.replicate({
      Host: { columns: ["name", "tags"], where: [["name", "includes", "text"]] },
    });
    const tags = [
      "ü",
      "日本語",
      "עברית",
      "हिन्दी",
      "👩‍👩‍👧 🏴󠁧󠁢󠁥󠁮󠁧󠁿",
      "\u2028\u2029",
      '\\"{}[],:',
      "tab\tnew\nline\u001f",
      "é vs e\u0301",
    ];
    const { host } = await slow.transact((tx) => ({ host: tx.insert("Host", { name: "text", tags }) }));
    expect(lab.Host.get(host)?.tags).toEqual(new Set(tags));
    expect((await slow.select("Host", { where: { name: "text" } }))[0]?.tags).toEqual(new Set(tags));
  });

  it("hands locks from one client to the other", async () => {
    await using other = await openDatabase(Lab, { remote: server.remote });
    const mine = await db.lock("lab_lock");
    expect(await other.tryLock("lab_lock")).toBeUndefined();
    await expect(
      other.transact((tx) => {
        tx.assertLock("lab_lock");
        tx.insert("Host", { name: "unlocked" });
      }),
    ).rejects.toThrow(NotOwnerError);
    await db.transact(
      (tx) => {
        tx.insert("Host", { name: "locked" });
      },
      { lock: mine },
    );
    const held = mine.signal;
    const stolen = await other.steal("lab_lock");
    await waitFor(() => !mine.held && held.aborted, { what: "the holder to hear of the theft" });
    await stolen.release();
    await mine.acquired();
    expect(mine.held).toBe(true);
    await mine.release();
    const next = await other.lock("lab_lock");
    expect(next.held).toBe(true);
    await next.release();
  });

  it("says who it is, and passes raw calls", async () => {
    expect(await db.listDatabases()).toContain("Lab");
    expect(await db.serverId()).toMatch(/^[0-9a-f-]{36}$/);
    expect(await db.call("echo", ["a", { b: 1 }])).toEqual(["a", { b: 1 }]);
    expect(
      await db.transactRaw([{ op: "select", table: "Host", where: [["name", "==", "locked"]], columns: ["name"] }]),
    ).toEqual([{ rows: [{ name: "locked" }] }]);
  });
});
