import { beforeEach, describe, expect, test } from 'vitest';
import { ContainerState, PodPhase, type PodRecord } from '../../common/pod-record.ts';
import { API_SERVER } from './node-reports.ts';
import { container, podRecord } from './pod.fixture.ts';
import { ReportStore } from './report-store.ts';

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
    expect(store.tombstone('pod-2')).toMatchObject({
      at: 200,
      evidence: 'absent from a consistent snapshot',
      node: 'n1',
    });
  });

  test('keeps what any other snapshot leaves out, what is another node’s, and what a cut stream had told (L1)', () => {
    store.replace('n1', [], { consistent: false, now: 200 });
    store.replace('n2', [], { consistent: true, now: 200 });
    store.open('n1', 's1', { agent: 'a1', startedAtMs: 1 });
    store.close('n1', 's1');
    expect(store.pods.size).toBe(2);
    expect(store.nodes.get('n1')).toMatchObject({ connected: false });
  });

  test('takes a removal from the Pod’s own node alone (L12)', () => {
    store.apply('n2', { upserts: [], removals: ['pod-1'] }, 200);
    expect(store.pods.has('pod-1')).toBe(true);
    store.apply('n1', { upserts: [], removals: ['pod-1'] }, 300);
    expect(store.tombstone('pod-1')).toMatchObject({ at: 300, evidence: 'deletion seen on a watch', node: 'n1' });
  });

  test('does not let another node speak for a Pod (L12)', () => {
    store.apply('n2', { upserts: [podRecord({ addresses: ['6.6.6.6'], deletion: DELETION })], removals: [] }, 200);
    expect(store.pods.get('pod-1')).toMatchObject({ node: 'n1', deletionSeenAt: undefined });
    expect(store.pods.get('pod-1')?.record.addresses).toEqual(['10.0.0.1']);
  });

  test('believes the node on which the API server has the Pod, whoever spoke first (L12)', () => {
    store.apply('n2', { upserts: [podRecord({ ready: false })], removals: [] }, 200);
    expect(store.isDisputed('pod-1')).toBe(true);
    store.placed('pod-1', 'n2', 300);
    expect(store.pods.get('pod-1')).toMatchObject({ node: 'n2', record: { ready: false } });
    expect(store.isDisputed('pod-1')).toBe(false);
    store.apply('n1', { upserts: [podRecord()], removals: ['pod-1'] }, 400);
    expect(store.pods.get('pod-1')).toMatchObject({ node: 'n2', record: { ready: false } });
  });

  test('hears of a Pod that the API server has placed from its own node alone, also when another speaks first (L12)', () => {
    store.placed('pod-3', 'n2', 200);
    store.apply('n1', { upserts: [podRecord({ uid: 'pod-3', deletion: DELETION })], removals: [] }, 300);
    expect(store.pods.has('pod-3')).toBe(false);
    store.apply('n2', { upserts: [podRecord({ uid: 'pod-3' })], removals: [] }, 400);
    store.apply('n1', { upserts: [podRecord({ uid: 'pod-3', deletion: DELETION })], removals: [] }, 500);
    expect(store.pods.get('pod-3')).toMatchObject({ node: 'n2', deletionSeenAt: undefined });
    expect(store.isDisputed('pod-3')).toBe(false);
  });

  test('forgets a Pod that is elsewhere, without taking it for gone (L1)', () => {
    store.placed('pod-1', 'n2', 200);
    expect([store.pods.has('pod-1'), store.tombstone('pod-1')]).toEqual([false, undefined]);
  });

  test('goes over to the other node when the one that claimed a Pod first says that it is gone (L12)', () => {
    store.apply('n2', { upserts: [podRecord({ ready: false })], removals: [] }, 200);
    store.apply('n1', { upserts: [], removals: ['pod-1'] }, 300);
    expect(store.pods.get('pod-1')).toMatchObject({ node: 'n2', record: { ready: false } });
    expect(store.tombstone('pod-1')).toBeUndefined();
  });

  test('buries a Pod that its own node, as the API server has it, says to be gone, whoever else claims it', () => {
    store.placed('pod-1', 'n1', 150);
    store.apply('n1', { upserts: [], removals: ['pod-1'] }, 300);
    store.apply('n2', { upserts: [podRecord()], removals: [] }, 400);
    expect(store.pods.has('pod-1')).toBe(false);
    expect(store.tombstone('pod-1')).toMatchObject({ at: 300 });
  });

  test('goes over to the other node when the next agent of the one that claimed a Pod first does not tell of it', () => {
    store.apply('n2', { upserts: [podRecord({ ready: false })], removals: [] }, 200);
    store.open('n1', 'next', { agent: 'a2', startedAtMs: 1 });
    store.replace('n1', [], { consistent: true, now: 300, session: 'next' });
    expect(store.pods.get('pod-1')).toMatchObject({ node: 'n2', record: { ready: false } });
  });

  test('has no witness of its end once whoever told of a Pod has left, or while two nodes claim it', () => {
    store.open('n3', 's3', { agent: 'a3', startedAtMs: 1 });
    store.apply('n3', { upserts: [podRecord({ uid: 'pod-3' })], removals: [], session: 's3' }, 100);
    expect(store.hasWitness('pod-3')).toBe(true);
    store.apply('n2', { upserts: [podRecord({ uid: 'pod-3' })], removals: [] }, 200);
    expect(store.hasWitness('pod-3')).toBe(false);
    store.placed('pod-3', 'n3', 300);
    store.close('n3', 's3');
    expect(store.hasWitness('pod-3')).toBe(false);
  });

  test('is disputed no longer when the node that claimed it later does not list it any more', () => {
    store.apply('n2', { upserts: [podRecord({ addresses: [] })], removals: [] }, 200);
    store.open('n2', 'next', { agent: 'a2', startedAtMs: 1 });
    store.replace('n2', [], { consistent: true, now: 300, session: 'next' });
    expect(store.isDisputed('pod-1')).toBe(false);
    store.apply('n1', { upserts: [], removals: ['pod-1'] }, 400);
    expect([store.pods.has('pod-1'), store.tombstone('pod-1')?.at]).toEqual([false, 400]);
  });

  test('is disputed no longer when the node that claimed it later says that it is gone', () => {
    store.apply('n2', { upserts: [podRecord()], removals: [] }, 200);
    store.apply('n2', { upserts: [], removals: ['pod-1'] }, 300);
    expect([store.pods.get('pod-1')?.node, store.isDisputed('pod-1')]).toEqual(['n1', false]);
  });

  test('takes what a node said of the end of a Pod for nothing when another node has it (L12)', () => {
    store.apply('n1', { upserts: [], removals: ['pod-1'] }, 200);
    store.apply('n2', { upserts: [podRecord()], removals: [] }, 300);
    expect([store.pods.get('pod-1')?.node, store.tombstone('pod-1')]).toEqual(['n2', undefined]);
  });

  test("takes it for nothing, too, when the API server has the Pod, and for that Pod's node to tell of it again (L12)", () => {
    store.apply('n1', { upserts: [], removals: ['pod-1'] }, 200);
    store.placed('pod-1', 'n2', 300);
    expect(store.tombstone('pod-1')).toBeUndefined();
    store.apply('n2', { upserts: [podRecord()], removals: [] }, 400);
    expect(store.pods.get('pod-1')?.node).toBe('n2');
  });

  test('remembers that a Pod had ended before it was said to be gone, and proven to be', () => {
    store.apply('n1', { upserts: [podRecord({ phase: PodPhase.SUCCEEDED })], removals: [] }, 200);
    store.apply('n1', { upserts: [], removals: ['pod-1'] }, 300);
    store.provenGone('pod-1', 400);
    expect(store.tombstone('pod-1')).toMatchObject({ evidence: 'the API server says so', sawEnd: true });
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

  test('tells of what it learns, and not of what it knew', () => {
    const told: string[] = [];
    const telling = new ReportStore(podUid => told.push(podUid));
    telling.apply('n1', { upserts: [podRecord()], removals: [] }, 0);
    telling.replace('n1', [podRecord()], { consistent: true, now: 300 });
    expect(told).toEqual(['pod-1']);
    telling.apply('n1', { upserts: [podRecord({ ready: false })], removals: ['pod-1'] }, 400);
    expect(told).toEqual(['pod-1', 'pod-1', 'pod-1']);
  });

  test('refuses a Pod without UID: that is a mistake of ours', () => {
    expect(() => store.apply('n1', { upserts: [podRecord({ uid: '' })], removals: [] }, 200)).toThrow(/UID/);
  });
});

