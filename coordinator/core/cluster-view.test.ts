import { describe, expect, test } from 'vitest';
import { clusterView } from './cluster-view.ts';
import { recordDrain } from './drain-ledger.ts';
import { placedRule, podRecord } from './pod.fixture.ts';
import { ReportStore } from './report-store.ts';

describe('the cluster view', () => {
  const store = new ReportStore();
  store.apply('n1', { upserts: [podRecord(), podRecord({ uid: 'pod-2', namespace: 'other' })], removals: [] }, 0);
  const request = { podUid: 'pod-1', phase: 'begun', budgetMs: 30_000 } as const;

  test('puts beside a Pod what the API server confirmed and the hook that its agent holds', () => {
    const drains = recordDrain(new Map(), { ...request, node: 'n1' }, 0);
    const view = clusterView({ store, drains, confirmed: new Set(['pod-2']) });
    expect(view.pods.get('pod-1')).toMatchObject({ confirmed: false, drain: { phase: 'begun' } });
    expect(view.pods.get('pod-2')).toMatchObject({ confirmed: true, drain: undefined });
  });

  test('finds Pods by namespace', () => {
    const view = clusterView({ store, drains: new Map(), confirmed: new Set() });
    const rule = placedRule({ service: { namespace: 'other', name: 'web', uid: 's1' } });
    expect(view.podsSelectedBy(rule).map(pod => pod.record.uid)).toEqual(['pod-2']);
  });

  test('does not believe an agent that holds a hook of another node’s Pod (L12)', () => {
    const drains = recordDrain(new Map(), { ...request, node: 'liar' }, 0);
    const view = clusterView({ store, drains, confirmed: new Set() });
    expect(view.pods.get('pod-1')?.drain).toBeUndefined();
  });
});
