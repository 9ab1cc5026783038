import { afterEach, expect, test } from 'vitest';
import { DEPLOYMENTS, deployment, SERVICES, service } from './manifests.ts';
import { readyPods, untilServing } from './traffic.ts';
import { World } from './world.ts';

let world: World;

afterEach(() => world.close());

async function serve(): Promise<void> {
  world = new World({ seed: 1 });
  await world.start();
  await world.create(DEPLOYMENTS, deployment('web', { replicas: 3, hooked: true }));
  await world.create(SERVICES, service('web'));
  await untilServing(world, 'web', 3);
}

test('a replica that does not lead forgets drains that have ended, too (L9)', async () => {
  await serve();
  const [victim] = await readyPods(world, 'web');
  world.send('DELETE', `/api/v1/namespaces/default/pods/${victim?.metadata.name}`);
  const drains = () => world.coordinators.map(({ coordinator }) => coordinator.knowledge.drains.size);
  await world.clock.advance(1_000);
  expect(drains()).toEqual([1, 1]);
  await world.clock.advance(60_000);
  expect(drains()).toEqual([0, 0]);
});

test('a replica that does not lead forgets the Pods of a node that has left the cluster, and keeps those of a silent one (L9)', async () => {
  await serve();
  const known = () => world.coordinators.map(({ coordinator }) => coordinator.knowledge.store.pods.size);
  world.nodes.get('node-1')?.die();
  await world.clock.advance(120_000);
  expect(known()).toEqual([3, 3]);
  const pods = (await world.pods()).filter(({ spec }) => spec.nodeName === 'node-1');
  expect(pods).not.toEqual([]);
  for (const { metadata } of pods) {
    world.send('DELETE', `/api/v1/namespaces/default/pods/${metadata.name}`, { gracePeriodSeconds: 0 });
  }
  world.send('DELETE', '/api/v1/nodes/node-1');
  await world.clock.advance(120_000);
  expect(known()).toEqual([3, 3]);
});
