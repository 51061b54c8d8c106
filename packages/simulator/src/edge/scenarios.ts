/** Scenario files: those that the package ships, and those of its users. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { ScenarioError } from "../scenario/error.ts";
import { nearest } from "../scenario/nearest.ts";
import { parseScenario } from "../scenario/parse.ts";
import type { Scenario } from "../scenario/types.ts";

const FILE_MAX = 1 << 20;

/** The same from the sources and from the built package. */
function folder(): string {
  for (const up of ["../scenarios/", "../../scenarios/"]) {
    const path = fileURLToPath(new URL(up, import.meta.url));
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) return path;
  }
  throw new ScenarioError("the scenarios of this package are not beside it: was it installed whole?");
}

/** Files of the scenarios that are shipped, in order of their numbers. */
export function shippedFiles(): string[] {
  const number = (file: string): number => Number(/^s(\d+)/.exec(basename(file))?.[1] ?? 1000);
  return readdirSync(folder())
    .filter((file) => file.endsWith(".yaml"))
    .sort((a, b) => number(a) - number(b) || a.localeCompare(b))
    .map((file) => join(folder(), file));
}

export function shippedScenarios(): Scenario[] {
  return shippedFiles().map(readScenario);
}

/** A path, or the name of a shipped scenario, or its number such as `s5`. */
export function findScenario(what: string): Scenario {
  if (statSync(what, { throwIfNoEntry: false })?.isFile() === true) return readScenario(what);
  const files = shippedFiles();
  const names = files.map((file) => basename(file, ".yaml"));
  const word = what.toLowerCase();
  const at = names.findIndex((name) => name === word || name.startsWith(`${word}-`));
  const file = files[at];
  if (file === undefined) {
    const meant = nearest(word, names) ?? names.find((name) => word.length > 3 && name.includes(word));
    throw new ScenarioError(
      `there is no file and no shipped scenario "${what}"${meant === undefined ? "" : `: did you mean ${meant}?`}; quorum-sim list names them`,
    );
  }
  return readScenario(file);
}

function readScenario(file: string): Scenario {
  const { size } = statSync(file);
  if (size > FILE_MAX) throw new ScenarioError(`${file} has ${size} bytes, more than ${FILE_MAX}`);
  return parseScenario(readFileSync(file, "utf8"), file);
}
