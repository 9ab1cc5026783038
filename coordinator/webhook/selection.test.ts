import { describe, expect, test } from 'vitest';
import type { PodSpec } from '../../common/kube/objects.ts';
import { namespaceRecord } from '../kube/namespace-reflector.ts';
import { container, eniPod, inject, newPod } from './new-pod.fixture.ts';
import type { Surroundings } from './surroundings.ts';

const INJECT = 'clb-direct.io/inject';
const NETWORKS = 'tke.cloud.tencent.com/networks';
const SUPER_NODE = { 'node.kubernetes.io/instance-type': 'eklet' };

const resource = (name: string, count = '1') => ({
  containers: [container('web', { resources: { limits: { [name]: count } } })],
});
const onEni = resource('tke.cloud.tencent.com/eni-ip');

describe('a Pod is chosen for injection by its marks', () => {
  test.each<[string, Partial<PodSpec>, Record<string, string>, boolean]>([
    ['no mark', {}, {}, false],
    ['resource eni-ip', onEni, {}, true],
    ['resource direct-eni', resource('tke.cloud.tencent.com/direct-eni'), {}, true],
    ['resource sub-eni', resource('tke.cloud.tencent.com/sub-eni'), {}, true],
    ['resource eip', resource('tke.cloud.tencent.com/eip'), {}, false],
    ['a resource of zero', resource('tke.cloud.tencent.com/eni-ip', '0'), {}, false],
    ['networks tke-route-eni', {}, { [NETWORKS]: 'tke-route-eni' }, true],
    ['networks tke-bridge, tke-direct-eni', {}, { [NETWORKS]: 'tke-bridge, tke-direct-eni' }, true],
    ['networks tke-bridge', {}, { [NETWORKS]: 'tke-bridge' }, false],
    ['host network', { ...onEni, hostNetwork: true }, {}, false],
    ['pod-type eklet', {}, { 'tke.cloud.tencent.com/pod-type': 'eklet' }, true],
    ['a super node selected', { nodeSelector: SUPER_NODE }, {}, true],
  ])('%s', (_name, spec, annotations, expected) => {
    expect(isInjected(newPod(spec, annotations))).toBe(expected);
  });

  test('and unmarked ones where the cluster is configured as pure VPC-CNI, but not on other networks', () => {
    const policy = { pods: 'always' } as const;
    expect(inject(newPod({}), { policy }).patch).not.toEqual([]);
    expect(inject(newPod({ hostNetwork: true }), { policy }).patch).toEqual([]);
    expect(inject(newPod({}, { [NETWORKS]: 'tke-bridge' }), { policy }).patch).toEqual([]);
  });
});

describe('a Pod that something of ours selects is chosen', () => {
  const isSelected = true;

  test.each<[string, Partial<PodSpec>, Record<string, string>, boolean]>([
    ['without any mark', {}, {}, true],
    ['on the host network', { hostNetwork: true }, {}, true],
    ['unless it names another network', {}, { [NETWORKS]: 'tke-bridge' }, false],
    ['unless it says no', {}, { [INJECT]: 'false' }, false],
  ])('%s', (_name, spec, annotations, expected) => {
    expect(isInjected(newPod(spec, annotations), { isSelected })).toBe(expected);
  });
});

describe('the word of a Pod', () => {
  test.each<[string, Record<string, string>, Record<string, string>, boolean]>([
    ['an annotation "true"', { [INJECT]: 'true' }, {}, true],
    ['a label "true"', {}, { [INJECT]: 'true' }, true],
    ['an annotation against its label', { [INJECT]: 'false' }, { [INJECT]: 'true' }, false],
  ])('counts: %s', (_name, annotations, labels, expected) => {
    const pod = newPod({}, annotations);
    pod.metadata.labels = labels;
    expect(isInjected(pod)).toBe(expected);
    expect(isInjected(pod, { namespace: namespaceSaying(String(!expected)) })).toBe(expected);
  });

  test('that is neither "true" nor "false" does not count, with a warning', () => {
    const { patch, warnings } = inject(eniPod({}, { [INJECT]: 'yes' }));
    expect(patch).not.toEqual([]);
    expect(warnings).toEqual([expect.stringMatching(/"yes" is neither "true" nor "false"/)]);
  });
});

describe('the word of a namespace', () => {
  test('counts for Pods that have none of their own, and on any network but the host’s', () => {
    expect(isInjected(newPod({}), { namespace: namespaceSaying('true') })).toBe(true);
    expect(isInjected(newPod({ hostNetwork: true }), { namespace: namespaceSaying('true') })).toBe(false);
    expect(isInjected(eniPod(), { namespace: namespaceSaying('false') })).toBe(false);
    expect(isInjected(eniPod(), { namespace: namespaceSaying('false'), isSelected: true })).toBe(false);
  });

  test('that is neither "true" nor "false" does not count', () => {
    expect(isInjected(newPod({}), { namespace: namespaceSaying('yes') })).toBe(false);
    expect(isInjected(eniPod(), { namespace: namespaceSaying('no') })).toBe(true);
  });

  test('is read from its annotation, else from its label', () => {
    const record = (annotations: Record<string, string>, labels: Record<string, string>) =>
      namespaceRecord({ metadata: { name: 'shop', annotations, labels } }).inject;
    expect(record({ [INJECT]: 'true' }, { [INJECT]: 'false' })).toBe(true);
    expect(record({}, { [INJECT]: 'false' })).toBe(false);
    expect(record({}, {})).toBeUndefined();
  });
});

describe('never chosen are', () => {
  const everything = { isSelected: true, namespace: namespaceSaying('true') };

  test('mirror Pods, which follow a file on their node', () => {
    const annotations = { 'kubernetes.io/config.mirror': 'x', [INJECT]: 'true' };
    expect(isInjected(newPod(onEni, annotations), everything)).toBe(false);
  });

  test('our own Pods, which must start without us', () => {
    const pod = eniPod({}, { [INJECT]: 'true' });
    pod.metadata.labels = { 'app.kubernetes.io/name': 'clb-direct' };
    expect(isInjected(pod, everything)).toBe(false);
  });

  test('Pods of kube-system that do not ask for it themselves', () => {
    const surroundings = { ...everything, namespaceName: 'kube-system' };
    expect(isInjected(newPod({ ...onEni, hostNetwork: true }), surroundings)).toBe(false);
    expect(isInjected(eniPod(), surroundings)).toBe(false);
    expect(isInjected(eniPod({}, { [INJECT]: 'true' }), surroundings)).toBe(true);
  });
});

function namespaceSaying(word: string) {
  return namespaceRecord({ metadata: { name: 'shop', annotations: { [INJECT]: word } } });
}

function isInjected(pod: ReturnType<typeof newPod>, surroundings: Partial<Surroundings> = {}): boolean {
  return inject(pod, { surroundings }).patch.length > 0;
}
