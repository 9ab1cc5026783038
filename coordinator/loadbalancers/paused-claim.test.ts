import { describe, expect, test } from 'vitest';
import { PAUSED_ANNOTATION } from '../../common/names.ts';
import { serviceRecord } from '../service.fixture.ts';
import { intent } from './listener-plan.fixture.ts';
import { pausedClaim } from './paused-claim.ts';
import type { Claim } from './service-intent.ts';

const CLAIM: Claim = { kind: 'claimed', intent: intent('web', [80, 81]) };

function claimed(paused: string | undefined, fields: Parameters<typeof serviceRecord>[0] = {}): Claim {
  const annotations = paused === undefined ? {} : { [PAUSED_ANNOTATION]: paused };
  return pausedClaim(serviceRecord({ ...fields, annotations }), CLAIM);
}

/** The codes and texts of what is told of the object. */
function told(claim: Claim): string[] {
  const problems = claim.kind === 'claimed' ? claim.intent.problems : claim.kind === 'refused' ? claim.problems : [];
  return problems.map(({ code, message }) => `${code} ${message}`);
}

describe('an object', () => {
  test('that its user has paused keeps its rules, of which nothing is made or changed, and says so', () => {
    const claim = claimed('true');
    expect(claim).toMatchObject({
      intent: {
        isPaused: true,
        rules: [
          { port: 80, isPaused: true, notToMake: 'pending' },
          { port: 81, isPaused: true, notToMake: 'pending' },
        ],
      },
    });
    expect(told(claim)).toEqual([expect.stringMatching(/^CD1013 Service default\/web: .*Remove the annotation/)]);
  });

  test('that is deleted meanwhile is told to wait', () => {
    expect(told(claimed('true', { deleting: true }))).toEqual([expect.stringContaining('Its deletion waits')]);
  });

  test.each([undefined, 'false'])('is not paused by %s', value => {
    expect(claimed(value)).toBe(CLAIM);
  });

  test('with another value goes on if it was served, with an Event (L11)', () => {
    const claim = claimed('yes');
    expect(claim).toMatchObject({ kind: 'claimed', intent: { rules: CLAIM.intent.rules } });
    expect(told(claim)).toEqual([expect.stringMatching(/^CD1001 .*is "yes".*It is not paused/)]);
  });

  test('with another value is not touched if it was not served', () => {
    const claim = claimed('True', { finalized: false });
    expect(claim.kind).toBe('refused');
    expect(told(claim)).toEqual([expect.stringContaining('It is not touched')]);
  });
});
