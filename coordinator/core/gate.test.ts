import { describe, expect, test } from 'vitest';
import { CUSTOM_WEIGHT_ANNOTATION } from '../../common/names.ts';
import { GateState } from '../../common/pod-record.ts';
import { bindingKey } from './binding-key.ts';
import type { PodView } from './cluster-view.ts';
import { type GateInput, gateDecision } from './gate.ts';
import { placedRule, podView } from './pod.fixture.ts';
import type { Rule } from './rule.ts';
import { type BoundTarget, type PlacedRule, placeOf, type RuleTarget } from './rule-state.ts';

const HTTP = placedRule();
const HTTPS = placedRule({ id: 's0/TCP/443', port: 443, place: { ...HTTP.place, listenerId: 'lbl-1' } });

interface Scene {
  readonly pod?: PodView;
  readonly rules?: readonly Rule[];
  /** What is bound for the Pod, on each rule unless told otherwise. */
  readonly bound?: Partial<BoundTarget> | undefined;
  readonly boundOn?: readonly PlacedRule[];
  readonly target?: Partial<RuleTarget>;
  readonly provenUnselected?: boolean;
  readonly more?: Partial<GateInput>;
}

function decide(scene: Scene) {
  const { pod = podView(), rules = [HTTP], boundOn = [HTTP, HTTPS], provenUnselected = false } = scene;
  const keys = new Set(boundOn.map(rule => bindingKey(placeOf(rule, pod) ?? { ...nowhere, port: 0 })));
  const targetAt: GateInput['targetAt'] = (_, key) => (keys.has(key) ? target(pod, key, scene) : undefined);
  return gateDecision({ pod, rules, targetAt, provenUnselected, ...scene.more });
}

const OTHERS_MARK = { cluster: 'c1', namespace: 'default', name: 'pod-0', podUid: 'pod-0' };
const nowhere = { listenerId: '', locationId: '', address: '' };

function target(pod: PodView, key: string, scene: Scene): RuleTarget {
  const mark = { cluster: 'c1', namespace: 'default', name: 'pod-1', podUid: pod.record.uid };
  const bound = { weight: 10, mark, health: 'healthy', owner: pod, ...scene.bound } as const;
  return { key, place: { ...nowhere, port: 80 }, bound, wanted: undefined, transaction: undefined, ...scene.target };
}

describe('the gate of a Pod whose rule is paused', () => {
  const PAUSED = { ...HTTP, isPaused: true };

  test('stays shut while the Pod is not bound, and tells why (L3)', () => {
    const unmade = { ...PAUSED, place: undefined };
    for (const rule of [PAUSED, unmade]) {
      const decision = decide({ rules: [HTTPS, rule], boundOn: [HTTPS] });
      expect(decision).toMatchObject({ status: 'closed', reason: 'Paused' });
      expect(decision).toHaveProperty('message', expect.stringContaining('clb-direct.io/paused'));
    }
  });

  test('opens when CLB says that the Pod serves, and waits for that word alone', () => {
    expect(decide({ rules: [PAUSED] })).toMatchObject({ status: 'open' });
    expect(decide({ rules: [PAUSED], bound: { health: 'unhealthy' } })).toMatchObject({
      reason: 'WaitingForHealthCheck',
    });
  });
});

describe('the gate opens', () => {
  test('when CLB reports the Pod healthy with its weight on every rule', () => {
    expect(decide({ rules: [HTTP, HTTPS] })).toEqual({
      status: 'open',
      reason: 'LoadBalancerReady',
      message: 'Healthy on default/web TCP:80, default/web TCP:443.',
    });
  });

  test('when the health check is switched off', () => {
    expect(decide({ bound: { health: 'closed' } }).status).toBe('open');
  });

  test('when the user’s own weight 0 was read back', () => {
    const pod = podView({ annotations: { [CUSTOM_WEIGHT_ANNOTATION]: '0' } });
    expect(decide({ pod, bound: { weight: 0 } }).status).toBe('open');
    expect(decide({ pod, bound: { weight: 10 } }).status).toBe('closed');
  });

  test('for an unready Pod of a Service that publishes unready addresses', () => {
    const pod = podView({ ready: false });
    expect(decide({ pod, rules: [placedRule({ publishNotReadyAddresses: true })] }).status).toBe('open');
    expect(decide({ pod })).toMatchObject({ status: 'closed', reason: 'WaitingForPod' });
  });

  test('when one of two ports is refused and the other serves: the refused one harms only itself (L10)', () => {
    const refused: Rule = { ...HTTPS, place: undefined, refusal: 'CD1005' };
    expect(decide({ rules: [HTTP, refused] })).toMatchObject({ status: 'open', reason: 'LoadBalancerReady' });
    expect(decide({ rules: [refused] })).toMatchObject({ status: 'open', reason: 'NotSelected' });
  });

  test('for a Pod in the host’s network that is bound by its node', () => {
    const pod = podView({ hostNetwork: true, eni: undefined }, { instanceId: 'ins-1' });
    expect(decide({ pod })).toMatchObject({ status: 'open', reason: 'LoadBalancerReady' });
  });

  test('for a Pod that no rule selects only when a consistent list has proven it', () => {
    expect(decide({ rules: [] })).toEqual({ status: 'unknown' });
    expect(decide({ rules: [], provenUnselected: true })).toMatchObject({ status: 'open', reason: 'NotSelected' });
  });

  describe.each([
    ['no rule', []],
    ['only a rule that CLB refuses', [{ ...HTTPS, place: undefined, refusal: 'CD1005' }]],
  ])('for a Pod that %s selects', (_name, rules: Rule[]) => {
    test('only when it has the addresses for which the gate then stays open', () => {
      const pod = podView({ addresses: [] });
      expect(decide({ pod, rules, provenUnselected: true })).toEqual({ status: 'unknown' });
    });

    test('only when the API server has confirmed its labels (L12)', () => {
      const pod = podView({}, { confirmed: false });
      expect(decide({ pod, rules, provenUnselected: true })).toEqual({ status: 'unknown' });
    });
  });
});

