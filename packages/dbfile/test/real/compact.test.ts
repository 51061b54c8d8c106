/** Compacted files on real servers, and what is refused. */
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, statSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  rawCall,
  realOvs,
  removeFolder,
  startCluster,
  startStandalone,
  temporaryFolder,
  waitFor,
} from "@ovnha/testkit";
import { checkCluster, compact, DbFileError, joinCluster } from "../../src/index.ts";
import { LAB, operations } from "../support/lab.ts";
import { canonicalValue, ovsdbTool, type Rows, servedRows, toolRows } from "../support/oracle.ts";
import { HEALTHY, PLANTED, writeDrawn } from "../support/planted.ts";

const refusal = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => "done",
    (error: unknown) => (error instanceof DbFileError ? error.code : String(error)),
  );

describe.skipIf(realOvs() === "skip")("compact", () => {
  let folder: string;
  beforeAll(() => {
    folder = temporaryFolder();
  });
  afterAll(() => removeFolder(folder));

  test("a standalone file becomes what ovsdb-tool compact makes of it", async () => {
    await using server = await startStandalone({ schemas: [LAB], listen: "unix" });
    const sure = [{ op: "insert", table: "Node", row: { name: "sure" } }];
    for (const list of [...fc.sample(operations, { numRuns: 60 }), sure])
      await rawCall(server.unix, "transact", ["Lab", ...list]);
    const source = server.spec.databases[0] ?? "";
    const target = join(folder, "standalone.db");
    expect(await refusal(compact({ source, target }))).toBe("LOCKED");
    expect(existsSync(target)).toBe(false);
    await server.kill("SIGTERM");
    const before = readFileSync(source);
    const { path, sizeBytes } = await compact({ source, target, comment: "smaller" });
    const theirs = join(folder, "theirs.db");
    await ovsdbTool("compact", source, theirs);
    expect(await toolRows(path)).toEqual(await toolRows(theirs));
    // The same columns are written, except for comment and date.
    expect(contentOf(path)).toEqual(contentOf(theirs));
    expect(sizeBytes).toBeLessThan(before.length);
    expect(readFileSync(source).equals(before)).toBe(true);
    expect(await refusal(compact({ source, target }))).toBe("EXISTS");
  });

  test("members that were compacted while they were stopped form their cluster again, and take writes and a new member", async () => {
    await using cluster = await startCluster({ schema: LAB });
    const leader = await cluster.waitForLeader();
    for (const list of fc.sample(operations, { numRuns: 150 }))
      await rawCall(cluster.member(leader).unix, "transact", ["Lab", ...list]);
    // Whatever chance has left of the others, one row is there.
    const sure = { op: "insert", table: "Node", row: { name: "sure" } };
    await rawCall(cluster.member(leader).unix, "transact", ["Lab", sure]);
    await cluster.waitConnected();
    const rows = await servedRows(cluster.member(leader).unix, "Lab");
    for (const member of cluster.members) await member.kill("SIGTERM");
    for (const [at] of cluster.members.entries()) {
      const file = cluster.file(at);
      const { path } = await compact({ source: file, target: `${file}.compacted` });
      expect(statSync(path).size).toBeLessThan(statSync(file).size);
      renameSync(file, `${file}.old`);
      renameSync(path, file);
    }
    expect((await checkCluster(cluster.members.map((_member, at) => cluster.file(at)))).findings).toEqual([]);
    await cluster.startAll();
    const next = await cluster.waitForLeader();
    const scratch = Object.values(rows["Node"] ?? {}).length;
    expect(scratch).toBeGreaterThan(0);
    expect(await servedRows(cluster.member(next).unix, "Lab")).toEqual(rows);
    await rawCall(cluster.member(next).unix, "transact", [
      "Lab",
      { op: "insert", table: "Node", row: { name: "new" } },
    ]);
    await cluster.wipe((next + 1) % 3);
    const joined = cluster.member((next + 1) % 3);
    await waitFor(
      async () => Object.keys((await servedRows(joined.unix, "Lab"))["Node"] ?? {}).length === scratch + 1,
      { what: "the new row" },
    );
  });

  test("the file of a running member is refused", async () => {
    await using cluster = await startCluster({ schema: LAB, members: 1 });
    const target = join(folder, "running.db");
    expect(await refusal(compact({ source: cluster.file(0), target }))).toBe("LOCKED");
    const copy = join(folder, "copy.db");
    copyFileSync(cluster.file(0), copy);
    expect(await refusal(compact({ source: copy, target }))).toBe("done");
  });

  test("a member's file with any fault is refused, and so is one that has not joined", async () => {
    const dir = join(folder, "faults");
    mkdirSync(dir);
    const [healthy = ""] = writeDrawn(dir, HEALTHY);
    expect(await refusal(compact({ source: healthy, target: join(dir, "healthy-compacted.db") }))).toBe("done");
    for (const [at, { name, files, codes }] of PLANTED.entries()) {
      const paths = writeDrawn(dir, files, `${at}-`);
      for (const source of paths) {
        const { findings } = await checkCluster([source]);
        const own = findings.filter(
          ({ severity, code }) => severity === "error" || code === "LEFT" || code === "TORN_TAIL",
        );
        const [{ kind } = { kind: undefined }] = (await checkCluster([source])).files;
        const standalone = codes.includes("NOT_CLUSTERED") && source === paths[1];
        if (standalone || (own.length === 0 && kind === "member")) continue;
        const target = `${source}.compacted`;
        const expected = codes.includes("NOT_A_DATABASE") ? ["FORMAT"] : ["DAMAGED", "BAD_RECORD", "JOINING"];
        expect([name, expected.includes(await refusal(compact({ source, target })))]).toEqual([name, true]);
        expect(existsSync(target)).toBe(false);
      }
    }
    const { path } = await joinCluster({
      path: join(dir, "joining.db"),
      name: "Lab",
      localAddress: "tcp:a:1",
      remotes: ["tcp:b:1"],
    });
    expect(await refusal(compact({ source: path, target: `${path}.compacted` }))).toBe("JOINING");
  });
});

/** The one transaction of a compacted file: table, row and column names with their values, sets and maps in any order. */
function contentOf(path: string): Rows {
  const text = readFileSync(path, "utf8").split("\n")[3] ?? "";
  const { _comment, _date, ...tables } = JSON.parse(text) as Record<string, Record<string, Record<string, unknown>>>;
  const mapped = <A, B>(object: Record<string, A>, to: (value: A) => B): Record<string, B> =>
    Object.fromEntries(Object.entries(object).map(([key, value]) => [key, to(value)]));
  return mapped(tables, (rows) => mapped(rows, (row) => mapped(row, canonicalValue)));
}
