/** Conditions of replicas on a real server, through every version of the monitor, and through conversions of the schema. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { dumpRows, type OvsdbServer, rawCall, realOvs, startProxy, startStandalone, waitFor } from "@ovnha/testkit";
import { type Database, defineSchema, openDatabase, ValueError } from "../../src/index.ts";
import { refusing } from "../support/refusing-dialer.ts";

const LAB = {
  name: "Lab",
  version: "1.0.0",
  tables: {
    T: {
      columns: {
        name: { type: "string" },
        level: { type: "integer" },
        note: { type: { key: "string", min: 0, max: 1 } },
      },
      isRoot: true,
    },
    U: { columns: { name: { type: "string" } }, isRoot: true },
  },
} as const;
const Lab = defineSchema(LAB);
const SKIP = realOvs() === "skip";

type Level = { readonly level: number };
const rowsOf = async (server: OvsdbServer, table: string): Promise<never[]> =>
  [...((await dumpRows(server.unix, "Lab")).get(table)?.values() ?? [])] as never[];

describe.skipIf(SKIP)("conditions", () => {
  let server: OvsdbServer;
  let db: Database<typeof Lab>;
  beforeAll(async () => {
    server = await startStandalone({ schemas: [LAB] });
    db = await openDatabase(Lab, { remote: server.remote });
    await db.transact((tx) => {
      for (let level = 0; level < 10; level++) for (const name of ["a", "b"]) tx.insert("T", { name, level });
    });
  });
  afterAll(async () => {
    await db?.close();
    await server?.[Symbol.asyncDispose]();
  });

  test("are alternatives, as the server has them; what would mean both is refused at the call", async () => {
    await using lab = await db.replicate({
      T: {
        where: [
          ["name", "==", "a"],
          ["level", "==", 0],
        ],
      },
    });
    expect(lab.T.size).toBe(11);
    const both = { name: "a", level: 0 };
    await expect(db.replicate({ T: { where: both } })).rejects.toThrow(/^T: .*name and level/);
    await expect(lab.setConditions({ T: both })).rejects.toThrow(ValueError);
    await lab.setConditions({ T: { level: 3 } });
    expect([...lab.T].map(({ level }) => level)).toEqual([3, 3]);
    await lab.setConditions({ T: false });
    expect(lab.T.size).toBe(0);
    await lab.setConditions({ T: true });
    expect(lab.T.size).toBe(20);
  });

  test("that can't be had change nothing, neither now nor after a reconnect", async () => {
    await using lab = await db.replicate({ T: { where: { level: 3 } }, U: true });
    await expect(lab.setConditions({ T: { level: 4 }, U: { nope: 1 } as never })).rejects.toThrow(/^U\.nope/);
    const events = db.lifecycle();
    db.reconnect();
    for await (const event of events) if (event.type === "resumed" || event.type === "reloaded") break;
    await lab.synced();
    expect([...lab.T].map(({ level }) => level)).toEqual([3, 3]);
  });

  test.each([
    ["monitor_cond_since", []],
    ["monitor_cond", ["monitor_cond_since"]],
  ])(
    "over %s, changed under load and with the link cut in between, end with the rows that fit",
    async (_method, refused) => {
      await using proxy = await startProxy(server.remote);
      await using follower = await openDatabase(Lab, {
        remote: proxy.remote,
        transport: refusing("Lab", refused),
        backoff: { minMs: 10, maxMs: 50 },
      });
      await using lab = await follower.replicate({ T: { columns: ["level"], where: { level: -1 } }, U: true });
      let isDone = false;
      const writing = (async () => {
        for (let index = 0; !isDone; index++) {
          await db.transact((tx) => {
            tx.insert("T", { name: `w${index}`, level: index % 10 });
            tx.where("T", { name: `w${index - 5}` }).mutate((m) => m.level.add(1));
            tx.where("T", { name: `w${index - 20}` }).delete();
          });
        }
      })();
      for (let round = 1; round <= 12; round++) {
        const asked = lab.setConditions({
          T: [
            ["level", "<", round % 7],
            ["level", ">", 8],
          ],
        });
        if (round % 4 === 0) proxy.cut();
        await asked;
      }
      const last = [
        lab.setConditions({ T: { level: 1 } }),
        lab.setConditions({ T: { level: 2 } }),
        lab.setConditions({ T: [["level", ">=", 5]] }),
      ];
      await Promise.all(last);
      isDone = true;
      await writing;
      await lab.synced();
      const wanted = (await rowsOf(server, "T")).filter((row) => (row as Level).level >= 5);
      expect(wanted.length).toBeGreaterThan(0);
      expect(lab.diffAgainst({ T: wanted, U: await rowsOf(server, "U") })).toEqual([]);
      expect(proxy.connections).toBeGreaterThan(1);
    },
  );

  test("are not applied by a server that knows only monitor: every row comes, and nobody waits", async () => {
    await using old = await openDatabase(Lab, {
      remote: server.remote,
      transport: refusing("Lab", ["monitor_cond_since", "monitor_cond"]),
    });
    await using lab = await old.replicate({ T: { where: { level: 1 } } });
    await lab.setConditions({ T: { level: 2 } });
    await lab.synced();
    expect(lab.diffAgainst({ T: await rowsOf(server, "T") })).toEqual([]);
  });
});

describe.skipIf(SKIP)("a conversion of the schema", () => {
  test("brings a table whose condition was waiting for it, and takes tables and columns away", async () => {
    await using server = await startStandalone({ schemas: [LAB] });
    await using proxy = await startProxy(server.remote);
    await using db = await openDatabase("Lab", { remote: proxy.remote });
    await using lab = await db.replicate({ T: true, U: true, V: { where: { size: 1 } } });
    const batches = lab.batches({ overflow: "error" });
    expect(lab.missing).toEqual(["V"]);
    await db.transact((tx) => {
      tx.insert("T", { name: "t", level: 5, note: "n" });
      tx.insert("U", { name: "u" });
    });
    const { note: _note, ...columns } = LAB.tables.T.columns;
    const V = { columns: { size: { type: "integer" } }, isRoot: true };
    await db.convert({
      name: "Lab",
      version: "2.0.0",
      tables: { T: { columns: { ...columns, fresh: { type: "boolean" } }, isRoot: true }, V },
    } as never);
    await waitFor(() => lab.missing.includes("U") && !lab.missing.includes("V"), {
      what: "the replica to be in terms of the new schema",
    });
    await db.transact((tx) => {
      for (const size of [1, 2, 1]) tx.insert("V", { size });
    });
    await lab.synced();
    expect([...lab.table("T")].map(({ _uuid, ...row }) => row)).toEqual([{ name: "t", level: 5, fresh: false }]);
    expect([...lab.table("V")].map(({ size }) => size)).toEqual([1, 1]);
    expect(lab.table("U").size).toBe(0);
    expect(proxy.connections).toBe(1);
    const gone: string[] = [];
    for await (const batch of batches) {
      for (const row of batch.tables["U"]?.deleted ?? []) gone.push(String(row["name"]));
      if (batch.tables["V"] !== undefined) break;
    }
    expect(gone).toEqual(["u"]);
  });

  test("that takes a condition's column ends just that replica, which says so; the others and the client go on", async () => {
    await using server = await startStandalone({ schemas: [LAB] });
    await using db = await openDatabase("Lab", { remote: server.remote });
    await using lab = await db.replicate({ T: ["name"] });
    await using tied = await db.replicate({ T: { columns: ["name"], where: { level: 1 } } });
    const { level: _level, ...columns } = LAB.tables.T.columns;
    await db.convert({ ...LAB, tables: { T: { columns, isRoot: true } } } as never);
    await waitFor(() => tied.failure, { what: "the replica to fail" });
    expect(tied.failure).toMatchObject({ code: "VALUE", table: "T", column: "level" });
    await db.transact((tx) => {
      tx.insert("T", { name: "after" });
    });
    await lab.synced();
    expect([...lab.table("T")].map(({ name }) => name)).toEqual(["after"]);
    expect(db.status.state).toBe("ready");
  });

  test("that came before is known to who comes after it, though the row in _Server shows the old schema for ever", async () => {
    await using server = await startStandalone({ schemas: [LAB] });
    await using idle = await openDatabase("Lab", { remote: server.remote });
    const W = { columns: { size: { type: "integer" } }, isRoot: true };
    await rawCall(server.unix, "convert", ["Lab", { name: "Lab", version: "2.0.0", tables: { W } }]);
    await using db = await openDatabase("Lab", { remote: server.remote });
    expect(db.server.has("T")).toBe(false);
    await db.transact((tx) => {
      tx.insert("W", { size: 1 });
    });
    // Nobody told this one, which had no monitor; the refusal of its monitor does.
    await using lab = await idle.replicate({ T: true, W: true });
    await waitFor(() => lab.missing.includes("T") && lab.table("W").size === 1, {
      what: "the replica to be in terms of the new schema",
    });
    await db.convert({
      name: "Lab",
      version: "3.0.0",
      tables: { W: { ...W, columns: { ...W.columns, name: { type: "string" } } } },
    });
    await db.transact((tx) => {
      tx.insert("W", { name: "at once" });
    });
  });

  test("again and again under a writer loses no row", async () => {
    await using server = await startStandalone({ schemas: [LAB] });
    await using db = await openDatabase("Lab", { remote: server.remote });
    await using other = await openDatabase("Lab", { remote: server.remote });
    await using lab = await db.replicate({ T: true, U: true });
    let isDone = false;
    let written = 0;
    const writing = (async () => {
      for (; !isDone; written++)
        await other.transact(
          (tx) => {
            tx.insert("T", { name: `w${written}` });
          },
          { once: true },
        );
    })();
    for (let version = 1; version <= 6; version++) {
      const extra = version % 2 === 0 ? {} : { extra: { type: "string" } };
      await db.convert({
        ...LAB,
        version: `1.0.${version}`,
        tables: { T: { ...LAB.tables.T, columns: { ...LAB.tables.T.columns, ...extra } }, U: LAB.tables.U },
      } as never);
    }
    isDone = true;
    await writing;
    await waitFor(() => db.server.schema.version === "1.0.6", { what: "the last schema to be known" });
    await lab.synced();
    expect(lab.table("T").size).toBe(written);
    expect(lab.diffAgainst({ T: await rowsOf(server, "T"), U: await rowsOf(server, "U") })).toEqual([]);
  });
});
