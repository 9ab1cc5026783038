import { describe, expect, test } from 'vitest';
import type { Container, Pod, PodSpec } from '../../common/kube/objects.ts';
import { injectPod, DEFAULT_INJECTION_POLICY as POLICY } from './inject.ts';
import { patched } from './json-patch-fixture.ts';

const GATE = { conditionType: 'clb-direct.io/load-balancer-ready' };
const HOOK = { httpGet: { port: 19440, path: '/v1/drain' } };
const ENI = { limits: { 'tke.cloud.tencent.com/eni-ip': '1' }, requests: { 'tke.cloud.tencent.com/eni-ip': '1' } };
const NOTED = 'clb-direct.io/application-grace-seconds';

describe('a Pod on an ENI', () => {
  test('gets the gate, a hook on each container, and the drain budget on top of its own grace period', () => {
    const { pod, warnings } = injected(
      eniPod({ containers: [container('web', { resources: ENI }), container('log')] }),
    );
    expect(pod.spec.readinessGates).toEqual([GATE]);
    expect(pod.spec.containers.map(({ lifecycle }) => lifecycle)).toEqual([{ preStop: HOOK }, { preStop: HOOK }]);
    expect(pod.spec.terminationGracePeriodSeconds).toBe(60);
    expect(pod.metadata.annotations).toEqual({ [NOTED]: '30' });
    expect(warnings).toEqual([]);
  });

  test('keeps its other gates, annotations and life-cycle hooks', () => {
    const postStart = { exec: { command: ['true'] } };
    const { pod } = injected(
      eniPod(
        {
          readinessGates: [{ conditionType: 'example.com/own' }],
          containers: [eniContainer({ lifecycle: { postStart } })],
        },
        { team: 'shop' },
      ),
    );
    expect(pod.spec.readinessGates).toEqual([{ conditionType: 'example.com/own' }, GATE]);
    expect(pod.spec.containers[0]?.lifecycle).toEqual({ postStart, preStop: HOOK });
    expect(pod.metadata.annotations).toEqual({ team: 'shop', [NOTED]: '30' });
  });

  test('is not changed a second time', () => {
    const once = injected(eniPod({ terminationGracePeriodSeconds: 45 })).pod;
    expect(injectPod(once, POLICY)).toEqual({ patch: [], warnings: [] });
  });

  test('to which another webhook added a container gets that hook, and no second raise', () => {
    const once = injected(eniPod({})).pod;
    once.spec.containers.push(container('mesh'));
    const { pod } = injected(once);
    expect(pod.spec.containers.at(-1)?.lifecycle).toEqual({ preStop: HOOK });
    expect(pod.spec.terminationGracePeriodSeconds).toBe(60);
  });

  test('whose grace period was lowered again after the raise is raised to the same', () => {
    const once = injected(eniPod({})).pod;
    once.spec.terminationGracePeriodSeconds = 30;
    once.spec.containers.push(container('mesh'));
    expect(injected(once).pod.spec.terminationGracePeriodSeconds).toBe(60);
  });

  test('that carries gate and hook in its template already is left as its author wrote it', () => {
    const spec = { readinessGates: [GATE], containers: [eniContainer({ lifecycle: { preStop: HOOK } })] };
    expect(injectPod(eniPod({ ...spec, terminationGracePeriodSeconds: 40 }), POLICY).patch).toEqual([]);
  });

  test.each(['abc', '101', '-1', '1.5', ''])('whose custom weight is "%s" gets a warning', weight => {
    const pod = eniPod({ containers: [eniContainer({})] });
    pod.metadata.annotations = { ...pod.metadata.annotations, 'service.cloud.tencent.com/custom-weight': weight };
    const [warning] = injectPod(pod, POLICY).warnings;
    expect(warning).toMatch(/^service.cloud.tencent.com\/custom-weight: ".*" is not a whole number from 0 to 100/);
  });

  test.each(['0', '10', '100'])('whose custom weight is "%s" gets none', weight => {
    const pod = eniPod({ containers: [eniContainer({})] });
    pod.metadata.annotations = { ...pod.metadata.annotations, 'service.cloud.tencent.com/custom-weight': weight };
    expect(injectPod(pod, POLICY).warnings).toEqual([]);
  });

  test.each([
    ['25', 55, undefined],
    ['601', 630, /"601" is above the limit.*600 is used/],
    ['soon', 60, /"soon" is not a whole number of seconds from 1 to 600; 30 is used/],
    ['0', 60, /"0" is not a whole number/],
    ['-5', 60, /"-5" is not a whole number/],
    ['1.5', 60, /"1.5" is not a whole number/],
    ['', 60, /"" is not a whole number/],
  ])('that asks for drain-seconds %o gets a grace period of %i s', (text, graceSeconds, warning) => {
    const { pod, warnings } = injected(eniPod({}, { 'clb-direct.io/drain-seconds': text }));
    expect(pod.spec.terminationGracePeriodSeconds).toBe(graceSeconds);
    expect(warnings).toEqual(warning ? [expect.stringMatching(warning)] : []);
  });

  test.each([
    ['sleep', { sleep: { seconds: 5 } }],
    ['exec', { exec: { command: ['nginx', '-s', 'quit'] } }],
    ['httpGet', { httpGet: { port: 8080, path: '/quit' } }],
    ['httpGet', { httpGet: { ...HOOK.httpGet, host: '127.0.0.1' } }],
  ])('keeps a %s preStop of its own, with a warning that says what is lost and what to do', (kind, preStop) => {
    const { pod, warnings } = injected(
      eniPod({ containers: [eniContainer({ lifecycle: { preStop } }), container('log')] }),
    );
    expect(pod.spec.containers.map(({ lifecycle }) => lifecycle?.preStop)).toEqual([preStop, HOOK]);
    expect(warnings).toEqual([
      expect.stringMatching(`container "web" keeps its ${kind} preStop.*requests may be lost.*on SIGTERM`),
    ]);
  });

  test('whose every container keeps its own preStop gets the gate but no longer grace period', () => {
    const { pod } = injected(
      eniPod({ containers: [eniContainer({ lifecycle: { preStop: { sleep: { seconds: 5 } } } })] }),
    );
    expect(pod.spec.readinessGates).toEqual([GATE]);
    expect(pod.spec.terminationGracePeriodSeconds).toBe(30);
  });

  test.each<[string, Partial<PodSpec>]>([
    ['declares it', { containers: [eniContainer({ ports: [{ containerPort: 19440 }] })] }],
    ['probes it', { containers: [eniContainer({ livenessProbe: { httpGet: { port: 19440, path: '/' } } })] }],
    ['has a sidecar that declares it', { initContainers: [container('web', { ports: [{ containerPort: 19440 }] })] }],
  ])('that uses the hook port itself (%s) gets no hook and a warning', (_name, spec) => {
    const { pod, warnings } = injected(eniPod(spec));
    expect(pod.spec.containers[0]?.lifecycle).toBeUndefined();
    expect(pod.spec.terminationGracePeriodSeconds).toBe(30);
    expect(warnings).toEqual([expect.stringMatching(/container "web" uses port 19440.*use another port/)]);
  });

  test('has its init containers left alone', () => {
    const { pod } = injected(eniPod({ initContainers: [container('sidecar', { restartPolicy: 'Always' })] }));
    expect(pod.spec.initContainers?.[0]?.lifecycle).toBeUndefined();
  });

  test('gets warnings that the API server passes on in full', () => {
    const name = 'n'.repeat(63);
    const containers = [container(name, { resources: ENI, lifecycle: { preStop: { httpGet: { port: 1 } } } })];
    const annotations = { 'clb-direct.io/drain-seconds': 'x'.repeat(1_000), 'clb-direct.io/inject': 'y'.repeat(1_000) };
    for (const spec of [{ containers }, { initContainers: [container(name, { ports: [{ containerPort: 19440 }] })] }]) {
      for (const warning of injectPod(eniPod(spec, annotations), POLICY).warnings) {
        expect(warning.length).toBeLessThanOrEqual(256);
        expect(warning).not.toMatch(/…$/);
      }
    }
  });
});

