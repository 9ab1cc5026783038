import { beforeEach, expect, test } from 'vitest';
import type { DrainLedger } from './drain-ledger.ts';
import { recordDrain } from './drain-ledger.ts';
import { LiveView } from './live-view.ts';
import { API_SERVER } from './node-reports.ts';
import { leavingSign } from './node-sign.ts';
import { placedRule, podRecord } from './pod.fixture.ts';
import { ReportStore } from './report-store.ts';

let drains: DrainLedger;
let confirmed: Set<string>;
let takenAtWord: Set<string>;
let store: ReportStore;
let view: LiveView;

beforeEach(() => {
  drains = new Map();
  confirmed = new Set();
  takenAtWord = new Set();
  store = new ReportStore();
  store.apply('n1', { upserts: [podRecord(), podRecord({ uid: 'pod-2', labels: { app: 'other' } })], removals: [] }, 0);
  view = new LiveView({
    store,
    drains: () => drains,
    isConfirmed: record => confirmed.has(record.uid),
    signOf: node => leavingSign(store.signsOf(node), new Set(['shutdown'])),
    instanceOf: node => `ins-${node}`,
    isInDoubt: () => false,
    isTakenAtWord: podUid => takenAtWord.has(podUid),
    isSightAwaited: () => true,
    isPartial: () => false,
    hasUnseenNodes: () => false,
  });
});

test('a rule finds its Pods, whether or not its Service was made known', () => {
  const rule = placedRule();
  expect(view.podsSelectedBy(rule).map(pod => pod.record.uid)).toEqual(['pod-1']);
  view.setServices([{ ...rule.service, selectors: [rule.selector] }]);
  expect(view.podsSelectedBy(rule).map(pod => pod.record.uid)).toEqual(['pod-1']);
  expect([...view.servicesOf('pod-1')]).toEqual([rule.service.uid]);
});

test('a Pod is as it was until it is refreshed, and then as it is known now', () => {
  const rule = placedRule();
  view.setServices([{ ...rule.service, selectors: [rule.selector] }]);
  confirmed.add('pod-1');
  drains = recordDrain(drains, { podUid: 'pod-1', node: 'n1', phase: 'begun', budgetMs: 1_000 }, 0);
  expect(view.pods.get('pod-1')).toMatchObject({ confirmed: false, drain: undefined });
  expect([...view.refresh('pod-1')]).toEqual([rule.service.uid]);
  expect(view.pods.get('pod-1')).toMatchObject({ confirmed: true, drain: { phase: 'begun' } });
});

test("a hook that another node's agent holds says nothing of the Pod (L12)", () => {
  drains = recordDrain(drains, { podUid: 'pod-1', node: 'n2', phase: 'begun', budgetMs: 1_000 }, 0);
  view.refresh('pod-1');
  expect(view.pods.get('pod-1')?.drain).toBeUndefined();
});

test('a Pod is placed when the API server says where it is, or when its agent is taken at its word (L12)', () => {
  const isPlaced = () => {
    view.refresh('pod-1');
    return view.pods.get('pod-1')?.isPlaced;
  };
  expect(isPlaced()).toBe(false);
  takenAtWord.add('pod-1');
  expect(isPlaced()).toBe(true);
  takenAtWord.clear();
  store.placed('pod-1', 'n1', 0);
  expect(isPlaced()).toBe(true);
});

test('a Pod that is gone is selected no more, and leaves its tombstone', () => {
  const rule = placedRule();
  view.setServices([{ ...rule.service, selectors: [rule.selector] }]);
  store.apply('n1', { upserts: [], removals: ['pod-1'] }, 1);
  expect([...view.refresh('pod-1')]).toEqual([rule.service.uid]);
  expect(view.podsSelectedBy(rule)).toEqual([]);
  expect(view.tombstone('pod-1')).toBeDefined();
});

test("only a Pod in the host's network has its node's instance", () => {
  store.apply('n1', { upserts: [podRecord({ uid: 'pod-2', hostNetwork: true })], removals: [] }, 1);
  view.refresh('pod-2');
  expect(view.pods.get('pod-2')?.instanceId).toBe('ins-n1');
  expect(view.pods.get('pod-1')?.instanceId).toBeUndefined();
});

test('a Pod has the sign of its node’s end, if that is one to act on', () => {
  const shutdown = { kind: 'shutdown', detail: '', seenAtMs: 0 } as const;
  store.notice('n1', 's', [{ ...shutdown, kind: 'cordoned' }]);
  view.refresh('pod-1');
  expect(view.pods.get('pod-1')?.nodeSign).toBeUndefined();
  store.notice('n1', 's', [shutdown]);
  view.refresh('pod-1');
  expect(view.pods.get('pod-1')?.nodeSign).toEqual(shutdown);
});

test('a Pod is unheld until the agent has told of it, if the agent will see soon (L4)', () => {
  store.open('n1', 'own', API_SERVER);
  store.apply('n1', { upserts: [podRecord({ uid: 'pod-3' })], removals: [], session: 'own' }, 1);
  view.refresh('pod-3');
  expect([view.pods.get('pod-3')?.isUnheld, view.pods.get('pod-1')?.isUnheld]).toEqual([true, false]);
  store.apply('n1', { upserts: [podRecord({ uid: 'pod-3' })], removals: [] }, 2);
  view.refresh('pod-3');
  expect(view.pods.get('pod-3')?.isUnheld).toBe(false);
});
