import { expect, test } from 'vitest';
import type { Disposition } from './disposition.ts';
import { type Mismatch, mismatchOf } from './mismatch.ts';
import { podView } from './pod.fixture.ts';
import type { BoundTarget, RuleTarget } from './rule-state.ts';

const SERVE: Disposition = { kind: 'serve', weight: 10 };

function bound(weight: number, podUid = 'pod-1'): BoundTarget {
  const mark = { cluster: 'c1', namespace: 'default', name: podUid, podUid };
  return { weight, mark, health: 'healthy', owner: undefined };
}

const FOREIGN: BoundTarget = { ...bound(10), mark: undefined };

function target(fields: Partial<Pick<RuleTarget, 'bound' | 'refusal'>>, disposition?: Disposition): RuleTarget {
  return {
    key: 'lbl-0||10.0.0.1|80',
    place: { listenerId: 'lbl-0', locationId: '', address: '10.0.0.1', port: 80 },
    bound: undefined,
    wanted: disposition && { pod: podView(), disposition },
    transaction: undefined,
    ...fields,
  };
}

test.each<[string, RuleTarget, Mismatch | undefined]>([
  ['serves as wanted', target({ bound: bound(10) }, SERVE), undefined],
  ['is not bound', target({}, SERVE), 'missing'],
  ['is bound for another Pod', target({ bound: bound(10, 'pod-0') }, SERVE), 'missing'],
  ['is bound by somebody else', target({ bound: FOREIGN }, SERVE), 'missing'],
  ['has another weight', target({ bound: bound(0) }, SERVE), 'weight'],
  ['is not bound ahead of time', target({}, { kind: 'standby', waitsFor: 'readiness' }), undefined],
  ['is open and not ready', target({ bound: bound(10) }, { kind: 'standby', waitsFor: 'readiness' }), 'weight'],
  ['drains at weight 0', target({ bound: bound(0) }, { kind: 'drain', evidence: 'deletion' }), undefined],
  ['drains and is still open', target({ bound: bound(10) }, { kind: 'drain', evidence: 'deletion' }), 'weight'],
  ['is to be removed', target({ bound: bound(0) }, { kind: 'remove', evidence: 'gone' }), 'surplus'],
  ['was removed', target({}, { kind: 'remove', evidence: 'gone' }), undefined],
  ['is ours and wanted by nobody', target({ bound: bound(0) }), 'surplus'],
  ['is not ours', target({ bound: FOREIGN }), undefined],
  ['is refused by CLB', target({ refusal: 'CD2020' }, SERVE), 'refused'],
])('a target that %s', (_, one, mismatch) => {
  expect(mismatchOf(one)).toBe(mismatch);
});
