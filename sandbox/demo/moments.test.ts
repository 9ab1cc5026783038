import { expect, test } from 'vitest';
import type { ForwardedTarget, JournalRecord, NumberedRecord } from '../clb/journal.ts';
import type { TargetChange } from '../clb/state.ts';
import type { KubeletMoment, KubeletRecord } from '../kube/kubelet/kubelet-record.ts';
import { momentsOf } from './moments.ts';

const ADDRESS = '127.64.1.2';
const container = { containerName: 'echo', containerId: 'c1' };

function kubelet(atMs: number, podName: string, moment: KubeletMoment): KubeletRecord {
  return { atMs, nodeName: 'node1', namespace: 'default', podName, podUid: podName, podIp: ADDRESS, ...moment };
}

function numbered(records: readonly JournalRecord[]): NumberedRecord[] {
  return records.map((record, index) => ({ ...record, sequence: index + 1 }));
}

function change(at: number, kind: TargetChange['kind'], weight: number): JournalRecord {
  const target: TargetChange = {
    kind,
    loadBalancerId: 'lb-1',
    listenerId: 'lbl-1',
    locationId: '',
    address: ADDRESS,
    port: 8080,
    weight,
    tag: '',
  };
  return { kind: 'change', at, action: 'Any', requestId: `request-${at}`, changes: [target] };
}

/** A forwarder follows the change that became visible at `changedAt`. */
function forwarded(at: number, changedAt: number, target: Partial<ForwardedTarget>): JournalRecord {
  const counts = { liveConnections: 0, openedConnections: 0 };
  const base = {
    kind: 'target-reweighted',
    listenerId: 'lbl-1',
    locationId: '',
    address: ADDRESS,
    port: 8080,
    weight: 0,
  } as const;
  const targets = [{ ...base, ...counts, ...target }];
  return { kind: 'forwarded', at, forwarder: 0, requestId: `request-${changedAt}`, targets };
}

const deletedPod = [
  kubelet(100, 'a', { type: 'addressAssigned' }),
  kubelet(1000, 'a', { type: 'preStopBegan', ...container }),
  kubelet(9000, 'a', { type: 'signalled', ...container, signal: 'TERM' }),
];

test('the moments of a drained Pod come from its kubelet and from what reads of CLB showed', () => {
  const journal = numbered([
    change(200, 'target-registered', 0),
    change(400, 'target-reweighted', 10),
    change(1200, 'target-reweighted', 0),
    forwarded(2000, 1200, { liveConnections: 7 }),
    change(8000, 'target-deregistered', 0),
    forwarded(8800, 8000, { kind: 'target-deregistered', lastClosedAt: 7000 }),
  ]);
  expect(momentsOf('a', deletedPod, journal)).toEqual({
    podName: 'a',
    preStop: 1000,
    weightZero: 1200,
    lastConnection: 7000,
    deregistered: 8000,
    terminated: 9000,
    openAtWeightZero: 7,
    cut: 0,
  });
});

test('a Pod that opened again has no weight 0 before the next one', () => {
  const journal = numbered([change(300, 'target-reweighted', 0), change(500, 'target-reweighted', 10)]);
  expect(momentsOf('a', deletedPod, journal).weightZero).toBeUndefined();
});

test('what happens to the next owner of the address is not told of the former', () => {
  const records = [...deletedPod, kubelet(9500, 'b', { type: 'addressAssigned' })];
  const journal = numbered([
    change(1200, 'target-reweighted', 0),
    change(10_000, 'target-reweighted', 0),
    change(11_000, 'target-deregistered', 0),
    forwarded(11_500, 11_000, { kind: 'target-deregistered', lastClosedAt: 10_900, liveConnections: 3 }),
  ]);
  expect(momentsOf('a', records, journal)).toMatchObject({ weightZero: 1200, deregistered: undefined, cut: 0 });
});

test('a forwarder that follows after the address has a new owner still tells of the former', () => {
  const records = [...deletedPod, kubelet(9500, 'b', { type: 'addressAssigned' })];
  const journal = numbered([
    change(8000, 'target-deregistered', 0),
    forwarded(9800, 8000, { kind: 'target-deregistered', lastClosedAt: 7000, liveConnections: 2 }),
  ]);
  expect(momentsOf('a', records, journal)).toMatchObject({ lastConnection: 7000, cut: 2 });
});
