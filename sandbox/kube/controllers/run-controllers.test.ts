import { describe, expect, test } from 'vitest';
import type { Node, Pod } from '../../../common/kube/objects.ts';
import { MERGE_PATCH } from '../kube-client.ts';
import { ClusterHarness } from '../kubelet/cluster-harness.ts';
import { collectionPath } from '../resource-path.ts';
import type { EndpointSlice } from './plan-endpoint-slices.ts';
import { isActive, isReady } from './pod-availability.ts';
import { deploymentFixture } from './workload-fixtures.ts';
import type { Deployment } from './workloads.ts';

const DEPLOYMENT = `${collectionPath('deployments', 'default')}/web`;

function patchDeployment(harness: ClusterHarness, spec: object): Promise<Deployment> {
  return harness.perform((client, signal) => client.patch<Deployment>(DEPLOYMENT, MERGE_PATCH, { spec }, signal));
}

function deployment(harness: ClusterHarness): Promise<Deployment> {
  return harness.perform((client, signal) => client.get<Deployment>(DEPLOYMENT, signal));
}

async function deploy(harness: ClusterHarness, fixture: Parameters<typeof deploymentFixture>[0], container = {}) {
  const { metadata, spec } = deploymentFixture({ image: 'web', ...fixture });
  const { uid: _uid, generation: _generation, ...named } = metadata;
  const [first] = spec.template.spec.containers;
  const template = { ...spec.template, spec: { containers: [{ ...first, ...container }] } };
  const body = { metadata: named, spec: { ...spec, template } };
  await harness.perform((client, signal) => client.create(collectionPath('deployments', 'default'), body, signal));
}

/** `rollout restart` changes an annotation of the template. */
const RESTART = { template: { metadata: { annotations: { 'kubectl.kubernetes.io/restartedAt': 'now' } } } };

function isRolledOut({ metadata, spec, status = {} }: Deployment): boolean {
  const isWanted = status.updatedReplicas === spec.replicas && status.replicas === spec.replicas;
  return metadata.generation === status.observedGeneration && isWanted && status.availableReplicas === spec.replicas;
}

test('a Deployment spreads over the nodes and becomes available', async () => {
  await using harness = new ClusterHarness({ controllers: true, nodes: 3 });
  await deploy(harness, { replicas: 6 });
  await harness.clock.advance(5_000);
  const nodes = (await harness.pods()).map(({ spec }) => spec.nodeName).sort();
  expect(nodes).toEqual(['node1', 'node1', 'node2', 'node2', 'node3', 'node3']);
  expect(isRolledOut(await deployment(harness))).toBe(true);
});

