import { beforeEach, describe, expect, test } from 'vitest';
import { ContainerState, type PodRecord } from '../../common/pod-record.ts';
import { API_SERVER } from './node-reports.ts';
import { container, podRecord } from './pod.fixture.ts';
import { ReportStore } from './report-store.ts';

const DELETION = { seenAtMs: 0, gracePeriodSeconds: 30 };

describe('a node whose agent is blind', () => {
  const OWN = 'own watch';
  const EXITED = [container('main', ContainerState.EXITED)];
  let store: ReportStore;
  const say = (...upserts: readonly PodRecord[]) => store.apply('n1', { upserts, removals: [], session: 's' }, 200);
  const list = (session: string, isBlind: boolean, ...pods: readonly PodRecord[]) =>
    store.replace('n1', pods, { consistent: true, now: 300, session, isBlind });
  const watch = (...pods: readonly PodRecord[]) => {
    store.open('n1', OWN, API_SERVER);
    list(OWN, false, ...pods);
  };
  beforeEach(() => {
    store = new ReportStore();
    store.open('n1', 's', { agent: 'a', startedAtMs: 1_000 });
    list('s', false, podRecord(), podRecord({ uid: 'pod-2' }));
    store.blinded('n1', 's');
  });

  test('is one of which every agent that has told of its Pods says so', () => {
    expect(store.nodes.get('n1')?.isBlind).toBe(true);
    store.open('n1', 'other', { agent: 'b', startedAtMs: 500 });
    expect(store.nodes.get('n1')?.isBlind).toBe(true);
    list('other', false, podRecord());
    expect(store.nodes.get('n1')?.isBlind).toBe(false);
    store.close('n1', 'other');
    expect(store.nodes.get('n1')?.isBlind).toBe(true);
  });

  test('is one no more when it tells of its Pods anew, or is gone', () => {
    list('s', true, podRecord());
    expect(store.nodes.get('n1')?.isBlind).toBe(true);
    list('s', false, podRecord());
    expect(store.nodes.get('n1')?.isBlind).toBe(false);
    store.blinded('n1', 's');
    store.close('n1', 's');
    store.open('n1', 'next', { agent: 'a', startedAtMs: 1_000 });
    list('next', false, podRecord());
    expect(store.nodes.get('n1')?.isBlind).toBe(false);
  });

  test('is believed less than the API server, about Pods that both know and about new ones', () => {
    watch(podRecord({ ready: false }), podRecord({ uid: 'pod-3' }));
    say(podRecord({ ready: true }));
    expect(store.pods.get('pod-1')?.record.ready).toBe(false);
    expect(store.pods.has('pod-3')).toBe(true);
  });

  test('is believed about exits and deletions as before', () => {
    watch(podRecord(), podRecord({ uid: 'pod-2' }));
    say(podRecord({ containers: EXITED }), podRecord({ uid: 'pod-2', deletion: DELETION }));
    expect(store.pods.get('pod-1')?.record).toMatchObject({ containers: EXITED, ready: false });
    expect(store.pods.get('pod-2')?.deletionSeenAt).toBe(200);
  });

  test('does not bring back, nor take away, what only the API server could have told (L1)', () => {
    watch(podRecord(), podRecord({ uid: 'pod-3' }));
    expect([...store.pods.keys()]).toEqual(['pod-1', 'pod-3']);
    expect(store.tombstone('pod-2')).toBeUndefined();
    list('s', true, podRecord(), podRecord({ uid: 'pod-2' }));
    expect([...store.pods.keys()]).toEqual(['pod-1', 'pod-3']);
  });

  test('has told of the Pods that it knows, whoever is believed about them, and of no new one until it sees', () => {
    const toldOf = () => [...store.pods.values()].flatMap(pod => (pod.isToldByAgent ? pod.record.uid : []));
    watch(podRecord({ ready: false }), podRecord({ uid: 'pod-3' }));
    expect(toldOf()).toEqual(['pod-1']);
    list('s', true, podRecord(), podRecord({ uid: 'pod-2' }));
    expect(toldOf()).toEqual(['pod-1']);
    list('s', false, podRecord(), podRecord({ uid: 'pod-3' }));
    expect(toldOf()).toEqual(['pod-1', 'pod-3']);
  });

  test('has not told of a Pod before it knows its address: calls of its hooks are redirected by that', () => {
    const [early, started] = [podRecord({ uid: 'pod-3', addresses: [] }), podRecord({ uid: 'pod-3' })];
    watch(early);
    list('s', true, early);
    watch(started);
    expect(store.pods.get('pod-3')?.isToldByAgent).toBe(false);
    list('s', false, started);
    expect(store.pods.get('pod-3')?.isToldByAgent).toBe(true);
  });

  test('tells of a Pod even if it says nothing else than the API server did, so that its hooks count as held', () => {
    const changed: string[] = [];
    store = new ReportStore(uid => changed.push(uid));
    watch(podRecord());
    store.open('n1', 's', { agent: 'a', startedAtMs: 1_000 });
    list('s', true, podRecord());
    list('s', true, podRecord());
    expect([store.pods.get('pod-1')?.isToldByAgent, changed]).toEqual([true, ['pod-1', 'pod-1']]);
  });

  test('is no witness for a Pod that the API server does not have', () => {
    expect(store.hasWitness('pod-1')).toBe(false);
    list('s', false, podRecord());
    expect(store.hasWitness('pod-1')).toBe(true);
  });

  test('is believed again when it has told of all its Pods, also of those of which it was the last to hear', () => {
    watch(podRecord({ ready: false }), podRecord({ uid: 'pod-3' }));
    list('s', false, podRecord({ ready: true }), podRecord({ uid: 'pod-3' }));
    store.close('n1', OWN);
    expect(store.pods.get('pod-1')?.record.ready).toBe(true);
    expect([...store.pods.keys()]).toEqual(['pod-1', 'pod-3']);
  });

  test('leaves an older agent that sees the word, until it sees itself', () => {
    store.open('n1', 'older', { agent: 'b', startedAtMs: 500 });
    list('older', false, podRecord({ ready: false }), podRecord({ uid: 'pod-2' }));
    expect(store.pods.get('pod-1')?.record.ready).toBe(false);
    say(podRecord({ ready: true }));
    expect(store.pods.get('pod-1')?.record.ready).toBe(false);
    list('s', false, podRecord({ ready: true }), podRecord({ uid: 'pod-2' }));
    expect(store.pods.get('pod-1')?.record.ready).toBe(true);
  });

  test('says nothing of the Pods of other nodes by being so (L12)', () => {
    store.open('n2', 't', { agent: 'c', startedAtMs: 0 });
    store.replace('n2', [podRecord({ uid: 'pod-9' })], { consistent: true, now: 0, session: 't' });
    expect(store.nodes.get('n2')?.isBlind).toBe(false);
    expect(store.hasWitness('pod-9')).toBe(true);
  });
});
