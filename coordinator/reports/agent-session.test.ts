import { describe, expect, test } from 'vitest';
import type { ReportRequest, ReportResponse, Welcome } from '../../proto/gen/clbdirect/v1/report.ts';
import { openSession, PODS_PER_NODE_MAX, type SessionState, sessionStep } from './agent-session.ts';
import type { ReportEvent } from './report-event.ts';
import { podRecord } from './report-fixtures.ts';

const WELCOME: Welcome = {
  coordinator: 'coordinator-0',
  incarnation: 'i1',
  podUid: 'coordinator-uid',
  leadership: { leading: true, term: 7 },
  heartbeatIntervalMs: 3_000,
  observes: false,
};

/** What a message of a later protocol decodes to. */
const UNKNOWN: ReportRequest = { message: undefined };

const hello = (nodeName = 'node1', epoch = 'e1') =>
  request('hello', { nodeName, epoch, agentVersion: '0.1.0', startedAtMs: 1 });
const snapshot = (sequence: number, ...uids: string[]) =>
  request('snapshot', { sequence, pods: uids.map(uid => podRecord(uid)), consistent: true, blind: false });
const delta = (sequence: number, uids: string[] = [], removals: string[] = []) =>
  request('delta', { sequence, upserts: uids.map(uid => podRecord(uid)), removals });

