/** Rows that break a rule together: what we refuse, Open vSwitch starts without; what it leaves out, we count. */
import { join } from "node:path";
import fc from "fast-check";
import { realOvs, removeFolder, temporaryFolder } from "@ovnha/testkit";
import { afterAll, describe, expect, test } from "vitest";
import { compact, createCluster, createStandalone, DbFileError, type FileRow } from "../../src/index.ts";
import { ovsdbTool, serverRows, toolClusterRows, toolRows, type Rows } from "../support/oracle.ts";

const to = (refTable: string, refType: "strong" | "weak", min: 0 | 1, max: 1 | "unlimited") => ({
  type: { key: { type: "uuid", refTable, refType }, min, max },
});
const SCHEMA = {
  name: "Zoo",
  version: "1.0.0",
  tables: {
    Cage: {
      isRoot: true,
      indexes: [["name", "labels"]],
      columns: {
        name: { type: "string" },
        labels: { type: { key: "string", value: "string", min: 0, max: "unlimited" } },
        animals: to("Animal", "strong", 0, "unlimited"),
        guest: to("Animal", "weak", 0, 1),
        friends: to("Cage", "weak", 0, "unlimited"),
      },
    },
    Guard: { isRoot: true, columns: { cage: to("Cage", "strong", 1, 1) } },
    Sign: { isRoot: true, columns: { cage: to("Cage", "weak", 1, 1) } },
    Animal: { columns: { name: { type: "string" }, home: to("Cage", "weak", 0, 1) } },
  },
};
const id = (digit: string, number: number): string => `${digit.repeat(8)}-0000-4000-8000-00000000000${number}`;
const ref = (digit: string, number: number): [string, string] => ["uuid", id(digit, number)];

/** Of each table up to three rows, whose references lead to one of four, the last of which is never there. */
const target = fc.oneof({ weight: 8, arbitrary: fc.nat({ max: 1 }) }, { weight: 1, arbitrary: fc.nat({ max: 3 }) });
const refs = (digit: string) =>
  fc.uniqueArray(target, { maxLength: 3 }).map((numbers) => ["set", numbers.map((n) => ref(digit, n))] as const);
const optional = (digit: string) =>
  fc.option(target, { nil: undefined }).map((n) => (n === undefined ? (["set", []] as const) : ref(digit, n)));
const cage = fc.record({
  name: fc.constantFrom("a", "b", "c", "d", "e"),
  labels: fc.constantFrom(
    ["map", []],
    [
      "map",
      [
        ["x", "1"],
        ["y", "2"],
      ],
    ],
    [
      "map",
      [
        ["y", "2"],
        ["x", "1"],
      ],
    ],
  ),
  animals: refs("a"),
  guest: optional("a"),
  friends: refs("c"),
});
const list = (table: string, digit: string, columns: fc.Arbitrary<object>, maxLength: number, minLength = 0) =>
  fc
    .array(columns, { minLength, maxLength })
    .map((all) => all.map((of, number) => ({ table, uuid: id(digit, number), columns: of }) as FileRow));
const content = fc
  .tuple(
    list("Cage", "c", cage, 3, 2),
    list("Animal", "a", fc.record({ name: fc.constant("ant"), home: optional("c") }), 2, 2),
    list(
      "Guard",
      "e",
      target.map((n) => ({ cage: ref("c", n) })),
      1,
    ),
    list(
      "Sign",
      "f",
      target.map((n) => ({ cage: ref("c", n) })),
      1,
    ),
  )
  .map((tables) => tables.flat());

