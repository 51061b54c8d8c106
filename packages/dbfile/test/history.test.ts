import { describe, expect, test } from "vitest";
import type { Json } from "@ovnha/ovsdb/core";
import { type DbFile, type DbFileError, diff, history, type RowChange } from "../src/index.ts";
import { dbFile, fileBytes } from "./support/memory-file.ts";
import {
  at,
  changeOne,
  CLUSTER,
  deleteTwo,
  eid,
  HEADER,
  insertOne,
  insertTwo,
  JOINING,
  row,
  SCHEMA,
  SCHEMA_2,
  STANDALONE,
} from "./support/samples.ts";

async function historyOf(file: DbFile, uuid: string, table = "Animal"): Promise<RowChange[]> {
  const changes: RowChange[] = [];
  for await (const change of history(file, { table, uuid })) changes.push(change);
  return changes;
}

const was = (before: unknown, after: unknown): object => ({ before, after });
const bear = {
  name: was(undefined, "ü-bär"),
  legs: was(undefined, 4),
  foods: was(undefined, new Set(["fish", "honey"])),
  tags: was(undefined, new Map([["k", "v"]])),
};
const lamed = {
  legs: was(4, 3),
  foods: was(new Set(["fish", "honey"]), new Set(["honey", "leaves"])),
  tags: was(
    new Map([["k", "v"]]),
    new Map([
      ["k", "w"],
      ["k2", ""],
    ]),
  ),
};

describe("the history of a row", () => {
  test("in a standalone file: when, by whose comment, which columns", async () => {
    const changes = await historyOf(dbFile(STANDALONE), row("1").toUpperCase());
    expect(changes).toMatchObject([
      { kind: "insert", index: 1, dateMs: at(1), comment: "one\nline more", isCommitted: true },
      { kind: "modify", index: 3, dateMs: at(3), comment: "a leg was lost", isCommitted: true },
    ]);
    expect(changes.map(({ columns }) => columns)).toEqual([bear, lamed]);
    expect(changes[1]?.place.ordinal).toBe(3);
  });

  test("to its end", async () => {
    const changes = await historyOf(dbFile(STANDALONE), row("2"));
    expect(changes.map(({ kind }) => kind)).toEqual(["insert", "delete"]);
    expect(changes[1]?.columns).toEqual({
      name: was("ant", undefined),
      legs: was(6, undefined),
      big: was(9007199254740993n, undefined),
    });
  });

  test("in a clustered file, without what was overwritten, and what may not be committed is said", async () => {
    expect(await historyOf(dbFile(CLUSTER), row("1"))).toMatchObject([
      { kind: "snapshot", index: 10, term: 2, eid: eid(10), dateMs: at(1), columns: bear },
      {
        kind: "modify",
        index: 13,
        term: 4,
        eid: eid(13),
        comment: "a leg was lost",
        isCommitted: true,
        columns: lamed,
      },
    ]);
    expect(await historyOf(dbFile(CLUSTER), row("2"))).toMatchObject([
      { kind: "insert", index: 12 },
      { kind: "delete", index: 14, isCommitted: false },
    ]);
    expect(await historyOf(dbFile(CLUSTER), row("5"), "Cage")).toEqual([]);
  });

  test("through changes of the schema", async () => {
    const entry = (index: number, data: Json): Json => ({ term: 3, index, data, eid: eid(index) });
    const file = dbFile(
      fileBytes("CLUSTER", [
        HEADER,
        entry(11, [null, insertTwo as unknown as Json]),
        entry(12, [SCHEMA_2, null]),
        entry(13, [null, { Animal: { [row("1")]: { age: 9 } } }]),
        entry(14, [SCHEMA as unknown as Json, { Animal: { [row("2")]: { name: "ant" } } }]),
        { commit_index: 14 },
      ]),
    );
    const summary = (changes: readonly RowChange[]): unknown =>
      changes.map(({ kind, index, columns }) => ({ kind, index, columns }));
    expect(summary(await historyOf(file, row("1")))).toEqual([
      { kind: "snapshot", index: 10, columns: bear },
      {
        kind: "convert",
        index: 12,
        columns: { legs: was(4, new Set([4])), tags: was(new Map([["k", "v"]]), undefined) },
      },
      { kind: "modify", index: 13, columns: { age: was(0, 9) } },
      {
        kind: "convert",
        index: 14,
        columns: {
          name: was("ü-bär", undefined),
          legs: was(new Set([4]), undefined),
          foods: was(new Set(["fish", "honey"]), undefined),
          age: was(9, undefined),
        },
      },
    ]);
    expect(summary(await historyOf(file, row("3"), "Cage"))).toEqual([
      { kind: "insert", index: 11, columns: { number: was(undefined, 7) } },
      { kind: "convert", index: 12, columns: { number: was(7, undefined) } },
    ]);
    expect(summary(await historyOf(file, row("2")))).toMatchObject([
      { kind: "insert" },
      { kind: "convert", columns: { legs: was(6, new Set([6])), big: was(9007199254740993n, undefined) } },
      { kind: "convert", columns: { legs: was(new Set([6]), 0) } },
    ]);
  });

  test("of nothing", async () => {
    const codeOf = (work: Promise<unknown>): Promise<unknown> => work.catch((error: DbFileError) => error.code);
    expect(await codeOf(historyOf(dbFile(STANDALONE), row("1"), "Bird"))).toBe("NOT_FOUND");
    expect(await codeOf(historyOf(dbFile(STANDALONE), "bear"))).toBe("ARGUMENT");
    expect(await codeOf(historyOf(dbFile(fileBytes("CLUSTER", [JOINING])), row("1")))).toBe("JOINING");
    expect(await historyOf(dbFile(STANDALONE), row("9"))).toEqual([]);
  });
});

