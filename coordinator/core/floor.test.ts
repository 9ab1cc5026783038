import { describe, expect, test } from 'vitest';
import { CUSTOM_WEIGHT_ANNOTATION } from '../../common/names.ts';
import type { PodView } from './cluster-view.ts';
import { dispositionOf } from './disposition.ts';
import { countOpen, holdLastOpenUntil, isMeantToServe } from './floor.ts';
import type { Transaction } from './observation.ts';
import { placedRule, podView } from './pod.fixture.ts';
import type { BoundTarget, RuleState, RuleTarget } from './rule-state.ts';

const RULE = placedRule();
const MARK = { cluster: 'c1', namespace: 'default', name: 'pod-1', podUid: 'pod-1' };

function target(bound: Partial<BoundTarget> | undefined, more: Partial<RuleTarget> = {}): RuleTarget {
  return {
    key: 'k',
    place: { listenerId: 'lbl-0', locationId: '', address: '10.0.0.1', port: 80 },
    bound: bound && { weight: 10, mark: MARK, health: 'healthy', owner: undefined, ...bound },
    wanted: undefined,
    transaction: undefined,
    ...more,
  };
}

function wanted(pod: PodView): RuleTarget['wanted'] {
  return { pod, disposition: dispositionOf(pod, RULE) };
}

function state(...targets: RuleTarget[]): RuleState {
  return { rule: RULE, targets, awaited: [] };
}

/** Those of the targets that can come to serve. */
function candidates(...targets: RuleTarget[]): readonly RuleTarget[] {
  return targets.filter(({ wanted }) => wanted !== undefined && isMeantToServe(wanted, RULE));
}

function moving(operation: Transaction['operation'], weight: number): Transaction {
  return { key: 'k', operation, podUid: 'pod-1', weight, startedAt: 0, endedAt: undefined };
}

describe('open targets', () => {
  test.each([
    ['a healthy one with weight', target({}), { open: 1, weighted: 1 }],
    ['one whose check is switched off', target({ health: 'closed' }), { open: 1, weighted: 1 }],
    ['an unhealthy one only gets traffic when all are', target({ health: 'unhealthy' }), { open: 0, weighted: 1 }],
    ['one of which nothing is read yet', target({ health: undefined }), { open: 0, weighted: 1 }],
    ['one at weight 0', target({ weight: 0 }), { open: 0, weighted: 0 }],
    ['one on its way to 0', target({}, { transaction: moving('reweight', 0) }), { open: 0, weighted: 0 }],
    ['one on its way out', target({}, { transaction: moving('deregister', 10) }), { open: 0, weighted: 0 }],
    ['somebody else’s', target({ mark: undefined }), { open: 0, weighted: 0 }],
    ['one that is only wanted', target(undefined, { wanted: wanted(podView()) }), { open: 0, weighted: 0 }],
  ])('%s', (_, one, count) => {
    expect(countOpen(state(one))).toEqual(count);
  });
});

describe('a deleted Pod that is the last open target', () => {
  const grace = { deletion: { seenAtMs: 0, gracePeriodSeconds: 60 } };
  const leaving = podView(grace, { deletionSeenAt: 1_000 });
  const starting = target(undefined, {
    wanted: wanted(podView({ uid: 'pod-2', ready: false }, { firstSeenAt: 1_000 })),
  });

  test('is held until 10 s of its grace are left while a replacement starts', () => {
    expect(
      holdLastOpenUntil(
        { candidates: candidates(target({}), starting), awaited: [], isPartial: () => false, now: 2_000 },
        leaving,
      ),
    ).toBe(51_000);
    expect(
      holdLastOpenUntil(
        { candidates: candidates(target({}), starting), awaited: [], isPartial: () => false, now: 51_000 },
        leaving,
      ),
    ).toBeUndefined();
  });

  test('is held no longer than the replacement counts as one', () => {
    const old = target(undefined, {
      wanted: wanted(podView({ uid: 'pod-2', ready: false }, { firstSeenAt: -580_000 })),
    });
    expect(
      holdLastOpenUntil(
        { candidates: candidates(target({}), old), awaited: [], isPartial: () => false, now: 2_000 },
        leaving,
      ),
    ).toBe(20_000);
  });

  const hook = {
    podUid: 'pod-1',
    node: 'n1',
    holders: [],
    phase: 'begun',
    begunAt: 0,
    answeredAt: undefined,
  } as const;

  test('is held until 5 s before the budget of its hook', () => {
    const drain = { ...hook, budgetEndsAt: 31_000, heardAt: 1_000 };
    const known = { candidates: candidates(target({}), starting), awaited: [], isPartial: () => false, now: 2_000 };
    expect(holdLastOpenUntil(known, { ...leaving, drain })).toBe(26_000);
  });

  test('is held until its agent has named the hook’s budget anew, or could have, when it was called before the deletion (L2)', () => {
    const drain = { ...hook, budgetEndsAt: 5_000, heardAt: 0 };
    const known = { candidates: candidates(target({}), starting), awaited: [], isPartial: () => false };
    expect(holdLastOpenUntil({ ...known, now: 1_000 }, { ...leaving, drain })).toBe(2_000);
    expect(holdLastOpenUntil({ ...known, now: 2_000 }, { ...leaving, drain })).toBeUndefined();
  });

  test.each([
    [
      'is held until its agent, which may not know of the deletion, has been told and has named the budget anew (L2)',
      5_000,
      3_000,
    ],
    ['is not held for that where the budget is too short to wait', 3_000, undefined],
  ])('%s', (_, budgetMs, until) => {
    const drain = { ...hook, begunAt: 2_000, budgetEndsAt: 2_000 + budgetMs, heardAt: 2_000 };
    const known = { candidates: candidates(target({}), starting), awaited: [], isPartial: () => false, now: 2_000 };
    expect(holdLastOpenUntil(known, { ...leaving, drain })).toBe(until);
  });

  test('is held while a replacement has no address yet (L2)', () => {
    const awaited = [podView({ uid: 'pod-2', addresses: [], ready: false }, { firstSeenAt: 1_500 })];
    const known = { candidates: candidates(target({})), awaited, isPartial: () => false, now: 2_000 };
    expect(holdLastOpenUntil(known, leaving)).toBe(51_000);
  });

  test('is not held without a replacement', () => {
    const known = { candidates: candidates(target({})), now: 2_000 };
    expect(holdLastOpenUntil({ ...known, awaited: [], isPartial: () => false }, leaving)).toBeUndefined();
    expect(holdLastOpenUntil({ ...known, awaited: [], isPartial: () => true }, leaving)).toBe(51_000);
  });

  test.each([
    ['that is being deleted too', podView({ ...grace, uid: 'pod-2' }, { deletionSeenAt: 0 })],
    ['that has not come up for ten minutes', podView({ uid: 'pod-2', ready: false }, { firstSeenAt: -598_000 })],
    ['to which the user gave weight 0', podView({ uid: 'pod-2', annotations: { [CUSTOM_WEIGHT_ANNOTATION]: '0' } })],
  ])('is not held for a Pod %s', (_, pod) => {
    const other = target(undefined, { wanted: wanted(pod) });
    expect(
      holdLastOpenUntil(
        { candidates: candidates(target({}), other), awaited: [], isPartial: () => false, now: 2_000 },
        leaving,
      ),
    ).toBeUndefined();
  });

  test('is not held before its deletion is seen', () => {
    const known = { candidates: candidates(target({}), starting), awaited: [], isPartial: () => false, now: 2_000 };
    expect(holdLastOpenUntil(known, podView())).toBeUndefined();
  });
});
