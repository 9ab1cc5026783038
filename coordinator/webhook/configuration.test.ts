import { describe, expect, test } from 'vitest';
import { DEFAULT_INSTANCE, type InstanceNames, instanceNames } from '../../common/instance-names.ts';
import type { Pod } from '../../common/kube/objects.ts';
import type { ApiObject, JsonObject } from '../../sandbox/kube/api/json.ts';
import { holdConditions } from '../../sandbox/kube/api/match-conditions.ts';
import { matchesLabelSelector } from '../../sandbox/kube/api/selectors.ts';
import { namespaceRecord } from '../kube/namespace-reflector.ts';
import { webhookConfiguration } from './configuration.ts';
import { container, eniContainer, eniPod, GATE, HOOK, injected, newPod } from './new-pod.fixture.ts';

const inner = instanceNames({ name: 'inner', hookPort: 19_450 });
const gated = { readinessGates: [GATE] };
const hooked = { preStop: HOOK };
/** A namespace that refuses nothing. */
const surroundings = { isSelected: true, namespace: namespaceRecord({ metadata: { name: 'default' } }) };
const asObject = (pod: Pod) => pod as unknown as ApiObject;

const [first, second] = entriesOf() as [JsonObject, JsonObject];

function entriesOf({ names = DEFAULT_INSTANCE, parts = 2 } = {}): readonly object[] {
  return webhookConfiguration({ namespace: 'clb-direct', caPem: () => 'CA 1', parts, names }).desired() as [];
}

test('the webhook configuration sends creations of Pods to our Service, and lets them pass when nobody answers', () => {
  const entry = (port: number) => ({
    failurePolicy: 'Ignore',
    sideEffects: 'None',
    reinvocationPolicy: 'IfNeeded',
    matchPolicy: 'Equivalent',
    rules: [{ operations: ['CREATE'], resources: ['pods'] }],
    namespaceSelector: { matchExpressions: [{ operator: 'NotIn', values: ['kube-system'] }] },
    clientConfig: {
      caBundle: btoa('CA 1'),
      service: { name: 'clb-direct-webhook', namespace: 'clb-direct', port, path: '/mutate-pods' },
    },
  });
  expect(entriesOf()).toMatchObject([
    { name: 'pods.clb-direct.io', timeoutSeconds: 3, ...entry(9444) },
    { name: 'second.pods.clb-direct.io', timeoutSeconds: 2, ...entry(9445) },
  ]);
  expect(entriesOf({ parts: 1 })).toMatchObject([entry(9444)]);
  expect(entriesOf({ parts: 3 })).toMatchObject([9444, 9445, 9446].map(entry));
});

describe('the API server does not ask us about Pods that are never injected', () => {
  const isAsked = (entry: JsonObject, annotations?: Record<string, string>) =>
    holdConditions(entry, asObject(newPod({}, annotations)));

  test.each<[string, Record<string, string> | undefined, boolean]>([
    ['without annotations', undefined, true],
    ['with others', { team: 'shop' }, true],
    ['that ask for it', { 'clb-direct.io/inject': 'true' }, true],
    ['that decline', { 'clb-direct.io/inject': 'false' }, false],
    ['that mirror a file', { 'kubernetes.io/config.mirror': 'x' }, false],
  ])('%s', (_name, annotations, expected) => {
    expect([first, second].map(entry => isAsked(entry, annotations))).toEqual([expected, expected]);
  });
});

describe('the API server asks us, the second time as the first, about a Pod', () => {
  const exec = { preStop: { exec: { command: ['true'] } } };
  const meshed = injected(eniPod()).pod;
  meshed.spec.containers.push(container('mesh'));

  test.each<[string, Pod, boolean]>([
    ['not when it has got gate and hook', injected(eniPod()).pod, false],
    ['not when it has got a hook with a token', injected(eniPod({ hostNetwork: true }), { surroundings }).pod, false],
    ['when it has neither', eniPod(), true],
    ['with the gate of another instance', injected(eniPod(), { policy: { names: inner } }).pod, true],
    ['with our gate and no hook', eniPod(gated), true],
    ['with our gate and another hook', eniPod({ ...gated, containers: [eniContainer({ lifecycle: exec })] }), true],
    ['with our hook and no gate', eniPod({ containers: [eniContainer({ lifecycle: hooked })] }), true],
    ['whose author wrote both', eniPod({ ...gated, containers: [eniContainer({ lifecycle: hooked })] }), true],
    ['to which another webhook has added a container', meshed, true],
  ])('%s', (_name, pod, expected) => {
    expect([first, second].map(entry => holdConditions(entry, asObject(pod)))).toEqual([expected, expected]);
  });
});

test('each of two instances asks for its own Pods alone', () => {
  const selects = (names?: InstanceNames) => {
    const pods = [{}, { 'clb-direct.io/instance': 'inner' }, { 'clb-direct.io/instance': 'other' }];
    const entries = entriesOf({ ...(names && { names }) }) as readonly { readonly objectSelector: JsonObject }[];
    return entries.map(({ objectSelector }) => pods.map(labels => matchesLabelSelector(objectSelector, labels)));
  };
  const alone = [true, false, false];
  const other = [false, true, false];
  expect(selects()).toEqual([alone, alone]);
  expect(selects(inner)).toEqual([other, other]);
});
