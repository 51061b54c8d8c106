import { defineConfig } from "tsup";

export default defineConfig([
  {
    entry: { index: "src/index.ts", core: "src/core.ts" },
    format: ["esm", "cjs"],
    dts: true,
    target: "node20",
    splitting: false,
    sourcemap: true,
    clean: true,
  },
  {
    entry: { "ovsdb-types": "src/edge/cli/ovsdb-types.ts" },
    format: ["esm"],
    target: "node20",
    splitting: false,
    sourcemap: true,
  },
]);
