import { describe, expect, test } from 'vitest';
import { container, ENI, eniContainer, eniPod, GATE, HOOK, inject, injected, NOTED } from './new-pod.fixture.ts';

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
    expect(inject(once)).toEqual({ patch: [], warnings: [], hookMode: undefined });
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
    expect(inject(eniPod({ ...spec, terminationGracePeriodSeconds: 40 })).patch).toEqual([]);
  });

  test.each(['abc', '101', '-1', '1.5', ''])('whose custom weight is "%s" gets a warning', weight => {
    const pod = eniPod({ containers: [eniContainer()] });
    pod.metadata.annotations = { ...pod.metadata.annotations, 'service.cloud.tencent.com/custom-weight': weight };
    const [warning] = inject(pod).warnings;
    expect(warning).toMatch(/^service.cloud.tencent.com\/custom-weight: ".*" is not a whole number from 0 to 100/);
  });

  test.each(['0', '10', '100'])('whose custom weight is "%s" gets none', weight => {
    const pod = eniPod({ containers: [eniContainer()] });
    pod.metadata.annotations = { ...pod.metadata.annotations, 'service.cloud.tencent.com/custom-weight': weight };
    expect(inject(pod).warnings).toEqual([]);
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

  test('has its init containers left alone', () => {
    const { pod } = injected(eniPod({ initContainers: [container('sidecar', { restartPolicy: 'Always' })] }));
    expect(pod.spec.initContainers?.[0]?.lifecycle).toBeUndefined();
  });

  test('gets warnings that the API server passes on in full', () => {
    const name = 'n'.repeat(63);
    const containers = [container(name, { resources: ENI, lifecycle: { preStop: { httpGet: { port: 1 } } } })];
    const annotations = { 'clb-direct.io/drain-seconds': 'x'.repeat(1_000), 'clb-direct.io/inject': 'y'.repeat(1_000) };
    for (const spec of [{ containers }, { initContainers: [container(name, { ports: [{ containerPort: 19440 }] })] }]) {
      for (const warning of inject(eniPod(spec, annotations)).warnings) {
        expect(warning.length).toBeLessThanOrEqual(256);
        expect(warning).not.toMatch(/…$/);
      }
    }
  });
});
