import { expect, test } from 'vitest';
import { clusterSummary } from './cluster-suites.ts';

test('the counts of a cluster run are added as they are', () => {
  expect(clusterSummary(1, '12 passed, 2 failed')).toEqual({ passed: 12, failed: 2, failures: [], skipped: [] });
});

test('a cluster run that lacks something is one skipped test with its reason', () => {
  const { skipped } = clusterSummary(2, 'a cluster needs root');
  expect(skipped).toEqual([expect.objectContaining({ reason: 'a cluster needs root' })]);
});

test('a cluster run that ends without counts has failed', () => {
  expect(clusterSummary(0, 'Segmentation fault')).toEqual({ passed: 0, failed: 1, failures: [], skipped: [] });
});
