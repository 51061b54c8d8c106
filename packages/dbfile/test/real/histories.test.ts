/** Files of random histories on real servers: the same rows and the same verdicts as ovsdb-tool and ovsdb-server. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { realOvs, removeFolder, temporaryFolder } from "@ovnha/testkit";
import { checkCluster, compact, createCluster, type FindingCode, rank } from "../../src/index.ts";
import {
  clusterHistory,
  type MadeCluster,
  playCluster,
  playStandalone,
  standaloneHistory,
} from "../support/histories.ts";
import { type Rows, serverRows, toolCheck, toolClusterRows, toolRows } from "../support/oracle.ts";

/** Ephemeral columns are in no file. */
function persistent(rows: Rows): Rows {
  for (const row of Object.values(rows["Node"] ?? {}))
    if ("scratch" in row) (row as Record<string, unknown>)["scratch"] = ['""'];
  return rows;
}

describe.skipIf(realOvs() === "skip")("random histories", () => {
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

  test("a standalone file, compacted or made into a cluster, keeps its rows", async () => {
    const property = fc.asyncProperty(standaloneHistory, async (history) => {
      const dir = folder();
      const { files, rows } = await playStandalone(history, dir);
      const [file = ""] = files;
      expect(await toolRows(file)).toEqual(persistent(rows));
      const compacted = await compact({ source: file, target: join(dir, "compacted.db") });
      expect(await toolRows(compacted.path)).toEqual(rows);
      expect(await serverRows(compacted.path, "Lab")).toEqual(rows);
      const member = await createCluster({
        path: join(dir, "member.db"),
        source: file,
        localAddress: "tcp:127.0.0.1:6643",
      });
      expect(await toolClusterRows(member.path)).toEqual(rows);
    });
    await fc.assert(property, { numRuns: 6, endOnFailure: true });
  }, 240_000);

  describe("of clusters of three", { timeout: 240_000 }, () => {
    const made: MadeCluster[] = [];
    beforeAll(async () => {
      const play = async (history: fc.Arbitrary<Parameters<typeof playCluster>[0]>): Promise<void> => {
        for (const each of fc.sample(history, { numRuns: 2 })) made.push(await playCluster(each, folder()));
      };
      await play(clusterHistory);
    }, 240_000);

    test("healthy files are found to be healthy, by both", async () => {
      for (const { files } of made) {
        const check = await checkCluster(files);
        const theirs = await toolCheck(files);
        // The log of a leader that was cut off is truncated, unless it was compacted since.
        expect(check.findings.filter(({ code }) => code !== "TRUNCATED_LOG")).toEqual([]);
        expect(theirs).toMatchObject({ code: 0, stderr: "" });
        expect(check.ovsdbToolExit).toBe(0);
        const lines = theirs.stdout.split("\n").filter((line) => line.includes("truncates log"));
        expect(check.findings).toHaveLength(lines.length);
      }
    });

    test("the rows of the best file are the rows that were served", async () => {
      for (const { files, rows } of made) {
        const { best, files: ranked, majority, missing } = await rank(files);
        expect(ranked.every(({ fitness }) => fitness === "good")).toBe(true);
        expect({ majority, missing }).toEqual({ majority: true, missing: [] });
        const { path } = await createCluster({
          path: join(folder(), "new.db"),
          source: best?.path ?? "",
          includeUncommitted: true,
          localAddress: "tcp:127.0.0.1:1",
        });
        expect(await toolClusterRows(path)).toEqual(rows);
        for (const { loses } of ranked) for (const { committed } of loses) expect(committed).toBe(0);
      }
    });

    test("who was kicked or has left is told apart, and is not to be started from", async () => {
      for (const { files, gone } of made) {
        if (gone === undefined) throw new Error("every history ends with a removal");
        const all = [gone.file, ...files];
        const { best, files: ranked, check } = await rank(all);
        const codes = check.findings
          .filter(({ file, code }) => file === gone.file && code !== "TRUNCATED_LOG")
          .map(({ code }) => code);
        const [expected, fitness]: [FindingCode, string] =
          gone.how === "kick" ? ["REMOVED", "removed"] : ["LEFT", "left"];
        expect(codes).toEqual([expected]);
        expect(ranked.find(({ path }) => path === gone.file)).toMatchObject({ rank: undefined, fitness });
        expect(files).toContain(best?.path);
        // ovsdb-tool says nothing of the one, and a line of the other; it exits 0 for both.
        expect((await toolCheck(all)).code).toBe(0);
        expect(check.ovsdbToolExit).toBe(0);
      }
    });

    test("entries that a leader wrote alone are not worth more than what was committed later", async () => {
      for (const { files, cutOff } of made) {
        if (cutOff === undefined) throw new Error("every history cuts a leader off");
        const member = Number(/(\d)\.db$/.exec(cutOff.file)?.[1]);
        const all = [cutOff.file, ...files.filter((file) => !file.endsWith(`end${member}.db`))];
        const { best, files: ranked, check } = await rank(all);
        expect(best?.path).not.toBe(cutOff.file);
        expect(ranked.at(-1)).toMatchObject({ path: cutOff.file });
        expect(check.findings.filter(({ severity }) => severity === "error")).toEqual([]);
        expect(check.ovsdbToolExit).toBe((await toolCheck(all)).code);
      }
    });

    test("cut and flipped files get the same verdict as from ovsdb-tool, and never a crash", async () => {
      const [{ files } = { files: [] }] = made;
      const dir = folder();
      const [file = "", ...others] = files;
      const bytes = readFileSync(file);
      const position = fc.nat({ max: bytes.length - 1 });
      const damage = fc.oneof(
        position.map((at) => ({ what: `cut at ${at}`, bytes: bytes.subarray(0, at) })),
        fc.tuple(position, fc.integer({ min: 0, max: 7 })).map(([at, bit]) => {
          const flipped = Buffer.from(bytes);
          flipped[at] = (flipped[at] as number) ^ (1 << bit);
          return { what: `bit ${bit} of byte ${at} flipped`, bytes: flipped };
        }),
        fc.tuple(position, fc.uint8Array({ minLength: 1, maxLength: 40 })).map(([at, noise]) => ({
          what: `noise at ${at}`,
          bytes: Buffer.concat([bytes.subarray(0, at), noise, bytes.subarray(at)]),
        })),
      );
      const target = join(dir, "damaged.db");
      const property = fc.asyncProperty(damage, async ({ what, bytes: damaged }) => {
        writeFileSync(target, damaged);
        const all = [target, ...others];
        const theirs = await toolCheck(all);
        const ours = await checkCluster(all);
        expect({ what, exit: ours.ovsdbToolExit }).toEqual({ what, exit: theirs.code });
      });
      await fc.assert(property, { numRuns: 150, endOnFailure: true });
    });

    test("a compacted member goes on where it was", async () => {
      for (const { files, rows } of made) {
        const dir = folder();
        for (const [at, source] of files.entries()) {
          const { path } = await compact({ source, target: join(dir, `compacted${at}.db`) });
          const all = files.map((file) => (file === source ? path : file));
          expect((await checkCluster(all)).findings.filter(({ code }) => code !== "TRUNCATED_LOG")).toEqual([]);
          expect(await toolCheck(all)).toMatchObject({ code: 0 });
          const before = (await checkCluster([source])).files[0];
          const after = (await checkCluster([path])).files[0];
          for (const key of [
            "term",
            "vote",
            "lastIndex",
            "lastTerm",
            "commitIndex",
            "electionTimerMs",
            "servers",
            "serverId",
          ] as const)
            expect({ [key]: after?.[key] }).toEqual({ [key]: before?.[key] });
          if (before?.commitIndex === before?.lastIndex) expect(await toolClusterRows(path)).toEqual(rows);
        }
      }
    });
  });
});