describe("the difference of two files", () => {
  test("of different kinds that hold the same", async () => {
    const other = dbFile(fileBytes("JSON", [SCHEMA, insertOne, insertTwo, changeOne]));
    const found = await diff(dbFile(CLUSTER), other);
    expect(found).toMatchObject({ isSame: true, isSameSchema: true, tables: [] });
    expect([...found.rows()]).toEqual([]);
  });

  test("of one file at two moments", async () => {
    const file = dbFile(STANDALONE);
    const found = await diff(file, file, { left: { index: 2 } });
    expect(found.tables).toEqual([{ table: "Animal", onlyLeft: 1, onlyRight: 0, changed: 1 }]);
    expect(found.isSame).toBe(false);
    const rows = [...found.rows()];
    expect(rows).toMatchObject([
      { table: "Animal", uuid: row("1"), kind: "both" },
      { table: "Animal", uuid: row("2"), kind: "left", columns: {} },
    ]);
    expect(rows[0]?.columns["legs"]).toEqual({ left: 4, right: 3 });
    const back = await diff(file, file, { right: { index: 0 } });
    expect(back.tables).toEqual([
      { table: "Animal", onlyLeft: 1, onlyRight: 0, changed: 0 },
      { table: "Cage", onlyLeft: 2, onlyRight: 0, changed: 0 },
    ]);
  });

  test("the order of columns, of sets and of maps, and defaults that are written, are no difference", async () => {
    const animal = (columns: Json): DbFile => dbFile(fileBytes("JSON", [SCHEMA, { Animal: { [row("1")]: columns } }]));
    const left = animal({
      name: "x",
      foods: ["set", ["a", "b"]],
      legs: 0,
      weight: ["set", []],
      tags: [
        "map",
        [
          ["a", "1"],
          ["b", "2"],
        ],
      ],
    });
    const right = animal({
      tags: [
        "map",
        [
          ["b", "2"],
          ["a", "1"],
        ],
      ],
      foods: ["set", ["b", "a"]],
      name: "x",
    });
    expect((await diff(left, right)).isSame).toBe(true);
  });

  test("of two schemas: tables count, columns that only one has do not", async () => {
    const left = dbFile(fileBytes("JSON", [SCHEMA, insertOne, insertTwo, deleteTwo]));
    const right = dbFile(
      fileBytes("JSON", [
        SCHEMA_2,
        { Animal: { [row("1")]: { name: "ü-bär", legs: 4, foods: ["set", ["fish", "honey"]], age: 4 } } },
      ]),
    );
    const found = await diff(left, right);
    expect(found.isSameSchema).toBe(false);
    expect(found.tables).toEqual([
      { table: "Animal", onlyLeft: 0, onlyRight: 0, changed: 1 },
      { table: "Cage", onlyLeft: 2, onlyRight: 0, changed: 0 },
    ]);
    expect([...found.rows()][0]?.columns).toEqual({ legs: { left: 4, right: new Set([4]) } });
  });
});
