import { describe, expect, test } from 'vitest';
import { CONFIG_MAPS, configMap, DEPLOYMENTS, deployment, PODS, pod, TestApi } from './fixtures.ts';

const LEASES = '/apis/coordination.k8s.io/v1/namespaces/default/leases';
const SETTINGS = '/apis/cloud.tencent.com/v1alpha1/namespaces/default/tkeserviceconfigs';
const SLICES = '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices';
const SERVICES = '/api/v1/namespaces/default/services';

describe('create', () => {
  test('stamps uid, version and time', async () => {
    const api = new TestApi();
    const { status, body } = await api.post(PODS, pod('a'));
    expect(status).toBe(201);
    expect(body.metadata).toMatchObject({
      namespace: 'default',
      generation: 1,
      creationTimestamp: '2026-01-01T00:00:00Z',
    });
    expect(body.metadata.uid).toMatch(/^[0-9a-f-]{36}$/);
    expect(Number(body.metadata.resourceVersion)).toBeGreaterThan(0);
  });

  test('fills in what the real server defaults', async () => {
    const api = new TestApi();
    expect((await api.post(PODS, pod('a'))).body).toMatchObject({
      spec: { restartPolicy: 'Always', terminationGracePeriodSeconds: 30, serviceAccountName: 'default' },
      status: { phase: 'Pending', qosClass: 'BestEffort' },
    });
    expect((await api.post(DEPLOYMENTS, deployment('d'))).body.spec).toMatchObject({
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' } },
      template: { spec: { containers: [{ ports: [{ containerPort: 80, protocol: 'TCP' }] }] } },
    });
    const service = { metadata: { name: 's' }, spec: { type: 'LoadBalancer', ports: [{ port: 80 }] } };
    expect((await api.post(SERVICES, service)).body.spec).toMatchObject({
      clusterIP: expect.stringMatching(/^10\.96\./),
      ports: [{ port: 80, targetPort: 80, protocol: 'TCP', nodePort: expect.any(Number) }],
    });
  });

  test('makes up a name from generateName', async () => {
    const api = new TestApi();
    const { body } = await api.post(PODS, pod('', { metadata: { generateName: 'web-' } }));
    expect(body.metadata.name).toMatch(/^web-[bcdfghjklmnpqrstvwxz2456789]{5}$/);
  });

  test('refuses a name that is taken', async () => {
    const api = new TestApi();
    await api.post(CONFIG_MAPS, configMap('a'));
    expect(await api.post(CONFIG_MAPS, configMap('a'))).toMatchObject({
      status: 409,
      body: { reason: 'AlreadyExists', message: 'configmaps "a" already exists' },
    });
  });

  test.each([
    ['an unknown namespace', '/api/v1/namespaces/none/configmaps', configMap('a'), 404],
    ['another namespace in the body', CONFIG_MAPS, { metadata: { name: 'a', namespace: 'other' } }, 400],
    ['another kind', CONFIG_MAPS, pod('a'), 400],
    ['no name', CONFIG_MAPS, configMap(''), 422],
    ['a name with capitals', CONFIG_MAPS, configMap('Web'), 422],
    [
      'an annotation that is no string',
      CONFIG_MAPS,
      { metadata: { name: 'a', annotations: { 'direct-access': true } } },
      400,
    ],
    ['a Pod without containers', PODS, { metadata: { name: 'a' }, spec: {} }, 422],
    ['a Pod of an unknown ServiceAccount', PODS, pod('a', { serviceAccountName: 'none' }), 403],
    ['a Lease of no duration', LEASES, { metadata: { name: 'l' }, spec: { leaseDurationSeconds: 0 } }, 422],
    ['a port out of range', SERVICES, { metadata: { name: 's' }, spec: { ports: [{ port: 70_000 }] } }, 422],
    [
      'a selector that misses its template',
      DEPLOYMENTS,
      {
        ...deployment('d'),
        spec: { ...(deployment('d').spec as object), selector: { matchLabels: { app: 'other' } } },
      },
      422,
    ],
    ['a dry run', `${CONFIG_MAPS}`, configMap('a'), 501],
  ])('refuses %s', async (what, path, body, status) => {
    const api = new TestApi();
    const query = what === 'a dry run' ? { dryRun: 'All' } : {};
    expect((await api.call('POST', path, body, { query })).status).toBe(status);
  });
});

