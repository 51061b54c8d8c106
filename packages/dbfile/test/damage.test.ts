import { describe, expect, test } from "vitest";
import { stringifyJson } from "@ovnha/ovsdb/core";
import {
  type Damage,
  DbFileError,
  type FileRecord,
  formatRecord,
  inspect,
  parseRecordHeader,
  readRecords,
  replay,
} from "../src/index.ts";
import { dbFile, fileBytes, sha1 } from "./support/memory-file.ts";
import { CLUSTER, JOINING, SCHEMA, STANDALONE } from "./support/samples.ts";

const SAMPLES = [
  { name: "a standalone file", bytes: STANDALONE },
  { name: "a clustered file", bytes: CLUSTER },
  { name: "the file of a server that has not joined", bytes: fileBytes("CLUSTER", [JOINING]) },
] as const;

async function readAll(bytes: Uint8Array, windowBytes?: number): Promise<FileRecord[]> {
  const records: FileRecord[] = [];
  for await (const record of readRecords(dbFile(bytes, windowBytes))) records.push(record);
  return records;
}

/** What a record says, with the bytes of its body, so that no difference can hide. */
function contentOf(record: FileRecord, bytes: Uint8Array): string {
  if (record.type === "damage") return "damage";
  const { bodyOffset, endOffset } = record.place;
  return `${record.type} ${Buffer.from(bytes.subarray(bodyOffset, endOffset)).toString("latin1")}`;
}

/**
 * Whatever the bytes: good records are the first ones of the original, and nothing but a DbFileError is thrown. `isDeep`
 * also has them inspected and replayed.
 */
async function expectNothingInvented(
  whole: readonly string[],
  bytes: Uint8Array,
  isDeep: boolean,
  windowBytes?: number,
): Promise<Damage | undefined> {
  const records = await readAll(bytes, windowBytes);
  const last = records.at(-1);
  const good = last?.type === "damage" ? records.slice(0, -1) : records;
  expect(good.map((record) => contentOf(record, bytes))).toEqual(whole.slice(0, good.length));
  for (const use of isDeep ? ([inspect, replay] as const) : [])
    await use(dbFile(bytes, windowBytes)).catch((error: unknown) => expect(error).toBeInstanceOf(DbFileError));
  return last?.type === "damage" ? last.damage : undefined;
}

/** Every so many bytes a file is replayed too. */
const DEEP = 9;

describe.each(SAMPLES)("$name", ({ bytes }) => {
  test.each([undefined, 200])("cut anywhere, in windows of %s bytes", async (windowBytes) => {
    const records = await readAll(bytes);
    const whole = records.map((record) => contentOf(record, bytes));
    const edges = new Set(records.map((record) => (record.type === "damage" ? -1 : record.place.endOffset)));
    for (let length = 0; length < bytes.length; length++) {
      const damage = await expectNothingInvented(whole, bytes.subarray(0, length), length % DEEP === 0, windowBytes);
      if (length === 0 || edges.has(length)) expect(damage).toBe(undefined);
      else expect(damage?.lostBytes).toBe(length - (damage?.offset ?? 0));
    }
  });

  test.each([0x01, 0x20, 0x80])("any byte with bit %i flipped", async (bit) => {
    const whole = (await readAll(bytes)).map((record) => contentOf(record, bytes));
    for (let at = 0; at < bytes.length; at++) {
      const copy = Uint8Array.from(bytes);
      copy[at] = (copy[at] as number) ^ bit;
      const damage = await expectNothingInvented(whole, copy, at % DEEP === 0);
      const isCaseOfHash = bit === 0x20 && /[A-F]/.test(String.fromCharCode(copy[at] as number));
      if (damage === undefined) expect(isCaseOfHash).toBe(true);
      else expect(damage.offset).toBeLessThanOrEqual(at);
    }
  });
});

describe("kinds of damage", () => {
  const good = fileBytes("JSON", [SCHEMA]);
  const kindOf = async (tail: Uint8Array): Promise<string | undefined> => {
    const last = (await readAll(Buffer.concat([good, tail]))).at(-1);
    return last?.type === "damage" && last.damage.offset === good.length ? last.damage.kind : undefined;
  };
  const record = (body: string): Uint8Array => formatRecord("JSON", body, sha1);

  test("each is told from the others", async () => {
    expect(await kindOf(Buffer.from("\0".repeat(4096)))).toBe("header");
    expect(await kindOf(Buffer.from(`OVSDB JSON 1${"0".repeat(200)} `))).toBe("header");
    expect(await kindOf(formatRecord("CLUSTER", "{}", sha1))).toBe("magic");
    expect(await kindOf(record("{}").subarray(0, -1))).toBe("length");
    expect(await kindOf(Buffer.from(`OVSDB JSON 9007199254740993 ${"0".repeat(40)}\n{}\n`))).toBe("header");
    expect(await kindOf(Buffer.from(`OVSDB JSON 3 ${"0".repeat(40)}\n{}\n`))).toBe("hash");
    expect(await kindOf(record('{"a":1,}'))).toBe("json");
    expect(await kindOf(record("{} {}"))).toBe("json");
    expect(await kindOf(record('["an array"]'))).toBe("object");
    expect(await kindOf(record("7"))).toBe("object");
  });

  test("line feeds in a body are no damage", async () => {
    const file = dbFile(Buffer.concat([good, record(JSON.stringify({ Cage: {}, _date: 5 }, null, 2))]));
    expect((await replay(file)).transactions).toBe(1);
  });

  test("a file that is none is told from one that is damaged", async () => {
    const codeOf = (bytes: Uint8Array): Promise<unknown> =>
      inspect(dbFile(bytes)).catch((error: DbFileError) => error.code);
    expect(await codeOf(Buffer.from(""))).toBe("FORMAT");
    expect(await codeOf(Buffer.from("SQLite format 3\0"))).toBe("FORMAT");
    expect(await codeOf(formatRecord("RAFT" as never, "{}", sha1))).toBe("FORMAT");
    expect(await codeOf(good.subarray(0, -2))).toBe("DAMAGED");
    expect(await codeOf(fileBytes("CLUSTER", [{ server_id: "x" }]))).toBe("BAD_RECORD");
  });
});

describe("header lines", () => {
  test("both ways", () => {
    const bytes = formatRecord("CLUSTER", stringifyJson({ a: "ü" }), sha1);
    expect(Buffer.from(bytes).toString()).toBe(`OVSDB CLUSTER 11 ${sha1(Buffer.from('{"a":"ü"}\n'))}\n{"a":"ü"}\n`);
    expect(parseRecordHeader(bytes)).toEqual({
      magic: "CLUSTER",
      bodyBytes: 11,
      sha1: sha1(Buffer.from('{"a":"ü"}\n')),
      headerBytes: 58,
    });
  });

  test.each([
    "",
    "OVSDB",
    "OVSDB JSON 3",
    `OVSDB JSON 0 ${"a".repeat(40)}\n`,
    `OVSDB JSON -3 ${"a".repeat(40)}\n`,
    `OVSDB  3 ${"a".repeat(39)}\n`,
    `OVSDB JSON 3 ${"g".repeat(40)}\n`,
    `OVSDB JSON 3 ${"a".repeat(41)}\n`,
    `OVSDB JSON 3 ${"a".repeat(40)}`,
    `OVSDB ${"J".repeat(90)} 3 ${"a".repeat(40)}\n`,
  ])("%j is none", (line) => {
    expect(parseRecordHeader(Buffer.from(line))).toBe(undefined);
  });
});
