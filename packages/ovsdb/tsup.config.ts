import { existsSync } from "node:fs";
import { defineConfig, type Options } from "tsup";

// Shared chunks keep one class for `.` and `./core`: an error from one is an instance for the other.
const shared: Options = { target: "node20", splitting: true, sourcemap: true };

/** The entries whose source exists. */
function present(entry: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(entry).filter(([, file]) => existsSync(file)));
}

const all: Options[] = [
  { ...shared, entry: present({ index: "src/index.ts", core: "src/core.ts" }), format: ["esm", "cjs"], dts: true },
  { ...shared, entry: present({ "ovsdb-types": "src/edge/cli/ovsdb-types.ts" }), format: ["esm"] },
];

export default defineConfig(all.filter(({ entry }) => Object.keys(entry ?? {}).length > 0)) as Options[];
