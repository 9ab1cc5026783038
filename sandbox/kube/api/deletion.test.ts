import { describe, expect, test } from 'vitest';
import {
  CONFIG_MAPS,
  configMap,
  createBoundPod,
  createNode,
  DEPLOYMENTS,
  deployment,
  PODS,
  pod,
  TestApi,
} from './fixtures.ts';

async function withBoundPod(fields = {}): Promise<TestApi> {
  const api = new TestApi();
  await createNode(api, 'n1');
  await createBoundPod(api, 'a', 'n1', fields);
  return api;
}

describe('deleting a Pod', () => {
  test('on a node marks it and leaves the removal to its kubelet', async () => {
    const api = await withBoundPod({ terminationGracePeriodSeconds: 20 });
    const { status, body } = await api.call('DELETE', `${PODS}/a`);
    expect(status).toBe(200);
    expect(body.metadata).toMatchObject({ deletionTimestamp: '2026-01-01T00:00:20Z', deletionGracePeriodSeconds: 20 });
    const uid = body.metadata.uid;
    const final = { gracePeriodSeconds: 0, preconditions: { uid } };
    expect((await api.call('DELETE', `${PODS}/a`, final)).status).toBe(200);
    expect((await api.get(`${PODS}/a`)).status).toBe(404);
  });

  test('that never reached a node removes it at once', async () => {
    const api = new TestApi();
    await api.post(PODS, pod('a'));
    await api.call('DELETE', `${PODS}/a`);
    expect((await api.get(`${PODS}/a`)).status).toBe(404);
  });

  test('again can only shorten the wait, counted from the first time', async () => {
    const api = await withBoundPod();
    await api.call('DELETE', `${PODS}/a`);
    await api.clock.advance(3_000);
    await api.call('DELETE', `${PODS}/a`, { gracePeriodSeconds: 60 });
    expect((await api.get(`${PODS}/a`)).body.metadata.deletionGracePeriodSeconds).toBe(30);
    await api.call('DELETE', `${PODS}/a`, { gracePeriodSeconds: 10 });
    expect((await api.get(`${PODS}/a`)).body.metadata).toMatchObject({
      deletionGracePeriodSeconds: 10,
      deletionTimestamp: '2026-01-01T00:00:10Z',
    });
  });

  test('with grace 0 removes it at once, and watchers see both steps', async () => {
    const api = await withBoundPod();
    const { resourceVersion = '' } = (await api.get(PODS)).body.metadata;
    await api.call('DELETE', `${PODS}/a`, undefined, { query: { gracePeriodSeconds: '0' } });
    const events = await api.events(PODS, { resourceVersion }, 2);
    expect(events.map(event => event.type)).toEqual(['MODIFIED', 'DELETED']);
  });

  test('of another uid or version is a conflict', async () => {
    const api = await withBoundPod();
    const remove = (preconditions: object) => api.call('DELETE', `${PODS}/a`, { preconditions });
    expect((await remove({ uid: 'another' })).body.message).toContain(
      'the UID in the precondition (another) does not match the UID in record',
    );
    expect((await remove({ resourceVersion: '1' })).status).toBe(409);
  });
});

describe('finalizers', () => {
  test('hold an object until the last one leaves, and none can be added then', async () => {
    const api = new TestApi();
    await api.post(CONFIG_MAPS, { metadata: { name: 'a', finalizers: ['example.com/a', 'example.com/b'] } });
    await api.call('DELETE', `${CONFIG_MAPS}/a`);
    const more = { metadata: { finalizers: ['example.com/a', 'example.com/b', 'example.com/c'] } };
    expect((await api.patch('merge', `${CONFIG_MAPS}/a`, more)).status).toBe(422);
    await api.patch('merge', `${CONFIG_MAPS}/a`, { metadata: { finalizers: ['example.com/b'] } });
    expect((await api.get(`${CONFIG_MAPS}/a`)).body.metadata.deletionTimestamp).toBeDefined();
    await api.patch('merge', `${CONFIG_MAPS}/a`, { metadata: { finalizers: null } });
    expect((await api.get(`${CONFIG_MAPS}/a`)).status).toBe(404);
  });

  test('hold a Pod beyond its kubelet', async () => {
    const api = await withBoundPod({ metadata: { finalizers: ['example.com/a'] } });
    await api.call('DELETE', `${PODS}/a`, { gracePeriodSeconds: 0 });
    expect((await api.get(`${PODS}/a`)).body.metadata.deletionGracePeriodSeconds).toBe(0);
    await api.patch('json', `${PODS}/a`, [{ op: 'remove', path: '/metadata/finalizers' }]);
    expect((await api.get(`${PODS}/a`)).status).toBe(404);
  });
});

