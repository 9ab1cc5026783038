import { expect, test } from 'vitest';
import { countsOf } from './side-by-side.ts';

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
