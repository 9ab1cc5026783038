import { beforeEach, describe, expect, test } from 'vitest';
import { type DrainAnswer, DrainPhase } from '../proto/gen/clbdirect/v1/report.ts';
import { podRecord } from './core/pod.fixture.ts';
import { Knowledge, type KnowledgeChange } from './knowledge.ts';
import { nodeRecord } from './kube/node-reflector.ts';
import type { ReportEvent } from './reports/report-event.ts';
import { serviceRecord } from './service.fixture.ts';

const AGENT = {
  session: 's1',
  agentPodUid: 'agent-uid',
  agentPodName: 'agent',
  epoch: 'e1',
  agentVersion: 'test',
  startedAtMs: 1,
};

function opened(node: string, session = 's1'): ReportEvent {
  return { ...AGENT, type: 'opened', node, session };
}

function closed(node: string, session = 's1'): ReportEvent {
  return { type: 'closed', node, session, reason: 'cut' };
}

function snapshot(node: string, consistent = true): ReportEvent {
  const { session, epoch } = AGENT;
  return { type: 'snapshot', node, session, epoch, pods: [podRecord()], consistent };
}

function drain(node: string, phase: DrainPhase, podUid = 'pod-1'): ReportEvent {
  return { type: 'drain', node, session: 's1', request: { podUid, phase, budgetMs: 30_000 } };
}

function answeredDrain(node: string, answer: DrainAnswer): ReportEvent {
  const request = { podUid: 'pod-1', phase: DrainPhase.ANSWERED, budgetMs: 0, answer };
  return { type: 'drain', node, session: 's1', request };
}

describe('what a replica knows', () => {
  let knowledge: Knowledge;
  const hear = (now: number, ...events: ReportEvent[]) => {
    for (const event of events) knowledge.applyReport(event, now);
  };
  beforeEach(() => {
    knowledge = new Knowledge();
  });

  test('outlives a cut stream: a silent node changes nothing (L1)', () => {
    hear(0, opened('n1'), snapshot('n1'), closed('n1'));
    expect(knowledge.store.pods.has('pod-1')).toBe(true);
    expect(knowledge.store.nodes.get('n1')?.connected).toBe(false);
  });

  test('counts a node as connected while one of two agents is left, as in an upgrade', () => {
    hear(0, opened('n1', 'old'), snapshot('n1'), opened('n1', 'new'), closed('n1', 'old'));
    expect(knowledge.store.nodes.get('n1')?.connected).toBe(true);
    hear(0, closed('n1', 'new'));
    expect(knowledge.store.nodes.get('n1')?.connected).toBe(false);
  });

  test('includes who tells of a Pod as soon as the Pod is told of', () => {
    const isReporting: boolean[] = [];
    knowledge.follow(() => isReporting.push(knowledge.presence.isReporting('n1')));
    hear(0, opened('n1'), snapshot('n1'));
    expect(isReporting).toEqual([true]);
  });

  test('is partial while a node that is ready has told of no Pod, and has no agent that has told all', () => {
    const object = (name: string, status: 'True' | 'Unknown') =>
      [name, nodeRecord({ metadata: { name }, status: { conditions: [{ type: 'Ready', status }] } })] as const;
    const items = new Map([object('n1', 'True'), object('n2', 'True'), object('broken', 'Unknown')]);
    knowledge.applyNodes({ type: 'replaced', items, resourceVersion: '1' }, 0);
    hear(0, opened('n1'), snapshot('n1'), opened('n2'));
    expect(knowledge.isPartial()).toBe(true);
    hear(0, { ...snapshot('n2'), pods: [] } as ReportEvent);
    expect(knowledge.isPartial()).toBe(false);
    hear(0, closed('n1'));
    expect(knowledge.isPartial()).toBe(false);
  });

  test('holds a drain from its begin to a while after its answer', () => {
    hear(0, snapshot('n1'), drain('n1', DrainPhase.BEGIN), drain('n1', DrainPhase.CONNECTIONS_ENDED));
    expect(knowledge.drains.get('pod-1')?.phase).toBe('connections-ended');
    hear(1_000, drain('n1', DrainPhase.ANSWERED));
    expect(knowledge.nextExpiryAt()).toBe(11_000);
    knowledge.expire(11_000);
    expect(knowledge.drains.size).toBe(0);
    expect(knowledge.nextExpiryAt()).toBeUndefined();
  });

  test('takes no drain from an agent of another node (L12), nor one of an unknown phase', () => {
    hear(0, snapshot('n1'), drain('n2', DrainPhase.BEGIN), drain('n1', DrainPhase.UNSPECIFIED));
    expect(knowledge.drains.size).toBe(0);
    expect(knowledge.takeAsked()).toEqual([]);
  });

  test('holds a drain for as long as one of two agents holds a hook of the Pod, as in an upgrade', () => {
    hear(0, { ...opened('n1', 's2'), agentPodUid: 'younger' } as ReportEvent, snapshot('n1'));
    hear(0, drain('n1', DrainPhase.BEGIN), { ...drain('n1', DrainPhase.BEGIN), session: 's2' } as ReportEvent);
    hear(0, drain('n1', DrainPhase.ANSWERED));
    expect(knowledge.drains.get('pod-1')?.phase).toBe('begun');
  });

  test('tells how a drain ended, in its agent’s words, and nothing of another node’s agent (L12)', () => {
    const told: KnowledgeChange[] = [];
    hear(0, snapshot('n1'), drain('n1', DrainPhase.BEGIN));
    knowledge.follow(change => told.push(change));
    const answer = { reason: 'drained', connectionsLeft: 0, heldMs: 2_000 };
    for (const node of ['n2', 'n1']) hear(0, answeredDrain(node, answer));
    knowledge.store.provenGone('pod-1', 0);
    hear(0, answeredDrain('n2', answer));
    expect(told.filter(({ kind }) => kind === 'drain-answered')).toEqual([
      { kind: 'drain-answered', podUid: 'pod-1', answer },
    ]);
  });

  test('takes a drain of a Pod that has not been reported yet: the call may come before the watch', () => {
    hear(0, drain('n1', DrainPhase.BEGIN, 'pod-new'));
    expect(knowledge.drains.get('pod-new')?.phase).toBe('begun');
  });

  test('names every agent that asks once, and none whose call is answered', () => {
    hear(0, snapshot('n1'), drain('n1', DrainPhase.BEGIN));
    expect(knowledge.takeAsked()).toEqual(['pod-1']);
    expect(knowledge.takeAsked()).toEqual([]);
    hear(0, drain('n1', DrainPhase.ANSWERED));
    expect(knowledge.takeAsked()).toEqual([]);
  });

  test('has no Services before all were listed once, and then follows the watch', () => {
    const item = serviceRecord();
    expect(knowledge.services.areKnown).toBe(false);
    knowledge.services.apply({ type: 'replaced', items: new Map(), resourceVersion: '1' });
    expect(knowledge.services.areKnown).toBe(true);
    knowledge.services.apply({ type: 'applied', key: 'default/web', item, resourceVersion: '2' });
    expect([...knowledge.services.keys()]).toEqual(['default/web']);
    knowledge.services.apply({ type: 'deleted', key: 'default/web', item, resourceVersion: '2' });
    expect([...knowledge.services.keys()]).toEqual([]);
  });
});