describe('a report stream', () => {
  test('has every heartbeat answered, so that the agent can tell a silent stream from a quiet one', () => {
    const run = talk(hello(), snapshot(4, 'p1'), request('heartbeat', { blind: false }));
    expect(run.replies.at(-1)).toEqual({ $case: 'ack', value: { sequence: 4 } });
    expect(run.events.at(-1)).toMatchObject({ type: 'heard' });
  });

  test('is welcomed after its Hello and known to the core by the node of its token', () => {
    const run = talk(hello());
    expect(run.replies).toEqual([{ $case: 'welcome', value: WELCOME }]);
    expect(run.events).toMatchObject([
      { type: 'opened', node: 'node1', session: 's1', epoch: 'e1', agentPodUid: 'a1' },
    ]);
  });

  test('tells of an agent that is blind, by its heartbeats and by its snapshots', () => {
    const list = request('snapshot', { sequence: 5, pods: [], consistent: true, blind: true });
    const run = talk(hello(), snapshot(4, 'p1'), request('heartbeat', { blind: true }), list);
    expect(run.events.slice(-3)).toMatchObject([
      { type: 'snapshot', isBlind: false },
      { type: 'blinded', node: 'node1', session: 's1' },
      { type: 'snapshot', isBlind: true },
    ]);
    expect(run.replies.slice(-2)).toEqual([4, 5].map(sequence => ({ $case: 'ack', value: { sequence } })));
  });

  test('of an agent that names another node than its token is refused, telling both nodes', () => {
    const run = talk(hello('node2'));
    expect(run.refusal).toMatchObject({ kind: 'wrong-node' });
    expect(run.refusal?.message).toMatch(/"node2".*"node1".*--node-name/s);
    expect(run.events).toEqual([]);
  });

  test('acknowledges the snapshot and every delta that follows in sequence', () => {
    const run = talk(hello(), snapshot(1, 'p1'), delta(2, ['p2']), delta(3, [], ['p1']));
    expect(run.replies.slice(1)).toEqual([1, 2, 3].map(sequence => ({ $case: 'ack', value: { sequence } })));
    expect(run.events.map(event => event.type)).toEqual(['opened', 'snapshot', 'delta', 'delta']);
  });

  test.each([
    ['a gap', [snapshot(1), delta(3)], /expected sequence 2, got 3/],
    ['a decrease', [snapshot(5), delta(4)], /expected sequence 6, got 4/],
    ['a repetition', [snapshot(5), delta(6), delta(6)], /expected sequence 7, got 6/],
    ['a delta before its snapshot', [delta(1)], /before its snapshot/],
  ])('asks for a snapshot after %s, and keeps the delta from the core', (_name, requests, reason) => {
    const run = talk(hello(), ...requests);
    const asked = run.replies.flatMap(reply => (reply.$case === 'resyncRequest' ? [reply.value.reason] : []));
    expect(asked).toHaveLength(1);
    expect(asked[0]).toMatch(reason);
    expect(run.events.at(-1)?.type).toBe('heard');
  });

  test('asks once for a gap, however many deltas are under way behind it', () => {
    const run = talk(hello(), snapshot(1), delta(3), delta(4), delta(5), snapshot(6, 'p1'), delta(7));
    expect(run.replies.filter(reply => reply.$case === 'resyncRequest')).toHaveLength(1);
    expect(run.events.slice(-2).map(event => event.type)).toEqual(['snapshot', 'delta']);
  });

  test('asks again after a second gap', () => {
    const run = talk(hello(), snapshot(1), delta(3), snapshot(4), delta(6));
    expect(run.replies.filter(reply => reply.$case === 'resyncRequest')).toHaveLength(2);
  });

  test('takes drain requests at any time after its Hello', () => {
    const drain = request('drainRequest', { podUid: 'p1', phase: 1, budgetMs: 20_000 });
    expect(talk(hello(), drain).events.at(-1)).toMatchObject({
      type: 'drain',
      node: 'node1',
      request: { podUid: 'p1' },
    });
  });

  test('tells what announces the node’s end in our words, and leaves out what it does not know', () => {
    const signs = [
      { kind: 6, detail: 'x'.repeat(300), seenAtMs: 9 },
      { kind: 99 as never, detail: '', seenAtMs: 1 },
      { kind: 1, detail: '', seenAtMs: 2 },
    ] as const;
    const run = talk(hello(), request('nodeNotice', { signs: [...signs] }));
    expect(run.events.at(-1)).toEqual({
      type: 'notice',
      node: 'node1',
      session: 's1',
      signs: [
        { kind: 'shutdown', detail: 'x'.repeat(253), seenAtMs: 9 },
        { kind: 'cordoned', detail: '', seenAtMs: 2 },
      ],
    });
  });

  test('takes a message of a later version as a sign of life', () => {
    expect(talk(hello(), UNKNOWN).events.at(-1)?.type).toBe('heard');
  });

  test.each([
    ['anything before a Hello', [snapshot(1)]],
    ['an unknown message before a Hello', [UNKNOWN]],
    ['a second Hello', [hello(), hello()]],
    ['a Hello without epoch', [hello('node1', '')]],
    ['a Pod without uid', [hello(), snapshot(1, '')]],
    ['a Pod whose uid is endless', [hello(), snapshot(1, 'u'.repeat(300))]],
    ['a drain of nothing', [hello(), request('drainRequest', { podUid: '', phase: 1, budgetMs: 1 })]],
  ])('is refused for %s', (_name, requests) => {
    expect(talk(...requests).refusal?.kind).toBe('protocol');
  });

  test('is refused when its node has too many Pods, at once or little by little', () => {
    const uids = Array.from({ length: PODS_PER_NODE_MAX }, (_, index) => `p${index}`);
    expect(talk(hello(), snapshot(1, ...uids)).refusal).toBeUndefined();
    expect(talk(hello(), snapshot(1, ...uids, 'one-more')).refusal?.kind).toBe('limit');
    expect(talk(hello(), snapshot(1, ...uids), delta(2, ['one-more'])).refusal?.kind).toBe('limit');
    expect(talk(hello(), snapshot(1, ...uids), delta(2, ['one-more'], ['p0'])).refusal).toBeUndefined();
  });
});

function request<Case extends NonNullable<ReportRequest['message']>['$case']>(
  $case: Case,
  value: Extract<NonNullable<ReportRequest['message']>, { $case: Case }>['value'],
): ReportRequest {
  return { message: { $case, value } as NonNullable<ReportRequest['message']> };
}

interface Talk {
  readonly replies: readonly NonNullable<ReportResponse['message']>[];
  readonly events: readonly ReportEvent[];
  readonly refusal: { readonly kind: string; readonly message: string } | undefined;
}

/** Feeds messages to a new session of node1's agent until it is refused. */
function talk(...requests: ReportRequest[]): Talk {
  const replies: NonNullable<ReportResponse['message']>[] = [];
  const events: ReportEvent[] = [];
  let state: SessionState = openSession('s1', { nodeName: 'node1', podName: 'agent-a', podUid: 'a1' });
  for (const message of requests) {
    const step = sessionStep(state, message, WELCOME);
    state = step.state;
    for (const effect of step.effects) {
      if (effect.type === 'refuse') return { replies, events, refusal: effect };
      if (effect.type === 'event') events.push(effect.event);
      else if (effect.type === 'reply' && effect.message.message) replies.push(effect.message.message);
    }
  }
  return { replies, events, refusal: undefined };
}
