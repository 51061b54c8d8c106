/** The README names what exists, all of it. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import * as exported from "../src/index.ts";
import { ovnBackup } from "../src/edge/cli/ovn-backup.ts";

const read = (path: string): string => readFileSync(new URL(path, import.meta.url), "utf8");
const readme = read("../README.md");

test("every code of BackupError is in the table of errors, and no other", () => {
  const source = read("../src/error.ts");
  const union = source.slice(source.indexOf("BackupErrorCode ="), source.indexOf("export type BackupErrorOptions"));
  const codes = [...union.matchAll(/\| "([A-Z_]+)"/g)].map(([, code]) => code).sort();
  const table = readme
    .slice(readme.indexOf("## Errors"))
    .split("\n")
    .filter((line) => line.startsWith("| `"));
  const listed = table
    .flatMap((line) => [...(line.split("|")[1] ?? "").matchAll(/`([A-Z_]+)`/g)].map(([, code]) => code))
    .sort();
  expect(listed).toEqual(codes);
});

test("functions in the table of exports are exported", () => {
  const section = readme.slice(readme.indexOf("## Exports"), readme.indexOf("## Limits"));
  const cells = section
    .split("\n")
    .filter((line) => line.startsWith("| `"))
    .map((line) => line.split("|")[1] ?? "");
  const listed = cells.flatMap((cell) => [...cell.matchAll(/`([A-Za-z]+)/g)].map(([, name = ""]) => name));
  const types = ["TakenSet", "VerifyReport", "Rehearsal", "OvsdbTool"];
  expect(listed.filter((name) => !(name in exported) && !types.includes(name))).toEqual([]);
});

test("every command is named, and each says how it ends", () => {
  const program = ovnBackup({
    out: () => {},
    err: () => {},
    end: () => {},
    signal: new AbortController().signal,
    isTerminal: false,
    progressStream: undefined,
  });
  const commands = program.commands.map((command) => command.name());
  expect(commands).toHaveLength(10);
  for (const command of commands) expect(readme).toContain(`\`${command}\``);
});
