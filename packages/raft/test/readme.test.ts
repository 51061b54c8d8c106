/** The lines of the README run as they stand, and what it names is exported. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import * as raft from "../src/index.ts";

const README = readFileSync(new URL("../README.md", import.meta.url), "utf8");

test("the lines run", () => {
  const [, code = ""] = /```ts\n([\s\S]*?)```/.exec(README) ?? [];
  const folder = mkdtempSync(join(tmpdir(), "readme-"));
  try {
    const file = join(folder, "readme.mts");
    const index = new URL("../src/index.ts", import.meta.url).href;
    writeFileSync(file, code.replace('"@ovnha/raft"', JSON.stringify(index)));
    const args = ["--conditions=ovnha-source", "--import", import.meta.resolve("tsx"), file];
    const out = execFileSync(process.execPath, args, { encoding: "utf8", timeout: 50_000 });
    expect(out).toMatch(/\bsync\b[\s\S]*leader until \d+ ms/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("every export that is named is there", () => {
  const [, table = ""] = /## Exports\n([\s\S]*?)\| code of/.exec(README) ?? [];
  const named = [...table.matchAll(/`([A-Za-z_]+)`/g)].map(([, name]) => name).filter((name) => name !== "ovs");
  expect(named.length).toBeGreaterThan(25);
  for (const name of named) expect(raft).toHaveProperty([name ?? ""]);
});