describe('owners', () => {
  async function withOwnedConfigMap(): Promise<TestApi> {
    const api = new TestApi();
    const { uid = '' } = (await api.post(DEPLOYMENTS, deployment('d'))).body.metadata;
    const owner = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'd', uid };
    await api.post(CONFIG_MAPS, { metadata: { name: 'owned', ownerReferences: [owner] } });
    return api;
  }

  test('take what they own with them, a moment later', async () => {
    const api = await withOwnedConfigMap();
    await api.call('DELETE', `${DEPLOYMENTS}/d`);
    expect((await api.get(`${CONFIG_MAPS}/owned`)).status).toBe(200);
    await api.clock.advance(1_000);
    expect((await api.get(`${CONFIG_MAPS}/owned`)).status).toBe(404);
  });

  test('leave it behind when asked to orphan', async () => {
    const api = await withOwnedConfigMap();
    await api.call('DELETE', `${DEPLOYMENTS}/d`, { propagationPolicy: 'Orphan' });
    await api.clock.advance(1_000);
    const { status, body } = await api.get(`${CONFIG_MAPS}/owned`);
    expect([status, body.metadata.ownerReferences]).toEqual([200, undefined]);
  });

  test('that never existed are as good as gone', async () => {
    const api = new TestApi();
    const owner = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'd', uid: 'unknown' };
    await api.post(CONFIG_MAPS, { metadata: { name: 'owned', ownerReferences: [owner] } });
    await api.clock.advance(1_000);
    expect((await api.get(`${CONFIG_MAPS}/owned`)).status).toBe(404);
  });

  test('cannot be deleted in the foreground: the sandbox says so', async () => {
    const api = await withOwnedConfigMap();
    expect((await api.call('DELETE', `${DEPLOYMENTS}/d`, { propagationPolicy: 'Foreground' })).status).toBe(501);
  });
});

describe('a namespace', () => {
  test('takes its content with it and refuses new content meanwhile', async () => {
    const api = new TestApi();
    await api.post('/api/v1/namespaces', { metadata: { name: 'shop' } });
    const path = '/api/v1/namespaces/shop/configmaps';
    await api.post(path, { metadata: { name: 'held', finalizers: ['example.com/a'] } });
    await api.call('DELETE', '/api/v1/namespaces/shop');
    await api.clock.advance(1_000);
    expect((await api.get('/api/v1/namespaces/shop')).body.status).toEqual({ phase: 'Terminating' });
    expect((await api.post(path, configMap('new'))).status).toBe(403);
    await api.patch('merge', `${path}/held`, { metadata: { finalizers: null } });
    await api.clock.advance(1_000);
    expect((await api.get('/api/v1/namespaces/shop')).status).toBe(404);
  });

  test('that the cluster needs cannot be deleted', async () => {
    const api = new TestApi();
    expect((await api.call('DELETE', '/api/v1/namespaces/kube-system')).status).toBe(403);
  });
});

test('deleting a collection deletes what its selectors match', async () => {
  const api = new TestApi();
  await api.post(CONFIG_MAPS, { metadata: { name: 'a', labels: { app: 'x' } } });
  await api.post(CONFIG_MAPS, configMap('b'));
  await api.call('DELETE', CONFIG_MAPS, undefined, { query: { labelSelector: 'app=x' } });
  expect((await api.get(CONFIG_MAPS)).body.items.map(item => item.metadata.name)).toEqual(['b']);
});
