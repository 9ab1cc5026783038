import { expect, test } from 'vitest';
import { countsOf, nextSuite } from './side-by-side.ts';

test('a suite comes to what its last line says', () => {
  expect(countsOf('1 passed, 0 failed\nmore\n12 passed, 2 failed, 1 skipped\n')).toEqual({
    passed: 12,
    failed: 2,
    skipped: 1,
  });
});

test('a suite that ends without a last line has failed', () => {
  expect(countsOf('12 passed, 0 failed\nError: no cluster')).toEqual({ passed: 0, failed: 1, skipped: 0 });
});

test('suites that need time come first, and no more than two of them run at a time', () => {
  const waiting = ['hostile-nodes', 'lossless', 'order', 'rights'];
  expect(nextSuite(waiting, new Set())).toBe('lossless');
  expect(nextSuite(waiting, new Set(['install']))).toBe('lossless');
  expect(nextSuite(waiting, new Set(['install', 'lossless-crashes']))).toBe('hostile-nodes');
  expect(nextSuite(['order'], new Set(['install', 'lossless-crashes', 'rights']))).toBeUndefined();
});

test('of suites that may begin, the one that takes longest does', () => {
  const waiting = ['cluster', 'hostile-nodes', 'differential', 'lossless-clients'];
  expect(nextSuite(waiting, new Set())).toBe('lossless-clients');
  expect(nextSuite(waiting, new Set(['install', 'order']))).toBe('hostile-nodes');
});

test('of the suites that need most time, one waits for the other', () => {
  const waiting = ['lossless-rollouts', 'differential', 'install'];
  expect(nextSuite(waiting, new Set(['lossless-clients']))).toBe('install');
  expect(nextSuite(waiting, new Set(['hostile-nodes']))).toBe('lossless-rollouts');
});
