import { describe, expect, test } from 'vitest';
import { type Arrivals, settleTimeMs, withArrival } from './settle-time.ts';

const DEFAULT_MS = 2_000;
const HOUR_MS = 3_600_000;

function drainsWith(...lastArrivalsMs: readonly number[]): Arrivals {
  return lastArrivalsMs.reduce<Arrivals>((known, lastMs) => withArrival(known, lastMs, 0), []);
}

function settle(known: Arrivals, now = 0): number {
  return settleTimeMs(known, { defaultMs: DEFAULT_MS, now });
}

describe('the time a load balancer takes to stop sending', () => {
  test('is the default before anything was seen of it', () => {
    expect(settle([])).toBe(DEFAULT_MS);
  });

  test.each([
    ['the latest arrival and a second', [300, 2_500, 0], 3_500],
    ['no more than 10 s', [60_000], 10_000],
    ['no less than the default, however often nothing came', Array<number>(50).fill(0), DEFAULT_MS],
  ])('is %s', (_name, arrivalsMs, expectedMs) => {
    expect(settle(drainsWith(...arrivalsMs))).toBe(expectedMs);
  });

  test('is the default again when nothing was seen for an hour', () => {
    const known = drainsWith(5_000);
    expect(settle(known, HOUR_MS - 1)).toBe(6_000);
    expect(settle(known, HOUR_MS)).toBe(DEFAULT_MS);
  });

  test('is learnt from the latest 50 drains', () => {
    expect(withArrival(drainsWith(5_000, ...Array<number>(49).fill(0)), 0, 0)).toHaveLength(50);
    expect(settle(drainsWith(5_000, ...Array<number>(50).fill(0)))).toBe(DEFAULT_MS);
  });
});
