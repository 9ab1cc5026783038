import { describe, expect, test } from 'vitest';
import { DEFAULT_INSTANCE } from '../../common/instance-names.ts';
import type { LifecycleHandler, Pod, PodSpec } from '../../common/kube/objects.ts';
import { podHook } from '../../common/pods/pod-hook.ts';
import { namespaceRecord } from '../kube/namespace-reflector.ts';
import type { HookMode } from './hook-choice.ts';
import {
  container,
  eniContainer,
  eniPod,
  GATE,
  HOOK,
  inject,
  injected,
  LOOPBACK_HOOK,
  NOTED,
  TOKEN,
} from './new-pod.fixture.ts';

const HELD = 'clb-direct.io/minimum-hold-seconds';
const SUPER_NODE_TOLERATION = { key: 'eks.tke.cloud.tencent.com/eklet', operator: 'Exists' };
const SELECTED = { isSelected: true, namespace: namespaceEnforcing(undefined) };

describe('the hook', () => {
  test.each<[string, HookMode, Partial<PodSpec>, string | undefined, LifecycleHandler, HookMode]>([
    ['redirected by default', 'redirect', {}, 'restricted', HOOK, 'redirect'],
    ['a call with a token in loopback mode', 'loopback', {}, undefined, LOOPBACK_HOOK, 'loopback'],
    ['the same where Pod Security allows it', 'loopback', {}, 'privileged', LOOPBACK_HOOK, 'loopback'],
    ['a sleep in sleep mode', 'sleep', {}, undefined, { sleep: { seconds: 15 } }, 'sleep'],
    [
      'a call with a token on the host network',
      'redirect',
      { hostNetwork: true },
      undefined,
      LOOPBACK_HOOK,
      'loopback',
    ],
    ['the same in sleep mode', 'sleep', { hostNetwork: true }, undefined, LOOPBACK_HOOK, 'loopback'],
    ['a sleep where Pod Security refuses hosts', 'loopback', {}, 'baseline', { sleep: { seconds: 15 } }, 'sleep'],
    ['the same where it is restricted', 'loopback', {}, 'restricted', { sleep: { seconds: 15 } }, 'sleep'],
    [
      'a sleep for a Pod that selects a super node',
      'redirect',
      { nodeSelector: { 'node.kubernetes.io/instance-type': 'eklet' } },
      undefined,
      { sleep: { seconds: 15 } },
      'sleep',
    ],
    [
      'a sleep for a Pod that tolerates one',
      'loopback',
      { tolerations: [SUPER_NODE_TOLERATION] },
      undefined,
      { sleep: { seconds: 15 } },
      'sleep',
    ],
  ])('is %s', (_name, hookMode, spec, level, preStop, mode) => {
    const surroundings = { ...SELECTED, namespace: namespaceEnforcing(level) };
    const { pod, hookMode: told, warnings } = injected(eniPod(spec), { policy: { hookMode }, surroundings });
    expect(preStops(pod)).toEqual([preStop]);
    expect(told).toBe(mode);
    expect(warnings).toEqual(mode === 'sleep' ? [expect.stringMatching(/preStop sleeps 15 s instead of waiting/)] : []);
  });

  test('is a sleep in loopback mode as long as nobody knows what the namespace refuses', () => {
    const { pod, warnings } = injected(eniPod(), { policy: { hookMode: 'loopback' } });
    expect(preStops(pod)).toEqual([{ sleep: { seconds: 15 } }]);
    expect(warnings).toEqual([expect.stringMatching(/not known yet/)]);
  });

  test('tolerating everything is not meant for super nodes', () => {
    expect(preStops(injected(eniPod({ tolerations: [{ operator: 'Exists' }] })).pod)).toEqual([HOOK]);
  });

  test.each<[string, Partial<PodSpec>]>([
    ['declares it', { containers: [eniContainer({ ports: [{ containerPort: 19440 }] })] }],
    ['probes it', { containers: [eniContainer({ livenessProbe: { httpGet: { port: 19440, path: '/' } } })] }],
    ['has a sidecar that declares it', { initContainers: [container('web', { ports: [{ containerPort: 19440 }] })] }],
    [
      'calls it statically all the same',
      { containers: [eniContainer({ ports: [{ containerPort: 19440 }], lifecycle: { preStop: HOOK } })] },
    ],
  ])('is a sleep where the Pod uses our port itself (%s)', (_name, spec) => {
    const { pod, warnings } = injected(eniPod(spec));
    expect(preStops(pod)).toEqual([{ sleep: { seconds: 15 } }]);
    expect(warnings).toEqual([expect.stringMatching(/container "web" uses port 19440; use another port/)]);
  });

  test('sleeps as long as drains took on the Pod’s load balancers, within its budget', () => {
    const sleeping = (sleepSeconds: number, seconds: string) =>
      preStops(
        injected(eniPod({}, { 'clb-direct.io/drain-seconds': seconds }), {
          policy: { hookMode: 'sleep' },
          surroundings: { sleepSeconds },
        }).pod,
      );
    expect(sleeping(9, '30')).toEqual([{ sleep: { seconds: 9 } }]);
    expect(sleeping(90, '40')).toEqual([{ sleep: { seconds: 40 } }]);
  });

  test('carries one token for all containers, which the agent reads', () => {
    let made = 0;
    const newToken = () => `${TOKEN}-${++made}`;
    const spec = { hostNetwork: true, containers: [container('web'), container('log')] };
    const { pod } = injected(eniPod(spec), { policy: { newToken }, surroundings: SELECTED });
    expect(made).toBe(1);
    expect(podHook(pod, DEFAULT_INSTANCE.hookPort)).toEqual({ type: 'token', token: `${TOKEN}-1` });
    expect(new Set(preStops(pod).map(preStop => preStop?.httpGet?.path)).size).toBe(1);
  });

  test('of a container that another webhook adds carries the token that stands there already', () => {
    const once = injected(eniPod({ hostNetwork: true }), { surroundings: SELECTED }).pod;
    once.spec.containers.push(container('mesh'));
    const { pod } = injected(once, { policy: { newToken: () => 'another-token-than-before' }, surroundings: SELECTED });
    expect(preStops(pod)).toEqual([LOOPBACK_HOOK, LOOPBACK_HOOK]);
  });

  test.each<[string, HookMode, Partial<PodSpec>]>([
    ['redirected', 'redirect', {}],
    ['with a token', 'loopback', {}],
    ['a sleep', 'sleep', {}],
    ['of a hostNetwork Pod', 'redirect', { hostNetwork: true }],
    ['of a Pod for super nodes', 'redirect', { tolerations: [SUPER_NODE_TOLERATION] }],
  ])('is not changed a second time: %s', (_name, hookMode, spec) => {
    const containers = [eniContainer({ lifecycle: { preStop: { sleep: { seconds: 7 } } } }), container('log')];
    const circumstances = { policy: { hookMode }, surroundings: SELECTED };
    const once = injected(eniPod({ containers, ...spec }), circumstances).pod;
    expect(inject(once, circumstances).patch).toEqual([]);
  });

  test('that stands in the template already is not taken where no call would arrive', () => {
    const spec = { hostNetwork: true, containers: [container('web', { lifecycle: { preStop: HOOK } })] };
    expect(preStops(injected(eniPod(spec), { surroundings: SELECTED }).pod)).toEqual([LOOPBACK_HOOK]);
  });
});

