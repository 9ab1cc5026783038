import { describe, expect, test } from 'vitest';
import {
  type DrainLedger,
  type DrainRequested,
  drainEndsAt,
  expireDrains,
  REOPEN_AFTER_MS,
  recordDrain,
} from './drain-ledger.ts';

const BEGUN: DrainRequested = { podUid: 'pod-1', node: 'n1', phase: 'begun', budgetMs: 30_000 };
const ENDED: DrainRequested = { ...BEGUN, phase: 'connections-ended', budgetMs: 20_000 };
const ANSWERED: DrainRequested = { ...BEGUN, phase: 'answered', budgetMs: 0 };

/** The ledger after requests, each at its time. */
function ledgerAfter(...requests: readonly (readonly [number, DrainRequested])[]): DrainLedger {
  return requests.reduce<DrainLedger>((ledger, [now, request]) => recordDrain(ledger, request, now), new Map());
}

describe('a drain', () => {
  test('begins with the hook call and its budget', () => {
    const drain = ledgerAfter([1_000, BEGUN]).get('pod-1');
    expect(drain).toMatchObject({
      phase: 'begun',
      begunAt: 1_000,
      budgetEndsAt: 31_000,
      heardAt: 1_000,
      answeredAt: undefined,
    });
  });

  test('does not go back to its begin when the call is told again, say to a new leader', () => {
    const drain = ledgerAfter([0, BEGUN], [10_000, ENDED], [11_000, BEGUN]).get('pod-1');
    expect(drain).toMatchObject({ phase: 'connections-ended', begunAt: 0 });
  });

  test('counts for 10 s after its answer, and then the Pod opens again', () => {
    const ledger = ledgerAfter([0, BEGUN], [5_000, ANSWERED]);
    expect(expireDrains(ledger, 5_000 + REOPEN_AFTER_MS - 1)).toEqual({ ledger, expired: [] });
    expect(expireDrains(ledger, 5_000 + REOPEN_AFTER_MS)).toEqual({ ledger: new Map(), expired: ['pod-1'] });
  });

  test('is not prolonged by an answer that is told twice', () => {
    const drain = ledgerAfter([0, BEGUN], [5_000, ANSWERED], [14_000, ANSWERED]).get('pod-1');
    expect(drain && drainEndsAt(drain)).toBe(5_000 + REOPEN_AFTER_MS);
  });

  test('whose agent says no more counts until a while after its budget', () => {
    const ledger = ledgerAfter([0, BEGUN]);
    expect(expireDrains(ledger, 30_000).expired).toEqual([]);
    expect(expireDrains(ledger, 45_000).expired).toEqual(['pod-1']);
  });

  test('begins anew with a call after the answer', () => {
    const drain = ledgerAfter([0, BEGUN], [5_000, ANSWERED], [8_000, BEGUN]).get('pod-1');
    expect(drain).toMatchObject({ phase: 'begun', begunAt: 8_000, answeredAt: undefined, budgetEndsAt: 38_000 });
  });

  test('is not made by an answer alone', () => {
    expect(ledgerAfter([0, ANSWERED]).size).toBe(0);
  });

  test('that two agents hold, as in an upgrade, ends with the last answer and has the longer budget', () => {
    const [older, younger] = ['a1', 'a2'];
    const both = [
      [0, { ...BEGUN, agent: older }],
      [1_000, { ...BEGUN, agent: younger, budgetMs: 10_000 }],
      [2_000, { ...ANSWERED, agent: younger }],
    ] as const;
    expect(ledgerAfter(...both).get('pod-1')).toMatchObject({ phase: 'begun', budgetEndsAt: 30_000, holders: ['a1'] });
    const ended = ledgerAfter(...both, [3_000, { ...ANSWERED, agent: older }]).get('pod-1');
    expect(ended).toMatchObject({ phase: 'answered', answeredAt: 3_000 });
  });

  test('of one node takes over nothing that another node said of the Pod', () => {
    const drain = ledgerAfter([0, { ...ENDED, node: 'liar' }], [1_000, BEGUN]).get('pod-1');
    expect(drain).toMatchObject({ node: 'n1', phase: 'begun', begunAt: 1_000 });
  });
});

test('the ledger stays bounded, and still takes news of the drains it has', () => {
  let ledger: DrainLedger = new Map(
    Array.from({ length: 20_000 }, (_, index) => {
      const drain = ledgerAfter([0, { ...BEGUN, podUid: `pod-${index}` }]).get(`pod-${index}`);
      if (!drain) throw new Error('a call makes a drain');
      return [drain.podUid, drain] as const;
    }),
  );
  ledger = recordDrain(ledger, { ...BEGUN, podUid: 'one-more' }, 0);
  expect(ledger.has('one-more')).toBe(false);
  expect(recordDrain(ledger, ENDED, 0).get('pod-1')?.phase).toBe('connections-ended');
});
