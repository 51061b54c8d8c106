import { describe, expect, test } from "vitest";
import type { Json } from "@ovnha/ovsdb/core";
import { type DbFile, type DbFileError, inspect, replay, type Replayed, type ReplayOptions } from "../src/index.ts";
import { dbFile, fileBytes } from "./support/memory-file.ts";
import {
  at,
  CLUSTER,
  CLUSTER_RECORDS,
  deleteTwo,
  eid,
  HEADER,
  insertOne,
  JOINING,
  row,
  SCHEMA,
  SCHEMA_2,
  SID,
  STANDALONE,
  STANDALONE_RECORDS,
} from "./support/samples.ts";

const clusterOf = (...records: readonly Json[]): DbFile => dbFile(fileBytes("CLUSTER", [HEADER, ...records]));
const entry = (index: number, data: Json, term = 3): Json => ({ term, index, data: data as Json[], eid: eid(index) });
const cage = (digit: string, number: number): Json => ({ Cage: { [row(digit)]: { number } } });

/** Rows as plain data. */
function rowsOf({ content }: Replayed): Record<string, Record<string, unknown>[]> {
  return Object.fromEntries(
    [...content.tables].filter(([, { size }]) => size > 0).map(([name, table]) => [name, [...table]]),
  );
}

const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => "none",
    (error: DbFileError) => error.code,
  );

const bear = {
  _uuid: row("1"),
  name: "ü-bär",
  legs: 4,
  big: undefined,
  weight: undefined,
  foods: new Set(["fish", "honey"]),
  tags: new Map([["k", "v"]]),
};
const lamedBear = {
  ...bear,
  legs: 3,
  foods: new Set(["honey", "leaves"]),
  tags: new Map([
    ["k", "w"],
    ["k2", ""],
  ]),
};
const ant = {
  ...bear,
  _uuid: row("2"),
  name: "ant",
  legs: 6,
  big: 9007199254740993n,
  foods: new Set(),
  tags: new Map(),
};
const cages = [
  { _uuid: row("3"), number: 7 },
  { _uuid: row("4"), number: 0 },
];

describe("a standalone file", () => {
  const file = dbFile(STANDALONE);

  test("at its end", async () => {
    const replayed = await replay(file);
    expect(rowsOf(replayed)).toEqual({ Animal: [lamedBear], Cage: cages });
    expect(replayed).toMatchObject({
      index: 4,
      eid: undefined,
      dateMs: at(4),
      transactions: 4,
      uncommitted: 0,
      stoppedBy: undefined,
    });
  });

  test.each([
    [0, {}],
    [1, { Animal: [bear] }],
    [2, { Animal: [bear, ant], Cage: cages }],
    [3, { Animal: [lamedBear, ant], Cage: cages }],
  ])("at transaction %i, and just before the next", async (index, rows) => {
    expect(rowsOf(await replay(file, { index }))).toEqual(rows);
    expect(rowsOf(await replay(file, { dateMs: at(index + 1) - 1 }))).toEqual(rows);
  });

  test("a diff that is none replaces", async () => {
    const change = { Animal: { [row("1")]: { foods: "leaves", tags: ["map", []] } } };
    const plain = dbFile(fileBytes("JSON", [SCHEMA, insertOne, change]));
    expect(rowsOf(await replay(plain)).Animal?.[0]).toMatchObject({
      legs: 4,
      foods: new Set(["leaves"]),
      tags: new Map(),
    });
  });

  test("a moment that is not in it", async () => {
    expect(await codeOf(replay(file, { index: 5 }))).toBe("NOT_FOUND");
    expect(await codeOf(replay(file, { index: -1 }))).toBe("NOT_FOUND");
    expect(await codeOf(replay(file, { index: 1.5 }))).toBe("NOT_FOUND");
  });

  test.each([
    ["an unknown table", { Bird: {} }],
    ["a row that is not there deleted", { Animal: { [row("9")]: null } }],
    ["a row that is a number", { Animal: { [row("9")]: 7 } }],
    ["a name that is no UUID", { Animal: { bear: {} } }],
    ["a table that is an array", { Animal: [] }],
    ["a diff of an unknown column", { Animal: { [row("1")]: { wings: 2 } }, _is_diff: true }],
    ["a diff out of type", { Animal: { [row("1")]: { legs: "four" } }, _is_diff: true }],
    ["an annotation that is a table", { _comment: {}, Bird: {} }],
  ])("%s stops it, with what stands before on request", async (_what, bad) => {
    const first = { Animal: { [row("2")]: { name: "half" } }, ...bad } as unknown as Json;
    const spoilt = dbFile(fileBytes("JSON", [SCHEMA, insertOne, first, { Animal: { [row("1")]: null } }]));
    const error = (await replay(spoilt).catch((caught: unknown) => caught)) as DbFileError;
    expect(error).toMatchObject({ code: "BAD_TRANSACTION", path: "memory.db" });
    expect(error.message).toMatch(/record 2 at offset \d+ cannot be applied: /);
    const replayed = await replay(spoilt, { untilBad: true });
    expect(rowsOf(replayed)).toEqual({ Animal: [bear] });
    expect(replayed.stoppedBy?.code).toBe("BAD_TRANSACTION");
  });

  test("rows are looked at when they are asked for", async () => {
    const table = async (columns: Json) =>
      (await replay(dbFile(fileBytes("JSON", [SCHEMA, { Animal: { [row("1")]: columns } }])))).content.tables.get(
        "Animal",
      );
    await expect(table({ legs: "four" }).then((animals) => animals?.get(row("1")))).rejects.toThrow(/Animal.legs/);
    await expect(table({ wings: 2 }).then((animals) => animals?.get(row("1")))).rejects.toThrow(/no column "wings"/);
    const animals = await table({ legs: 4 });
    expect(animals?.json(row("1"))).toEqual({ legs: 4 });
    expect(animals?.has(row("2"))).toBe(false);
    expect(animals?.get(row("2"))).toBe(undefined);
    expect([...(animals?.uuids() ?? [])]).toEqual([row("1")]);
  });
});

