import { describe, expect, test } from 'vitest';
import { happeningsOf, runTurmoil } from './turmoil.ts';

const MINUTE_MS = 60_000;
const LIMIT_MS = 120_000;

/** Two that found nothing, and those that once found something; `.ci/run` plays fresh ones. */
const SEEDS: readonly (readonly [seed: number, minutes: number])[] = [
  [3, 3],
  [6, 3],
  [26, 7],
  [149, 7],
  [179, 7],
  [262, 7],
  [20216, 7],
];

describe('everything at once', () => {
  test.each(SEEDS)(
    'seed %i for %i minutes: no law is broken, and in the end all is as it should be',
    async (seed, minutes) => {
      const { breaches, settledMs, happened } = await runTurmoil({ seed, durationMs: minutes * MINUTE_MS });
      expect(breaches).toEqual([]);
      expect(settledMs).toBeDefined();
      expect(happened.length).toBeGreaterThan(0);
    },
    LIMIT_MS,
  );

  test(
    'a seed holds the same in store each time, and plays the same each time',
    async () => {
      const options = { seed: 4, durationMs: MINUTE_MS };
      expect(happeningsOf(options)).toEqual(happeningsOf(options));
      const [first, second] = [await runTurmoil(options), await runTurmoil(options)];
      expect(second.digest).toBe(first.digest);
    },
    LIMIT_MS,
  );

  test(
    'only what is asked for happens when a seed is played again with less',
    async () => {
      const options = { seed: 4, durationMs: MINUTE_MS };
      const some = happeningsOf(options).slice(0, 3);
      const { happened } = await runTurmoil({ ...options, only: new Set(some.map(({ number }) => number)) });
      expect(some.map(({ number }) => number)).toEqual(expect.arrayContaining([...happened]));
      expect(happened.length).toBeGreaterThan(0);
    },
    LIMIT_MS,
  );
});
