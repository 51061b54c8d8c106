// npm run check: lint, types, build, and what npm would publish.
import { join } from "node:path";
import { bin, root, run, setup } from "./setup.mjs";

setup();
const packages = ["ovsdb"];
const steps = [
  ["biome", ["ci", "--error-on-warnings", "."]],
  ["tsc", ["--noEmit", "-p", "tsconfig.json"]],
  ...packages.flatMap((name) => {
    const cwd = join(root, "packages", name);
    return [
      ["tsc", ["--noEmit", "-p", "."], { cwd }],
      ["tsup", [], { cwd }],
      ["publint", ["--strict"], { cwd }],
      ["attw", ["--pack", ".", "--profile", "node16"], { cwd }],
    ];
  }),
  ["typedoc", []],
];
for (const [tool, args, options] of steps) {
  console.log(`\n— ${tool} ${args.join(" ")}`);
  const status = run(bin(tool), args, options);
  if (status !== 0) process.exit(status);
}
