import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts', 'ui/src/**/*.test.ts', 'bench/**/*.test.ts'],
    globalSetup: ['test/support/shared-servers.ts'],
    // Every test file starts real servers: two at a time is what two cores bear.
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // What is waited for comes at once on a machine that has nothing else to do, and late on a busy one.
    expect: { poll: { timeout: 20_000 } },
  },
});
