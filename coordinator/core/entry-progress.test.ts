import { expect, test } from 'vitest';
import { entryProgress } from './entry-progress.ts';
import { placedRule, podView } from './pod.fixture.ts';
import type { EntryStage } from './pod-way.ts';
import type { BoundTarget, RuleTarget } from './rule-state.ts';

const FIRST = placedRule();
const SECOND = placedRule({ id: 's1/TCP/80', place: { loadBalancerId: 'lb-2', listenerId: 'lbl-1', locationId: '' } });
const OPEN: BoundTarget = {
  weight: 10,
  mark: { cluster: 'c1', namespace: 'default', name: 'pod-1', podUid: 'pod-1' },
  health: 'healthy',
  owner: undefined,
};

function progress(bound: Partial<Record<'lb-1' | 'lb-2', BoundTarget>>, ready = true): readonly EntryStage[] {
  const targetAt = (id: string, key: string): RuleTarget => ({
    key,
    place: { listenerId: '', locationId: '', address: '', port: 0 },
    bound: bound[id as 'lb-1'],
    wanted: undefined,
    transaction: undefined,
  });
  return entryProgress({ pod: podView({ ready }), rules: [FIRST, SECOND], targetAt });
}

test.each<[string, readonly EntryStage[], readonly EntryStage[]]>([
  ['is bound on one rule alone', progress({ 'lb-1': OPEN }), ['containers-ready']],
  ['serves everywhere', progress({ 'lb-1': OPEN, 'lb-2': OPEN }), ['accepted', 'containers-ready', 'healthy', 'open']],
  [
    'is not yet healthy everywhere',
    progress({ 'lb-1': OPEN, 'lb-2': { ...OPEN, health: 'unhealthy' } }),
    ['accepted', 'containers-ready', 'open'],
  ],
  [
    'stands at weight 0 and is checked while it starts',
    progress({ 'lb-1': { ...OPEN, weight: 0 }, 'lb-2': { ...OPEN, weight: 0 } }, false),
    ['accepted', 'healthy'],
  ],
])('a Pod that %s', (_, found, expected) => {
  expect(found).toEqual(expected);
});

test('a rule that CLB refuses holds nobody up, and without a rule there is no way', () => {
  const pod = podView();
  const targetAt = () => undefined;
  expect(entryProgress({ pod, rules: [{ ...FIRST, refusal: 'CD2017' }], targetAt })).toEqual([]);
  expect(entryProgress({ pod, rules: [], targetAt })).toEqual([]);
});
