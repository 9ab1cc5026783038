import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Candidate, chooseByWeight, eligibleTargets } from './target-choice.ts';

const status = fc.constantFrom('Alive' as const, 'Dead' as const, 'Unknown' as const, 'Close' as const);
const candidates = fc.array(fc.record({ weight: fc.integer({ min: 0, max: 100 }), status }), { maxLength: 20 });

describe('whoever the targets are', () => {
  it('nothing new goes to weight 0 or to a target that was not probed yet', () => {
    fc.assert(
      fc.property(candidates, given => {
        for (const target of eligibleTargets(given)) {
          expect(target.weight).toBeGreaterThan(0);
          expect(target.status).not.toBe('Unknown');
        }
      }),
    );
  });

  it('a target that failed gets something only when all have failed', () => {
    fc.assert(
      fc.property(candidates, given => {
        const open = ({ weight }: Candidate) => weight > 0;
        const eligible = eligibleTargets(given);
        const healthy = given.filter(target => open(target) && ['Alive', 'Close'].includes(target.status));
        const failed = given.filter(target => open(target) && target.status === 'Dead');
        expect(eligible).toEqual(healthy.length > 0 ? healthy : failed);
      }),
    );
  });

  it('each is chosen as often as its weight says, evenly spread', () => {
    const weights = fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(weights, given => {
        let turns = given.map(weight => ({ weight, current: 0 }));
        const counts = given.map(() => 0);
        const total = given.reduce((sum, weight) => sum + weight, 0);
        for (let choice = 1; choice <= total; choice += 1) {
          const { index = -1, currents } = chooseByWeight(turns);
          turns = turns.map((turn, at) => ({ ...turn, current: currents[at] ?? 0 }));
          counts[index] = (counts[index] ?? 0) + 1;
          for (const [at, weight] of given.entries()) {
            expect(Math.abs((counts[at] ?? 0) - (choice * weight) / total)).toBeLessThan(given.length);
          }
        }
        expect(counts).toEqual(given);
        expect(turns.every(({ current }) => current === 0)).toBe(true);
      }),
    );
  });
});

describe('of no targets', () => {
  it('none is chosen', () => {
    expect(chooseByWeight([])).toEqual({ index: undefined, currents: [] });
  });
});
