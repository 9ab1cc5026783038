import { expect, test } from 'vitest';
import { breaches } from './laws.ts';
import { DEPLOYMENTS, deployment, SERVICES, service } from './manifests.ts';
import { readyPods, untilServing } from './traffic.ts';
import { World } from './world.ts';

const NAME = 'web';

/** A container of a serving Pod crashes. Milliseconds until CLB was told to send it nothing more. */
async function crashUntilWeight0(hasRuntimes: boolean): Promise<number> {
  const world = new World({ seed: 11, hasRuntimes });
  await world.start();
  await world.create(DEPLOYMENTS, deployment(NAME, { replicas: 3, hooked: true }));
  await world.create(SERVICES, service(NAME));
  await untilServing(world, NAME, 3);
  const [victim] = await readyPods(world, NAME);
  const crashedAt = world.clock.wallNow();
  world.crash(victim?.metadata.uid ?? '');
  await world.clock.advance(30_000);
  await untilServing(world, NAME, 3);
  const { podIP = '' } = victim?.status ?? {};
  const call = world.journal.find(
    record =>
      record.kind === 'call' &&
      record.at >= crashedAt &&
      record.action === 'BatchModifyTargetWeight' &&
      JSON.stringify(record.parameters).includes(podIP),
  );
  expect(breaches(world)).toEqual([]);
  await world.close();
  return (call?.at ?? Number.NaN) - crashedAt;
}

test("a crashed container's target is at weight 0 within 100 ms by the runtime's word", async () => {
  expect(await crashUntilWeight0(true)).toBeLessThan(100);
});

test('and by the Pod watch when the node has no runtime to ask, later', async () => {
  const tookMs = await crashUntilWeight0(false);
  expect(tookMs).toBeGreaterThan(100);
  expect(tookMs).toBeLessThan(1_500);
});
