import { defineConfig, type Options } from "tsup";

const shared: Options = { target: "node20", sourcemap: true, splitting: true, shims: true };

const all: Options[] = [
  { ...shared, entry: { index: "src/index.ts" }, format: ["esm", "cjs"], dts: true },
  { ...shared, entry: { "ovn-ha": "src/edge/cli/ovn-ha.ts" }, format: ["esm"] },
];

export default defineConfig(all) as Options[];
