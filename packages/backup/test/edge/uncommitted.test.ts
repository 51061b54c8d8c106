/** A member's file whose crash lost the note that its last entry is committed: taken in when a cluster is lost, told either way. */
import { appendFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { createCluster, replay } from "@ovnha/dbfile";
import { formatRecord } from "@ovnha/dbfile/core";
import { removeFolder, temporaryFolder } from "@ovnha/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { lookAtSource, takeBackup } from "../../src/index.ts";
import { sha1Hex } from "../../src/edge/take/standalone-writer.ts";
import { convertSource } from "../../src/edge/restore/content.ts";

const SCHEMA = {
  name: "OVN_Northbound",
  version: "1.0.0",
  tables: { T: { columns: { n: { type: "integer" } }, isRoot: true } },
};
const EID = "e0000000-0000-4000-8000-000000000000";
const ROW = "a0000000-0000-4000-8000-000000000000";

const folder = temporaryFolder();
const file = join(folder, "member.db");
afterAll(() => removeFolder(folder));

beforeAll(async () => {
  await createCluster({ path: file, schema: SCHEMA, localAddress: "tcp:10.0.0.1:6643" });
  const entry = { term: 1, index: 2, eid: EID, data: [null, { T: { [ROW]: { n: 7 } } }] };
  appendFileSync(file, formatRecord("CLUSTER", JSON.stringify(entry), sha1Hex));
});

test.each([
  [false, 0, /1 entries .* were left out; .*clients may have been told.*rank/],
  [true, 1, /1 entries .* were taken in, up to 2/],
] as const)("a backup of the file, includeUncommitted: %s", async (includeUncommitted, rows, warning) => {
  const into = join(folder, `into ${includeUncommitted}`);
  mkdirSync(into);
  const { backups, warnings } = await takeBackup({
    databases: [{ database: "OVN_Northbound", file }],
    into,
    includeUncommitted,
  });
  expect(backups[0]?.manifest.rows).toEqual({ T: rows });
  expect(warnings.join("\n")).toMatch(warning);
});

test.each([
  [true, 1],
  [false, 0],
])("a restore from the file, includeUncommitted: %s", async (includeUncommitted, rows) => {
  const source = await lookAtSource(file, { nowMs: 0 });
  expect(source).toMatchObject({ kind: "clustered file", uncommitted: 1 });
  const to = join(folder, `restored ${includeUncommitted}.db`);
  const { databaseName, sha256, schemaVersion } = source;
  const expect_ = { databaseName, sha256, schemaVersion, rows: undefined };
  await convertSource(
    { kind: "convert", database: "nb", from: file, to, expect: expect_, includeUncommitted },
    undefined,
  );
  expect((await replay(to)).content.size).toBe(rows);
});