describe('a preStop sleep of the container', () => {
  const sleeping = (seconds: number) => eniContainer({ lifecycle: { preStop: { sleep: { seconds } } } });

  test('becomes a call that is held at least as long, and the application keeps what was left to it', () => {
    const { pod, warnings } = injected(eniPod({ containers: [sleeping(25)], terminationGracePeriodSeconds: 40 }));
    expect(preStops(pod)).toEqual([HOOK]);
    expect(pod.metadata.annotations).toMatchObject({ [HELD]: '25', [NOTED]: '15' });
    expect(pod.spec.terminationGracePeriodSeconds).toBe(45);
    expect(warnings).toEqual([]);
  });

  test('longer than the drain budget raises that', () => {
    const { pod } = injected(eniPod({ containers: [sleeping(60)], terminationGracePeriodSeconds: 90 }));
    expect(pod.metadata.annotations).toMatchObject({ [HELD]: '60', [NOTED]: '30' });
    expect(pod.spec.terminationGracePeriodSeconds).toBe(90);
  });

  test('of one of several containers holds all, of which the others had their whole grace period', () => {
    const containers = [sleeping(25), container('log')];
    const { pod } = injected(eniPod({ containers, terminationGracePeriodSeconds: 40 }));
    expect(preStops(pod)).toEqual([HOOK, HOOK]);
    expect(pod.metadata.annotations).toMatchObject({ [HELD]: '25', [NOTED]: '40' });
    expect(pod.spec.terminationGracePeriodSeconds).toBe(70);
  });

  test('of one of several containers, longer than the drain budget, is added to the grace period as a whole', () => {
    const containers = [sleeping(60), container('log')];
    const { pod } = injected(eniPod({ containers, terminationGracePeriodSeconds: 70 }));
    expect(pod.spec.terminationGracePeriodSeconds).toBe(130);
  });

  test('shorter than what the Pod says itself leaves that', () => {
    const { pod } = injected(eniPod({ containers: [sleeping(5)] }, { [HELD]: '12' }));
    expect(pod.metadata.annotations).toMatchObject({ [HELD]: '12' });
  });

  test('stays in sleep mode where it is longer than ours, and is lengthened where it is not', () => {
    const policy = { hookMode: 'sleep' } as const;
    const { pod } = injected(eniPod({ containers: [sleeping(5), sleeping(20)] }), { policy });
    expect(preStops(pod)).toEqual([{ sleep: { seconds: 15 } }, { sleep: { seconds: 20 } }]);
    expect(pod.metadata.annotations?.[HELD]).toBeUndefined();
  });
});