describe('of two agents on one node', () => {
  const EXITED = [container('main', ContainerState.EXITED)];
  let store: ReportStore;
  const say = (session: string, ...upserts: ReturnType<typeof podRecord>[]) =>
    store.apply('n1', { upserts, removals: [], session }, 200);
  const list = (session: string, ...pods: ReturnType<typeof podRecord>[]) =>
    store.replace('n1', pods, { consistent: true, now: 300, session });
  beforeEach(() => {
    store = new ReportStore();
    store.open('n1', 'older', { agent: 'a1', startedAtMs: 1_000 });
    list('older', podRecord(), podRecord({ uid: 'pod-2' }));
    store.open('n1', 'younger', { agent: 'a2', startedAtMs: 2_000 });
  });

  test('the younger is believed about a Pod that both have told of, whoever speaks last', () => {
    say('younger', podRecord({ ready: false }));
    say('older', podRecord({ ready: true }));
    expect(store.pods.get('pod-1')?.record.ready).toBe(false);
  });

  test('a Pod is taken from either, as soon as one of them tells of it', () => {
    list('younger', podRecord(), podRecord({ uid: 'pod-2' }));
    say('older', podRecord({ uid: 'pod-3' }));
    say('younger', podRecord({ uid: 'pod-4' }));
    expect([...store.pods.keys()]).toEqual(['pod-1', 'pod-2', 'pod-3', 'pod-4']);
  });

  test('what the older alone has told is forgotten when it is gone, so that the API server is asked (L1)', () => {
    list('younger', podRecord());
    store.close('n1', 'older');
    expect([...store.pods.keys()]).toEqual(['pod-1']);
    expect(store.tombstone('pod-2')).toBeUndefined();
  });

  test('nothing is forgotten when the older is gone before the younger has told of all its Pods (L1)', () => {
    say('younger', podRecord());
    store.close('n1', 'older');
    expect([...store.pods.keys()]).toEqual(['pod-1', 'pod-2']);
  });

  test.each([
    ['a deletion', { deletion: DELETION }],
    ['an exit', { containers: EXITED, ready: false }],
  ])('%s counts from either, and an old record of the other takes it not back', (_name, told) => {
    for (const [first, second] of [
      ['older', 'younger'],
      ['younger', 'older'],
    ] as const) {
      say('younger', podRecord());
      say(first, podRecord(told));
      say(second, podRecord());
      expect(store.pods.get('pod-1')?.record).toMatchObject(told);
    }
  });

  test('an exit ends with the container: the next one serves', () => {
    say('younger', podRecord());
    say('older', podRecord({ containers: EXITED, ready: false }));
    const next = { ...container('main', ContainerState.RUNNING), containerId: 'main-2' };
    say('younger', podRecord({ containers: [next] }));
    expect(store.pods.get('pod-1')?.record).toMatchObject({ ready: true, containers: [next] });
  });

  test('an exit that the older one takes back is none: a status may call a container exited before its start', () => {
    say('younger', podRecord());
    say('older', podRecord({ containers: EXITED, ready: false }));
    say('older', podRecord());
    expect(store.pods.get('pod-1')?.record).toEqual(podRecord());
  });

  test('the older one’s list buries nothing, before the younger’s list or after it (L1)', () => {
    list('older');
    list('younger', podRecord(), podRecord({ uid: 'pod-2' }));
    list('older');
    expect(store.pods.size).toBe(2);
    expect(store.tombstone('pod-1')).toBeUndefined();
  });

  test('the younger one’s list buries what it told of itself, though the older still tells of it', () => {
    list('younger', podRecord(), podRecord({ uid: 'pod-2' }));
    list('younger', podRecord());
    say('older', podRecord({ uid: 'pod-2' }));
    expect([...store.pods.keys()]).toEqual(['pod-1']);
    expect(store.tombstone('pod-2')?.evidence).toBe('absent from a consistent snapshot');
  });

  test('the younger one’s list leaves alone what the older told of: it may have seen it first (L1)', () => {
    say('older', podRecord({ uid: 'pod-3' }));
    list('younger', podRecord());
    expect([...store.pods.keys()]).toEqual(['pod-1', 'pod-2', 'pod-3']);
  });

  test.each([
    ['the younger', ['younger']],
    ['the older and then the younger', ['older again', 'younger']],
  ])('what the older told before its stream broke is forgotten when %s lists without it (L5)', (_who, sessions) => {
    store.close('n1', 'older');
    store.open('n1', 'older again', { agent: 'a1', startedAtMs: 1_000 });
    for (const session of sessions) list(session, podRecord());
    expect([...store.pods.keys()]).toEqual(['pod-1']);
    expect(store.tombstone('pod-2')).toBeUndefined();
  });

  test('what the younger told before its stream broke is forgotten when the older lists without it (L5)', () => {
    list('younger', podRecord(), podRecord({ uid: 'pod-3' }));
    store.close('n1', 'younger');
    store.open('n1', 'younger again', { agent: 'a2', startedAtMs: 2_000 });
    list('older', podRecord());
    expect([...store.pods.keys()]).toEqual(['pod-1']);
    expect(store.tombstone('pod-3')).toBeUndefined();
  });

  test('what only the one that left has told of is forgotten at the next list, and not taken for gone (L1)', () => {
    list('younger', podRecord());
    store.close('n1', 'older');
    list('younger', podRecord());
    expect([...store.pods.keys()]).toEqual(['pod-1']);
    expect(store.tombstone('pod-2')).toBeUndefined();
    say('younger', podRecord({ uid: 'pod-2' }));
    expect(store.pods.has('pod-2')).toBe(true);
  });

  test('the older one is believed again when the younger has left', () => {
    say('younger', podRecord({ ready: false, deletion: DELETION }));
    store.close('n1', 'younger');
    say('older', podRecord({ ready: true }));
    expect(store.pods.get('pod-1')?.record).toMatchObject({ ready: true, deletion: DELETION });
  });

  test('the same agent on a new stream knows what it told before', () => {
    store.close('n1', 'younger');
    store.close('n1', 'older');
    store.open('n1', 'older again', { agent: 'a1', startedAtMs: 1_000 });
    list('older again', podRecord());
    expect(store.tombstone('pod-2')?.evidence).toBe('absent from a consistent snapshot');
  });
});

