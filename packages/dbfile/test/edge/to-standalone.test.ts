import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Json, stringifyJson } from "@ovnha/ovsdb/core";
import { removeFolder, temporaryFolder } from "@ovnha/testkit";
import {
  clusterToStandalone,
  DbFile,
  type DbFileError,
  diff,
  replay,
  type ToStandaloneOptions,
} from "../../src/index.ts";
import { fileBytes, memoryFile } from "../support/memory-file.ts";
import {
  changeOne,
  CLUSTER,
  CLUSTER_RECORDS,
  deleteTwo,
  eid,
  HEADER,
  insertOne,
  insertTwo,
  JOINING,
  row,
  SCHEMA,
  SCHEMA_2,
  SID,
  STANDALONE,
} from "../support/samples.ts";

let folder: string;
let target: string;
beforeEach(() => {
  folder = temporaryFolder();
  target = join(folder, "standalone.db");
});
afterEach(() => removeFolder(folder));

const translate = (bytes: Uint8Array, options: ToStandaloneOptions = {}, windowBytes?: number) =>
  clusterToStandalone(new DbFile(memoryFile(bytes), windowBytes), target, options);

/** The error's code; nothing may be left in the folder but what was there. */
async function refusal(bytes: Uint8Array, options?: ToStandaloneOptions): Promise<unknown> {
  const before = readdirSync(folder);
  const error = await translate(bytes, options).catch((caught: DbFileError) => caught);
  expect(readdirSync(folder)).toEqual(before);
  return (error as DbFileError).code;
}

const entry = (index: number, data: Json): Json => ({ term: 3, index, data, eid: eid(index) });

