import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Pod } from '../../common/kube/objects.ts';
import { breaches } from './laws.ts';
import { DEPLOYMENTS, deployment, MERGE_PATCH, SERVICES, service } from './manifests.ts';
import type { Habit } from './model-client.ts';
import { readyPods, startTraffic, type Traffic, untilServing } from './traffic.ts';
import { World } from './world.ts';

const NAME = 'web';
const REPLICAS = 3;
const NODE = 'node-3';
const PODS = '/api/v1/namespaces/default/pods';
/** Longer than a closed target stands. */
const PATIENT: Habit = { gapMs: [500, 1_000], serviceMs: [60_000, 60_000], requestsPerConnection: [1, 1] };

describe('a node whose agent reaches the coordinators and not the API server', () => {
  let world: World;
  let traffic: Traffic;

  beforeEach(async () => {
    world = new World({ seed: 5, nodes: 3, hasRuntimes: true });
    await world.start();
    await world.create(DEPLOYMENTS, deployment(NAME, { replicas: REPLICAS, hooked: true }));
    await world.create(SERVICES, service(NAME));
    await untilServing(world, NAME, REPLICAS);
  });
  afterEach(() => world.close());

  async function cordon(unschedulable: boolean, nodes: Iterable<string>): Promise<void> {
    for (const node of nodes) {
      await world.request('PATCH', `/api/v1/nodes/${node}`, { spec: { unschedulable } }, MERGE_PATCH);
    }
  }

  const podsThere = async (): Promise<Pod[]> =>
    (await readyPods(world, NAME)).filter(({ spec }) => spec.nodeName === NODE);

  const blind = () => world.agents.get(NODE)?.kube.set('refused');

  async function end(): Promise<object> {
    await traffic.stop();
    return { lost: [...traffic.tally.lost], breaches: breaches(world) };
  }

  test('loses no request of a new Pod that is deleted before its agent could hold its hook (L4)', async () => {
    traffic = await startTraffic(world, NAME);
    blind();
    await world.clock.advance(15_000);
    await world.request('PATCH', `${DEPLOYMENTS}/${NAME}`, { spec: { replicas: 6 } }, MERGE_PATCH);
    await world.clock.advance(20_000);
    const youngest = (await world.pods()).findLast(({ spec }) => spec.nodeName === NODE);
    await world.request('DELETE', `${PODS}/${youngest?.metadata.name}`);
    await world.clock.advance(20_000);
    world.agents.get(NODE)?.kube.set('open');
    await untilServing(world, NAME, 6);
    expect(await end()).toEqual({ lost: [], breaches: [] });
  });

  test('has its new Pods bound, by the leader’s own watch, if it stays so', async () => {
    traffic = await startTraffic(world, NAME);
    blind();
    await world.clock.advance(15_000);
    await world.request('PATCH', `${DEPLOYMENTS}/${NAME}`, { spec: { replicas: 6 } }, MERGE_PATCH);
    await untilServing(world, NAME, 6);
    expect(await podsThere()).toHaveLength(2);
    expect(world.leader()?.coordinator.watchedNodes).toEqual([NODE]);
    world.agents.get(NODE)?.kube.set('open');
    await world.clock.advance(60_000);
    expect(world.leader()?.coordinator.watchedNodes).toEqual([]);
    expect(await end()).toEqual({ lost: [], breaches: [] });
  });

  test('has no connection cut of a new Pod with the address of one that is gone, under a new leader (L4)', async () => {
    const [dead] = await podsThere();
    await cordon(true, world.nodes.keys());
    for (const coordinator of world.coordinators) coordinator.sever();
    await world.request('DELETE', `${PODS}/${dead?.metadata.name}`, { gracePeriodSeconds: 0 });
    await world.clock.advance(2_000);
    blind();
    await cordon(false, [NODE]);
    await world.clock.advance(5_000);
    traffic = await startTraffic(world, NAME, { habits: Array(12).fill(PATIENT) });
    await world.clock.advance(2_000);
    world.startCoordinator();
    await world.clock.advance(90_000);
    const [heir] = (await world.pods()).filter(({ spec }) => spec.nodeName === NODE);
    expect(await end()).toEqual({ lost: [], breaches: [] });
    expect(heir?.status?.podIP).toBe(dead?.status?.podIP);
  });
});
