import { beforeEach, describe, expect, test } from 'vitest';
import { PodPhase } from '../../common/pod-record.ts';
import { podRecord } from './pod.fixture.ts';
import { isTerminal, ReportStore } from './report-store.ts';

const DELETION = { seenAtMs: 0, gracePeriodSeconds: 30 };

describe('the report store', () => {
  let store: ReportStore;
  beforeEach(() => {
    store = new ReportStore();
    store.replace('n1', [podRecord(), podRecord({ uid: 'pod-2' })], { consistent: true, now: 100 });
  });

  test('buries what a consistent snapshot leaves out', () => {
    store.replace('n1', [podRecord()], { consistent: true, now: 200 });
    expect([...store.pods.keys()]).toEqual(['pod-1']);
    expect(store.tombstone('pod-2')).toEqual({ at: 200, evidence: 'absent from a consistent snapshot' });
  });

  test('keeps what any other snapshot leaves out, what is another node’s, and what a cut stream had told (L1)', () => {
    store.replace('n1', [], { consistent: false, now: 200 });
    store.replace('n2', [], { consistent: true, now: 200 });
    store.disconnect('n1');
    expect(store.pods.size).toBe(2);
    expect(store.nodes.get('n1')).toMatchObject({ connected: false, hasSnapshot: true });
  });

  test('takes a removal from the Pod’s own node alone (L12)', () => {
    store.apply('n2', { upserts: [], removals: ['pod-1'] }, 200);
    expect(store.pods.has('pod-1')).toBe(true);
    store.apply('n1', { upserts: [], removals: ['pod-1'] }, 300);
    expect(store.tombstone('pod-1')).toEqual({ at: 300, evidence: 'deletion seen by its agent' });
  });

  test('does not let another node speak for a Pod (L12)', () => {
    store.apply('n2', { upserts: [podRecord({ addresses: ['6.6.6.6'], deletion: DELETION })], removals: [] }, 200);
    expect(store.pods.get('pod-1')).toMatchObject({ node: 'n1', deletionSeenAt: undefined });
    expect(store.pods.get('pod-1')?.record.addresses).toEqual(['10.0.0.1']);
  });

  test('remembers when a Pod and its deletion were first seen', () => {
    for (const now of [200, 300]) {
      store.apply('n1', { upserts: [podRecord({ deletion: DELETION })], removals: [] }, now);
    }
    expect(store.pods.get('pod-1')).toMatchObject({ firstSeenAt: 100, deletionSeenAt: 200 });
  });

  test('never lets a Pod that is proven gone come back with a late message', () => {
    store.provenGone('pod-1', 200);
    store.apply('n1', { upserts: [podRecord()], removals: [] }, 300);
    expect(store.pods.has('pod-1')).toBe(false);
    expect(store.tombstone('pod-1')?.evidence).toBe('the API server says so');
  });

  test('forgets tombstones after ten minutes, not before', () => {
    store.provenGone('pod-1', 200);
    store.expire(600_199);
    expect(store.tombstone('pod-1')).toBeDefined();
    store.expire(600_200);
    expect(store.tombstone('pod-1')).toBeUndefined();
  });

  test('tells of what it learns, and neither of a sign of life nor of what it knew', () => {
    const told: string[] = [];
    const telling = new ReportStore(podUid => told.push(podUid));
    telling.apply('n1', { upserts: [podRecord()], removals: [] }, 0);
    telling.heard('n1', 200);
    telling.replace('n1', [podRecord()], { consistent: true, now: 300 });
    expect(told).toEqual(['pod-1']);
    telling.apply('n1', { upserts: [podRecord({ ready: false })], removals: ['pod-1'] }, 400);
    expect(told).toEqual(['pod-1', 'pod-1', 'pod-1']);
  });

  test('refuses a Pod without UID: that is a mistake of ours', () => {
    expect(() => store.apply('n1', { upserts: [podRecord({ uid: '' })], removals: [] }, 200)).toThrow(/UID/);
  });
});

test('a Pod that has succeeded or failed is terminal', () => {
  expect([PodPhase.SUCCEEDED, PodPhase.FAILED].every(phase => isTerminal(podRecord({ phase })))).toBe(true);
  expect(
    [PodPhase.PENDING, PodPhase.RUNNING, PodPhase.UNSPECIFIED].some(phase => isTerminal(podRecord({ phase }))),
  ).toBe(false);
});
