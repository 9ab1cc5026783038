import { expect, test } from 'vitest';
import { systemClock } from '../../common/clock.ts';
import { runMixed } from './run-mixed.ts';

test('every Pod of an updated Service is replaced, and drains are timed while other Services grow', async () => {
  const size = { services: 4, podsPerService: 8, rolling: 1, bulkPodsPerStep: 20, bulkSteps: 4 };
  const row = await runMixed(size, 5, systemClock());
  expect(row.drains).toBeGreaterThan(0);
  expect(row.drainMs.p50).toBeGreaterThan(0);
  expect(row.podEvents).toBeGreaterThan(3 * 80 + 8);
});
