import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeOutlined, type FileRecord } from "../src/file-record.ts";
import type { RecordReader } from "../src/record-reader.ts";
import { clusterToStandalone } from "../src/index.ts";
import { EntryPlaces } from "../src/entry-places.ts";
import { commitOutline } from "../src/quick.ts";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { dbFile, fileBytes } from "./support/memory-file.ts";
import { CLUSTER_RECORDS, eid, HEADER, row } from "./support/samples.ts";

/** All records, the short way first or never. */
function readAll(reader: RecordReader, isQuick: boolean): FileRecord[] {
  const records: FileRecord[] = [];
  for (;;) {
    const near = isQuick ? reader.near() : undefined;
    const work = near === undefined ? reader.next() : undefined;
    let step = work?.next();
    while (step !== undefined && step.done !== true) step = work?.next();
    const walked = near ?? step?.value;
    if (walked === undefined || walked.type === "end") return records;
    if (walked.type === "damage") return [...records, walked];
    records.push(decodeOutlined("CLUSTER", walked, reader.window));
  }
}

const member = fc.oneof(
  fc.constantFrom('"term":1', '"index":2', '"index":3', `"eid":"${eid(2)}"`, '"data":[null,{"Animal":{},"_date":5}]'),
  fc.constantFrom('"term":0', '"index":007', '"index":1e0', '"index":9007199254740993', '"term":"1"', '"ter\\u006d":2'),
  fc.constantFrom(`"eid":"${eid(2).toUpperCase()}"`, '"eid":"x"', '"eid":"00000000-0000-0000-0000-000000000000"'),
  fc.constantFrom('"data":[{},{}]', '"data":[null,null]', '"data":{}', '"data":[null,{},3]', '"d\\u0061ta":[null,{}]'),
  fc.constantFrom('"data":[null,{"_d\\u0061te":7,"_comment":"\\u00e9","_is_diff":true}]', '"comment":"é"', '"vote":1'),
  fc.constantFrom('"commit_index":1', '"commit_index":0', '"commit_index": 1', '"commit_index":1.0', '"term": 1'),
);
const body = fc.array(member, { minLength: 1, maxLength: 5 }).map((members) => ({ body: `{${members.join(",")}}` }));
const usual = fc.nat({ max: 3 }).map((more) => ({
  body: `{"term":1,"index":${more + 2},"eid":"${eid(2)}","data":[null,{"Animal":{"${row("1")}":null},"_date":9}]}`,
}));

describe("the short ways", () => {
  test("say the same as the strict way, of any record", () => {
    const file = fc.array(fc.oneof(body, usual, fc.constant({ body: '{"commit_index":1}' })), { maxLength: 8 });
    const flip = fc.option(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 })), { nil: undefined });
    fc.assert(
      fc.property(file, flip, fc.constantFrom(256, 1 << 20), (records, flipped, windowBytes) => {
        const bytes = fileBytes("CLUSTER", [HEADER, ...records]);
        if (flipped !== undefined) {
          const at = flipped[0] % bytes.length;
          bytes[at] = (bytes[at] as number) ^ flipped[1];
        }
        const read = (isQuick: boolean): FileRecord[] => readAll(dbFile(bytes, windowBytes).reader(), isQuick);
        expect(read(true)).toEqual(read(false));
      }),
      { numRuns: 2000 },
    );
  });

  test("are taken for the records that ovsdb-server writes", () => {
    const records = CLUSTER_RECORDS.slice(1);
    const reader = dbFile(fileBytes("CLUSTER", CLUSTER_RECORDS)).reader();
    const work = reader.next();
    while (work.next().done !== true);
    expect(records.every(() => reader.near() !== undefined)).toBe(true);
    const commit = new TextEncoder().encode('{"commit_index":12}\n');
    expect(commitOutline(commit, 0, commit.length, 100)).toEqual({
      members: [{ key: { start: 101, end: 115 }, value: { start: 116, end: 118 } }],
      data: undefined,
    });
  });

  test("copy the same file as the long one", async () => {
    const folder = mkdtempSync(join(tmpdir(), "ovnha-quick-"));
    try {
      const bytes = fileBytes("CLUSTER", CLUSTER_RECORDS);
      const [quick, long] = [join(folder, "quick.db"), join(folder, "long.db")];
      for (const options of [{}, { includeUncommitted: true }]) {
        const one = await clusterToStandalone(dbFile(bytes), quick, options);
        // A survey without places leaves only the second walk.
        const file = dbFile(bytes);
        await file.survey();
        const other = await clusterToStandalone(file, long, options);
        expect({ ...one, path: "" }).toEqual({ ...other, path: "" });
        expect(readFileSync(quick, "utf8")).toBe(readFileSync(long, "utf8"));
        rmSync(quick);
        rmSync(long);
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe("places of entries", () => {
  const place = (offset: number) => ({ ordinal: 1, offset, bodyOffset: 0, bodyBytes: 1, endOffset: 1 });

  test("an entry that overwrites others takes their positions", () => {
    const places = new EntryPlaces();
    for (let at = 0; at < 3000; at++) places.set(at, place(at * 10), { start: at, end: at + 5 });
    places.set(7, place(99), undefined);
    expect([places.length, places.offset(7), places.end(7), places.start(6)]).toEqual([8, 99, 0, 6]);
  });

  test("too many are none", () => {
    const places = new EntryPlaces(2000);
    for (let at = 0; at < 2000; at++) places.set(at, place(at), undefined);
    expect(places.isWhole).toBe(true);
    places.set(2000, place(1), undefined);
    expect([places.isWhole, places.length]).toEqual([false, 0]);
  });
});
