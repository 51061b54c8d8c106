/** Files that real servers wrote in random histories, read by us and by Open vSwitch: the same rows, the same records. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import type { AnyRow } from "@ovnha/ovsdb/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ovsVersion, realOvs, removeFolder, temporaryFolder } from "@ovnha/testkit";
import {
  clusterToStandalone,
  type DatabaseContent,
  DbFileError,
  diff,
  history,
  inspect,
  openDbFile,
  readRecords,
  replay,
  type RowChange,
  type TableRows,
} from "../../src/index.ts";
import {
  clusterHistory,
  type MadeCluster,
  playCluster,
  playStandalone,
  standaloneHistory,
} from "../support/histories.ts";
import { canonicalValue, ovsdbTool, type Rows, serverRows, toolReading, toolRows } from "../support/oracle.ts";

/** Rows as the oracle writes them. */
function rowsOf({ tables }: DatabaseContent): Rows {
  const canonical = (table: TableRows): Rows[string] =>
    Object.fromEntries(
      [...table].map(({ _uuid, ...columns }) => [
        _uuid,
        Object.fromEntries(
          Object.entries(columns).map(([name, value]) => [
            name,
            canonicalValue(table.codec.codec(name)?.encode(value)),
          ]),
        ),
      ]),
    );
  return Object.fromEntries([...tables].map(([name, table]) => [name, canonical(table)]));
}

/** Ephemeral columns are in no file. */
function persistent(rows: Rows): Rows {
  for (const row of Object.values(rows["Node"] ?? {}))
    if ("scratch" in row) (row as Record<string, unknown>)["scratch"] = ['""'];
  return rows;
}

/** The bodies of all records, parsed; the order of members is the only freedom that two writers have. */
function bodies(file: string): unknown[] {
  const bytes = readFileSync(file);
  const found: unknown[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = bytes.indexOf(0x0a, at);
    const length = Number(bytes.toString("latin1", at, end).split(" ")[2]);
    const body = JSON.parse(bytes.toString("utf8", end + 1, end + 1 + length)) as Record<string, unknown>;
    // Has the moment at which it was converted; its rows are compared as rows.
    found.push(body["_comment"] === "converted by ovsdb-tool" ? "converted" : body);
    at = end + 1 + length;
  }
  return found;
}

/** A column that comes with the schema, at its default, changes nothing. */
function nonDefault({ codec }: TableRows, row: AnyRow): unknown {
  return codec.columns
    .map((name) => [name, codec.codec(name), row[name]] as const)
    .filter(([, column, value]) => column?.equal(value, column.defaultValue) === false)
    .map(([name, column, value]) => [name, canonicalValue(column?.encode(value))])
    .sort();
}

async function changesOf(file: string, table: string, uuid: string): Promise<RowChange[]> {
  const changes: RowChange[] = [];
  for await (const change of history(file, { table, uuid })) changes.push(change);
  return changes;
}

/** What `history` has to say of every row: the steps at which it came, changed or went, found by replaying all of them. */
async function historiesByReplay(file: string, first: number, last: number): Promise<Map<string, number[]>> {
  const changes = new Map<string, number[]>();
  let before = new Map<string, string>();
  using open = await openDbFile(file);
  for (let index = first; index <= last; index++) {
    const { content } = await replay(open, { index, includeUncommitted: true });
    const now = new Map<string, string>();
    for (const [name, table] of content.tables)
      for (const row of table) now.set(`${name} ${row._uuid}`, JSON.stringify(nonDefault(table, row)));
    for (const key of new Set([...before.keys(), ...now.keys()]))
      if (before.get(key) !== now.get(key)) changes.set(key, [...(changes.get(key) ?? []), index]);
    before = now;
  }
  return changes;
}

