import { beforeEach, expect, test } from 'vitest';
import { ContainerState, GateState, type PodRecord } from '../../common/pod-record.ts';
import { container, podRecord } from '../core/pod.fixture.ts';
import type { EntryStage, StageDuration } from '../core/pod-way.ts';
import type { StoredPod } from '../core/report-store.ts';
import { PodEntries } from './pod-entries.ts';

const TERM_STARTED = 1_000;

let entered: (readonly StageDuration<EntryStage>[])[];
let entries: PodEntries;

beforeEach(() => {
  entered = [];
  entries = new PodEntries({ startedAt: TERM_STARTED, observer: { podEntered: stages => entered.push(stages) } });
});

function stored(fields: Partial<PodRecord> = {}, pod: Partial<StoredPod> = {}): StoredPod {
  return {
    record: podRecord({ uid: 'p', ...fields }),
    node: 'n1',
    firstSeenAt: TERM_STARTED,
    deletionSeenAt: undefined,
    isToldByAgent: true,
    ...pod,
  };
}

test('a Pod is timed from the report that shows all its containers running to its gate', () => {
  const starting = [container('main', ContainerState.RUNNING), container('sidecar', ContainerState.WAITING)];
  entries.reported('p', stored({ containers: starting }), 1_500);
  entries.looked('p', [], 'WaitingForPod', 1_501);
  entries.reported('p', stored(), 2_000);
  entries.looked('p', [], 'WaitingForPod', 2_001);
  entries.looked('p', ['accepted', 'containers-ready'], 'WaitingForHealthCheck', 3_000);
  entries.looked('p', ['accepted', 'containers-ready', 'healthy', 'open'], undefined, 9_000);
  entries.opened('p', 9_040);
  expect(entered).toEqual([
    [
      { stage: 'merged', durationMs: 0 },
      { stage: 'accepted', durationMs: 1_000 },
      { stage: 'containers-ready', durationMs: 0 },
      { stage: 'healthy', durationMs: 6_000 },
      { stage: 'open', durationMs: 0 },
      { stage: 'gate', durationMs: 40 },
    ],
  ]);
});

test.each<[string, StoredPod]>([
  ['was known before this leader', stored({}, { firstSeenAt: TERM_STARTED - 1 })],
  ['has no gate of ours', stored({ gate: GateState.ABSENT })],
  ['is open already', stored({ gate: GateState.OPEN })],
  ['is being deleted', stored({}, { deletionSeenAt: 1_500 })],
])('a Pod that %s is not timed', (_, pod) => {
  entries.reported('p', pod, 2_000);
  entries.looked('p', ['accepted', 'containers-ready', 'healthy', 'open'], undefined, 2_000);
  entries.opened('p', 3_000);
  expect(entered).toEqual([]);
});

test('a late report of a gate that was opened since begins nothing', () => {
  entries.reported('p', stored(), 2_000);
  entries.opened('p', 3_000);
  entries.reported('p', stored({ ready: true }), 3_001);
  entries.reported('p', stored({ gate: GateState.OPEN }), 3_100);
  entries.opened('p', 9_000);
  expect(entered.length).toBe(1);
});

test('a gate waits as long as the same side keeps it shut: the Pod, or everything else', () => {
  entries.looked('p', [], 'WaitingForPod', 1_000);
  entries.looked('p', [], 'WaitingForRegistration', 5_000);
  entries.looked('p', ['accepted'], 'WaitingForHealthCheck', 6_000);
  expect([...entries.waits()]).toEqual([{ reason: 'WaitingForHealthCheck', since: 5_000 }]);
  entries.looked('p', ['accepted'], undefined, 7_000);
  expect([...entries.waits()]).toEqual([]);
});

test('a Pod that goes waits for nothing', () => {
  entries.looked('p', [], 'WaitingForHealthCheck', 1_000);
  entries.reported('p', stored({}, { deletionSeenAt: 2_000 }), 2_000);
  entries.looked('q', [], 'WaitingForHealthCheck', 2_000);
  entries.reported('q', undefined, 2_000);
  expect([...entries.waits()]).toEqual([]);
});
