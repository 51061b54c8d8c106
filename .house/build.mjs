// npm run build: every public package to its dist folder. Type declarations come with it, for import and for require.
import { rmSync } from "node:fs";
import { join } from "node:path";
import { bin, publicPackages, run, setup } from "./setup.mjs";

/** Builds every public package; returns the first exit status that is not 0, or 0. */
export function build() {
  for (const cwd of publicPackages()) {
    rmSync(join(cwd, "dist"), { recursive: true, force: true });
    const status = run(bin("tsup"), ["--silent"], { cwd });
    if (status !== 0) return status;
  }
  return 0;
}

if (process.argv[1]?.endsWith("build.mjs")) {
  setup();
  process.exit(build());
}
