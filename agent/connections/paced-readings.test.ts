import { expect, test } from 'vitest';
import { sleep } from '../../common/clock.ts';
import { VirtualClock } from '../../common/virtual-clock.ts';
import { PacedReadings } from './paced-readings.ts';

const { signal } = new AbortController();

/** When each of so many readings that take `readingMs` began, all asked for at once. */
async function starts(count: number, readingMs: number): Promise<number[]> {
  const clock = new VirtualClock();
  const readings = new PacedReadings(clock);
  const begun: number[] = [];
  const all = Array.from({ length: count }, () =>
    readings.run(async () => {
      begun.push(clock.now());
      await sleep(clock, readingMs, signal);
    }),
  );
  await clock.advance(10_000);
  await Promise.all(all);
  return begun;
}

test('readings run one after another, and rest as long as each of them took', async () => {
  expect(await starts(3, 20)).toEqual([0, 40, 80]);
});

test('a reading that hangs does not make the others rest for as long', async () => {
  expect(await starts(2, 1_000)).toEqual([0, 1_100]);
});

test('a reading that fails makes room for the next', async () => {
  const readings = new PacedReadings(new VirtualClock());
  await expect(readings.run(() => Promise.reject(new Error('unreadable')))).rejects.toThrow('unreadable');
  expect(await readings.run(async () => 1)).toBe(1);
});
