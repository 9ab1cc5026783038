import { expect, test } from 'vitest';
import { READINESS_GATE } from '../../common/names.ts';
import type { JournalRecord } from '../../sandbox/clb/journal.ts';
import type { ClbCallNote } from './evidence.ts';
import { noGateBeforeTheLastWrite } from './law-predecessor.ts';
import { neverAfterASuccessor, oneWriterOfAll, onlyUnderTheLease, type WriterEvidence } from './law-writers.ts';
import type { ApiWrite } from './noting-api.ts';
import type { Sleep } from './process/process-clock.ts';

const LEASE = '/apis/coordination.k8s.io/v1/namespaces/clb-direct/leases/clb-direct';

function renewed(at: number, username: string): ApiWrite {
  return { at, username, method: 'PUT', path: LEASE, body: {}, status: 200 };
}

/** Writes of one load balancer, each by whom, from when to when. */
function evidence(
  apiWrites: readonly ApiWrite[],
  writes: readonly {
    readonly by: string;
    readonly at: number;
    readonly lastsMs: number;
    readonly severedAt?: number;
    readonly code?: string;
    readonly sleeps?: readonly Sleep[];
  }[],
): WriterEvidence {
  const clbCalls = new Map<string, ClbCallNote>();
  const journal = writes.map(({ by, at, lastsMs, severedAt, code = '', sleeps = [] }, index): JournalRecord => {
    const requestId = `${index}`;
    clbCalls.set(requestId, { process: { name: by, severedAt, sleeps }, startedAt: at, failureToldAt: undefined });
    const common = { code, message: '', replyLost: false, parameters: { LoadBalancerId: 'lb-1' } };
    return { kind: 'call', at, finishedAt: at + lastsMs, action: 'BatchRegisterTargets', requestId, ...common };
  });
  return { apiWrites, journal, clbCalls };
}

test('a write that begins while another one is under way breaks L7, unless its process is dead', () => {
  const writes = [
    { by: 'a', at: 1_000, lastsMs: 2_000 },
    { by: 'b', at: 2_000, lastsMs: 100 },
  ];
  const lease = [renewed(900, 'a'), renewed(1_900, 'b')];
  expect(oneWriterOfAll(evidence(lease, writes))).toHaveLength(1);
  const ofTheDead = writes.map(write => (write.by === 'a' ? { ...write, severedAt: 1_500 } : write));
  expect(oneWriterOfAll(evidence(lease, ofTheDead))).toEqual([]);
});

test('a write more than three seconds after the last renewal breaks L7', () => {
  const at = (ms: number) => onlyUnderTheLease(evidence([renewed(1_000, 'a')], [{ by: 'a', at: ms, lastsMs: 100 }]));
  expect(at(3_900)).toEqual([]);
  expect(at(5_000)).toHaveLength(1);
});

test('a write that waits for its turn because CLB told of too many may begin later', () => {
  const lease = [renewed(1_000, 'a')];
  const throttled = { by: 'a', at: 3_000, lastsMs: 100, code: 'RequestLimitExceeded' };
  const broken = (at: number) => onlyUnderTheLease(evidence(lease, [throttled, { by: 'a', at, lastsMs: 100 }])).length;
  expect(broken(5_000)).toBe(0);
  expect(broken(6_500)).toBe(1);
});

test('a write that goes out as its process wakes had begun before the process was frozen, and its deadline with it', () => {
  const broken = (at: number, sleep: Sleep) =>
    onlyUnderTheLease(evidence([renewed(1_000, 'a')], [{ by: 'a', at, lastsMs: 100, sleeps: [sleep] }])).length;
  expect(broken(6_000, { from: 2_000, until: 6_000 })).toBe(0);
  expect(broken(6_100, { from: 2_000, until: 6_000 })).toBe(1);
  expect(broken(8_000, { from: 5_000, until: 8_000 })).toBe(1);
  expect(broken(9_000, { from: 2_000, until: 9_000 })).toBe(1);
});

test('a write after somebody else has taken the lease breaks L7, unless people meddled with it', () => {
  const writes = [{ by: 'a', at: 3_000, lastsMs: 100 }];
  const broken = (...lease: ApiWrite[]) => neverAfterASuccessor(evidence(lease, writes)).length;
  expect(broken(renewed(1_000, 'b'), renewed(2_000, 'a'))).toBe(0);
  expect(broken(renewed(1_000, 'a'), renewed(2_000, 'b'))).toBe(1);
  expect(broken(renewed(1_000, 'a'), renewed(1_500, 'admin'), renewed(2_000, 'b'))).toBe(0);
});

test('a gate that opens before the last write of a dead leader closes the Pod breaks L7', () => {
  const pod = { name: 'web-5c9f-aaaaa', uid: 'uid-a' };
  const tag = `cd1:c1:default/${pod.name}:${pod.uid}`;
  const place = { loadBalancerId: 'lb-1', listenerId: 'lbl-1', locationId: '', address: '10.0.0.1', port: 80 };
  const change = { kind: 'target-reweighted', ...place, weight: 0, tag } as const;
  const late: JournalRecord = { kind: 'change', at: 5_000, action: 'Test', requestId: '0', changes: [change] };
  const conditions = [{ type: READINESS_GATE, status: 'True', reason: 'Test' }];
  const opened = (at: number, username: string): ApiWrite => {
    const body = { metadata: { uid: pod.uid }, status: { conditions } };
    return { at, username, method: 'PATCH', path: `/pods/${pod.name}/status`, body, status: 200 };
  };
  const broken = (gate: ApiWrite) => {
    const run = evidence([gate], [{ by: 'a', at: 1_000, lastsMs: 3_000, severedAt: 2_000 }]);
    return noGateBeforeTheLastWrite({ ...run, journal: [...run.journal, late] }).length;
  };
  expect(broken(opened(4_000, 'b'))).toBe(1);
  expect(broken(opened(4_000, 'a'))).toBe(0);
  expect(broken(opened(6_000, 'b'))).toBe(0);
});
