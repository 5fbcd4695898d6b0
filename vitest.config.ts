import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts', 'ui/src/**/*.test.ts', 'bench/**/*.test.ts'],
    globalSetup: ['test/support/shared-servers.ts'],
    // Every test file starts real servers: with three at a time on two cores those that wait for one are not always in time.
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // What is waited for comes at once on a machine that has nothing else to do, and late on a busy one.
    expect: { poll: { timeout: 20_000, interval: 20 } },
  },
});
