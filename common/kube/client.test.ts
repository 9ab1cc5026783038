import { expect, it } from 'vitest';
import { create, get, list, patch, remove } from './client.ts';
import type { KubeObject } from './objects.ts';
import { podPath, resourcePath, servicePath } from './paths.ts';
import { ScriptedTransport } from './scripted-transport.ts';
import { KubeResponseError } from './transport.ts';

const signal = new AbortController().signal;

it('reads a list page by page, consistently', async () => {
  const transport = new ScriptedTransport(({ query }) =>
    query?.continue
      ? { status: 200, body: { metadata: { resourceVersion: '7' }, items: [{ metadata: { name: 'b' } }] } }
      : {
          status: 200,
          body: { metadata: { resourceVersion: '7', continue: 'x' }, items: [{ metadata: { name: 'a' } }] },
        },
  );
  const result = await list<KubeObject>(transport, '/api/v1/pods', { labelSelector: 'app=web' }, signal);
  expect(result.resourceVersion).toBe('7');
  expect(result.items.map(item => item.metadata.name)).toEqual(['a', 'b']);
  expect(transport.requests.map(request => request.query)).toEqual([
    { labelSelector: 'app=web', limit: '500' },
    { labelSelector: 'app=web', limit: '500', continue: 'x' },
  ]);
});

it('rejects with the status and reason of the server', async () => {
  const transport = new ScriptedTransport(() => ({
    status: 404,
    body: { kind: 'Status', status: 'Failure', reason: 'NotFound', message: 'pods "a" not found' },
  }));
  const error = await get(transport, podPath('default', 'a'), signal).catch((cause: unknown) => cause);
  expect(error).toBeInstanceOf(KubeResponseError);
  expect(error).toMatchObject({ status: 404, reason: 'NotFound' });
  expect(String(error)).toContain('GET /api/v1/namespaces/default/pods/a: 404 pods "a" not found');
});

it.each([
  ['json', 'application/json-patch+json'],
  ['merge', 'application/merge-patch+json'],
  ['strategic', 'application/strategic-merge-patch+json'],
] as const)('sends a %s patch as %s', async (type, contentType) => {
  const transport = new ScriptedTransport(() => ({ status: 200, body: {} }));
  await patch(transport, podPath('default', 'a', 'status'), { type, body: {} }, signal);
  expect(transport.requests[0]).toMatchObject({ method: 'PATCH', contentType });
});

it('sends preconditions with a deletion', async () => {
  const transport = new ScriptedTransport(() => ({ status: 200, body: {} }));
  await remove(transport, servicePath('default', 'a'), { preconditions: { uid: 'u1' } }, signal);
  expect(transport.requests[0]?.body).toMatchObject({ kind: 'DeleteOptions', preconditions: { uid: 'u1' } });
});

it('creates in the collection', async () => {
  const transport = new ScriptedTransport(({ body }) => ({ status: 201, body }));
  const lease = { metadata: { name: 'a' } };
  const path = resourcePath({
    group: 'coordination.k8s.io',
    version: 'v1',
    resource: 'leases',
    namespace: 'kube-system',
  });
  expect(await create(transport, path, lease, signal)).toEqual(lease);
  expect(transport.requests[0]).toMatchObject({
    method: 'POST',
    path: '/apis/coordination.k8s.io/v1/namespaces/kube-system/leases',
  });
});

it('lets no name reach another resource', () => {
  expect(podPath('default', '../services/a')).toBe('/api/v1/namespaces/default/pods/..%2Fservices%2Fa');
  expect(() => podPath('..', 'a')).toThrow("'..' cannot be part of an API path");
  expect(() => podPath('default', '')).toThrow();
});
