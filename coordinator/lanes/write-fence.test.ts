import { expect, test } from 'vitest';
import { FENCE_MARGIN_MS, leaseFence } from './write-fence.ts';

test('a write starts only when the lease outlives its deadline by a second (L7)', () => {
  let now = 0;
  const fence = leaseFence(
    () => now,
    () => 10_000,
  );
  now = 10_000 - 6_000 - FENCE_MARGIN_MS;
  expect(fence.mayWrite(6_000)).toBe(true);
  now += 1;
  expect(fence.mayWrite(6_000)).toBe(false);
  expect(fence.mayWrite(2_000)).toBe(true);
});

test('who holds no lease writes nothing', () => {
  const fence = leaseFence(
    () => 0,
    () => Number.NEGATIVE_INFINITY,
  );
  expect(fence.mayWrite(0)).toBe(false);
});