describe('injection is chosen', () => {
  const bare = { containers: [container('web')] };
  const resource = (name: string) => ({ containers: [container('web', { resources: { limits: { [name]: '1' } } })] });

  test.each<[string, Partial<PodSpec>, Record<string, string>, boolean]>([
    ['no mark', bare, {}, false],
    ['resource eni-ip', resource('tke.cloud.tencent.com/eni-ip'), {}, true],
    ['resource direct-eni', resource('tke.cloud.tencent.com/direct-eni'), {}, true],
    ['resource sub-eni', resource('tke.cloud.tencent.com/sub-eni'), {}, true],
    ['resource eip', resource('tke.cloud.tencent.com/eip'), {}, false],
    [
      'a resource of zero',
      { containers: [container('web', { resources: { limits: { 'tke.cloud.tencent.com/eni-ip': '0' } } })] },
      {},
      false,
    ],
    ['networks tke-route-eni', bare, { 'tke.cloud.tencent.com/networks': 'tke-route-eni' }, true],
    [
      'networks tke-bridge,tke-direct-eni',
      bare,
      { 'tke.cloud.tencent.com/networks': 'tke-bridge, tke-direct-eni' },
      true,
    ],
    ['networks tke-bridge', bare, { 'tke.cloud.tencent.com/networks': 'tke-bridge' }, false],
    ['host network', { ...resource('tke.cloud.tencent.com/eni-ip'), hostNetwork: true }, {}, false],
    ['pod-type eklet', resource('tke.cloud.tencent.com/eni-ip'), { 'tke.cloud.tencent.com/pod-type': 'eklet' }, false],
    [
      'a super node selected',
      { ...resource('tke.cloud.tencent.com/eni-ip'), nodeSelector: { 'node.kubernetes.io/instance-type': 'eklet' } },
      {},
      false,
    ],
    ['inject "true" without mark', bare, { 'clb-direct.io/inject': 'true' }, true],
    ['inject "false" with mark', resource('tke.cloud.tencent.com/eni-ip'), { 'clb-direct.io/inject': 'false' }, false],
    [
      'a mirror Pod',
      resource('tke.cloud.tencent.com/eni-ip'),
      { 'kubernetes.io/config.mirror': 'x', 'clb-direct.io/inject': 'true' },
      false,
    ],
  ])('by its marks: %s', (_name, spec, annotations, expected) => {
    expect(injectPod(somePod(spec, annotations), POLICY).patch.length > 0).toBe(expected);
  });

  test('never for our own Pods', () => {
    const pod = eniPod({}, { 'clb-direct.io/inject': 'true' });
    pod.metadata.labels = { 'app.kubernetes.io/name': 'clb-direct' };
    expect(injectPod(pod, POLICY)).toEqual({ patch: [], warnings: [] });
  });

  test('for unmarked Pods where the cluster is configured as pure VPC-CNI, but not on other networks', () => {
    const policy = { ...POLICY, pods: 'always' } as const;
    expect(injectPod(somePod(bare), policy).patch).not.toEqual([]);
    expect(injectPod(somePod({ ...bare, hostNetwork: true }), policy).patch).toEqual([]);
    expect(injectPod(somePod(bare, { 'tke.cloud.tencent.com/networks': 'tke-bridge' }), policy).patch).toEqual([]);
  });

  test('by the marks when the annotation is neither "true" nor "false", with a warning', () => {
    const { patch, warnings } = injectPod(eniPod({}, { 'clb-direct.io/inject': 'yes' }), POLICY);
    expect(patch).not.toEqual([]);
    expect(warnings).toEqual([expect.stringMatching(/"yes" is neither "true" nor "false"/)]);
  });

  test('for a hostNetwork Pod that asks for it: the gate, no hook, and the reason', () => {
    const { pod, warnings } = injected(eniPod({ hostNetwork: true }, { 'clb-direct.io/inject': 'true' }));
    expect(pod.spec.readinessGates).toEqual([GATE]);
    expect(pod.spec.containers[0]?.lifecycle).toBeUndefined();
    expect(warnings).toEqual([expect.stringMatching(/hostNetwork/)]);
  });
});

function injected(pod: Pod): { pod: Pod; warnings: readonly string[] } {
  const { patch, warnings } = injectPod(pod, POLICY);
  return { pod: patched(pod, patch), warnings };
}

function container(name: string, rest: Partial<Container> = {}): Container {
  return { name, image: 'nginx', ...rest };
}

function eniContainer(rest: Partial<Container>): Container {
  return container('web', { resources: ENI, ...rest });
}

function eniPod(spec: Partial<PodSpec>, annotations?: Record<string, string>): Pod {
  return somePod({ containers: [eniContainer({})], terminationGracePeriodSeconds: 30, ...spec }, annotations);
}

/** As a Pod of a ReplicaSet arrives: without name and uid. */
function somePod(spec: Partial<PodSpec>, annotations?: Record<string, string>): Pod {
  const metadata = { generateName: 'web-5c7dc6cff4-', ...(annotations && { annotations }) } as Pod['metadata'];
  return { apiVersion: 'v1', kind: 'Pod', metadata, spec: { containers: [], ...spec } };
}