describe('what announces the end of a node', () => {
  const SHUTDOWN = { kind: 'shutdown', detail: '', seenAtMs: 5 } as const;
  const CORDONED = { kind: 'cordoned', detail: 'by hand', seenAtMs: 7 } as const;
  let told: string[];
  let store: ReportStore;
  beforeEach(() => {
    told = [];
    store = new ReportStore(undefined, node => told.push(node));
    for (const session of ['s1', 's2']) store.open('n1', session, { agent: session, startedAtMs: 0 });
    store.apply('n1', { upserts: [podRecord()], removals: [] }, 0);
  });

  test('is what any of its agents says, each kind once', () => {
    store.notice('n1', 's1', [CORDONED, SHUTDOWN]);
    store.notice('n1', 's2', [{ ...SHUTDOWN, seenAtMs: 3 }]);
    expect(store.signsOf('n1')).toEqual([{ ...SHUTDOWN, seenAtMs: 3 }, CORDONED]);
    expect(store.signsOf('n2')).toEqual([]);
  });

  test('ends when its agent says so, and is told when it changes', () => {
    store.notice('n1', 's1', [SHUTDOWN]);
    store.notice('n1', 's1', [SHUTDOWN]);
    store.notice('n1', 's1', []);
    expect(store.signsOf('n1')).toEqual([]);
    expect(told).toEqual(['n1', 'n1']);
  });

  test('outlives a lost stream until an agent of the node speaks again (L1)', () => {
    store.notice('n1', 's1', [SHUTDOWN]);
    store.close('n1', 's1');
    store.close('n1', 's2');
    expect(store.signsOf('n1')).toEqual([SHUTDOWN]);
    store.open('n1', 's3', { agent: 's3', startedAtMs: 0 });
    expect(store.signsOf('n1')).toEqual([SHUTDOWN]);
    store.notice('n1', 's3', []);
    expect(store.signsOf('n1')).toEqual([]);
  });

  test('goes with an agent that leaves, when the other one has spoken', () => {
    store.notice('n1', 's1', [SHUTDOWN]);
    store.notice('n1', 's2', []);
    store.close('n1', 's1');
    expect(store.signsOf('n1')).toEqual([]);
  });

  test('is forgotten with a node that has neither agents nor Pods', () => {
    store.notice('n1', 's1', [SHUTDOWN]);
    store.close('n1', 's1');
    store.close('n1', 's2');
    store.provenGone('pod-1', 0);
    expect(store.signsOf('n1')).toEqual([]);
    expect(store.nodes.has('n1')).toBe(false);
    expect(told).toEqual(['n1', 'n1']);
  });
});

