import { availableParallelism } from "node:os";
import { defineConfig, type ViteUserConfig } from "vitest/config";

/** Of what a process keeps as long as it lives: needs a process of its own. */
const alone = "src/util/secrets.test.ts";

const shared = {
  globalSetup: "test/tiny-models.ts",
  testTimeout: 120_000,
  hookTimeout: 120_000,
};

const config: ViteUserConfig = defineConfig({
  test: {
    pool: "forks",
    // One more than processors: many tests wait for a process that they started.
    maxWorkers: Math.min(4, availableParallelism() + 1),
    projects: [
      {
        extends: true,
        test: {
          ...shared,
          name: "units",
          include: ["src/**/*.test.ts"],
          exclude: [alone],
          // A third of their time went into importing the same modules again.
          isolate: false,
        },
      },
      {
        extends: true,
        test: { ...shared, name: "whole", include: [alone, "test/**/*.test.ts"] },
      },
    ],
  },
});

export default config;
