import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type AdmissionReviewAnswer, reviewPod } from './admission.ts';
import { DEFAULT_INJECTION_POLICY } from './inject.ts';
import { UNKNOWN_SURROUNDINGS } from './surroundings.ts';

const OPTIONS = { policy: DEFAULT_INJECTION_POLICY, surroundingsOf: () => UNKNOWN_SURROUNDINGS };

const POD = {
  metadata: { generateName: 'web-', annotations: { 'tke.cloud.tencent.com/networks': 'tke-route-eni' } },
  spec: { containers: [{ name: 'web', image: 'nginx', resources: {} }], terminationGracePeriodSeconds: 30 },
};

describe('an admission review', () => {
  test('of an ENI Pod is answered with its own uid and a JSON patch', () => {
    const answer = reviewPod(review({ object: POD }), OPTIONS);
    const { response } = answer.body as AdmissionReviewAnswer;
    expect(answer).toMatchObject({ status: 200, result: 'injected', body: { apiVersion: 'admission.k8s.io/v1' } });
    expect(response).toMatchObject({ uid: 'u1', allowed: true, patchType: 'JSONPatch' });
    const paths = JSON.parse(atob(response.patch ?? '')).map(({ path }: { path: string }) => path);
    expect(paths).toContain('/spec/readinessGates');
  });

  test.each([
    ['an unmarked Pod', { object: { ...POD, metadata: {} } }],
    ['an update', { object: POD, operation: 'UPDATE' }],
    ['a subresource', { object: POD, subResource: 'eviction' }],
    ['another kind', { object: POD, kind: { kind: 'Service' } }],
  ])('of %s is allowed unchanged', (_name, request) => {
    const { status, body, result } = reviewPod(review(request), OPTIONS);
    expect({ status, result }).toEqual({ status: 200, result: 'unchanged' });
    expect((body as AdmissionReviewAnswer).response).toEqual({ uid: 'u1', allowed: true });
  });

  test('is allowed unchanged by a coordinator that injects nothing, whatever the Pod asks for', () => {
    const asking = { ...POD, metadata: { annotations: { 'clb-direct.io/inject': 'true' } } };
    const { body, result } = reviewPod(review({ object: asking }), { ...OPTIONS, policy: 'inject-nothing' });
    expect(result).toBe('unchanged');
    expect((body as AdmissionReviewAnswer).response).toEqual({ uid: 'u1', allowed: true });
  });

  test.each([
    ['no object', undefined],
    ['no containers', { metadata: {}, spec: {} }],
    ['containers that are none', { metadata: {}, spec: { containers: ['web', 7, null] } }],
    ['annotations of numbers', { ...POD, metadata: { annotations: { 'clb-direct.io/inject': 1 } } }],
    ['labels that are a list', { ...POD, metadata: { labels: ['app'] } }],
    ['a lifecycle that is a text', { ...POD, spec: { containers: [{ name: 'web', lifecycle: { preStop: 'x' } }] } }],
  ])('with a Pod of %s is allowed unchanged, with a warning', (_name, object) => {
    const { body, result } = reviewPod(review({ object }), OPTIONS);
    expect(result).toBe('malformed');
    const { response } = body as AdmissionReviewAnswer;
    expect(response.allowed).toBe(true);
    expect(response.patch).toBeUndefined();
    expect(response.warnings).toEqual([expect.stringMatching(/left it unchanged/)]);
  });

  test.each([
    ['nothing', undefined],
    ['a list', []],
    ['a Pod', { ...POD, kind: 'Pod', apiVersion: 'v1' }],
    ['a review of an older version', { ...review({ object: POD }), apiVersion: 'admission.k8s.io/v1beta1' }],
    ['a review without request', { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview' }],
    ['a request without uid', review({ uid: 7 })],
  ])('that is really %s gets status 400 and the reason', (_name, body) => {
    expect(reviewPod(body, OPTIONS)).toMatchObject({ status: 400, body: expect.any(String), result: 'malformed' });
  });

  test('takes explicit nulls as absence', () => {
    const nulls = { annotations: { 'clb-direct.io/inject': 'true' }, labels: null, creationTimestamp: null };
    const container = { name: 'web', ports: null, lifecycle: null, resources: null, livenessProbe: null };
    const spec = { containers: [container], initContainers: null, readinessGates: null };
    expect(reviewPod(review({ object: { metadata: nulls, spec } }), OPTIONS).result).toBe('injected');
  });

  test('never throws, whatever stands where a Pod should', () => {
    const part = fc.jsonValue({ maxDepth: 3 });
    const container = fc.record({ name: part, ports: part, lifecycle: part, resources: part, livenessProbe: part });
    const spec = fc.record({
      containers: fc.oneof(part, fc.array(container)),
      initContainers: part,
      readinessGates: part,
    });
    const object = fc.oneof(part, fc.record({ metadata: fc.record({ annotations: part, labels: part }), spec }));
    fc.assert(fc.property(object, pod => [200, 400].includes(reviewPod(review({ object: pod }), OPTIONS).status)));
  });
});

function review(request: object): object {
  const whole = { uid: 'u1', kind: { group: '', version: 'v1', kind: 'Pod' }, operation: 'CREATE', ...request };
  return { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request: whole };
}
