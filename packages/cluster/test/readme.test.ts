/** The README: its lines run, and its tables name what there is. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { COMMANDS } from "../src/edge/cli/commands.ts";
import { FINDINGS, METRICS } from "../src/index.ts";

const README = readFileSync(new URL("../README.md", import.meta.url), "utf8");
const [, code = ""] = /```ts\n([\s\S]*?)```/.exec(README) ?? [];

test("the first lines run, with nobody there to answer", () => {
  const folder = mkdtempSync(join(tmpdir(), "ovnha-readme-"));
  try {
    const file = join(folder, "readme.mts");
    const source = new URL("../src/index.ts", import.meta.url).href;
    writeFileSync(
      file,
      code
        .replaceAll('"@ovnha/cluster"', JSON.stringify(source))
        .replaceAll("10.0.0.", "127.0.0.")
        .replaceAll(/:664([12])/g, ":$1"),
    );
    const args = ["--conditions=ovnha-source", "--import", import.meta.resolve("tsx"), file];
    const out = execFileSync(process.execPath, args, { encoding: "utf8", timeout: 50_000 });
    expect(out).toContain("OVN_Northbound unknown undefined 0 of 0, 1 needed");
    expect(out).toContain("nobody-answered");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}, 60_000);

test("every finding, metric and command is in it, with what the catalogue says", () => {
  for (const [name, { incident, severity, title, remedy }] of Object.entries(FINDINGS))
    expect(README).toContain(
      `| \`${name}\` | ${incident} | ${severity} | ${title} | ${remedy.kind}${remedy.isDestructive ? " (two witnesses)" : ""} |`,
    );
  for (const { name } of METRICS) expect(README, name).toContain(`\`${name}\``);
  for (const { name } of COMMANDS) expect(README, name).toContain(`\`${name}`);
});