describe('a rolling update', () => {
  test.each([
    { maxSurge: 1, maxUnavailable: 0, fewest: 4, most: 5 },
    { maxSurge: 0, maxUnavailable: 1, fewest: 3, most: 4 },
    { maxSurge: '50%', maxUnavailable: '25%', fewest: 3, most: 6 },
  ])('with maxSurge $maxSurge and maxUnavailable $maxUnavailable never has fewer ready or more Pods', async row => {
    await using harness = new ClusterHarness({ controllers: true, nodes: 2 });
    const { maxSurge, maxUnavailable } = row;
    await deploy(harness, { replicas: 4, maxSurge, maxUnavailable });
    await harness.clock.advance(5_000);
    const before = new Set((await harness.pods()).map(({ metadata }) => metadata.uid));
    await patchDeployment(harness, RESTART);
    const seen = { fewest: Number.POSITIVE_INFINITY, most: 0 };
    for (let round = 0; round < 200 && !isRolledOut(await deployment(harness)); round++) {
      const pods = (await harness.pods()).filter(isActive);
      seen.fewest = Math.min(seen.fewest, pods.filter(isReady).length);
      seen.most = Math.max(seen.most, pods.length);
      await harness.clock.advance(50);
    }
    expect(isRolledOut(await deployment(harness))).toBe(true);
    await harness.clock.advance(2_000);
    expect((await harness.pods()).filter(({ metadata }) => before.has(metadata.uid))).toEqual([]);
    expect(seen).toEqual({ fewest: row.fewest, most: row.most });
  });

  test('waits for a readiness gate that nobody opens', async () => {
    await using harness = new ClusterHarness({ controllers: true });
    await deploy(harness, { replicas: 2, maxSurge: 1, maxUnavailable: 0 });
    await harness.clock.advance(5_000);
    const before = (await harness.pods()).map(({ metadata }) => metadata.name);
    const readinessGates = [{ conditionType: 'example.com/gate' }];
    await patchDeployment(harness, { template: { spec: { readinessGates } } });
    await harness.clock.advance(30_000);
    const names = (await harness.pods()).map(({ metadata }) => metadata.name);
    expect(names).toEqual(expect.arrayContaining(before));
    expect(names).toHaveLength(3);
    for (let round = 0; round < 5; round++) {
      for (const { metadata } of await harness.pods())
        await harness.setCondition(metadata.name, 'example.com/gate', 'True');
      await harness.clock.advance(3_000);
    }
    expect(isRolledOut(await deployment(harness))).toBe(true);
  });

  test('waits for minReadySeconds between its steps', async () => {
    await using harness = new ClusterHarness({ controllers: true });
    await deploy(harness, { replicas: 1, maxSurge: 1, maxUnavailable: 0, minReadySeconds: 20 });
    await harness.clock.advance(25_000);
    await patchDeployment(harness, RESTART);
    await harness.clock.advance(15_000);
    expect(await harness.pods()).toHaveLength(2);
    await harness.clock.advance(10_000);
    expect(await harness.pods()).toHaveLength(1);
  });
});

test('a scale-in deletes the surplus, and a deleted Deployment takes everything with it', async () => {
  await using harness = new ClusterHarness({ controllers: true, nodes: 2 });
  await deploy(harness, { replicas: 5 });
  await harness.clock.advance(5_000);
  await patchDeployment(harness, { replicas: 2 });
  await harness.clock.advance(3_000);
  expect(await harness.pods()).toHaveLength(2);
  await harness.perform((client, signal) => client.delete(DEPLOYMENT, { propagationPolicy: 'Background' }, signal));
  await harness.clock.advance(3_000);
  expect(await harness.pods()).toEqual([]);
});

test('a Pod waits for the extended resource that the leaving Pod still holds', async () => {
  const eniIp = 'tke.cloud.tencent.com/eni-ip';
  await using harness = new ClusterHarness({ controllers: true, capacity: { [eniIp]: '1' } });
  await deploy(harness, { replicas: 2 }, { resources: { limits: { [eniIp]: '1' } } });
  await harness.clock.advance(5_000);
  const waiting = (await harness.pods()).find(({ spec }) => !spec.nodeName);
  const scheduled = waiting?.status?.conditions?.find(({ type }) => type === 'PodScheduled');
  expect(scheduled).toMatchObject({
    reason: 'Unschedulable',
    message: `0/1 nodes are available: 1 Insufficient ${eniIp}.`,
  });
  const running = (await harness.pods()).find(({ spec }) => spec.nodeName) as Pod;
  await patchDeployment(harness, { replicas: 1 });
  await harness.deletePod(running.metadata.name);
  await harness.clock.advance(5_000);
  expect((await harness.pods()).every(({ spec }) => spec.nodeName === 'node1')).toBe(true);
});

