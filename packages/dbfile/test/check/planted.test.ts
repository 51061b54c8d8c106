/** Every checker catches a planted fault; healthy files say nothing. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { FINDING_CODES, finding } from "../../src/check/finding.ts";
import { checkCluster } from "../../src/index.ts";
import { type Drawn, HEALTHY, PLANTED, writeDrawn } from "../support/planted.ts";

describe("checkCluster", () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "ovnha-"));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test("healthy files say nothing", async () => {
    const check = await checkCluster(writeDrawn(folder, HEALTHY));
    expect(check.findings).toEqual([]);
    expect(check).toMatchObject({ sound: true, ovsdbToolExit: 0 });
    expect(
      check.files.map(({ lastIndex, commitIndex, term, kind }) => ({ lastIndex, commitIndex, term, kind })),
    ).toEqual(HEALTHY.map(() => ({ lastIndex: 7, commitIndex: 7, term: 1, kind: "member" })));
  });

  test.each(PLANTED)("$name", async ({ name, files, codes }) => {
    const paths = writeDrawn(folder, files, name.replaceAll(" ", "-"));
    const { findings } = await checkCluster(paths);
    expect(findings.map(({ code }) => code).sort()).toEqual([...codes].sort());
    for (const found of findings) {
      expect(paths).toContain(found.file);
      expect(found.message.length).toBeGreaterThan(10);
      expect(found.remedy.length).toBeGreaterThan(10);
    }
  });

  test("the last entry of the snapshot replaced, on which ovsdb-tool may crash", async () => {
    const [{ header }] = HEALTHY as readonly [Drawn];
    const records = [
      { term: 2, index: 1 },
      { term: 2, index: 2 },
    ];
    const { findings, files } = await checkCluster(writeDrawn(folder, [{ header, records }]));
    expect(findings.map(({ code }) => code)).toEqual(["TRUNCATES_COMMITTED"]);
    expect(files[0]?.lastIndex).toBe(1);
  });

  test("DIFFERENCES.md has every kind of finding, as it is", () => {
    const text = readFileSync(new URL("../../DIFFERENCES.md", import.meta.url), "utf8");
    const rows = [...text.matchAll(/^\| `([A-Z_]+)` \| (\w+) \| (exit [^|]+) \|$/gm)].map(([, ...cells]) => cells);
    const words = { error: "exit 1", notice: "exit 0, a line", silent: "exit 0, nothing" };
    const kinds = FINDING_CODES.map((code) => {
      const { severity, ovsdbTool } = finding(code, "", "");
      return [code, severity, words[ovsdbTool]];
    });
    expect(rows).toEqual(kinds);
  });

  test("every kind of finding is planted at least once", () => {
    const planted = new Set(PLANTED.flatMap(({ codes }) => codes));
    expect(FINDING_CODES.filter((code) => !planted.has(code))).toEqual([]);
  });
});
