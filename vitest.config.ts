import { defineConfig } from "vitest/config";

export default defineConfig({
  resolve: { conditions: ["ovnha-source"] },
  ssr: { resolve: { conditions: ["ovnha-source", "node", "import", "module", "default"] } },
  test: {
    include: ["packages/*/test/**/*.test.ts", "packages/*.test.ts", "examples/test/**/*.test.ts"],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: "forks",
    maxWorkers: 2,
    reporters: ["default"],
  },
});
