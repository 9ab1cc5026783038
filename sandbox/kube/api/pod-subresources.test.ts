import { describe, expect, test } from 'vitest';
import { createBoundPod, createNode, DEPLOYMENTS, deployment, PODS, pod, TestApi } from './fixtures.ts';

const BUDGETS = '/apis/policy/v1/namespaces/default/poddisruptionbudgets';
const conditionsOf = (status: unknown) => (status as { conditions: unknown[] }).conditions;

describe('binding', () => {
  test('puts a Pod on a node and says that it is scheduled', async () => {
    const api = new TestApi();
    await createNode(api, 'n1');
    const { spec, status } = await createBoundPod(api, 'a', 'n1');
    expect(spec.nodeName).toBe('n1');
    expect(conditionsOf(status)).toContainEqual(expect.objectContaining({ type: 'PodScheduled', status: 'True' }));
  });

  test('is refused a second time, for an unknown node, and while the Pod is being deleted', async () => {
    const api = new TestApi();
    await createNode(api, 'n1');
    await createBoundPod(api, 'a', 'n1');
    await api.post(PODS, pod('b', { metadata: { finalizers: ['example.com/a'] } }));
    const bind = (name: string, node: string) => api.post(`${PODS}/${name}/binding`, { target: { name: node } });
    expect((await bind('a', 'n1')).body.message).toContain('is already assigned to node "n1"');
    expect((await bind('b', 'none')).status).toBe(404);
    await api.call('DELETE', `${PODS}/b`);
    expect((await bind('b', 'n1')).body.message).toContain('is being deleted');
  });
});

describe('eviction', () => {
  async function withRunningPod(): Promise<TestApi> {
    const api = new TestApi();
    await createNode(api, 'n1');
    await createBoundPod(api, 'a', 'n1', { metadata: { labels: { app: 'web' } } });
    await api.patch('merge', `${PODS}/a/status`, { status: { phase: 'Running' } });
    return api;
  }

  const evict = (api: TestApi, deleteOptions = {}) =>
    api.post(`${PODS}/a/eviction`, {
      apiVersion: 'policy/v1',
      kind: 'Eviction',
      metadata: { name: 'a' },
      deleteOptions,
    });

  test('deletes gracefully and leaves the reason on the Pod', async () => {
    const api = await withRunningPod();
    expect(await evict(api, { gracePeriodSeconds: 5 })).toMatchObject({ status: 201, body: { status: 'Success' } });
    const { metadata, status } = (await api.get(`${PODS}/a`)).body;
    expect(metadata.deletionGracePeriodSeconds).toBe(5);
    expect(conditionsOf(status)).toContainEqual(
      expect.objectContaining({ type: 'DisruptionTarget', reason: 'EvictionByEvictionAPI' }),
    );
  });

  test('is refused with 429 while a budget allows no disruption, and takes from the budget otherwise', async () => {
    const api = await withRunningPod();
    const budget = { metadata: { name: 'b' }, spec: { minAvailable: 1, selector: { matchLabels: { app: 'web' } } } };
    await api.post(BUDGETS, budget);
    expect((await evict(api)).status).toBe(429);
    await api.patch('merge', `${BUDGETS}/b/status`, { status: { observedGeneration: 1, disruptionsAllowed: 0 } });
    expect((await evict(api)).body.message).toContain("violate the pod's disruption budget");
    await api.patch('merge', `${BUDGETS}/b/status`, { status: { disruptionsAllowed: 1 } });
    expect((await evict(api)).status).toBe(201);
    expect((await api.get(`${BUDGETS}/b`)).body.status).toMatchObject({
      disruptionsAllowed: 0,
      disruptedPods: { a: expect.any(String) },
    });
  });

  test('of another uid is a conflict', async () => {
    const api = await withRunningPod();
    expect((await evict(api, { preconditions: { uid: 'another' } })).status).toBe(409);
  });
});

describe('scale', () => {
  test('reads and writes the replicas of a Deployment', async () => {
    const api = new TestApi();
    await api.post(DEPLOYMENTS, deployment('d', 2));
    const { body } = await api.get(`${DEPLOYMENTS}/d/scale`);
    expect(body).toMatchObject({
      kind: 'Scale',
      apiVersion: 'autoscaling/v1',
      spec: { replicas: 2 },
      status: { selector: 'app=d' },
    });
    await api.call('PUT', `${DEPLOYMENTS}/d/scale`, { ...body, spec: { replicas: 4 } });
    expect((await api.get(`${DEPLOYMENTS}/d`)).body).toMatchObject({
      spec: { replicas: 4 },
      metadata: { generation: 2 },
    });
    expect((await api.call('PUT', `${DEPLOYMENTS}/d/scale`, body)).status).toBe(409);
    await api.patch('merge', `${DEPLOYMENTS}/d/scale`, { spec: { replicas: 0 } });
    expect((await api.get(`${DEPLOYMENTS}/d/scale`)).body.spec).toEqual({});
    expect((await api.get(`${DEPLOYMENTS}/d`)).body.spec.replicas).toBe(0);
  });

  test('of what has none is not found', async () => {
    const api = new TestApi();
    await api.post(PODS, pod('a'));
    expect((await api.get(`${PODS}/a/scale`)).status).toBe(404);
  });
});
