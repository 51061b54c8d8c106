/** The lines of the README run as they stand, but for the paths, and what it names is exported. */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { removeFolder, temporaryFolder } from "@ovnha/testkit";
import * as core from "../src/core.ts";
import * as dbfile from "../src/index.ts";
import { fileBytes } from "./support/memory-file.ts";
import { HEADER, unlimited } from "./support/samples.ts";

const README = readFileSync(new URL("../README.md", import.meta.url), "utf8");
const [, code = ""] = /```ts\n([\s\S]*?)```/.exec(README) ?? [];

test("the lines run", () => {
  const folder = temporaryFolder();
  try {
    const columns = { name: { type: "string" }, addresses: { type: { key: "string", ...unlimited } } };
    const schema = { name: "OVN_Northbound", tables: { Logical_Switch_Port: { isRoot: true, columns } } };
    const uuid = /uuid: "([^"]+)"/.exec(code)?.[1] ?? "";
    const rows = { Logical_Switch_Port: { [uuid]: { name: "port-a" } }, _date: 1_700_000_000_000, _comment: "by hand" };
    const bytes = fileBytes("CLUSTER", [{ ...HEADER, prev_data: [schema, rows] }]);
    let text = code.replace('"@ovnha/dbfile"', JSON.stringify(new URL("../src/index.ts", import.meta.url).href));
    for (const path of ["/var/lib/ovn/ovnnb_db.db", "nb1.db", "nb2.db", "nb3.db"]) {
      const copy = join(folder, path.replaceAll("/", "_"));
      writeFileSync(copy, bytes);
      text = text.replaceAll(JSON.stringify(path), JSON.stringify(copy));
    }
    const target = join(folder, "backup.db");
    const file = join(folder, "readme.mts");
    writeFileSync(file, text.replaceAll('"/backup/nb.db"', JSON.stringify(target)));
    const args = ["--conditions=ovnha-source", "--import", import.meta.resolve("tsx"), file];
    const out = execFileSync(process.execPath, args, { encoding: "utf8", timeout: 50_000 });
    expect(out).toContain(HEADER.cluster_id);
    expect(out).toContain("port-a");
    expect(out).toContain("2023-11-14T22:13:20.000Z snapshot by hand");
    expect(out.trim().split("\n").at(-1)).toBe("10 0 true");
    expect(existsSync(target)).toBe(true);
  } finally {
    removeFolder(folder);
  }
});

test("every export that is named is there", () => {
  const [, tables = ""] = /\n(\| reading[\s\S]*?)\n## /.exec(README) ?? [];
  const named = [...tables.matchAll(/`([A-Za-z]+)(?:\([^`]*)?`/g)].map(([, name]) => name ?? "");
  const exported = named.filter((name) => Object.hasOwn(dbfile, name));
  expect(exported.length).toBeGreaterThan(20);
  const words = new Set(
    "index dateMs includeUncommitted untilBad asOvsdbTool schema transaction header log invalid damage ovsdbToolExit".split(
      " ",
    ),
  );
  expect(named.filter((name) => !Object.hasOwn(dbfile, name) && !words.has(name))).toEqual([]);
  expect(Object.keys(core).filter((name) => !Object.hasOwn(dbfile, name))).toEqual([]);
});