describe("clusterToStandalone", () => {
  test("copies what is committed, byte for byte", async () => {
    const result = await translate(CLUSTER);
    expect(readFileSync(target)).toEqual(fileBytes("JSON", [SCHEMA, insertOne, insertTwo, changeOne]));
    expect(statSync(target).mode & 0o777).toBe(0o640);
    expect(result).toMatchObject({
      sizeBytes: statSync(target).size,
      records: 4,
      clusterId: HEADER.cluster_id,
      serverId: SID,
      index: 13,
      term: 4,
      eid: eid(13),
      uncommitted: 1,
      overwritten: 1,
      damage: undefined,
      stoppedBy: undefined,
    });
    expect(readdirSync(folder)).toEqual(["standalone.db"]);
  });

  test("with what may be committed, or up to a moment", async () => {
    await translate(CLUSTER, { includeUncommitted: true });
    expect(readFileSync(target)).toEqual(fileBytes("JSON", [SCHEMA, insertOne, insertTwo, changeOne, deleteTwo]));
    target = join(folder, "earlier.db");
    expect(await translate(CLUSTER, { index: 11 })).toMatchObject({ index: 11, eid: HEADER.prev_eid });
    expect(readFileSync(target)).toEqual(fileBytes("JSON", [SCHEMA, insertOne]));
    target = join(folder, "dated.db");
    await translate(CLUSTER, { dateMs: insertTwo._date });
    expect(readFileSync(target)).toEqual(fileBytes("JSON", [SCHEMA, insertOne, insertTwo]));
  });

  test("no file for a moment before the snapshot, or for options that exclude each other", async () => {
    expect(await refusal(CLUSTER, { dateMs: insertOne._date - 1 })).toBe("NOT_FOUND");
    expect(await refusal(CLUSTER, { asOvsdbTool: true, index: 11 })).toBe("ARGUMENT");
    expect(await refusal(CLUSTER, { asOvsdbTool: true, includeUncommitted: true })).toBe("ARGUMENT");
    await translate(CLUSTER, { asOvsdbTool: true, includeUncommitted: false, index: undefined });
  });

  test("as ovsdb-tool 3.1.0 does, what was overwritten and what is not committed is in it", async () => {
    await translate(CLUSTER, { asOvsdbTool: true });
    const overwritten = (CLUSTER_RECORDS[6] as { data: Json[] }).data[1] as Json;
    const all = [SCHEMA, insertOne, insertTwo, overwritten, changeOne, deleteTwo];
    expect(readFileSync(target)).toEqual(fileBytes("JSON", all));
  });

  test("a damaged tail is passed over, and said", async () => {
    const { damage } = await translate(Buffer.concat([CLUSTER, Buffer.from("OVSDB CLUSTER 9")]));
    expect(damage).toMatchObject({ kind: "header", offset: CLUSTER.length, lostBytes: 15 });
    target = join(folder, "tool.db");
    expect(await refusal(Buffer.concat([CLUSTER, Buffer.from("O")]), { asOvsdbTool: true })).toBe("DAMAGED");
  });

  test("after a conversion with its rows, the file begins there", async () => {
    const rows = { Animal: { [row("2")]: { age: 5 } }, _date: 1 };
    const bytes = fileBytes("CLUSTER", [
      HEADER,
      entry(11, [SCHEMA_2, rows]),
      entry(12, [null, { Animal: {} }]),
      { commit_index: 12 },
    ]);
    await translate(bytes);
    expect(readFileSync(target)).toEqual(fileBytes("JSON", [SCHEMA_2, rows, { Animal: {} }]));
    target = join(folder, "before.db");
    await translate(bytes, { index: 10 });
    expect(readFileSync(target)).toEqual(fileBytes("JSON", [SCHEMA, insertOne]));
    target = join(folder, "tool.db");
    await translate(bytes, { asOvsdbTool: "3.1.1" });
    expect(readFileSync(target)).toEqual(fileBytes("JSON", [SCHEMA, insertOne, rows, { Animal: {} }]));
    for (const [number, asOvsdbTool] of [true, "2.17.7", "3.0.5", "3.1.2", "3.2.0", "4.0.0"].entries()) {
      target = join(folder, `newer-${number}.db`);
      await translate(bytes, { asOvsdbTool });
      expect(readFileSync(target)).toEqual(fileBytes("JSON", [SCHEMA_2, rows, { Animal: {} }]));
    }
    expect(await refusal(bytes, { asOvsdbTool: "newest" })).toBe("ARGUMENT");
  });

  test("after a conversion without rows, they are converted", async () => {
    const later = { Animal: { [row("1")]: { age: 9, legs: ["set", [4, 5]] } }, _is_diff: true } as const;
    const bytes = fileBytes("CLUSTER", [
      HEADER,
      entry(11, [SCHEMA_2, null]),
      entry(12, [null, later]),
      { commit_index: 12 },
    ]);
    const { records, sizeBytes } = await translate(bytes);
    expect({ records, sizeBytes }).toEqual({ records: 3, sizeBytes: statSync(target).size });
    const { content, index } = await replay(target);
    expect(index).toBe(2);
    expect([...(content.tables.get("Animal") ?? [])]).toEqual([
      { _uuid: row("1"), name: "ü-bär", legs: new Set([5]), foods: new Set(["fish", "honey"]), age: 9 },
    ]);
    const same = await diff(new DbFile(memoryFile(bytes)), target);
    expect(same.isSame && same.isSameSchema).toBe(true);
    target = join(folder, "tool.db");
    expect(await translate(bytes, { asOvsdbTool: true })).toMatchObject({ records: 3, index: 12 });
    expect((await diff(new DbFile(memoryFile(bytes)), target)).isSame).toBe(true);
  });

  test("records longer than any window, and many short ones", async () => {
    const many = Object.fromEntries(
      Array.from({ length: 9000 }, (_none, number) => [
        `${String(number).padStart(8, "0")}-0000-4000-8000-000000000000`,
        { name: `"${number}" ü ${"x".repeat(number % 300)}`, legs: number },
      ]),
    );
    const snapshot = { Animal: many };
    const entries = Array.from({ length: 3000 }, (_none, at) =>
      entry(11 + at, [null, { Cage: { [row("3")]: { number: at } } }]),
    );
    const bytes = fileBytes("CLUSTER", [
      { ...HEADER, prev_data: [SCHEMA, snapshot] } as unknown as Json,
      ...entries,
      { commit_index: 3010 },
    ]);
    expect(bytes.length).toBeGreaterThan(2 << 20);
    const wanted = fileBytes("JSON", [
      SCHEMA,
      snapshot as unknown as Json,
      ...entries.map((one) => (one as { data: Json[] }).data[1] as Json),
    ]);
    for (const windowBytes of [undefined, 300, 70_001]) {
      target = join(folder, `${windowBytes}.db`);
      expect((await translate(bytes, {}, windowBytes)).records).toBe(3002);
      expect(readFileSync(target).equals(wanted)).toBe(true);
    }
  });

  test("an existing target, or one that is locked, is not touched", async () => {
    writeFileSync(target, "precious");
    expect(await refusal(CLUSTER)).toBe("EXISTS");
    expect(await refusal(CLUSTER, { asOvsdbTool: true })).toBe("EXISTS");
    expect(readFileSync(target, "utf8")).toBe("precious");
  });

  test("what cannot be translated leaves nothing behind", async () => {
    expect(await refusal(STANDALONE)).toBe("WRONG_FORMAT");
    expect(await refusal(STANDALONE, { asOvsdbTool: true })).toBe("WRONG_FORMAT");
    for (const asOvsdbTool of [false, true])
      expect(await refusal(fileBytes("CLUSTER", [JOINING]), { asOvsdbTool })).toBe("JOINING");
    expect(await refusal(CLUSTER.subarray(0, 500))).toBe("DAMAGED");
    expect(await refusal(fileBytes("CLUSTER", [{ ...HEADER, prev_data: [{ name: 7 }, {}] } as unknown as Json]))).toBe(
      "BAD_SCHEMA",
    );
    expect(await refusal(fileBytes("CLUSTER", [{ ...HEADER, prev_data: [SCHEMA, null] } as unknown as Json]))).toBe(
      "BAD_RECORD",
    );
    expect(await refusal(fileBytes("CLUSTER", [HEADER, { commit_index: 99 }]))).toBe("BAD_RECORD");
    expect(await refusal(CLUSTER, { signal: AbortSignal.abort(new Error("enough")) })).toBe("ABORTED");
    expect(existsSync(target)).toBe(false);
    target = join(folder, "nowhere", "standalone.db");
    expect(await refusal(CLUSTER)).toBe("IO");
  });

  test("what stands before a record that ovsdb-server refuses, on request", async () => {
    const bytes = fileBytes("CLUSTER", [
      HEADER,
      entry(11, [null, insertTwo as unknown as Json]),
      { commit_index: 11 },
      { commit_index: 99 },
    ]);
    const { stoppedBy, index } = await translate(bytes, { untilBad: true });
    expect(stoppedBy?.message).toContain("commits index 99");
    expect(index).toBe(11);
    expect(readFileSync(target, "utf8").endsWith(`${stringifyJson(insertTwo as unknown as Json)}\n`)).toBe(true);
  });

  test("a source that cannot be read", async () => {
    const code = (work: Promise<unknown>): Promise<unknown> => work.catch((error: DbFileError) => error.code);
    expect(await code(clusterToStandalone(join(folder, "missing.db"), target))).toBe("NOT_FOUND");
    mkdirSync(join(folder, "folder.db"));
    expect(await code(clusterToStandalone(join(folder, "folder.db"), target))).toBe("IO");
    writeFileSync(join(folder, "text.db"), "hello, world");
    expect(await code(clusterToStandalone(join(folder, "text.db"), target))).toBe("FORMAT");
    chmodSync(folder, 0o755);
    expect(existsSync(target)).toBe(false);
  });
});