describe.skipIf(realOvs() === "skip")("rows that break a rule together", () => {
  const folder = temporaryFolder();
  let number = 0;
  const path = (): string => join(folder, `${number++}.db`);
  afterAll(() => removeFolder(folder));
  const size = (rows: Rows): number => Object.values(rows).reduce((sum, of) => sum + Object.keys(of).length, 0);
  const links = (rows: Rows): string => JSON.stringify(Object.values(rows).flatMap((of) => Object.values(of)));

  async function judge(rows: readonly FileRow[]): Promise<"refused" | "left out" | "whole"> {
    try {
      const { leftOut } = await createStandalone({ path: path(), schema: SCHEMA, rows });
      return leftOut === undefined || leftOut.rows + leftOut.weakReferences === 0 ? "whole" : "left out";
    } catch (error) {
      if (error instanceof DbFileError && error.code === "BAD_TRANSACTION") return "refused";
      throw error;
    }
  }

  test("the verdict is that of Open vSwitch", { timeout: 120_000 }, async () => {
    const seen = { refused: 0, "left out": 0, whole: 0 };
    for (const rows of fc.sample(content, { seed: 5, numRuns: 60 })) {
      const verdict = await judge(rows);
      const made = await createStandalone({ path: path(), schema: SCHEMA, rows, check: "none" });
      const theirs = seen[verdict] < 2 ? await serverRows(made.path, "Zoo") : await toolRows(made.path);
      const whole = size(theirs) === rows.length && rows.every(({ columns }) => hasAll(links(theirs), columns));
      expect(size(theirs) === 0 ? "refused" : whole ? "whole" : "left out", JSON.stringify(rows)).toBe(verdict);
      seen[verdict]++;
    }
    for (const [verdict, times] of Object.entries(seen)) expect(times, verdict).toBeGreaterThan(4);
  });

  /** Whether all uuids that a row refers to are still somewhere. */
  function hasAll(text: string, columns: object): boolean {
    const wanted = JSON.stringify(columns).match(/[acef]{8}-0000[-0-9]*/g) ?? [];
    return wanted.every((uuid) => text.includes(uuid));
  }

  test("errors name row and column; strict refuses what would be left out", async () => {
    const guard: FileRow = { table: "Guard", uuid: id("e", 0), columns: { cage: ref("c", 3) } };
    const fail = (rows: readonly FileRow[], check?: "strict"): Promise<unknown> =>
      createStandalone({ path: path(), schema: SCHEMA, rows, ...(check === undefined ? {} : { check }) }).then(
        () => "done",
        (error: Error) => error.message,
      );
    expect(await fail([guard])).toBe(
      `row ${id("e", 0)} of table Guard, column cage: refers to row ${id("c", 3)} of table Cage, which is not there`,
    );
    // A required reference that is not named is one to the all-zero uuid.
    expect(await fail([{ ...guard, columns: {} }])).toContain("column cage: refers to row 00000000-");
    expect(await fail([{ table: "Sign", uuid: id("f", 0), columns: {} }])).toContain("table Sign, column cage");
    const cages = [0, 1].map((n): FileRow => ({ table: "Cage", uuid: id("c", n), columns: { name: "a" } }));
    expect(await fail(cages)).toContain(`row ${id("c", 1)} of table Cage, column name, labels: row ${id("c", 0)} has`);
    const animal: FileRow = { table: "Animal", uuid: id("a", 0), columns: {} };
    expect(await fail([animal])).toBe("done");
    expect(await fail([animal], "strict")).toContain("no row refers to it, and the table is no root");
    const { leftOut } = await createStandalone({ path: path(), schema: SCHEMA, rows: [animal] });
    expect(leftOut).toMatchObject({ rows: 1, weakReferences: 0, examples: [expect.stringContaining("table Animal")] });
  });

  test("an index of sets: none and the empty text are two values, for Open vSwitch too", async () => {
    const words = { type: { key: "string", min: 0, max: "unlimited" } };
    const tables = { Cage: { isRoot: true, indexes: [["words"]], columns: { words } } };
    const [none, empty]: [FileRow["columns"], FileRow["columns"]] = [{}, { words: ["set", [""]] }];
    const rows = (...of: FileRow["columns"][]): FileRow[] =>
      of.map((columns, n) => ({ table: "Cage", uuid: id("c", n), columns }));
    const made = await createStandalone({ path: path(), schema: { ...SCHEMA, tables }, rows: rows(none, empty) });
    expect(size(await toolRows(made.path))).toBe(2);
    const twice = createStandalone({ path: path(), schema: { ...SCHEMA, tables }, rows: rows(empty, empty) });
    await expect(twice).rejects.toMatchObject({ code: "BAD_TRANSACTION" });
  });

  test("a cluster's file, and a file that is compacted, are held to the same", async () => {
    const rows: FileRow[] = [{ table: "Guard", uuid: id("e", 0), columns: { cage: ref("c", 3) } }];
    const of = { schema: SCHEMA, rows, localAddress: "tcp:127.0.0.1:6643" };
    await expect(createCluster({ path: path(), ...of })).rejects.toMatchObject({ code: "BAD_TRANSACTION" });
    const loose = await createCluster({ path: path(), ...of, check: "none" });
    expect(size((await toolClusterRows(loose.path)) as Rows)).toBe(0);
    const standalone = await createStandalone({ path: path(), schema: SCHEMA, rows, check: "none" });
    await expect(compact({ source: standalone.path, target: path() })).rejects.toMatchObject({
      code: "BAD_TRANSACTION",
    });
    expect((await ovsdbTool("compact", standalone.path)).code).toBe(0);
  });
});