describe('the gate stays closed', () => {
  test('and tells how many rules are ready and what the others wait for', () => {
    expect(decide({ rules: [HTTP, HTTPS], boundOn: [HTTP] })).toEqual({
      status: 'closed',
      reason: 'WaitingForRegistration',
      message: '1 of 2 rules ready; default/web TCP:443 on lb-1/lbl-1: not yet read back with weight 10.',
    });
  });

  test.each<[string, Scene, string]>([
    ['the health check fails', { bound: { health: 'unhealthy' } }, 'WaitingForHealthCheck'],
    ['the health check says nothing yet', { bound: { health: undefined } }, 'WaitingForHealthCheck'],
    ['another weight was read back', { bound: { weight: 0 } }, 'WaitingForRegistration'],
    ['the binding is of the last owner of the address', { bound: { mark: OTHERS_MARK } }, 'WaitingForRegistration'],
    ['the load balancer is being made', { rules: [{ ...HTTP, place: undefined }] }, 'WaitingForLoadBalancer'],
    ['the Pod is not on an ENI', { pod: podView({ eni: undefined }) }, 'NotOnEni'],
    ['its node is not known as an instance', { pod: podView({ hostNetwork: true, eni: undefined }) }, 'NoInstance'],
    ['it has no address of the family', { rules: [placedRule({ addressFamily: 'IPv6' })] }, 'WaitingForPod'],
    ['no container has the port', { rules: [placedRule({ targetPort: 'grpc' })] }, 'NoSuchPort'],
    ['the API server has not confirmed the Pod', { pod: podView({}, { confirmed: false }) }, 'WaitingForPod'],
  ])('while %s', (_, scene, reason) => {
    expect(decide(scene)).toMatchObject({ status: 'closed', reason });
  });

  test('while nothing new is opened on its node, whose end is announced; what is open there says so', () => {
    const pod = podView({}, { nodeSign: { kind: 'spot-termination', detail: '', seenAtMs: 0 } });
    expect(decide({ pod, bound: { weight: 0 } })).toMatchObject({
      status: 'closed',
      reason: 'NodeLeaving',
      message: expect.stringContaining('node n1, whose end is announced (spot-termination)'),
    });
    expect(decide({ pod })).toMatchObject({ status: 'open', reason: 'LoadBalancerReady' });
  });

  test('while a change is under way, whatever health says', () => {
    const transaction = { key: '', operation: 'reweight', podUid: 'pod-1', weight: 10, startedAt: 0 } as const;
    const scene = { target: { transaction: { ...transaction, endedAt: undefined } } };
    expect(decide(scene)).toMatchObject({ status: 'closed', reason: 'WaitingForRegistration' });
  });
});

test('the gate of a Pod whose target CLB refuses tells the code', () => {
  const decision = decide({ bound: { weight: 0 }, target: { refusal: 'CD2009' } });
  expect(decision).toMatchObject({ status: 'closed', message: expect.stringContaining('CD2009') });
});

test('the gate of a Pod whose target is unhealthy tells since when', () => {
  const unhealthySinceMs = () => Date.UTC(2026, 0, 1, 12, 0, 5, 250);
  expect(decide({ bound: { health: 'unhealthy' }, more: { unhealthySinceMs } })).toMatchObject({
    message:
      '0 of 1 rules ready; default/web TCP:80 on lb-1/lbl-0: the health check says unhealthy since 2026-01-01T12:00:05Z.',
  });
  expect(decide({ bound: { health: 'unknown' }, more: { unhealthySinceMs } })).toMatchObject({
    message: expect.stringMatching(/says unknown\.$/),
  });
});

test('the gate of a Pod for which the rule has no place tells the quota, and only while it has none', () => {
  const quotaOf = () => 200;
  expect(decide({ boundOn: [], more: { quotaOf } })).toMatchObject({
    reason: 'WaitingForRegistration',
    message: expect.stringContaining("CLB's quota of 200 targets on the rule leaves no place (CD1011)"),
  });
  expect(decide({ bound: { weight: 0 }, more: { quotaOf } })).toMatchObject({
    message: expect.stringContaining('not yet read back with weight 10'),
  });
});

test('the gate names the forwarding rule of a Pod on layer 7', () => {
  const forwarding = { scheme: 'HTTPS', domain: 'shop.example', url: '/cart' } as const;
  const rule = placedRule({ forwarding, place: { ...HTTP.place, locationId: 'loc-1' } });
  expect(decide({ rules: [rule], boundOn: [] })).toMatchObject({
    message: expect.stringContaining('default/web HTTPS://shop.example/cart on lb-1/lbl-0/loc-1: '),
  });
});

test('nothing is said about the gate of a Pod that is deleted or has none', () => {
  expect(decide({ pod: podView({}, { deletionSeenAt: 1 }) })).toEqual({ status: 'unknown' });
  expect(decide({ pod: podView({ gate: GateState.ABSENT }) })).toEqual({ status: 'unknown' });
});
