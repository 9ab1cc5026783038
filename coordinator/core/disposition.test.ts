import { describe, expect, test } from 'vitest';
import { CUSTOM_WEIGHT_ANNOTATION, INGRESS_CUSTOM_WEIGHT_ANNOTATION } from '../../common/names.ts';
import { ContainerState, PodPhase, type PodRecord } from '../../common/pod-record.ts';
import type { PodView } from './cluster-view.ts';
import { dispositionOf, isStrong, weightOf } from './disposition.ts';
import type { Drain } from './drain-ledger.ts';
import { container, podRecord, podView } from './pod.fixture.ts';

const RULE = { publishNotReadyAddresses: false, service: { namespace: 'default', name: 'web', uid: 's1' } };
const DELETED: Partial<PodView> = { deletionSeenAt: 5 };
const UP = container('main', ContainerState.RUNNING);
const EXITED = container('side', ContainerState.EXITED);

function hook(phase: Drain['phase']): Partial<PodView> {
  const answeredAt = phase === 'answered' ? 1 : undefined;
  return {
    drain: {
      podUid: 'pod-1',
      node: 'n1',
      holders: [],
      phase,
      begunAt: 0,
      answeredAt,
      budgetEndsAt: 30_000,
      heardAt: 0,
    },
  };
}

function of(fields: Partial<PodRecord>, view: Partial<Omit<PodView, 'record'>> = {}) {
  return dispositionOf(podView(fields, view), RULE);
}

describe('a Pod that a rule selects', () => {
  test('serves when it is ready and confirmed', () => {
    expect(of({})).toEqual({ kind: 'serve', weight: 10 });
  });

  test('stands by while it is not ready', () => {
    expect(of({ ready: false })).toEqual({ kind: 'standby', waitsFor: 'readiness' });
  });

  test('serves unready where the Service publishes unready addresses, but not after an exit', () => {
    const rule = { ...RULE, publishNotReadyAddresses: true };
    expect(dispositionOf(podView({ ready: false }), rule)).toEqual({ kind: 'serve', weight: 10 });
    const crashed = podView({ ready: false, containers: [EXITED] });
    expect(dispositionOf(crashed, rule)).toEqual({ kind: 'drain', evidence: 'exit' });
  });

  test('is neither opened nor closed for its readiness while nobody tells of its node: that may be old', () => {
    const doubted = { isNodeInDoubt: true };
    for (const ready of [true, false]) {
      expect(of({ ready }, doubted)).toEqual({ kind: 'standby', waitsFor: 'confirmation' });
    }
  });

  test('is not closed for what its silent node said of its readiness where nobody could take over, but opened', () => {
    const standing = { keepsLeavingNodes: true };
    const ofDoubted = (ready: boolean) => dispositionOf(podView({ ready }, { isNodeInDoubt: true }), RULE, standing);
    expect(ofDoubted(false)).toEqual({ kind: 'standby', waitsFor: 'confirmation' });
    expect(ofDoubted(true)).toEqual({ kind: 'serve', weight: 10 });
  });

  test('is left as it is while two nodes claim it, whatever is said of its end (L12)', () => {
    const standing = { kind: 'standby', waitsFor: 'confirmation' };
    expect(of({}, { ...DELETED, isDisputed: true })).toEqual(standing);
    expect(of({ phase: PodPhase.FAILED }, { isDisputed: true })).toEqual(standing);
  });

  test('stands by until the API server has confirmed it (L12)', () => {
    expect(of({}, { confirmed: false })).toEqual({ kind: 'standby', waitsFor: 'confirmation' });
  });

  test('stands by until the agent that is to hold its hooks knows of it, also where nobody could take over (L4)', () => {
    const standing = { kind: 'standby', waitsFor: 'confirmation' };
    expect(of({}, { isUnheld: true })).toEqual(standing);
    expect(dispositionOf(podView({}, { isUnheld: true }), RULE, { keepsLeavingNodes: true })).toEqual(standing);
  });

  test('stands by until its kubelet has spoken of it again after its node was lost (L5)', () => {
    expect(of({ lostWithNode: true })).toEqual({ kind: 'standby', waitsFor: 'confirmation' });
    expect(of({ lostWithNode: true, ready: false })).toEqual({ kind: 'standby', waitsFor: 'readiness' });
  });

  test('drains when it is deleted, and when one of its containers has exited', () => {
    expect(of({}, DELETED)).toEqual({ kind: 'drain', evidence: 'deletion' });
    expect(of({ containers: [UP, EXITED] })).toEqual({ kind: 'drain', evidence: 'exit' });
  });

  test('keeps draining while one container of a deleted Pod still runs, and is removed when none does', () => {
    expect(of({ containers: [UP, EXITED] }, DELETED)).toEqual({ kind: 'drain', evidence: 'deletion' });
    expect(of({ containers: [EXITED] }, DELETED)).toEqual({ kind: 'remove', evidence: 'exited' });
  });

  test('of which no container is known has not exited', () => {
    expect(of({ containers: [] }, DELETED)).toEqual({ kind: 'drain', evidence: 'deletion' });
  });

  test('is removed when its agent sees no connection left, but not on a hook alone, which may be a restart', () => {
    const ended = hook('connections-ended');
    expect(of({}, { ...DELETED, ...ended })).toEqual({ kind: 'remove', evidence: 'connections-ended' });
    expect(of({}, ended)).toEqual({ kind: 'drain', evidence: 'hook' });
  });

  test('whose container exits after a hook has exited: strong evidence, not the weak one of a call', () => {
    expect(of({ containers: [EXITED] }, hook('answered'))).toEqual({ kind: 'drain', evidence: 'exit' });
  });

  test.each([PodPhase.SUCCEEDED, PodPhase.FAILED])('owns nothing in a terminal phase (%i)', phase => {
    expect(of({ phase })).toEqual({ kind: 'remove', evidence: 'terminal' });
  });
});

