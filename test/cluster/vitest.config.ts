import { defineConfig } from 'vitest/config';

/** Suites on a real cluster, one file after the other since they share it; `npm run test:cluster` brings it up. */
export default defineConfig({
  test: {
    root: import.meta.dirname,
    include: ['suites/**/*.test.ts'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    pool: 'forks',
    fileParallelism: false,
  },
});
