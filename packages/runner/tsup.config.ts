import { defineConfig, type Options } from "tsup";

const shared: Options = { entry: { index: "src/index.ts" }, target: "node20", sourcemap: true };

// execa is an ES module: CommonJS cannot require it on every Node.js 20, so that build carries it along.
const all: Options[] = [
  { ...shared, format: ["esm"], dts: true },
  { ...shared, format: ["cjs"], dts: true, noExternal: ["execa"] },
];

export default defineConfig(all) as Options[];