describe('a node', () => {
  const patchNode = (harness: ClusterHarness, body: object) =>
    harness.perform((client, signal) =>
      client.patch<Node>(`${collectionPath('nodes')}/node1`, MERGE_PATCH, body, signal),
    );

  test('that is cordoned gets its taint and no more Pods', async () => {
    await using harness = new ClusterHarness({ controllers: true, nodes: 2 });
    await harness.clock.advance(1_000);
    await patchNode(harness, { spec: { unschedulable: true } });
    await deploy(harness, { replicas: 2 });
    await harness.clock.advance(5_000);
    expect((await harness.pods()).map(({ spec }) => spec.nodeName)).toEqual(['node2', 'node2']);
    const node = await patchNode(harness, {});
    expect(node.spec?.taints).toEqual([{ key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' }]);
  });

  test('whose cordon is lifted while somebody takes a taint off does not get it back', async () => {
    await using harness = new ClusterHarness({ controllers: true });
    const toBeDeleted = { key: 'ToBeDeletedByClusterAutoscaler', value: '1', effect: 'NoSchedule' };
    await harness.clock.advance(1_000);
    await patchNode(harness, { spec: { unschedulable: true, taints: [toBeDeleted] } });
    await harness.clock.advance(1_000);
    const lifted = { spec: { unschedulable: null } };
    await Promise.all([patchNode(harness, lifted), patchNode(harness, { spec: { taints: [] } })]);
    await harness.clock.advance(5_000);
    expect((await patchNode(harness, {})).spec?.taints).toEqual([]);
  });

  test('that falls silent becomes Unknown with its Pods not ready, and is taken back when it speaks', async () => {
    await using harness = new ClusterHarness({ controllers: true, nodes: 2 });
    await deploy(harness, { replicas: 2 });
    await harness.clock.advance(5_000);
    harness.stopKubelet(1);
    await harness.clock.advance(70_000);
    const node = await patchNode(harness, {});
    expect(node.status?.conditions?.find(({ type }) => type === 'Ready')?.status).toBe('Unknown');
    expect(node.spec?.taints?.map(({ key }) => key)).toEqual(['node.kubernetes.io/unreachable']);
    const readyOn = (await harness.pods()).filter(isReady).map(({ spec }) => spec.nodeName);
    expect(readyOn).toEqual(['node2']);
    harness.startKubelet(1);
    await harness.clock.advance(20_000);
    expect((await patchNode(harness, {})).spec?.taints).toEqual([]);
    expect((await harness.pods()).filter(isReady)).toHaveLength(2);
  });
});

test('an EndpointSlice follows the Pods of a Service, named target ports included', async () => {
  await using harness = new ClusterHarness({ controllers: true });
  const service = {
    metadata: { name: 'web' },
    spec: { selector: { app: 'web' }, ports: [{ name: 'http', port: 8080, targetPort: 'web' }] },
  };
  await harness.perform((client, signal) => client.create(collectionPath('services', 'default'), service, signal));
  await deploy(harness, { replicas: 2 }, { ports: [{ name: 'web', containerPort: 80 }] });
  await harness.clock.advance(5_000);
  const slices = async () => {
    const path = collectionPath('endpointslices', 'default');
    return (await harness.perform((client, signal) => client.get<{ items: EndpointSlice[] }>(path, signal))).items;
  };
  const [slice] = await slices();
  expect(slice?.ports).toEqual([{ name: 'http', port: 80, protocol: 'TCP' }]);
  expect(slice?.endpoints.map(({ conditions }) => conditions.ready)).toEqual([true, true]);
  await patchDeployment(harness, { replicas: 1 });
  await harness.clock.advance(3_000);
  expect((await slices())[0]?.endpoints).toHaveLength(1);
});

test('the same seed gives the same story, another seed another one', async () => {
  const story = async (seed: number) => {
    const timing = { syncMs: { min: 0, max: 700 }, statusMs: { min: 100, max: 700 }, startMs: { min: 0, max: 900 } };
    await using harness = new ClusterHarness({ controllers: true, nodes: 3, seed, timing });
    await deploy(harness, { replicas: 6 });
    await harness.clock.advance(10_000);
    await patchDeployment(harness, RESTART);
    await harness.clock.advance(60_000);
    return JSON.stringify(harness.records);
  };
  expect(await story(7)).toBe(await story(7));
  expect(await story(7)).not.toBe(await story(8));
});
