import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['{agent,bench,common,coordinator,sandbox,test,tools}/**/*.test.ts'],
    // Real kubelets need root and a built Kubernetes: `npm run test:cluster`.
    exclude: ['test/cluster/suites/**'],
    // Only for what hangs: a busy machine is no reason to fail.
    testTimeout: 120_000,
    pool: 'forks',
    maxWorkers: 2,
  },
});
