/** What ovsdb-tool check-cluster exits with for the planted files is what we say that it does. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ovsHas, realOvs, removeFolder, temporaryFolder } from "@ovnha/testkit";
import { checkCluster } from "../../src/index.ts";
import { toolCheck } from "../support/oracle.ts";
import { type Drawn, HEALTHY, PLANTED, record, writeDrawn } from "../support/planted.ts";

describe.skipIf(realOvs() === "skip")("ovsdb-tool check-cluster", () => {
  let folder: string;
  beforeAll(() => {
    folder = temporaryFolder();
  });
  afterAll(() => removeFolder(folder));

  test("takes the healthy files", async () => {
    expect(await toolCheck(writeDrawn(folder, HEALTHY))).toEqual({ code: 0, stdout: "", stderr: "" });
  });

  test.each(PLANTED)("$name", async ({ files, codes }) => {
    const paths = writeDrawn(folder, files);
    const theirs = await toolCheck(paths);
    const { ovsdbToolExit } = await checkCluster(paths);
    // Before 2.15 it does not look for a server's own id.
    if (codes.includes("NEVER_A_MEMBER") && !ovsHas("2.15.0")) return expect(theirs.code).toBe(0);
    expect({ exit: ovsdbToolExit, why: theirs.stderr }).toEqual({ exit: theirs.code, why: theirs.stderr });
  });

  test("takes numbers that a double cannot hold, which we refuse", async () => {
    const [first, ...others] = HEALTHY as readonly [Drawn, ...Drawn[]];
    const spoil = (bytes: Buffer): Buffer =>
      Buffer.concat([bytes, record("CLUSTER", '{"term":1,"index":8,"election_timer":9007199254740993}')]);
    const paths = writeDrawn(folder, [{ ...first, spoil }, ...others]);
    expect((await toolCheck(paths)).code).toBe(0);
    expect((await checkCluster(paths)).findings.map(({ code }) => code)).toEqual(["BAD_RECORD"]);
  });
});