describe('update', () => {
  test('with an outdated version is a conflict', async () => {
    const api = new TestApi();
    const { body } = await api.post(CONFIG_MAPS, configMap('a'));
    await api.patch('merge', `${CONFIG_MAPS}/a`, { data: { key: 'theirs' } });
    const late = await api.call('PUT', `${CONFIG_MAPS}/a`, { ...body, data: { key: 'mine' } });
    expect(late).toMatchObject({ status: 409, body: { reason: 'Conflict' } });
    expect(late.body.message).toContain('the object has been modified');
  });

  test('with another uid is a conflict in PUT, and invalid in a patch', async () => {
    const api = new TestApi();
    await api.post(CONFIG_MAPS, configMap('a'));
    const wrong = { metadata: { uid: 'another' }, data: {} };
    const put = { ...configMap('a'), metadata: { name: 'a', uid: 'another' } };
    expect((await api.call('PUT', `${CONFIG_MAPS}/a`, put)).status).toBe(409);
    const patched = await api.patch('merge', `${CONFIG_MAPS}/a`, wrong);
    expect(patched.status).toBe(422);
    expect(patched.body.message).toContain('metadata.uid: Invalid value: "another": field is immutable');
  });

  test('without a version overwrites, except where the kind insists on one', async () => {
    const api = new TestApi();
    await api.post(CONFIG_MAPS, configMap('a'));
    expect((await api.call('PUT', `${CONFIG_MAPS}/a`, configMap('a', { key: 'value' }))).status).toBe(200);
    await api.post(LEASES, { metadata: { name: 'l' } });
    expect((await api.call('PUT', `${LEASES}/l`, { metadata: { name: 'l' } })).status).toBe(422);
  });

  test('counts generations for changes of the desired state only', async () => {
    const api = new TestApi();
    await api.post(DEPLOYMENTS, deployment('d'));
    await api.patch('merge', `${DEPLOYMENTS}/d`, { metadata: { labels: { a: 'b' } } });
    expect((await api.get(`${DEPLOYMENTS}/d`)).body.metadata.generation).toBe(1);
    await api.patch('merge', `${DEPLOYMENTS}/d`, { spec: { replicas: 2 } });
    expect((await api.get(`${DEPLOYMENTS}/d`)).body.metadata.generation).toBe(2);
  });

  test('counts generations for annotations of Deployments and labels of EndpointSlices too', async () => {
    const api = new TestApi();
    await api.post(DEPLOYMENTS, deployment('d'));
    await api.post(SLICES, { metadata: { name: 's' }, addressType: 'IPv4', endpoints: [] });
    const change = { metadata: { annotations: { a: 'b' }, labels: { a: 'b' } } };
    for (const path of [`${DEPLOYMENTS}/d`, `${SLICES}/s`]) {
      expect((await api.patch('merge', path, change)).body.metadata.generation, path).toBe(2);
    }
    const revision = { metadata: { annotations: { revision: '2' } } };
    const told = await api.patch('merge', `${DEPLOYMENTS}/d/status`, revision);
    expect(told.body.metadata).toMatchObject({ generation: 2, annotations: { a: 'b', revision: '2' } });
  });

  test('gives an address only to the status of a Service of type LoadBalancer', async () => {
    const api = new TestApi();
    const status = { loadBalancer: { ingress: [{ ip: '1.2.3.4' }] } };
    const statuses = ['ClusterIP', 'LoadBalancer'].map(async type => {
      const name = type.toLowerCase();
      await api.post(SERVICES, { metadata: { name }, spec: { type, ports: [{ port: 80 }] } });
      return (await api.patch('merge', `${SERVICES}/${name}/status`, { status })).status;
    });
    expect(await Promise.all(statuses)).toEqual([422, 200]);
  });

  test('of a custom kind knows no strategic patch', async () => {
    const api = new TestApi();
    await api.post(SETTINGS, { metadata: { name: 's' } });
    const change = { metadata: { labels: { a: 'b' } } };
    expect((await api.patch('strategic-merge', `${SETTINGS}/s`, change)).status).toBe(415);
    expect((await api.patch('merge', `${SETTINGS}/s`, change)).status).toBe(200);
  });

  test('of the object leaves the status, of the status leaves the object', async () => {
    const api = new TestApi();
    await api.post(DEPLOYMENTS, deployment('d', 3));
    await api.patch('merge', `${DEPLOYMENTS}/d`, { status: { replicas: 7 } });
    await api.patch('merge', `${DEPLOYMENTS}/d/status`, { spec: { replicas: 7 }, status: { readyReplicas: 1 } });
    const { body } = await api.get(`${DEPLOYMENTS}/d`);
    expect(body.status).toEqual({ readyReplicas: 1 });
    expect(body.spec.replicas).toBe(3);
  });

  test('of a Pod may change images, and nothing of its wiring', async () => {
    const api = new TestApi();
    await api.post(PODS, pod('a'));
    const image = { spec: { containers: [{ name: 'web', image: 'echo' }] } };
    expect((await api.patch('strategic-merge', `${PODS}/a`, image)).status).toBe(200);
    expect((await api.patch('merge', `${PODS}/a`, { spec: { nodeName: 'n1' } })).status).toBe(422);
  });

  test('keeps the addresses of a Service that a PUT leaves out', async () => {
    const api = new TestApi();
    const service = { metadata: { name: 's' }, spec: { type: 'LoadBalancer', ports: [{ port: 80 }] } };
    const { spec } = (await api.post(SERVICES, service)).body;
    const put = await api.call('PUT', `${SERVICES}/s`, service);
    expect(put.body.spec).toEqual(spec);
  });

  test('by server-side apply is refused by its media type', async () => {
    const api = new TestApi();
    expect((await api.patch('apply', `${CONFIG_MAPS}/new`, configMap('new'))).status).toBe(415);
  });
});

describe('what is not there', () => {
  test.each([
    ['GET', '/apis/networking.k8s.io/v1/networkpolicies', 404],
    ['GET', '/api/v1/namespaces/default/pods/none', 404],
    ['GET', '/api/v1/namespaces/default/pods/none/nonsense', 404],
    ['GET', '/api/v1/namespaces/default/pods/a/log', 501],
    ['PUT', '/api/v1/namespaces/default/pods', 405],
    ['POST', '/api/v1/pods', 405],
  ] as const)('%s %s answers %i', async (method, path, status) => {
    const api = new TestApi();
    expect((await api.call(method, path, method === 'GET' ? undefined : pod('a'))).status).toBe(status);
  });

  test('a request of nobody is unauthorized, and one that the authorizer refuses forbidden', async () => {
    const api = new TestApi({ authorizer: (user, { verb }) => user.username === 'admin' && verb === 'list' });
    const request = { method: 'GET', path: `${PODS}/a` } as const;
    expect(await api.server.request(undefined, request)).toMatchObject({ status: 401 });
    expect((await api.get(`${PODS}/a`)).body.message).toBe(
      'pods "a" is forbidden: User "admin" cannot get resource "pods" in API group "" in the namespace "default"',
    );
    expect((await api.get(PODS)).status).toBe(200);
  });
});
