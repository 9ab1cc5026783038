import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Pod } from '../../common/kube/objects.ts';
import { type AdmissionAnswer, type AdmissionReviewAnswer, reviewPod } from './admission.ts';
import { HOOK_MODES } from './hook-choice.ts';
import { DEFAULT_INJECTION_POLICY } from './inject.ts';
import type { JsonPatchOperation } from './json-patch.ts';
import { patched } from './json-patch-fixture.ts';
import { container, ENI, GATE, newPod } from './new-pod.fixture.ts';
import { UNKNOWN_SURROUNDINGS } from './surroundings.ts';

type Path = readonly (string | number)[];

const POD = newPod({
  containers: [
    container('web', {
      resources: ENI,
      lifecycle: { preStop: { sleep: { seconds: 5 } } },
      ports: [{ containerPort: 80 }],
    }),
    container('log', { readinessProbe: { httpGet: { port: 19440, path: '/' } } }),
  ],
  initContainers: [container('proxy', { restartPolicy: 'Always' })],
  readinessGates: [GATE],
  tolerations: [{ key: 'eks.tke.cloud.tencent.com/eklet', operator: 'Exists' }],
  terminationGracePeriodSeconds: 60,
});
const REVIEW = {
  apiVersion: 'admission.k8s.io/v1',
  kind: 'AdmissionReview',
  request: {
    uid: 'u1',
    kind: { group: '', version: 'v1', kind: 'Pod' },
    namespace: 'shop',
    operation: 'CREATE',
    object: {
      ...POD,
      metadata: { ...POD.metadata, annotations: { 'clb-direct.io/inject': 'true' }, labels: { app: 'web' } },
    },
  },
};

const anyMode = fc.constantFrom(...HOOK_MODES);
const anySurroundings = fc.record({
  namespaceName: fc.constant('shop'),
  namespace: fc.constantFrom(
    undefined,
    { inject: true, podSecurity: 'baseline' },
    { inject: false, podSecurity: undefined },
  ),
  isSelected: fc.boolean(),
  sleepSeconds: fc.integer({ min: 5, max: 900 }),
});
const anyJunk = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }),
  fc.constantFrom(undefined, null, '', '19440', 19_440, -1, 1e300, [], {}, '__proto__', { __proto__: { sleep: 1 } }),
);

describe('whatever part of a review is replaced by junk', () => {
  test('it is refused, or allowed with a patch that fits its object', () => {
    const paths = pathsOf(REVIEW);
    const damage = fc.array(fc.tuple(fc.constantFrom(...paths), anyJunk), { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(damage, anyMode, anySurroundings, (replaced, hookMode, surroundings) => {
        const review = replaced.reduce<unknown>(
          (whole, [path, junk]) => put(whole, path, junk),
          structuredClone(REVIEW),
        );
        const policy = { ...DEFAULT_INJECTION_POLICY, hookMode };
        judge(review, reviewPod(review, { policy, surroundingsOf: () => surroundings }));
      }),
      { numRuns: 2_000 },
    );
  });
});

test('a Pod of more containers than any node runs is allowed as it is, with a warning', () => {
  const containers = Array.from({ length: 1_001 }, (_, index) => container(`c${index}`, { resources: ENI }));
  const review = put(structuredClone(REVIEW), ['request', 'object', 'spec', 'containers'], containers);
  const answer = reviewPod(review, { policy: DEFAULT_INJECTION_POLICY, surroundingsOf: () => UNKNOWN_SURROUNDINGS });
  expect(answer).toMatchObject({ result: 'malformed', body: { response: { allowed: true } } });
});

function judge(review: unknown, { status, body, result }: AdmissionAnswer): void {
  if (status === 400) {
    expect(body).toEqual(expect.any(String));
    return;
  }
  const { uid, allowed, patch, warnings } = (body as AdmissionReviewAnswer).response;
  const { request } = review as { request: { uid: unknown; object: Pod } };
  expect({ uid, allowed }).toEqual({ uid: request.uid, allowed: true });
  for (const warning of warnings ?? []) expect(warning.length).toBeLessThanOrEqual(256);
  expect(patch !== undefined).toBe(result === 'injected');
  if (patch === undefined) return;
  const operations = JSON.parse(atob(patch)) as JsonPatchOperation[];
  const { spec } = patched(request.object, operations);
  for (const { path, value } of operations) {
    if (path.endsWith('PeriodSeconds')) expect(Number.isSafeInteger(value)).toBe(true);
    if (path.endsWith('-seconds')) expect(value).toMatch(/^\d+$/);
  }
  expect(spec.readinessGates?.filter(gate => gate.conditionType === GATE.conditionType)).toHaveLength(1);
}

/** Every place in a JSON value. */
function pathsOf(value: unknown, path: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return [path];
  return [path, ...Object.entries(value).flatMap(([key, inner]) => pathsOf(inner, [...path, key]))];
}

function put(whole: unknown, path: Path, value: unknown): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return value;
  if (typeof whole !== 'object' || whole === null) return whole;
  const parent = whole as Record<string | number, unknown>;
  parent[key] = put(parent[key], rest, value);
  return whole;
}