describe('the weight', () => {
  test.each([
    ['0', 0],
    ['100', 100],
    ['101', 10],
    ['-1', 10],
    ['ten', 10],
    ['', 10],
  ])('of annotation "%s" is %i', (text, weight) => {
    expect(weightOf(podRecord({ annotations: { [CUSTOM_WEIGHT_ANNOTATION]: text } }), RULE)).toBe(weight);
  });
});

describe('the weight of a rule', () => {
  const weights = { byDefault: 30, byPodName: { 'web-0': 0 } };

  test('is that of its name, then what the rule has for all', () => {
    expect(weightOf(podRecord({ name: 'web-0' }), { ...RULE, weights })).toBe(0);
    expect(weightOf(podRecord({ name: 'web-1' }), { ...RULE, weights })).toBe(30);
    expect(weightOf(podRecord({ name: 'web-1' }), { ...RULE, weights: { byPodName: {} } })).toBe(10);
  });

  test('of an Ingress is asked for by an annotation of its own', () => {
    const annotations = { [CUSTOM_WEIGHT_ANNOTATION]: '7', [INGRESS_CUSTOM_WEIGHT_ANNOTATION]: '9' };
    const ofIngress = { service: { ...RULE.service, kind: 'Ingress' as const } };
    expect(weightOf(podRecord({ annotations }), RULE)).toBe(7);
    expect(weightOf(podRecord({ annotations }), ofIngress)).toBe(9);
    expect(weightOf(podRecord({ annotations: { [CUSTOM_WEIGHT_ANNOTATION]: '7' } }), ofIngress)).toBe(10);
  });

  test("gives way to the Pod's own", () => {
    const annotations = { [CUSTOM_WEIGHT_ANNOTATION]: '7' };
    expect(weightOf(podRecord({ name: 'web-0', annotations }), { ...RULE, weights })).toBe(7);
  });
});

test('only deletion, exit, a lost address and a replacement that serves are strong; what a living Pod says is weak', () => {
  const strong = ['deletion', 'exit', 'replaced', 'gone', 'moved', 'terminal', 'exited', 'connections-ended'] as const;
  const weak = ['hook', 'unready', 'unselected', 'weight', 'quota'] as const;
  expect(strong.every(isStrong)).toBe(true);
  expect(weak.some(isStrong)).toBe(false);
});
