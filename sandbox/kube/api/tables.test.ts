import { describe, expect, test } from 'vitest';
import { humanDuration } from './age.ts';
import { createBoundPod, createNode, DEPLOYMENTS, deployment, PODS, TestApi } from './fixtures.ts';
import type { JsonObject } from './json.ts';

const ACCEPT =
  'application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json';

interface Table {
  readonly kind: string;
  readonly columnDefinitions: { name: string; priority: number }[] | null;
  readonly rows: { cells: unknown[]; object: JsonObject }[];
}

async function tableAt(api: TestApi, path: string, query: Record<string, string> = {}): Promise<Table> {
  return (await api.call('GET', path, undefined, { accept: ACCEPT, query })).body as unknown as Table;
}

/** The first row as an object by column name. */
function firstRow(table: Table): Record<string, unknown> {
  const cells = table.rows[0]?.cells ?? [];
  return Object.fromEntries((table.columnDefinitions ?? []).map(({ name }, index) => [name, cells[index]]));
}

describe('a Table', () => {
  test('of Pods shows readiness gates among the wide columns', async () => {
    const api = new TestApi();
    await createNode(api, 'n1');
    const gate = 'clb-direct.io/load-balancer-ready';
    await createBoundPod(api, 'a', 'n1', { readinessGates: [{ conditionType: gate }] });
    const running = {
      name: 'web',
      ready: true,
      restartCount: 1,
      state: { running: {} },
      lastState: { terminated: { exitCode: 1, finishedAt: '2026-01-01T00:00:00Z' } },
    };
    const status = {
      phase: 'Running',
      podIP: '127.1.0.5',
      containerStatuses: [running],
      conditions: [{ type: gate, status: 'True' }],
    };
    await api.patch('merge', `${PODS}/a/status`, { status });
    await api.clock.advance(300_000);
    const table = await tableAt(api, PODS);
    expect(firstRow(table)).toEqual({
      Name: 'a',
      Ready: '1/1',
      Status: 'Running',
      Restarts: '1 (5m ago)',
      Age: '5m',
      IP: '127.1.0.5',
      Node: 'n1',
      'Nominated Node': '<none>',
      'Readiness Gates': '1/1',
    });
    expect(table.columnDefinitions?.filter(({ priority }) => priority === 0)).toHaveLength(5);
  });

  test.each([
    ['Terminating', { deleted: true }, { phase: 'Running' }],
    [
      'ImagePullBackOff',
      {},
      { phase: 'Pending', containerStatuses: [{ name: 'web', state: { waiting: { reason: 'ImagePullBackOff' } } }] },
    ],
    [
      'Completed',
      {},
      {
        phase: 'Succeeded',
        containerStatuses: [{ name: 'web', state: { terminated: { exitCode: 0, reason: 'Completed' } } }],
      },
    ],
    [
      'ExitCode:137',
      {},
      { phase: 'Failed', containerStatuses: [{ name: 'web', state: { terminated: { exitCode: 137 } } }] },
    ],
    ['Pending', {}, { phase: 'Pending' }],
  ])('calls a Pod %s', async (expected, { deleted = false }: { deleted?: boolean }, status) => {
    const api = new TestApi();
    await createNode(api, 'n1');
    await createBoundPod(api, 'a', 'n1');
    await api.patch('merge', `${PODS}/a/status`, { status });
    if (deleted) await api.call('DELETE', `${PODS}/a`);
    expect(firstRow(await tableAt(api, `${PODS}/a`)).Status).toBe(expected);
  });

  test('of a Service shows its external address once it has one', async () => {
    const api = new TestApi();
    const path = '/api/v1/namespaces/default/services';
    await api.post(path, {
      metadata: { name: 's' },
      spec: { type: 'LoadBalancer', allocateLoadBalancerNodePorts: false, ports: [{ port: 80 }] },
    });
    expect(firstRow(await tableAt(api, path))).toMatchObject({ 'External-IP': '<pending>', 'Port(s)': '80/TCP' });
    await api.patch('merge', `${path}/s/status`, { status: { loadBalancer: { ingress: [{ ip: '127.9.0.1' }] } } });
    expect(firstRow(await tableAt(api, path))['External-IP']).toBe('127.9.0.1');
  });

  test('carries the metadata or the whole object of each row, as asked', async () => {
    const api = new TestApi();
    await api.post(DEPLOYMENTS, deployment('d'));
    const [partial, whole] = [
      await tableAt(api, DEPLOYMENTS),
      await tableAt(api, DEPLOYMENTS, { includeObject: 'Object' }),
    ];
    expect(partial.rows[0]?.object).toMatchObject({ kind: 'PartialObjectMetadata', metadata: { name: 'd' } });
    expect(whole.rows[0]?.object).toMatchObject({ kind: 'Deployment', apiVersion: 'apps/v1', spec: { replicas: 1 } });
  });

  test('of a watch names its columns once', async () => {
    const api = new TestApi();
    const controller = new AbortController();
    const request = { method: 'GET', path: DEPLOYMENTS, accept: ACCEPT } as const;
    await api.post(DEPLOYMENTS, deployment('a'));
    await api.post(DEPLOYMENTS, deployment('b'));
    const tables: Table[] = [];
    for await (const { object } of api.transport.watch(request, controller.signal)) {
      if (tables.push(object as unknown as Table) === 2) break;
    }
    expect(tables.map(table => [table.rows[0]?.cells[0], table.columnDefinitions === null])).toEqual([
      ['a', false],
      ['b', true],
    ]);
  });
});

test.each([
  [0, '0s'],
  [119_000, '119s'],
  [125_000, '2m5s'],
  [600_000, '10m'],
  [3 * 3_600_000 + 60_000, '3h1m'],
  [30 * 3_600_000, '30h'],
  [3 * 86_400_000, '3d'],
  [400 * 86_400_000, '400d'],
  [-5_000, '<invalid>'],
])('an age of %i ms reads %s', (ageMs, text) => {
  expect(humanDuration(ageMs)).toBe(text);
});