describe("a clustered file", () => {
  const file = dbFile(CLUSTER);

  test("at its commit index, without what was overwritten", async () => {
    const replayed = await replay(file);
    expect(rowsOf(replayed)).toEqual({ Animal: [lamedBear, ant], Cage: cages });
    expect(replayed).toMatchObject({ index: 13, eid: eid(13), dateMs: at(3), transactions: 3, uncommitted: 1 });
  });

  test("with what may be committed", async () => {
    const replayed = await replay(file, { includeUncommitted: true });
    expect(rowsOf(replayed)).toEqual({ Animal: [lamedBear], Cage: cages });
    expect(replayed).toMatchObject({ index: 14, uncommitted: 0 });
    expect(await codeOf(replay(file, { index: 14 }))).toBe("ARGUMENT");
  });

  test.each<[ReplayOptions, object, number]>([
    [{ index: 10 }, { Animal: [bear] }, 10],
    [{ index: 11 }, { Animal: [bear] }, 11],
    [{ index: 12 }, { Animal: [bear, ant], Cage: cages }, 12],
    [{ dateMs: at(1) }, { Animal: [bear] }, 11],
    [{ dateMs: at(2) }, { Animal: [bear, ant], Cage: cages }, 12],
  ])("at %j", async (options, rows, index) => {
    const replayed = await replay(file, options);
    expect(rowsOf(replayed)).toEqual(rows);
    expect(replayed.index).toBe(index);
  });

  test("a moment that is not in it", async () => {
    expect(await codeOf(replay(file, { index: 9 }))).toBe("NOT_FOUND");
    expect(await codeOf(replay(file, { index: 15 }))).toBe("NOT_FOUND");
    expect(await codeOf(replay(file, { dateMs: at(0) }))).toBe("NOT_FOUND");
    expect(await codeOf(replay(dbFile(fileBytes("CLUSTER", [JOINING]))))).toBe("JOINING");
  });

  test("an entry may be overwritten more than once, and at the commit index", async () => {
    const file = clusterOf(
      entry(11, [null, cage("3", 1)]),
      entry(12, [null, cage("4", 2)]),
      entry(12, [null, cage("5", 3)], 4),
      entry(11, [null, cage("6", 4)], 5),
      { commit_index: 11 },
      entry(12, [null, cage("7", 5)], 5),
      entry(11, [null, cage("8", 6)], 6),
    );
    expect(rowsOf(await replay(file, { includeUncommitted: true })).Cage).toEqual([{ _uuid: row("8"), number: 6 }]);
    expect(await inspect(file)).toMatchObject({
      overwritten: 5,
      logEnd: 12,
      lastTerm: 6,
      commitIndex: 11,
      uncommitted: 0,
    });
  });

  test("a conversion with its rows resets the database", async () => {
    const file = clusterOf(entry(11, [SCHEMA_2, { Animal: { [row("2")]: { age: 5 } } }]), { commit_index: 11 });
    const replayed = await replay(file);
    expect(rowsOf(replayed)).toEqual({
      Animal: [{ _uuid: row("2"), name: "", legs: new Set(), foods: new Set(), age: 5 }],
    });
    expect(replayed.content.schema.version).toBe("2.0.0");
    expect(await inspect(file)).toMatchObject({ schemaVersion: "2.0.0", schemaCksum: undefined });
    expect((await replay(file, { index: 10 })).content.schema.version).toBe("1.2.3");
  });

  test("a conversion without rows converts those that are there", async () => {
    const file = clusterOf(
      entry(11, [null, cage("3", 1)]),
      entry(12, [SCHEMA_2, null]),
      entry(13, [null, { Animal: { [row("1")]: { legs: ["set", [4, 5]] } }, _is_diff: true }]),
      { commit_index: 13 },
    );
    const converted = { _uuid: row("1"), name: "ü-bär", foods: new Set(["fish", "honey"]), age: 0 };
    expect(rowsOf(await replay(file, { index: 12 }))).toEqual({ Animal: [{ ...converted, legs: new Set([4]) }] });
    expect(rowsOf(await replay(file))).toEqual({ Animal: [{ ...converted, legs: new Set([5]) }] });
  });

  test("a conversion that does not fit names the row and the column", async () => {
    const schema = { name: "Zoo", tables: { Animal: { columns: { foods: { type: "string" } } } } };
    const error = await replay(clusterOf(entry(11, [schema, null]), { commit_index: 11 })).catch(
      (caught: Error) => caught,
    );
    expect((error as Error).message).toMatch(/row 11111111-.* of table Animal, column foods does not fit its new type/);
  });

  test.each<[string, readonly Json[]]>([
    ["a gap in the log", [entry(12, [null, {}])]],
    ["a commit index behind the log", [{ commit_index: 11 }]],
    ["a commit index that goes back", [entry(11, [null, {}]), { commit_index: 11 }, { commit_index: 10 }]],
    [
      "a committed entry overwritten",
      [entry(11, [null, {}]), entry(12, [null, {}]), { commit_index: 12 }, entry(11, [null, {}])],
    ],
    ["the snapshot overwritten", [entry(10, [null, {}])]],
    ["a term that goes back", [entry(11, [null, {}], 5), entry(12, [null, {}], 4)]],
    [
      "two votes in a term",
      [
        { term: 5, vote: SID },
        { term: 5, vote: eid(1) },
      ],
    ],
    ["a vote in an old term", [{ term: 5 }, { term: 4, vote: SID }]],
    ["an unknown member", [{ term: 5, colour: "red" }]],
    ["data without an eid", [{ term: 3, index: 11, data: [null, {}] }]],
    ["data of three", [entry(11, [null, {}, {}])]],
    ["data that is a number", [entry(11, [null, 7])]],
    ["an index beyond 2^53", [{ term: 3, index: 9007199254740993n }]],
    ["a negative term", [{ term: -1 }]],
    ["a second header", [HEADER]],
  ])("%s: ovsdb-server refuses the file, and so it is said", async (_what, records) => {
    const spoilt = clusterOf(...records, entry(11, [null, cage("9", 9)], 9));
    expect(await codeOf(replay(spoilt))).toBe("BAD_RECORD");
    const { stoppedBy, content } = await replay(spoilt, { untilBad: true, includeUncommitted: true });
    expect(stoppedBy?.message).toMatch(/record \d+ at offset \d+/);
    expect(content.tables.get("Cage")?.has(row("9"))).toBe(false);
    expect((await inspect(spoilt)).refusal).toBe(stoppedBy?.message);
  });
});

