import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Pod } from '../../common/kube/objects.ts';
import { breaches } from './laws.ts';
import { DEPLOYMENTS, deployment, SERVICES, service } from './manifests.ts';
import { readyPods, startTraffic, type Traffic, untilServing } from './traffic.ts';
import { World } from './world.ts';

const NAME = 'web';
const REPLICAS = 6;
const NODE = 'node-3';
const PODS = '/api/v1/namespaces/default/pods';

describe('the Pods of a node that never had an agent', () => {
  let world: World;
  let traffic: Traffic;

  beforeEach(async () => {
    world = new World({ seed: 17, nodes: 3, agentless: [NODE] });
    await world.start();
    await world.create(DEPLOYMENTS, deployment(NAME, { replicas: REPLICAS, hooked: true }));
    await world.create(SERVICES, service(NAME));
    await untilServing(world, NAME, REPLICAS);
    traffic = await startTraffic(world, NAME);
  });
  afterEach(() => world.close());

  const podsThere = async () => (await readyPods(world, NAME)).filter(({ spec }) => spec.nodeName === NODE);

  /** What CLB did with the Pod's target since then, in order. */
  function changesOf(pod: Pod, from = 0): { at: number; change: string; weight: number }[] {
    return world.journal.slice(from).flatMap(record => {
      if (record.kind !== 'change') return [];
      return record.changes.flatMap(change => {
        if (!('address' in change) || change.address !== pod.status?.podIP) return [];
        return [{ at: record.at, change: change.kind, weight: change.weight }];
      });
    });
  }

  async function end(): Promise<object> {
    await traffic.stop();
    return { lostOn: [...new Set(traffic.tally.losses.map(({ target }) => target))], breaches: breaches(world) };
  }

  test('are bound and become ready like all others', async () => {
    const pods = await podsThere();
    expect(pods).toHaveLength(2);
    await world.clock.advance(30_000);
    expect(traffic.tally.ok).toBeGreaterThan(100);
    expect(await end()).toEqual({ lostOn: [], breaches: [] });
  });

  test('are taken to weight 0 as soon as the watch tells of their deletion, and deregistered once they are gone', async () => {
    const [pod] = await podsThere();
    if (!pod) throw new Error('there is a Pod');
    const from = world.journal.length;
    const deletedAt = world.clock.wallNow();
    await world.request('DELETE', `${PODS}/${pod.metadata.name}`);
    await world.clock.advance(60_000);
    const [first, ...later] = changesOf(pod, from);
    expect(first).toMatchObject({ change: 'target-reweighted', weight: 0 });
    expect((first?.at ?? 0) - deletedAt).toBeLessThan(1_000);
    expect(later[0]).toMatchObject({ change: 'target-deregistered' });
    const { lostOn, breaches: broken } = (await end()) as { lostOn: string[]; breaches: unknown[] };
    // Nobody held its SIGTERM.
    expect(lostOn.every(address => address === pod.status?.podIP)).toBe(true);
    expect(broken).toEqual([]);
  });

  test('stay as they are through a change of the leader', async () => {
    const from = world.journal.length;
    world.leader()?.sever();
    await world.clock.advance(60_000);
    expect(world.journal.slice(from).filter(({ kind }) => kind === 'change')).toEqual([]);
    const [pod] = await podsThere();
    await world.request('DELETE', `${PODS}/${pod?.metadata.name}`);
    await world.clock.advance(60_000);
    await untilServing(world, NAME, REPLICAS);
    await traffic.stop();
    expect(breaches(world)).toEqual([]);
  });
});
