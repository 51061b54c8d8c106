// npm run check: lint, types, build, documentation, and the very archives that npm would publish.
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { build } from "./build.mjs";
import { bin, pnpm, publicPackages, root, run, setup } from "./setup.mjs";

/** Packs with pnpm, which is what fills in the catalog and publishConfig, and lets both judges look at the result. */
function judgeArchive(cwd) {
  const folder = mkdtempSync(join(tmpdir(), "ovnha-pack-"));
  try {
    const packed = run("npx", ["--yes", pnpm, "pack", "--pack-destination", folder], {
      cwd,
      stdio: ["ignore", "ignore", "inherit"],
    });
    if (packed !== 0) return packed;
    const archive = join(folder, readdirSync(folder)[0]);
    return run(bin("publint"), ["run", archive, "--strict"]) || run(bin("attw"), [archive, "--profile", "node16"]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

setup();
const steps = [
  ["biome", () => run(bin("biome"), ["ci", "--error-on-warnings", "."])],
  ["tsc", () => run(bin("tsc"), ["--noEmit", "-p", "tsconfig.json"])],
  ...publicPackages().map((cwd) => [`tsc ${relative(root, cwd)}`, () => run(bin("tsc"), ["--noEmit", "-p", cwd])]),
  ["build", build],
  ...publicPackages().map((cwd) => [`publint, attw ${relative(root, cwd)}`, () => judgeArchive(cwd)]),
  ["typedoc", () => run(bin("typedoc"), ["--treatWarningsAsErrors", "--logLevel", "Warn"])],
];

// All steps run, so that one look shows everything that is wrong.
const failed = [];
for (const [name, step] of steps) {
  console.log(`\n— ${name}`);
  if (step() !== 0) failed.push(name);
}
console.log(failed.length === 0 ? "\nAll checks passed." : `\nFailed: ${failed.join("; ")}`);
process.exit(failed.length === 0 ? 0 : 1);
