/** What the commands say where something is missing or wrong. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createCluster } from "@ovnha/dbfile";
import { temporaryFolder } from "@ovnha/testkit";
import { expect, test } from "vitest";
import { runCommandLine } from "./real/commands.ts";

test.each([
  [["verify", "/nowhere/x.db"], /x\.db is not there; look whether the path is right/],
  [["list", "/nowhere"], /\/nowhere is not there; name the folder that the backups were taken into/],
  [["rotate", "/nowhere", "--keep-last", "1"], /name the folder that the backups were taken into/],
  [["rehearse", "/nowhere/x.db"], /look whether the path is right/],
  [["restore", "--cluster", "/nowhere/c.json", "--source", "x.db"], /c\.json is not there; write the members down/],
  [["take", "--into", "/nowhere", "--nb", "tcp:127.0.0.1:1"], /\/nowhere is not there; make the folder first/],
])("%j has a remedy of its own", async (args, remedy) => {
  const { code, err } = await runCommandLine(...args);
  expect({ code, err }).toEqual({ code: 3, err: expect.stringMatching(remedy) });
  expect(err.includes("make the folder first")).toBe(args[0] === "take");
});

test("rotate without a rule names its flags, and the help every exit status", async () => {
  const { code, err } = await runCommandLine("rotate", temporaryFolder());
  expect({ code, err }).toEqual({ code: 2, err: expect.stringMatching(/one of --keep-last, .*--max-size\n$/) });
  const { out } = await runCommandLine("--help");
  for (const status of ["0 well", "1 the", "2 wrong", "3 it", "4 a restore", "130 "]) expect(out).toContain(status);
});

test("rank says where to start, and of what cannot be compared not that it loses nothing", async () => {
  const folder = temporaryFolder();
  const schema = { name: "Lab", version: "1.0.0", tables: { T: { columns: { a: { type: "string" } } } } };
  const make = async (name: string): Promise<string> => {
    const path = join(folder, name);
    await createCluster({ path, schema, localAddress: "tcp:127.0.0.1:1" });
    return path;
  };
  const [one, other, broken] = [await make("one.db"), await make("other.db"), join(folder, "broken.db")];
  writeFileSync(broken, "not a database");
  const { code, out } = await runCommandLine("rank", one, other, broken);
  const line = (path: string): string => out.split("\n").find((text) => text.endsWith(path)) ?? "";
  expect({ code, last: out.trimEnd().split("\n").at(-1) }).toMatchObject({
    code: 0,
    last: expect.stringMatching(/^start from .*(one|other)\.db$/),
  });
  expect(line(broken)).toMatch(/ - +\S*broken\.db$/);
  expect([one, other].map((path) => / nothing +\S+$/.test(line(path))).sort()).toEqual([false, true]);
  const none = await runCommandLine("rank", broken);
  expect(none).toMatchObject({ code: 1, out: expect.stringMatching(/start from none of these\n$/) });
});
