import { expect, test } from 'vitest';
import type { Disposition } from './disposition.ts';
import { lifeCycleOf } from './life-cycle.ts';
import { podView } from './pod.fixture.ts';
import type { RuleTarget } from './rule-state.ts';

function target(weight: number, disposition: Disposition): RuleTarget {
  const pod = podView();
  const mark = { cluster: 'c1', namespace: 'default', name: 'pod-1', podUid: 'pod-1' };
  return {
    key: 'lbl-0||10.0.0.1|80',
    place: { listenerId: 'lbl-0', locationId: '', address: '10.0.0.1', port: 80 },
    bound: { weight, mark, health: 'healthy', owner: pod },
    wanted: { pod, disposition },
    transaction: undefined,
  };
}

test.each<[string, number, Disposition, string]>([
  ['serves', 10, { kind: 'serve', weight: 10 }, ''],
  ['waits to be ready', 0, { kind: 'standby', waitsFor: 'readiness' }, 'the Pod to be ready'],
  ['waits for its turn', 0, { kind: 'serve', weight: 10 }, 'its turn, or for room on a full rule'],
  ['is closed by the user’s word', 0, { kind: 'serve', weight: 0 }, 'a weight: the user gave it 0'],
  ['drains', 0, { kind: 'drain', evidence: 'deletion' }, 'its connections or its exit'],
])('a target that %s says what it waits for', (_, weight, disposition, waitingFor) => {
  expect(lifeCycleOf(target(weight, disposition)).waitingFor).toBe(waitingFor);
});

test('a target that left ahead of its node says so', () => {
  const leaving = target(0, { kind: 'drain', evidence: 'node' });
  const nodeSign = { kind: 'shutdown', detail: '', seenAtMs: 0 } as const;
  const wanted = leaving.wanted && { ...leaving.wanted, pod: podView({}, { nodeSign }) };
  expect(lifeCycleOf({ ...leaving, wanted }).waitingFor).toBe('the end of its node (shutdown), or the sign to go away');
});