describe('another preStop of the container', () => {
  test.each([
    ['exec', { exec: { command: ['nginx', '-s', 'quit'] } }],
    ['httpGet', { httpGet: { port: 8080, path: '/quit' } }],
    ['httpGet', { httpGet: { ...HOOK.httpGet, host: '127.0.0.1' } }],
  ])('(%s) stays, with a warning that says what is lost and what to do', (kind, preStop) => {
    const containers = [eniContainer({ lifecycle: { preStop } }), container('log')];
    const { pod, warnings } = injected(eniPod({ containers }));
    expect(preStops(pod)).toEqual([preStop, HOOK]);
    expect(warnings).toEqual([
      expect.stringMatching(`container "web" keeps its ${kind} preStop.*requests may be lost.*on SIGTERM`),
    ]);
  });

  test('in every container leaves the grace period as it is, but the gate comes', () => {
    const preStop = { exec: { command: ['true'] } };
    const { pod, hookMode } = injected(eniPod({ containers: [eniContainer({ lifecycle: { preStop } })] }));
    expect(pod.spec.readinessGates).toEqual([GATE]);
    expect(pod.spec.terminationGracePeriodSeconds).toBe(30);
    expect(hookMode).toBeUndefined();
  });
});

function preStops(pod: Pod) {
  return pod.spec.containers.map(({ lifecycle }) => lifecycle?.preStop);
}

function namespaceEnforcing(level: string | undefined) {
  const labels = level === undefined ? {} : { 'pod-security.kubernetes.io/enforce': level };
  return namespaceRecord({ metadata: { name: 'shop', labels } });
}
