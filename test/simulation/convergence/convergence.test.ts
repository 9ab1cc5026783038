import { describe, expect, test } from 'vitest';
import { converge } from './converge.ts';

const MINUTE_MS = 60_000;
const SEEDS = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];

describe('after random changes, random faults and the doings of others have ended', () => {
  test.each(SEEDS)(
    'the cloud is what users ask for, others have all that they had, no law was broken: seed %i',
    async seed => {
      const { differences, breaches, settledMs, changes } = await converge({ seed, durationMs: 3 * MINUTE_MS });
      expect({ differences, breaches }).toEqual({ differences: [], breaches: [] });
      expect(settledMs).toBeDefined();
      expect(changes).toBeGreaterThan(10);
    },
  );
});
