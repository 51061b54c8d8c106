import { defineConfig, type Options } from "tsup";

const shared: Options = { target: "node20", sourcemap: true, splitting: true, shims: true };

const all: Options[] = [
  { ...shared, entry: { index: "src/index.ts", core: "src/core.ts" }, format: ["esm", "cjs"], dts: true },
];

export default defineConfig(all) as Options[];
