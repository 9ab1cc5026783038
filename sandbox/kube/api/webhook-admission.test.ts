import { describe, expect, test } from 'vitest';
import { CONFIG_MAPS, configMap, PODS, pod, TestApi } from './fixtures.ts';
import type { JsonObject } from './json.ts';
import type { AdmissionCaller } from './webhook-admission.ts';
import type { AdmissionTarget } from './webhook-target.ts';

const CONFIGURATIONS = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations';

interface Call {
  readonly target: AdmissionTarget;
  readonly request: JsonObject & { uid: string; object: JsonObject };
}

/** A webhook that answers with `answer`, and what it was asked. */
function recorder(answer: (call: Call) => JsonObject): { calls: Call[]; caller: AdmissionCaller } {
  const calls: Call[] = [];
  return {
    calls,
    caller: async (target, review) => {
      const call = { target, request: review.request as Call['request'] };
      calls.push(call);
      return { response: { uid: call.request.uid, ...answer(call) } };
    },
  };
}

const adding = (operations: JsonObject[]): JsonObject => ({
  allowed: true,
  patchType: 'JSONPatch',
  patch: Buffer.from(JSON.stringify(operations)).toString('base64'),
});

const ANNOTATE = adding([{ op: 'add', path: '/metadata/annotations', value: { seen: 'yes' } }]);

function configuration(fields: JsonObject = {}): JsonObject {
  const webhook = {
    name: 'pods.example.com',
    clientConfig: { url: 'https://127.0.0.1:9444/mutate' },
    rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] }],
    sideEffects: 'None',
    admissionReviewVersions: ['v1'],
    ...fields,
  };
  return { metadata: { name: 'hook' }, webhooks: [webhook] };
}

async function withWebhook(caller: AdmissionCaller, fields: JsonObject = {}): Promise<TestApi> {
  const api = new TestApi({ admissionCaller: caller });
  expect((await api.post(CONFIGURATIONS, configuration(fields))).status).toBe(201);
  return api;
}

