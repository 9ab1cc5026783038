import { afterEach, expect, test } from 'vitest';
import { DEPLOYMENTS, deployment, SERVICES, service } from './manifests.ts';
import { readyPods, untilServing } from './traffic.ts';
import { World } from './world.ts';

let world: World;

afterEach(() => world.close());

test('a replica that does not lead forgets drains that have ended, too (L9)', async () => {
  world = new World({ seed: 1 });
  await world.start();
  await world.create(DEPLOYMENTS, deployment('web', { replicas: 2, hooked: true }));
  await world.create(SERVICES, service('web'));
  await untilServing(world, 'web', 2);
  const [victim] = await readyPods(world, 'web');
  world.send('DELETE', `/api/v1/namespaces/default/pods/${victim?.metadata.name}`);
  const drains = () => world.coordinators.map(({ coordinator }) => coordinator.knowledge.drains.size);
  await world.clock.advance(1_000);
  expect(drains()).toEqual([1, 1]);
  await world.clock.advance(60_000);
  expect(drains()).toEqual([0, 0]);
});
