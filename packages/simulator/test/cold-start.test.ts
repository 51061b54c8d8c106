/** What quorum-sim loads before it knows the question: its answer to a what-if is cold, so every library counts. */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";

const STATIC = /^(?:import|export)\s(?!type\b)[^;]*?from\s+"([^"]+)";/gm;

/** The libraries that a source and all that it imports statically need. */
function libraries(entry: string): string[] {
  const found = new Set<string>();
  const seen = new Set<string>();
  const visit = (path: string): void => {
    if (seen.has(path)) return;
    seen.add(path);
    for (const [, name = ""] of readFileSync(path, "utf8").matchAll(STATIC)) {
      const next = join(dirname(path), name);
      if (!name.startsWith(".")) found.add(name);
      else if (existsSync(next)) visit(next);
    }
  };
  visit(entry);
  return [...found].filter((name) => !name.startsWith("node:")).sort();
}

const source = (path: string): string => join(import.meta.dirname, "../src", path);

test("the command line loads no more than every command needs", () => {
  expect(libraries(source("edge/cli/quorum-sim.ts"))).toEqual(["@ovnha/raft", "cli-table3", "commander", "picocolors"]);
});

test("what a search for schedules needs is seen where it is used", () => {
  expect(libraries(source("search/swarm.ts"))).toContain("fast-check");
  expect(libraries(source("scenario/parse.ts"))).toEqual(expect.arrayContaining(["yaml", "zod"]));
});
