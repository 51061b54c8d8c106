/**
 * Files that each release of Open vSwitch has written, and what its own programs said of them; recorded by
 * packages/testkit/test/versions/record.ts. Members a, b and c: writes, a compaction, a conversion, and a leader that was cut
 * off, whose file is there twice, as it was killed and as it came back.
 */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { checkCluster, clusterToStandalone, type DatabaseContent, diff, inspect, replay } from "../src/index.ts";
import { canonicalRows, canonicalValue, type Rows } from "./support/oracle.ts";

type Facts = {
  readonly rows: Readonly<Record<string, readonly Record<string, unknown>[]>>;
  readonly sids: Readonly<Record<string, string>>;
  readonly cid: string;
  readonly check: { readonly exit: number };
  readonly converted: readonly string[];
};

const VERSIONS = fileURLToPath(new URL("fixtures/versions/", import.meta.url));
const versions = readdirSync(VERSIONS);
const isSince = (version: string, since: string): boolean => order(version) >= order(since);

function order(version: string): number {
  const [major = 0, minor = 0, patch = 0] = version.split(".").map(Number);
  return (major * 1000 + minor) * 1000 + patch;
}

function rowsOf({ tables }: DatabaseContent): Rows {
  const rows: Rows = {};
  for (const [name, table] of tables) {
    rows[name] = Object.fromEntries(
      [...table].map(({ _uuid, ...columns }) => [
        _uuid,
        Object.fromEntries(
          Object.entries(columns).map(([column, value]) => [
            column,
            canonicalValue(table.codec.codec(column)?.encode(value)),
          ]),
        ),
      ]),
    );
  }
  return rows;
}

/** Bodies of the records; of rows that ovsdb-tool converted itself, which have the time of day, the word. */
function bodies(file: string): unknown[] {
  const bytes = readFileSync(file);
  const found: unknown[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = bytes.indexOf(0x0a, at);
    const length = Number(bytes.toString("latin1", at, end).split(" ")[2]);
    const body = JSON.parse(bytes.toString("utf8", end + 1, end + 1 + length)) as Record<string, unknown>;
    found.push(body["_comment"] === "converted by ovsdb-tool" ? "converted" : body);
    at = end + 1 + length;
  }
  return found;
}

test("releases from 2.9 to 3.7 are there", () => {
  for (const branch of ["2.9", "2.11", "2.13", "2.15", "2.17", "3.0", "3.1", "3.3", "3.4", "3.7"])
    expect(versions.filter((version) => version.startsWith(`${branch}.`))).toHaveLength(1);
});

describe.each(versions)("files of ovsdb-server %s", (version) => {
  const at = (name: string): string => join(VERSIONS, version, `${name}.db`);
  const facts = JSON.parse(readFileSync(join(VERSIONS, version, "facts.json"), "utf8")) as Facts;
  const served = (name: string): Rows => canonicalRows(["Node"], [{ rows: facts.rows[name] ?? [] }]);
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "ovnha-"));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test.each(["standalone", "a", "b", "c", "cut-off"])("%s has the rows that were served", async (name) => {
    expect(rowsOf((await replay(at(name))).content)).toEqual(served(name));
  });

  test.each(["a", "b", "c"])("%s is a member's, without a fault", async (name) => {
    expect(await inspect(at(name))).toMatchObject({
      format: "clustered",
      clusterId: facts.cid,
      serverId: facts.sids[name],
      isMember: true,
      damage: undefined,
      refusal: undefined,
    });
  });

  test("the members' files agree, for ovsdb-tool and for us", async () => {
    const check = await checkCluster(["a", "b", "c"].map(at));
    expect(check.findings.filter(({ severity }) => severity === "error")).toEqual([]);
    expect({ sound: check.sound, exit: check.ovsdbToolExit }).toEqual({ sound: true, exit: facts.check.exit });
  });

  test("a conversion of a cluster carries the rows before 3.2, and none since", () => {
    const converting = bodies(at("a"))
      .map((body) => (body as { data?: [unknown, unknown] }).data)
      .find((data) => data !== undefined && data[0] !== null);
    expect(converting?.[1] === null).toBe(isSince(version, "3.2.0"));
  });

  test("changes of columns are differences since 2.15", () => {
    const transactions = bodies(at("standalone")).slice(1) as Record<string, unknown>[];
    expect(transactions.some((transaction) => transaction["_is_diff"] === true)).toBe(isSince(version, "2.15.0"));
  });

  test("what ovsdb-tool of this release makes of them, we make, too", async () => {
    expect(facts.converted).toEqual(isSince(version, "2.12.0") ? ["a", "b", "c", "cut-off"] : []);
    for (const name of facts.converted) {
      const [ours, theirs] = [join(folder, `${name}.db`), at(`${name}.tool`)];
      await clusterToStandalone(at(name), ours, { asOvsdbTool: version });
      expect(bodies(ours)).toEqual(bodies(theirs));
      expect((await diff(ours, theirs)).isSame).toBe(true);
    }
  });

  test("what was never committed is left out of a standalone file", async () => {
    for (const name of ["a", "cut-off"]) {
      const target = join(folder, `${name}-committed.db`);
      await clusterToStandalone(at(name), target);
      expect(rowsOf((await replay(target)).content)).toEqual(served(name));
      expect(existsSync(target)).toBe(true);
    }
  });
});