describe('the coordinator’s own watch of a node', () => {
  const OWN = 'own watch';
  let store: ReportStore;
  beforeEach(() => {
    store = new ReportStore();
    store.open('n1', OWN, API_SERVER);
    const pods = [podRecord(), podRecord({ uid: 'pod-2' })];
    store.replace('n1', pods, { consistent: true, now: 100, session: OWN });
  });
  const list = (...pods: readonly PodRecord[]) =>
    store.replace('n1', pods, { consistent: true, now: 200, session: OWN });

  test('makes Pods known, and sees deletions begin and end', () => {
    store.apply('n1', { upserts: [podRecord({ deletion: DELETION })], removals: ['pod-2'], session: OWN }, 300);
    expect(store.pods.get('pod-1')?.deletionSeenAt).toBe(300);
    expect(store.tombstone('pod-2')).toEqual({ at: 300, evidence: 'deletion seen on a watch', sawEnd: false });
  });

  test('forgets what its list leaves out, and buries nothing for it (L1)', () => {
    list(podRecord());
    expect([...store.pods.keys()]).toEqual(['pod-1']);
    expect(store.tombstone('pod-2')).toBeUndefined();
  });

  test('leaves alone what an agent tells that is there', () => {
    store.open('n1', 's', { agent: 'a', startedAtMs: 0 });
    store.replace('n1', [podRecord({ ready: false })], { consistent: true, now: 200, session: 's' });
    list(podRecord({ ready: true }));
    expect(store.pods.get('pod-1')?.record.ready).toBe(false);
    list();
    expect([...store.pods.keys()]).toEqual(['pod-1']);
  });

  test('is believed again when that agent is gone, but for exits and deletions that it told', () => {
    store.open('n1', 's', { agent: 'a', startedAtMs: 0 });
    const told = [podRecord({ ready: false }), podRecord({ uid: 'pod-2', deletion: DELETION })];
    store.apply('n1', { upserts: told, removals: [], session: 's' }, 200);
    store.close('n1', 's');
    list(podRecord({ ready: true }), podRecord({ uid: 'pod-2' }));
    expect(store.pods.get('pod-1')?.record.ready).toBe(true);
    expect(store.pods.get('pod-2')?.record.deletion).toEqual(DELETION);
  });

  test('takes along when it ends what only it had told', () => {
    store.open('n1', 's', { agent: 'a', startedAtMs: 0 });
    store.apply('n1', { upserts: [podRecord()], removals: [], session: 's' }, 200);
    store.close('n1', OWN);
    expect([...store.pods.keys()]).toEqual(['pod-1']);
    expect(store.tombstone('pod-2')).toBeUndefined();
  });
});
