import { describe, expect, test } from 'vitest';
import { GateState, type PodRecord, Protocol } from '../../common/pod-record.ts';
import { type ClusterView, clusterView } from './cluster-view.ts';
import { formatMark } from './mark.ts';
import { placedRule, podRecord, podView } from './pod.fixture.ts';
import { ReportStore } from './report-store.ts';
import { placeOf, ruleState } from './rule-state.ts';

const RULE = placedRule();
const KEY = 'lbl-0||10.0.0.1|80';

/** A view in which each Pod is reported by a node of its own. */
function viewOf(pods: readonly PodRecord[], confirmed: readonly string[]): ClusterView {
  const store = new ReportStore();
  for (const pod of pods) store.apply(`node of ${pod.uid}`, { upserts: [pod], removals: [] }, 0);
  return clusterView({ store, drains: new Map(), confirmed: new Set(confirmed) });
}

function stateOf(view: ClusterView, tag?: string) {
  const binding = { listenerId: 'lbl-0', locationId: '', address: '10.0.0.1', port: 80, weight: 10, tag: tag ?? '' };
  const bindings = new Map(tag === undefined ? [] : [[KEY, binding] as const]);
  return ruleState(RULE, {
    selected: view.podsSelectedBy(RULE),
    pods: view.pods,
    cluster: 'c1',
    observed: { listenerId: 'lbl-0', bindings, health: new Map() },
    transactions: new Map(),
    quarantined: new Map(),
  });
}

function targetsOf(view: ClusterView, tag?: string) {
  return stateOf(view, tag).targets;
}

describe('the place of a Pod on a rule', () => {
  test('is its IPv4 address and the port behind a name', () => {
    const pod = podView({ addresses: ['fd00::1', '10.0.0.7'] });
    expect(placeOf(placedRule({ targetPort: 'http' }), pod)).toMatchObject({ address: '10.0.0.7', port: 80 });
  });

  test.each<[string, Partial<PodRecord>]>([
    ['has no address', { addresses: [] }],
    ['has IPv6 alone', { addresses: ['fd00::1'] }],
    ['is not on an ENI', { eni: { attached: false, reason: 'no ENI annotation' } }],
    ['shares the network of a node that is not known as an instance', { hostNetwork: true }],
    ['is of another namespace', { namespace: 'other' }],
    ['does not match the selector', { labels: { app: 'other' } }],
  ])('is none when the Pod %s', (_, fields) => {
    expect(placeOf(RULE, podView(fields))).toBeUndefined();
  });

  test('is its IPv6 address on a load balancer that is IPv6 to the end', () => {
    const pod = podView({ addresses: ['10.0.0.7', 'fd00::1'] });
    const rule = placedRule({ addressFamily: 'IPv6' });
    expect(placeOf(rule, pod)).toMatchObject({ address: 'fd00::1' });
    expect(placeOf(rule, podView())).toBeUndefined();
  });

  test('is its node’s instance when it shares the node’s network, ENI or not', () => {
    const pod = podView({ hostNetwork: true, eni: undefined, addresses: ['10.0.9.1'] }, { instanceId: 'ins-1' });
    expect(placeOf(RULE, pod)).toMatchObject({ address: '10.0.9.1', port: 80, instanceId: 'ins-1' });
  });

  test('is none when no container has a port of that name and protocol', () => {
    const ports = [{ name: 'dns', port: 53, protocol: Protocol.UDP }];
    expect(placeOf(placedRule({ targetPort: 'dns' }), podView({ ports }))).toBeUndefined();
  });
});

test('Pods on an ENI are awaited that have no address yet', () => {
  const none = { addresses: [] };
  const pods = [
    podRecord(),
    podRecord({ uid: 'pod-2', ...none }),
    podRecord({ uid: 'pod-3', ...none, eni: { attached: false, reason: 'no ENI annotation' } }),
    podRecord({ uid: 'pod-4', ...none, hostNetwork: true }),
  ];
  expect(stateOf(viewOf(pods, [])).awaited.map(({ record }) => record.uid)).toEqual(['pod-2']);
});

describe('an address that several Pods claim', () => {
  const holder = podRecord();
  const other = podRecord({ uid: 'pod-2', gate: GateState.CLOSED });

  test('belongs to none of two living ones that nobody has confirmed', () => {
    expect(targetsOf(viewOf([holder, other], []))[0]?.wanted).toBeUndefined();
  });

  test('belongs to the one that the API server confirmed: a claim alone takes nothing from it (L12)', () => {
    expect(targetsOf(viewOf([other, holder], ['pod-1']))[0]?.wanted?.pod.record.uid).toBe('pod-1');
  });

  test('belongs to the living one when the other is on its way out', () => {
    const leaving = { ...holder, deletion: { seenAtMs: 0, gracePeriodSeconds: 30 } };
    expect(targetsOf(viewOf([leaving, other], []))[0]?.wanted?.pod.record.uid).toBe('pod-2');
  });
});

describe('a bound target', () => {
  const tag = formatMark({ cluster: 'c1', namespace: 'default', name: 'pod-1', podUid: 'pod-1' });

  test('has the owner that its mark names', () => {
    expect(targetsOf(viewOf([podRecord()], []), tag)[0]?.bound?.owner?.record.uid).toBe('pod-1');
  });

  test('has none when nobody vouches for its Pod, and no mark when it is not ours (L6)', () => {
    expect(targetsOf(viewOf([], []), tag)[0]?.bound).toMatchObject({ mark: { podUid: 'pod-1' }, owner: undefined });
    const others = [
      ['somebody', false],
      [tag.replace('c1', 'c2'), true],
      [tag.replace('cd1', 'cd2'), true],
    ] as const;
    for (const [otherTag, hasOthersMark] of others) {
      expect(targetsOf(viewOf([podRecord()], []), otherTag)[0]?.bound).toMatchObject({
        mark: undefined,
        hasOthersMark,
      });
    }
  });
});
