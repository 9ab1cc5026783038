import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Pod } from '../../common/kube/objects.ts';
import { breaches } from './laws.ts';
import { DEPLOYMENTS, deployment, MERGE_PATCH, SERVICES, service } from './manifests.ts';
import { readyPods, startTraffic, type Traffic, untilServing } from './traffic.ts';
import { World } from './world.ts';

const NAME = 'web';
const REPLICAS = 6;
const NODE = 'node-1';
/** The autoscaler sets it, and evicts the node's Pods a while later. */
const TAINT = { key: 'ToBeDeletedByClusterAutoscaler', value: '1763800000', effect: 'NoSchedule' };
/** Two of the six Pods are on the node, and the brake lets one of six go in a minute. */
const BRAKED_MS = 70_000;

describe('a node that the autoscaler is about to remove', () => {
  let world: World;
  let traffic: Traffic;
  let leaving: readonly Pod[];

  beforeEach(async () => {
    world = new World({ seed: 5 });
    await world.start();
    await world.create(DEPLOYMENTS, deployment(NAME, { replicas: REPLICAS, hooked: true }));
    await world.create(SERVICES, service(NAME));
    await untilServing(world, NAME, REPLICAS);
    traffic = await startTraffic(world, NAME);
    leaving = (await readyPods(world, NAME)).filter(({ spec }) => spec.nodeName === NODE);
    await taint(TAINT);
    await world.clock.advance(BRAKED_MS);
  });
  afterEach(() => world.close());

  const taint = (...taints: readonly object[]) =>
    world.request('PATCH', `/api/v1/nodes/${NODE}`, { spec: { taints } }, MERGE_PATCH);

  /** The weights of the Pods that were on the node, as CLB was told last. */
  function weights(): number[] {
    const last = new Map<string, number>();
    for (const record of world.journal) {
      if (record.kind !== 'change') continue;
      for (const change of record.changes) if ('address' in change) last.set(change.address, change.weight);
    }
    return leaving.map(({ status }) => last.get(status?.podIP ?? '') ?? Number.NaN);
  }

  async function end(): Promise<object> {
    await traffic.stop();
    return { lost: [...traffic.tally.lost], breaches: breaches(world) };
  }

  test('has its targets at weight 0 ahead of the evictions, which then lose nothing', async () => {
    expect(leaving.length).toBeGreaterThan(1);
    expect(weights()).toEqual(leaving.map(() => 0));
    expect(await readyPods(world, NAME)).toHaveLength(REPLICAS);
    for (const { metadata } of leaving) {
      await world.request('POST', `/api/v1/namespaces/default/pods/${metadata.name}/eviction`, {
        apiVersion: 'policy/v1',
        kind: 'Eviction',
        metadata: { name: metadata.name, namespace: 'default' },
      });
    }
    await world.clock.advance(60_000);
    await untilServing(world, NAME, REPLICAS);
    expect(await end()).toEqual({ lost: [], breaches: [] });
  });

  test('is told on the node, and serves again when it is to stay', async () => {
    await taint();
    await world.clock.advance(10_000);
    expect(weights()).toEqual(leaving.map(() => 10));
    const events = (await world.events()).filter(event => event.involvedObject.kind === 'Node');
    expect(events.map(event => [event.involvedObject.name, event.type, event.message.slice(0, 60)])).toEqual([
      [NODE, 'Normal', expect.stringMatching(/^CD3003: Node node-1: its end is announced by to-be-deleted/)],
      [NODE, 'Normal', expect.stringMatching(/^CD3003: Node node-1: its end is no longer announced/)],
    ]);
    expect(await end()).toEqual({ lost: [], breaches: [] });
  });
});
