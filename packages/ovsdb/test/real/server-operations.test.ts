/** What the builder's operations do on a real server, and the words of the server as errors. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { dumpRows, type OvsdbServer, realOvs, startStandalone } from "@ovnha/testkit";
import {
  ArithmeticError,
  ConstraintError,
  type Database,
  defineSchema,
  DuplicateUuidNameError,
  ExpectationError,
  NotAllowedError,
  openDatabase,
  OvsdbError,
  OvsdbSyntaxError,
  TimedOutError,
  UnknownDatabaseError,
  type Uuid,
  ValueError,
} from "../../src/index.ts";
import { errorFromResult } from "../../src/error.ts";
import type { Json, JsonObject } from "../../src/json.ts";

const LAB = {
  name: "Lab",
  tables: {
    T: {
      columns: {
        name: { type: "string" },
        n: { type: "integer" },
        r: { type: "real" },
        small: { type: { key: { type: "integer", minInteger: 0, maxInteger: 9 } } },
        maybe: { type: { key: "integer", min: 0, max: 1 } },
        ints: { type: { key: "integer", min: 0, max: "unlimited" } },
        tags: { type: { key: "string", min: 0, max: 3 } },
        map: { type: { key: "string", value: "integer", min: 0, max: "unlimited" } },
        once: { type: "string", mutable: false },
        peer: { type: { key: { type: "uuid", refTable: "T", refType: "weak" }, min: 0, max: 1 } },
      },
      indexes: [["name"]],
      isRoot: true,
    },
    Few: { columns: { name: { type: "string" } }, isRoot: true, maxRows: 2 },
  },
} as const;
const Lab = defineSchema(LAB, { integers: { T: { n: "auto" } } });

describe.skipIf(realOvs() === "skip")("operations", () => {
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
  const make = async (name: string, row: object = {}): Promise<Uuid<"T">> =>
    (await db.transact((tx) => ({ made: tx.insert("T", { name, ...row }) }))).made;

  test("every condition picks the same rows in select, in mutate and in a replica", async () => {
    await db.transact((tx) => {
      for (let n = 0; n < 6; n++)
        tx.insert("T", {
          name: `c${n}`,
          n,
          r: n / 2,
          maybe: n % 2 === 0 ? n : undefined,
          tags: n < 3 ? ["low"] : ["high", "x"],
          map: new Map([["k", n % 3]]),
        });
    });
    const clauses: [readonly [string, string, unknown], string[]][] = [
      [["n", "==", 3], ["c3"]],
      [
        ["n", "!=", 3],
        ["c0", "c1", "c2", "c4", "c5"],
      ],
      [
        ["n", "<", 2],
        ["c0", "c1"],
      ],
      [
        ["r", "<=", 0.5],
        ["c0", "c1"],
      ],
      [["n", ">", 4], ["c5"]],
      [
        ["r", ">=", 2],
        ["c4", "c5"],
      ],
      [
        ["maybe", "==", undefined],
        ["c1", "c3", "c5"],
      ],
      [
        ["maybe", ">", 1],
        ["c2", "c4"],
      ],
      [
        ["tags", "includes", "high"],
        ["c3", "c4", "c5"],
      ],
      [
        ["tags", "excludes", "high"],
        ["c0", "c1", "c2"],
      ],
      [
        ["tags", "==", ["high", "x"]],
        ["c3", "c4", "c5"],
      ],
      [
        ["map", "includes", new Map([["k", 1]])],
        ["c1", "c4"],
      ],
      [
        ["map", "excludes", new Map([["k", 1]])],
        ["c0", "c2", "c3", "c5"],
      ],
    ];
    await using lab = await db.replicate({ T: { columns: ["name"], where: false } });
    for (const [clause, names] of clauses) {
      const where = [clause] as never;
      expect(
        (await db.select("T", { where, columns: ["name"] })).map(({ name }) => name).sort(),
        clause.join(" "),
      ).toEqual(names);
      expect(
        (await db.transact((tx) => ({ count: tx.where("T", where).mutate((m) => m.ints.insert(1)) }))).count,
        clause.join(" "),
      ).toBe(names.length);
      await lab.setConditions({ T: where });
      expect([...lab.T].map(({ name }) => name).sort(), clause.join(" ")).toEqual(names);
    }
    expect((await db.transact((tx) => ({ gone: tx.where("T", true).delete().expect({ min: 6, max: 6 }) }))).gone).toBe(
      6,
    );
  });

  test("mutators on sets, maps and optional values do what the replica then shows", async () => {
    await using lab = await db.replicate({ T: true });
    const row = await make("m", {
      ints: [1, 2, 3],
      maybe: 5,
      map: new Map([
        ["a", 1],
        ["b", 2],
      ]),
      tags: ["x"],
    });
    await db.transact((tx) =>
      tx.row("T", row).mutate((m) =>
        m.ints
          .multiply(2)
          .ints.subtract(1)
          .maybe.add(3)
          .map.insert(
            new Map([
              ["a", 9],
              ["c", 3],
            ]),
          )
          .map.delete("b")
          .tags.insert(["y", "z"])
          .tags.delete("x"),
      ),
    );
    expect(lab.T.get(row)).toMatchObject({
      ints: new Set([1, 3, 5]),
      maybe: 8,
      map: new Map([
        ["a", 1],
        ["c", 3],
      ]),
      tags: new Set(["y", "z"]),
    });
    await db.transact((tx) =>
      tx.row("T", row).mutate((m) =>
        m.ints
          .delete([1, 5])
          .maybe.delete(8)
          .map.set("a", 7)
          .map.delete(new Map([["c", 0]])),
      ),
    );
    expect(lab.T.get(row)).toMatchObject({
      ints: new Set([3]),
      maybe: undefined,
      map: new Map([
        ["a", 7],
        ["c", 3],
      ]),
    });
    await db.transact((tx) => tx.row("T", row).mutate((m) => m.n.add(-7).n.divide(2).n.modulo(2)));
    expect(lab.T.get(row)?.n).toBe(-1);
    expect(
      lab.diffAgainst({ T: [...((await dumpRows(server.unix, "Lab")).get("T")?.values() ?? [])] as never }),
    ).toEqual([]);
  });

  test("one transaction sees its own work, refers to its own rows and answers in the shape it was asked", async () => {
    const first = await make("first");
    const answer = await db.transact((tx) => {
      const made = tx.insert("T", { name: "second", peer: first });
      const third = tx.insert("T", { name: "third", peer: made });
      tx.row("T", made).update({ n: 2 }).expect(1);
      tx.waitUntil("T", { where: { name: "second" }, columns: ["n"], until: "==", rows: [{ n: 2 }], timeout: 0 });
      tx.comment("beside the data");
      tx.commit(true);
      return {
        rows: [made, third],
        seen: tx.select("T", { where: { name: "third" }, columns: ["peer"] }),
        touched: tx.where("T", { n: 2 }).mutate((m) => m.n.add(1)),
        plain: "as is",
      };
    });
    expect(answer).toEqual({
      rows: [expect.any(String), expect.any(String)],
      seen: [expect.objectContaining({ peer: answer.rows[0] })],
      touched: 1,
      plain: "as is",
    });
    // A weak reference goes with its row.
    await db.transact((tx) => tx.row("T", answer.rows[0] as Uuid<"T">).delete());
    expect(await db.select("T", { where: { name: "third" }, columns: ["peer"] })).toEqual([
      expect.objectContaining({ peer: undefined }),
    ]);
  });

  test("a refusal names the operation, its table and the server's words", async () => {
    const row = await make("refused", { small: 9, n: 2n ** 62n });
    const refusals: [() => Promise<unknown>, new (...given: never[]) => OvsdbError, object][] = [
      [
        () =>
          db.transact((tx) => {
            tx.comment("0");
            tx.row("T", row).mutate((m) => m.small.add(1));
          }),
        ConstraintError,
        { operation: { index: 1, op: "mutate", table: "T" } },
      ],
      [
        () => db.transact((tx) => tx.row("T", row).mutate((m) => m.n.multiply(4))),
        ArithmeticError,
        { tag: "range error" },
      ],
      [
        () => db.transact((tx) => tx.row("T", row).mutate((m) => m.tags.insert(["a", "b"]).tags.insert(["c", "d"]))),
        ConstraintError,
        {},
      ],
      [
        () =>
          db.transact((tx) => {
            for (const name of ["a", "b", "c"]) tx.insert("Few", { name });
          }),
        ConstraintError,
        {},
      ],
      [
        () =>
          db.transact((tx) => {
            tx.insert("T", { name: "refused" });
          }),
        ConstraintError,
        { tag: "constraint violation", details: expect.stringContaining("refused") },
      ],
      [() => db.transact((tx) => tx.row("T", row).delete().expect(0)), ExpectationError, {}],
      [
        () =>
          db.transact((tx) => {
            tx.waitUntil("T", {
              where: { name: "refused" },
              columns: ["small"],
              until: "!=",
              rows: [{ small: 9 }],
              timeout: 20,
            });
            tx.row("T", row).delete();
          }),
        TimedOutError,
        { operation: { op: "wait" } },
      ],
    ];
    for (const [attempt, Class, fields] of refusals) {
      const error = await attempt().then(
        () => undefined,
        (caught: unknown) => caught,
      );
      expect(error, Class.name).toBeInstanceOf(Class);
      expect(error).toMatchObject(fields);
    }
    expect(await db.select("T", { where: { name: "refused" } })).toMatchObject([
      { small: 9, n: 2n ** 62n, tags: new Set() },
    ]);
    await expect(db.transact((tx) => tx.row("T", row).update({ small: 10 }))).rejects.toThrow(/^T\.small/);
    await expect(db.transact((tx) => tx.row("T", row).update({ once: "twice" } as never))).rejects.toThrow(ValueError);
    await expect(
      db.transact(async (tx) => {
        tx.insert("T", { name: "async" });
      }),
    ).rejects.toThrow(/async/);
  });

  test("an exact count that is not met is told after the fact, a lower bound before it", async () => {
    await db.transact((tx) => {
      for (const name of ["e1", "e2"]) tx.insert("T", { name, n: 77 });
    });
    await expect(
      db.transact((tx) => {
        tx.where("T", { n: 78 }).update({ r: 1 }).expect(1);
        tx.where("T", { n: 77 }).update({ r: 1 });
      }),
    ).rejects.toMatchObject({ code: "EXPECTATION", actual: 0 });
    expect((await db.select("T", { where: { n: 77 }, columns: ["r"] })).every(({ r }) => r === 0)).toBe(true);
    await expect(
      db.transact((tx) => {
        tx.where("T", { n: 77 }).update({ r: 2 }).expect(1);
      }),
    ).rejects.toMatchObject({ code: "EXPECTATION", actual: 2, details: expect.stringContaining("committed") });
  });

  test("raw calls bring the server's errors in the classes that fit", async () => {
    const raw = async (...operations: JsonObject[]): Promise<OvsdbError[]> =>
      (await db.transactRaw(operations))
        .filter((result) => (result as JsonObject | null)?.["error"] != null)
        .map((result) => errorFromResult(result as Json));
    const insert = { op: "insert", table: "T", "uuid-name": "same", row: { name: "raw" } };
    expect((await raw(insert, { ...insert, row: { name: "raw2" } }))[0]).toBeInstanceOf(DuplicateUuidNameError);
    expect(
      (await raw({ op: "mutate", table: "T", where: [["name", "==", "refused"]], mutations: [["n", "/=", 0]] }))[0],
    ).toBeInstanceOf(ArithmeticError);
    expect((await raw({ op: "select", table: "Nope", where: [] }))[0]).toBeInstanceOf(OvsdbSyntaxError);
    expect((await raw({ op: "explode" }))[0]).toBeInstanceOf(OvsdbError);
    await expect(db.call("transact", ["Nowhere", { op: "comment", comment: "x" }])).rejects.toThrow(
      UnknownDatabaseError,
    );
    const [refused] = (await db.call("transact", [
      "_Server",
      { op: "delete", table: "Database", where: [] },
    ])) as JsonObject[];
    expect(errorFromResult(refused)).toBeInstanceOf(NotAllowedError);
    await expect(
      db.convert({ name: "Lab", tables: { T: { columns: { name: { type: "nonsense" } } } } }),
    ).rejects.toMatchObject({ origin: "remote" });
    expect(db.status.state).toBe("ready");
    db.notify("no_such_notification", [1]);
    expect(await db.call("echo", ["still there"])).toEqual(["still there"]);
  });
});
