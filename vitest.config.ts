import { availableParallelism } from "node:os";
import { defineConfig, type ViteUserConfig } from "vitest/config";

const config: ViteUserConfig = defineConfig({
  test: {
    include: ["src/**/*.test.ts", "test/**/*.test.ts"],
    globalSetup: "test/tiny-models.ts",
    pool: "forks",
    // One more than processors: many tests wait for a process that they started.
    maxWorkers: Math.min(4, availableParallelism() + 1),
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});

export default config;
