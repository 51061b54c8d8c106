/** What ovsdb-tool check-cluster exits with for the planted files is what we say that it does. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { realOvs, removeFolder, temporaryFolder } from "@ovnha/testkit";
import { checkCluster } from "../../src/index.ts";
import { toolCheck } from "../support/oracle.ts";
import { HEALTHY, PLANTED, writeDrawn } from "../support/planted.ts";

describe.skipIf(realOvs() === "skip")("ovsdb-tool check-cluster", () => {
  let folder: string;
  beforeAll(() => {
    folder = temporaryFolder();
  });
  afterAll(() => removeFolder(folder));

  test("takes the healthy files", async () => {
    expect(await toolCheck(writeDrawn(folder, HEALTHY))).toEqual({ code: 0, stdout: "", stderr: "" });
  });

  test.each(PLANTED)("$name", async ({ files }) => {
    const paths = writeDrawn(folder, files);
    const theirs = await toolCheck(paths);
    const { ovsdbToolExit } = await checkCluster(paths);
    expect({ exit: ovsdbToolExit, why: theirs.stderr }).toEqual({ exit: theirs.code, why: theirs.stderr });
  });
});