describe('a mutating webhook', () => {
  test('sees a new Pod before it has a uid, and its patch is stored', async () => {
    const { caller, calls } = recorder(() => ANNOTATE);
    const api = await withWebhook(caller);
    const { body } = await api.post(PODS, pod('', { metadata: { generateName: 'web-' } }));
    expect(body.metadata.annotations).toEqual({ seen: 'yes' });
    expect(calls[0]?.request).toMatchObject({
      operation: 'CREATE',
      namespace: 'default',
      userInfo: { username: 'admin' },
    });
    expect(calls[0]?.request.object.metadata).toEqual({ generateName: 'web-', namespace: 'default' });
    expect(calls[0]?.target).toMatchObject({
      url: 'https://127.0.0.1:9444/mutate?timeout=10s',
      serverName: '127.0.0.1',
    });
  });

  test('adds defaults to what it puts in', async () => {
    const hook = { preStop: { httpGet: { port: 19440 } } };
    const { caller } = recorder(() => adding([{ op: 'add', path: '/spec/containers/0/lifecycle', value: hook }]));
    const api = await withWebhook(caller);
    const { spec } = (await api.post(PODS, pod('a'))).body;
    expect(spec.containers).toMatchObject([{ lifecycle: { preStop: { httpGet: { path: '/', scheme: 'HTTP' } } } }]);
  });

  test('that denies refuses the Pod with its own words', async () => {
    const { caller } = recorder(() => ({ allowed: false, status: { code: 403, message: 'not today' } }));
    const api = await withWebhook(caller);
    expect(await api.post(PODS, pod('a'))).toMatchObject({
      status: 403,
      body: { message: 'admission webhook "pods.example.com" denied the request: not today' },
    });
    expect((await api.get(`${PODS}/a`)).status).toBe(404);
  });

  test('is not asked about other kinds, namespaces or labels', async () => {
    const { caller, calls } = recorder(() => ANNOTATE);
    const api = await withWebhook(caller, {
      namespaceSelector: {
        matchExpressions: [{ key: 'kubernetes.io/metadata.name', operator: 'NotIn', values: ['kube-system'] }],
      },
      objectSelector: { matchLabels: { app: 'web' } },
    });
    await api.post(CONFIG_MAPS, configMap('a'));
    await api.post(PODS, pod('a'));
    await api.post('/api/v1/namespaces/kube-system/pods', pod('a', { metadata: { labels: { app: 'web' } } }));
    expect(calls).toHaveLength(0);
    await api.post(PODS, pod('b', { metadata: { labels: { app: 'web' } } }));
    expect(calls).toHaveLength(1);
  });

  const broken: AdmissionCaller = async () => {
    throw new Error('connection refused');
  };

  test('that fails stops the Pod when its policy is Fail, and not when it is Ignore', async () => {
    const strict = await withWebhook(broken, { failurePolicy: 'Fail' });
    expect(await strict.post(PODS, pod('a'))).toMatchObject({
      status: 500,
      body: {
        message:
          'Internal error occurred: failed calling webhook "pods.example.com": failed to call webhook: connection refused',
      },
    });
    const lenient = await withWebhook(broken, { failurePolicy: 'Ignore' });
    expect((await lenient.post(PODS, pod('a'))).status).toBe(201);
  });

  test('that does not answer is given up after its timeout', async () => {
    const api = await withWebhook(() => new Promise(() => {}), { timeoutSeconds: 3 });
    const created = api.post(PODS, pod('a'));
    await api.clock.advance(3_000);
    expect((await created).body.message).toContain('context deadline exceeded');
  });

  test('by Service is called at a ready endpoint under the name of the Service', async () => {
    const { caller, calls } = recorder(() => ({ allowed: true }));
    const service = { name: 'hook', namespace: 'kube-system', path: '/mutate', port: 443 };
    const api = await withWebhook(caller, { clientConfig: { service, caBundle: 'Y2E=' } });
    expect((await api.post(PODS, pod('a'))).body.message).toContain('service "hook" not found');
    const port = { port: 443, targetPort: 9444 };
    await api.post('/api/v1/namespaces/kube-system/services', { metadata: { name: 'hook' }, spec: { ports: [port] } });
    expect((await api.post(PODS, pod('a'))).body.message).toContain('no endpoints available for service "hook"');
    await api.post('/apis/discovery.k8s.io/v1/namespaces/kube-system/endpointslices', {
      metadata: { name: 'hook-1', labels: { 'kubernetes.io/service-name': 'hook' } },
      addressType: 'IPv4',
      ports: [{ port: 9444 }],
      endpoints: [
        { addresses: ['127.0.1.1'], conditions: { ready: false } },
        { addresses: ['127.0.1.2'], conditions: { ready: true } },
      ],
    });
    expect((await api.post(PODS, pod('a'))).status).toBe(201);
    expect(calls[0]?.target).toEqual({
      webhook: 'pods.example.com',
      url: 'https://127.0.1.2:9444/mutate?timeout=10s',
      serverName: 'hook.kube-system.svc',
      caBundle: 'Y2E=',
    });
  });

  test.each([
    ['holds', "object.metadata.name == 'a'", true],
    ['does not hold', "object.metadata.name == 'b'", false],
    ['has no answer', 'object.spec.none == 1', false],
  ])('is asked about a Pod only if its conditions hold: one that %s', async (_name, expression, isAsked) => {
    const { caller, calls } = recorder(() => ({ allowed: true }));
    const api = await withWebhook(caller, {
      failurePolicy: 'Ignore',
      matchConditions: [
        { name: 'one', expression: 'true' },
        { name: 'other', expression },
      ],
    });
    expect((await api.post(PODS, pod('a'))).status).toBe(201);
    expect(calls).toHaveLength(isAsked ? 1 : 0);
  });

  test('refuses a Pod of which its condition has no answer where it must not fail', async () => {
    const matchConditions = [{ name: 'one', expression: 'object.spec.none == 1' }];
    const api = await withWebhook(recorder(() => ({ allowed: true })).caller, {
      failurePolicy: 'Fail',
      matchConditions,
    });
    expect((await api.post(PODS, pod('a'))).status).toBe(403);
  });

  test('can warn', async () => {
    const { caller } = recorder(() => ({ allowed: true, warnings: ['mind the gap'] }));
    const api = await withWebhook(caller);
    const request = { method: 'POST', path: PODS, body: pod('a') } as const;
    expect(await api.server.request({ username: 'admin' }, request)).toMatchObject({ warnings: ['mind the gap'] });
  });

  test.each([
    [
      'operations that the sandbox never calls it for',
      { rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['UPDATE'], resources: ['pods'] }] },
      501,
    ],
    ['conditions that are no CEL', { matchConditions: [{ name: 'a', expression: 'a b' }] }, 422],
    ['no side effects declared', { sideEffects: null }, 422],
    ['neither url nor service', { clientConfig: {} }, 422],
  ])('is refused with %s', async (_what, fields, status) => {
    const api = new TestApi();
    expect((await api.post(CONFIGURATIONS, configuration(fields as JsonObject))).status).toBe(status);
  });
});