describe.skipIf(realOvs() === "skip")("files of random histories", () => {
  let root: string;
  let folders = 0;
  const folder = (): string => {
    const path = join(root, String(folders++));
    mkdirSync(path);
    return path;
  };
  beforeAll(() => {
    root = temporaryFolder();
  });
  afterAll(() => removeFolder(root));

  test("a standalone file has the rows that were served; cut anywhere, those that ovsdb-server still finds", async () => {
    const property = fc.asyncProperty(
      standaloneHistory,
      fc.double({ min: 0, max: 1, noNaN: true }),
      async (steps, part) => {
        const dir = folder();
        const { files, rows } = await playStandalone(steps, dir);
        const [file = ""] = files;
        expect(rowsOf((await replay(file)).content)).toEqual(persistent(rows));
        const bytes = readFileSync(file);
        const schemaEnd = bytes.indexOf("\nOVSDB JSON") + 1 || bytes.length;
        const cut = join(dir, "cut.db");
        writeFileSync(cut, bytes.subarray(0, schemaEnd + Math.floor((bytes.length - schemaEnd) * part)));
        expect(rowsOf((await replay(cut)).content)).toEqual(await serverRows(cut, "Lab"));
      },
    );
    await fc.assert(property, { numRuns: 4, endOnFailure: true });
  }, 240_000);

  describe("of clusters of three", { timeout: 240_000 }, () => {
    const made: MadeCluster[] = [];
    beforeAll(async () => {
      for (const steps of fc.sample(clusterHistory, { numRuns: 2 })) made.push(await playCluster(steps, folder()));
    }, 240_000);

    test("every member's committed rows are a state of the cluster, the furthest one's the rows that were served", async () => {
      for (const { files, rows } of made) {
        const replays = await Promise.all(files.map((file) => replay(file, { includeUncommitted: true })));
        const furthest = replays.reduce((best, one) => (one.index > best.index ? one : best));
        expect(rowsOf(furthest.content)).toEqual(rows);
        for (const file of files) {
          const { index, content, uncommitted } = await replay(file);
          const facts = await inspect(file);
          expect(facts).toMatchObject({
            format: "clustered",
            commitIndex: index,
            uncommitted,
            refusal: undefined,
            isMember: true,
          });
          const at = replays.find((one) => one.index === index);
          if (at !== undefined) expect(rowsOf(content)).toEqual(rowsOf(at.content));
        }
      }
    });

    test("a standalone file made of a member's has the rows of its replay, for ovsdb-tool and ovsdb-server", async () => {
      for (const { files, cutOff, gone } of made) {
        for (const file of [...files, cutOff?.file ?? "", gone?.file ?? ""]) {
          const target = join(folder(), "standalone.db");
          const { index, records } = await clusterToStandalone(file, target);
          const replayed = await replay(file);
          expect(replayed.index).toBe(index);
          expect(await toolRows(target)).toEqual(rowsOf(replayed.content));
          expect(bodies(target)).toHaveLength(records);
          expect((await diff(file, target)).isSame).toBe(true);
          expect(await inspect(target)).toMatchObject({ damage: undefined, refusal: undefined, records });
        }
        const served = join(folder(), "served.db");
        await clusterToStandalone(files[0] ?? "", served);
        expect(await serverRows(served, "Lab")).toEqual(await toolRows(served));
      }
    });

    test("as ovsdb-tool, the records are ovsdb-tool's", async () => {
      for (const { files, cutOff, gone } of made) {
        for (const file of [...files, cutOff?.file ?? "", gone?.file ?? ""]) {
          const dir = folder();
          const [ours, theirs] = [join(dir, "ours.db"), join(dir, "theirs.db")];
          await clusterToStandalone(file, ours, { asOvsdbTool: ovsVersion() ?? true });
          expect((await ovsdbTool("cluster-to-standalone", theirs, file)).code).toBe(0);
          expect(bodies(ours)).toEqual(bodies(theirs));
          // Releases that do not begin anew at a conversion may make a file that they themselves cannot read.
          expect(await toolReading(ours)).toEqual(await toolReading(theirs));
          if (bodies(ours).includes("converted")) continue;
          expect(readFileSync(ours)).toHaveLength(readFileSync(theirs).length);
        }
      }
    });

    test("what a leader wrote alone is left out, unlike by ovsdb-tool, and counted", async () => {
      for (const { cutOff } of made) {
        if (cutOff === undefined) throw new Error("every history cuts a leader off");
        const names = async (file: string): Promise<unknown[]> =>
          Object.values((await toolRows(file))["Node"] ?? {}).map(({ name }) => name?.[0]);
        const dir = folder();
        const { uncommitted } = await clusterToStandalone(cutOff.file, join(dir, "ours.db"));
        expect(uncommitted).toBeGreaterThan(0);
        expect(await names(join(dir, "ours.db"))).not.toContain(`"${cutOff.name}"`);
        await clusterToStandalone(cutOff.file, join(dir, "all.db"), { includeUncommitted: true });
        expect(await names(join(dir, "all.db"))).toContain(`"${cutOff.name}"`);
      }
    });

    test("the history of every row is what replaying all moments shows", async () => {
      for (const { files } of made) {
        const [file = ""] = files;
        const facts = await inspect(file);
        if (facts.format !== "clustered") throw new Error("not a clustered file");
        const expected = await historiesByReplay(file, facts.snapshot.index, facts.logEnd - 1);
        expect(expected.size).toBeGreaterThan(0);
        for (const [key, indexes] of [...expected].slice(0, 40)) {
          const [table = "", uuid = ""] = key.split(" ");
          const changes = await changesOf(file, table, uuid);
          // A transaction may name a row without changing anything of it.
          const real = changes.filter(({ columns, kind }) => kind !== "modify" || Object.keys(columns).length > 0);
          expect({ key, indexes: real.map(({ index }) => index) }).toEqual({ key, indexes });
        }
      }
    });

    test("damaged files give the state before the damage, or a clear error and no file", async () => {
      const [{ files } = { files: [] }] = made;
      const [file = ""] = files;
      const bytes = readFileSync(file);
      const whole: string[] = [];
      for await (const record of readRecords(file)) if (record.type !== "damage") whole.push(JSON.stringify(record));
      const dir = folder();
      const source = join(dir, "damaged.db");
      const place = fc.tuple(fc.nat({ max: bytes.length - 1 }), fc.constantFrom("cut", "flip", "noise", "zeros"));
      let runs = 0;
      const property = fc.asyncProperty(place, async ([at, how]) => {
        const spoilt = Buffer.from(how === "cut" ? bytes.subarray(0, at) : bytes);
        if (how === "flip") spoilt[at] = (spoilt[at] as number) ^ 4;
        if (how === "noise") spoilt.fill('\u0000{"', at, Math.min(at + 9, spoilt.length));
        if (how === "zeros") spoilt.fill(0, at);
        writeFileSync(source, spoilt);
        const target = join(dir, `${runs++}.db`);
        const result = await clusterToStandalone(source, target).catch((error: unknown) => error as DbFileError);
        if (result instanceof Error) {
          expect(result).toBeInstanceOf(DbFileError);
          expect(existsSync(target)).toBe(false);
          return;
        }
        const good: string[] = [];
        for await (const record of readRecords(source)) if (record.type !== "damage") good.push(JSON.stringify(record));
        expect(good).toEqual(whole.slice(0, good.length));
        expect(await toolRows(target)).toEqual(rowsOf((await replay(source)).content));
      });
      await fc.assert(property, { numRuns: 60, endOnFailure: true });
    });
  });
});
