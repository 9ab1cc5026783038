import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Backoff, backoffDelayMs } from './backoff.ts';
import { seededRandom } from './random.ts';
import { VirtualClock } from './virtual-clock.ts';

const limits = { initialMs: 100, maximumMs: 1_000 };
/** Draws the upper end of every range. */
const highest = { next: () => 1 };

it('bounds delays by a limit that doubles up to the maximum', () => {
  expect([0, 1, 2, 3, 4, 50].map(attempt => backoffDelayMs(attempt, limits, highest))).toEqual([
    100, 200, 400, 800, 1_000, 1_000,
  ]);
});

it('draws from the whole range below the bound, whatever the attempt', () => {
  fc.assert(
    fc.property(fc.nat(5_000), fc.integer(), (attempt, seed) => {
      const delayMs = backoffDelayMs(attempt, limits, seededRandom(seed));
      expect(delayMs).toBeGreaterThanOrEqual(0);
      expect(delayMs).toBeLessThanOrEqual(limits.maximumMs);
    }),
  );
});

it('counts from the start again only after a quiet time that began when the last delay ended', async () => {
  const clock = new VirtualClock();
  const backoff = new Backoff({ ...limits, resetAfterMs: 5_000, clock, random: highest });
  expect([backoff.nextDelayMs(), backoff.nextDelayMs(), backoff.nextDelayMs()]).toEqual([100, 200, 400]);
  await clock.advance(5_399);
  expect(backoff.nextDelayMs()).toBe(800);
  await clock.advance(5_800);
  expect(backoff.nextDelayMs()).toBe(100);
});
