import { defineConfig } from "vitest/config";

/** Unit tests run in parallel; what starts a whole system runs alone, one file after another. */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "unit",
          include: [
            "{libs,apis,platform,services,apps,tools}/**/*.test.{ts,tsx}",
            "test/{conformance,simulation,invariants}/**/*.test.ts",
            "test/chaos/*{proxy,shim}*.test.ts",
          ],
          exclude: ["**/node_modules/**", "**/dist/**"],
          testTimeout: 30_000,
          hookTimeout: 60_000,
          globalSetup: ["libs/testkit/src/global-setup.ts"],
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: "system",
          include: ["test/{system,browser,chaos}/**/*.test.ts"],
          exclude: ["test/chaos/*{proxy,shim}*.test.ts"],
          fileParallelism: false,
          testTimeout: 600_000,
          hookTimeout: 300_000,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
