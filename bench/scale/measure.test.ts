import { expect, test } from 'vitest';
import { systemClock } from '../../common/clock.ts';
import { measureEvents, measureStart } from './measure.ts';

const SIZE = { pods: 400, services: 100, namespaces: 10 };

test('a new leader decides about every lane of a cluster at rest, without a change', async () => {
  const figures = await measureStart(SIZE, systemClock());
  expect(figures.decidedMs).toBeGreaterThan(0);
  expect(figures.settledMiB.heap).toBeGreaterThan(0);
  expect(figures.scrapeMs).toBeGreaterThan(0);
});

test('every Pod event is carried out, and timed', async () => {
  const figures = await measureEvents(SIZE, { events: 20, warmUpEvents: 2 }, systemClock());
  expect(figures.eventMs.p99).toBeGreaterThanOrEqual(figures.eventMs.p50);
});
