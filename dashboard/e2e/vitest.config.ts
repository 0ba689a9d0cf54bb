import { defineConfig } from "vitest/config";

/** The tests that need a browser and a running stack. One after another: they look at one installation. */
export default defineConfig({
  test: {
    root: import.meta.dirname,
    include: [process.env.TRANSFUSE_E2E ?? "**/*.e2e.ts"],
    environment: "node",
    pool: "threads",
    fileParallelism: false,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    bail: process.env.CI === undefined ? 1 : 0,
  },
});
