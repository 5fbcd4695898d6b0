import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts', 'ui/src/**/*.test.ts', 'bench/**/*.test.ts'],
    globalSetup: ['test/support/shared-servers.ts'],
    // Every test file starts real servers: with three at a time on two cores those that wait for one are not always in time.
    maxWorkers: 2,
    // They have no CPUs to spare: with threads of its own V8 needs a quarter more to collect what reading databases leaves.
    execArgv: ['--single-threaded-gc'],
    // What is waited for comes at once on a machine that has nothing else to do, and late on a busy one.
    testTimeout: 240_000,
    hookTimeout: 240_000,
    expect: { poll: { timeout: 60_000, interval: 20 } },
  },
});
