/** New files: what is refused before a server would refuse it, and sources that are not whole. */
import { execFileSync } from "node:child_process";
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { removeFolder, temporaryFolder } from "@ovnha/testkit";
import {
  checkCluster,
  compact,
  createCluster,
  createStandalone,
  decodeClusterHeader,
  type DbFileError,
  type FileRow,
  inspect,
  replay,
} from "../../src/index.ts";
import { HEADER, JOINING, row, SCHEMA, STANDALONE } from "../support/samples.ts";

let folder: string;
let target: string;
beforeEach(() => {
  folder = temporaryFolder();
  target = join(folder, "new.db");
});
afterEach(() => removeFolder(folder));

const errorOf = (work: Promise<unknown>): Promise<DbFileError | undefined> =>
  work.then(
    () => undefined,
    (error: DbFileError) => error,
  );

test("no more rows than the schema allows", async () => {
  const schema = { ...SCHEMA, tables: { ...SCHEMA.tables, Cage: { ...SCHEMA.tables.Cage, maxRows: 2 } } };
  const cage = (digit: string): FileRow => ({ table: "Cage", uuid: row(digit), columns: { number: Number(digit) } });
  const error = await errorOf(createStandalone({ path: target, schema, rows: ["1", "2", "3"].map(cage) }));
  expect(error).toMatchObject({ code: "BAD_TRANSACTION" });
  expect(error?.message).toContain(row("3"));
  expect(readdirSync(folder)).toEqual([]);
  expect((await createStandalone({ path: target, schema, rows: ["1", "2"].map(cage) })).rows.get("Cage")).toBe(2);
});

describe("a source with a torn tail", () => {
  let source: string;
  beforeEach(() => {
    source = join(folder, "torn.db");
    writeFileSync(source, STANDALONE.subarray(0, -5));
  });

  test("is not compacted, for the copy would look whole", async () => {
    const error = await errorOf(compact({ source, target }));
    expect(error).toMatchObject({ code: "DAMAGED", path: source });
    expect(readdirSync(folder)).toEqual(["torn.db"]);
  });

  test("begins a new cluster, which is told", async () => {
    const made = await createCluster({ source, path: target, localAddress: "tcp:127.0.0.1:6644" });
    expect(made.damage).toMatchObject({ kind: "length" });
    expect(made.rows.get("Animal")).toBe(2);
    writeFileSync(source, STANDALONE);
    const whole = { source, path: join(folder, "whole.db"), localAddress: "tcp:127.0.0.1:6644" };
    expect((await createCluster(whole)).damage).toBe(undefined);
  });
});

test("a named pipe is no file, and nobody waits for it", async () => {
  const pipe = join(folder, "pipe.db");
  execFileSync("mkfifo", [pipe]);
  for (const work of [inspect(pipe), replay(pipe), checkCluster([pipe])])
    expect(await errorOf(work)).toMatchObject({ code: "IO", path: pipe });
});

test("an address is an empty path too, as ovsdb-tool takes it", () => {
  expect(decodeClusterHeader({ ...JOINING, local_address: "unix:/own", remote_addresses: ["unix:"] })).toMatchObject({
    remote_addresses: ["unix:"],
  });
  expect(() => decodeClusterHeader({ ...HEADER, prev_servers: { [HEADER.server_id]: "tcp:127.0.0.1" } })).toThrow(
    "is no address",
  );
});
