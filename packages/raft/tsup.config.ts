import { defineConfig, type Options } from "tsup";

const options: Options = {
  entry: { index: "src/index.ts" },
  format: ["esm", "cjs"],
  dts: true,
  target: "node20",
  sourcemap: true,
};

export default defineConfig(options) as Options;
