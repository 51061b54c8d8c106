/** What ovsdb-server takes although it is not usual is not damage. */
import { describe, expect, test } from "vitest";
import { type DbFile, type DbFileError, history, inspect, replay, type Replayed } from "../src/index.ts";
import { RecordSieve } from "../src/check/record-sieve.ts";
import { dbFile, fileBytes } from "./support/memory-file.ts";
import { eid, HEADER, row, SCHEMA } from "./support/samples.ts";
import { rawRecord, UNUSUAL, WITHOUT_LINE_FEED } from "./support/unusual.ts";

const namesOf = ({ content }: Replayed): unknown[] =>
  [...(content.tables.get("Animal") ?? [])].map(({ name }) => name).sort();

const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => "none",
    (error: DbFileError) => error.code,
  );

describe("unusual records of a standalone file", () => {
  test.each(UNUSUAL)("$what, in windows of any size", async ({ bytes, names }) => {
    for (const windowBytes of [undefined, 200]) {
      const file = dbFile(bytes, windowBytes);
      if (names === undefined) {
        const damage = (await inspect(file)).damage;
        const found = await replay(file)
          .then(namesOf)
          .catch((error: DbFileError) => error.code);
        if (damage === undefined) expect(found).toBe("BAD_TRANSACTION");
        else expect(damage.kind).toBe("json");
      } else {
        expect((await inspect(file)).damage).toBe(undefined);
        expect(namesOf(await replay(file))).toEqual(names);
      }
    }
  });

  test("a schema without a line feed behind it", async () => {
    expect(namesOf(await replay(dbFile(WITHOUT_LINE_FEED)))).toEqual(["bee"]);
  });

  test("a comment that is not UTF-8 is told with a sign for what is wrong in it", async () => {
    const file = dbFile(UNUSUAL[0]?.bytes ?? Buffer.alloc(0));
    const changes = [];
    for await (const change of history(file, { table: "Animal", uuid: row("2") })) changes.push(change);
    expect(changes.map(({ comment }) => comment)).toEqual(["ant \ufffd\ufffd"]);
  });

  test.each([
    ["set twice", '{"name":"ant"}', '{"legs":6}'],
    ["set and deleted", '{"name":"ant"}', "null"],
    ["deleted and set", "null", '{"legs":6}'],
  ])("a row that one transaction names twice is refused: %s", async (_what, first, second) => {
    const insert = { Animal: { [row("2")]: {} } };
    const before = first === "null" ? [SCHEMA, insert] : [SCHEMA];
    const body = `{"Animal":{"${row("2")}":${first},"${row("2")}":${second}}}`;
    const file = dbFile(fileBytes("JSON", [...before, { body }]));
    expect(await codeOf(replay(file))).toBe("BAD_TRANSACTION");
  });

  test("a row is set again in the next transaction", async () => {
    const set = (name: string) => ({ Animal: { [row("2")]: { name } } });
    const file = dbFile(fileBytes("JSON", [SCHEMA, set("a"), set("b"), { Animal: { [row("2")]: null } }, set("c")]));
    expect(namesOf(await replay(file))).toEqual(["c"]);
  });
});

describe("unusual records of a member's file", () => {
  const data = `[null,{"Animal":{"${row("2")}":{"name":"ant"}}}]`;
  const withBody = (body: string): DbFile =>
    dbFile(
      Buffer.concat([
        fileBytes("CLUSTER", [HEADER]),
        rawRecord("CLUSTER", Buffer.from(body)),
        fileBytes("CLUSTER", [{ commit_index: 11 }]),
      ]),
    );

  test.each([
    ["data by a name with escapes", `{"term":3,"index":11,"d\\u0061ta":${data},"eid":"${eid(11)}"}`],
    ["every character of it", `{"term":3,"index":11,"\\u0064\\u0061\\u0074\\u0061":${data},"eid":"${eid(11)}"}`],
    ["data twice", `{"term":3,"index":11,"data":7,"data":[null],"data":${data},"eid":"${eid(11)}"}`],
  ])("%s is data", async (_what, body) => {
    expect(namesOf(await replay(withBody(body)))).toEqual(["ant", "ü-bär"]);
    const sieve = new RecordSieve();
    for (const piece of [body.length, 1, 7]) {
      sieve.reset();
      for (let at = 0; at < body.length; at += piece) sieve.push(Buffer.from(body.slice(at, at + piece)));
      expect(sieve.finish()).toEqual({ value: { term: 3, index: 11, data: [null, {}], eid: eid(11) } });
      expect(sieve.dataFault).toBe(undefined);
    }
  });
});
