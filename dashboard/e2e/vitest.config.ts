import { defineConfig } from "vitest/config";
import { TEST_MS } from "./patience";

/** The tests that need a browser and a running stack. One after another: they look at one installation. */
export default defineConfig({
  test: {
    root: import.meta.dirname,
    include: [process.env.TRANSFUSE_E2E ?? "**/*.e2e.ts"],
    environment: "node",
    pool: "threads",
    fileParallelism: false,
    testTimeout: TEST_MS,
    hookTimeout: TEST_MS,
    bail: process.env.CI === undefined ? 1 : 0,
  },
});