describe("inspect", () => {
  test("a clustered file", async () => {
    expect(await inspect(dbFile(CLUSTER))).toEqual({
      format: "clustered",
      path: "memory.db",
      sizeBytes: CLUSTER.length,
      modifiedMs: 0,
      records: CLUSTER_RECORDS.length,
      damage: undefined,
      refusal: undefined,
      name: "Zoo",
      schemaVersion: "1.2.3",
      schemaCksum: "12345 678",
      serverId: SID,
      clusterId: HEADER.cluster_id,
      localAddress: "tcp:127.0.0.1:6644",
      members: { [SID]: "tcp:127.0.0.1:6644", "5e1f0000-0000-4000-8000-00000000000b": "ssl:[::1]:6644" },
      isMember: true,
      term: 4,
      vote: undefined,
      leader: { sid: "5e1f0000-0000-4000-8000-00000000000b", term: 4 },
      electionTimerMs: 2000,
      snapshot: {
        index: 10,
        term: 2,
        eid: eid(10),
        bytes: Buffer.byteLength(JSON.stringify(HEADER.prev_data)),
        dateMs: at(1),
      },
      logStart: 11,
      logEnd: 15,
      lastTerm: 4,
      lastEid: eid(14),
      commitIndex: 13,
      uncommitted: 1,
      overwritten: 1,
      left: false,
      lastDateMs: at(4),
    });
  });

  test.each([undefined, 200])(
    "the last id where its entry was overwritten, in windows of %s bytes",
    async (windowBytes) => {
      const records = [
        entry(11, [null, cage("5", 1)]),
        { term: 3, index: 12 },
        entry(13, [null, cage("6", 1)]),
        { term: 4, index: 12 },
        { term: 4, index: 13 },
      ];
      for (const [length, id, lastTerm] of [
        [5, 11, 4],
        [4, 11, 4],
        [3, 13, 3],
        [2, 11, 3],
      ] as const) {
        const file = dbFile(fileBytes("CLUSTER", [HEADER, ...records.slice(0, length)]), windowBytes);
        expect(await inspect(file)).toMatchObject({ lastEid: eid(id), lastTerm, refusal: undefined });
      }
      const cut = dbFile(fileBytes("CLUSTER", [HEADER, entry(11, [null, {}]), { term: 4, index: 11 }]), windowBytes);
      expect(await inspect(cut)).toMatchObject({ lastEid: HEADER.prev_eid, lastTerm: 4 });
    },
  );

  test("an entry of an earlier term than what an overwritten one uncovers is refused", async () => {
    const terms = (...list: readonly [index: number, term: number][]): Promise<string | undefined> =>
      inspect(clusterOf(...list.map(([index, term]) => ({ term, index })))).then(({ refusal }) => refusal);
    expect(await terms([11, 3], [12, 5], [12, 4], [13, 4])).toBe(undefined);
    expect(await terms([11, 4], [12, 5], [12, 3])).toContain("less than the entry before it (4)");
    expect(await terms([11, 4], [12, 5], [11, 3], [12, 3])).toBe(undefined);
  });

  test("a standalone file with a torn tail", async () => {
    const bytes = Buffer.concat([STANDALONE, Buffer.from("OVSDB JS")]);
    expect(await inspect(dbFile(bytes))).toEqual({
      format: "standalone",
      path: "memory.db",
      sizeBytes: bytes.length,
      modifiedMs: 0,
      records: STANDALONE_RECORDS.length,
      damage: {
        kind: "header",
        offset: STANDALONE.length,
        lostBytes: 8,
        message: `record 5 at offset ${STANDALONE.length} is no header line of a record`,
      },
      refusal: undefined,
      name: "Zoo",
      schemaVersion: "1.2.3",
      schemaCksum: "12345 678",
      transactions: 4,
      firstDateMs: at(1),
      lastDateMs: at(4),
    });
  });

  test("the file of a server that has not joined", async () => {
    expect(await inspect(dbFile(fileBytes("CLUSTER", [JOINING])))).toMatchObject({
      format: "joining",
      name: "Zoo",
      serverId: SID,
      clusterId: undefined,
      localAddress: "tcp:127.0.0.1:6644",
      remoteAddresses: ["tcp:127.0.0.1:6645"],
      records: 1,
    });
  });

  test("who has left, and who is no member", async () => {
    expect(await inspect(clusterOf({ note: "left" }))).toMatchObject({
      left: true,
      refusal: expect.stringContaining("left"),
    });
    const servers = { "5e1f0000-0000-4000-8000-00000000000b": "unix:/b" };
    expect(await inspect(clusterOf({ term: 3, index: 11, servers }))).toMatchObject({
      isMember: false,
      refusal: expect.any(String),
    });
    expect(await inspect(clusterOf({ term: 3, index: 11, servers }, { term: 4, index: 11 }))).toMatchObject({
      isMember: true,
    });
  });

  test("seconds in old files are milliseconds here", async () => {
    const old = { ...deleteTwo, Animal: { [row("2")]: {} }, _date: 1_300_000_000 };
    expect(await inspect(dbFile(fileBytes("JSON", [SCHEMA, old])))).toMatchObject({ lastDateMs: 1_300_000_000_000 });
  });
});
