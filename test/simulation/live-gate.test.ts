import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Pod } from '../../common/kube/objects.ts';
import { READINESS_GATE } from '../../common/names.ts';
import { breaches } from './laws.ts';
import { DEPLOYMENTS, deployment, SERVICES, service } from './manifests.ts';
import { untilServing } from './traffic.ts';
import { World } from './world.ts';

const NAME = 'web';
const REPLICAS = 6;
const SECOND_MS = 1_000;
/** For CLB to notice three failed checks, and for the leader to wait and see. */
const NOTICED_MS = 45 * SECOND_MS;

let world: World;
let sick: Set<string>;

async function serve(liveGate: boolean): Promise<void> {
  world = new World({ seed: 23, gates: { liveGate }, isSick: address => sick.has(address) });
  await world.start();
  await world.create(DEPLOYMENTS, deployment(NAME, { replicas: REPLICAS, hooked: true }));
  await world.create(SERVICES, service(NAME));
  await untilServing(world, NAME, REPLICAS);
}

beforeEach(() => {
  sick = new Set();
});

afterEach(async () => {
  const broken = breaches(world);
  await world.close();
  expect(broken).toEqual([]);
});

test('an open gate stays open whatever becomes of the health of its Pod, unless the flag says otherwise (L3)', async () => {
  await serve(false);
  sick.add(await addressOf(0));
  await world.clock.advance(3 * NOTICED_MS);
  expect(await shutGates()).toEqual([]);
});

describe('with --live-gate', () => {
  beforeEach(() => serve(true));

  test('the gate of a Pod that CLB finds unhealthy shuts, tells since when, and opens as soon as it is well again', async () => {
    sick.add(await addressOf(0));
    await world.clock.advance(NOTICED_MS);
    const [shut, ...others] = await shutGates();
    expect(others).toEqual([]);
    expect(shut).toMatchObject({
      reason: 'WaitingForHealthCheck',
      message: expect.stringMatching(
        /^0 of 1 rules ready; default\/web TCP:80 on lb-\S+: the health check says unhealthy since 2026-/,
      ),
    });
    sick.clear();
    await world.clock.advance(NOTICED_MS);
    expect(await shutGates()).toEqual([]);
  });

  test('a gate that opened again stays open for a minute, and longer each time', async () => {
    const address = await addressOf(0);
    let shutFor = 0;
    for (let second = 0; second < 600; second += 1) {
      // Half a minute sick, half a minute well: without damping it would be shut a third of the time, 10 times.
      if (second % 60 < 30) sick.add(address);
      else sick.clear();
      const before = shutFor;
      await world.clock.advance(SECOND_MS);
      if ((await shutGates()).length > 0) shutFor = before + 1;
    }
    expect(shutFor).toBeGreaterThan(10);
    expect(shutFor).toBeLessThan(90);
  });

  test('of half of the Pods no more shut than the brake allows', async () => {
    for (const pod of [0, 1, 2]) sick.add(await addressOf(pod));
    await world.clock.advance(NOTICED_MS);
    expect(await shutGates()).toHaveLength(1);
    await world.clock.advance(60 * SECOND_MS);
    expect(await shutGates()).toHaveLength(2);
    await world.clock.advance(60 * SECOND_MS);
    expect(await shutGates()).toHaveLength(3);
  });

  test('none shuts when all are unhealthy: there is nobody to turn to', async () => {
    for (const pod of [0, 1, 2, 3, 4, 5]) sick.add(await addressOf(pod));
    await world.clock.advance(10 * NOTICED_MS);
    expect(await shutGates()).toEqual([]);
  });

  test('a next leader opens a gate that the one before shut only when CLB finds the Pod healthy', async () => {
    sick.add(await addressOf(0));
    await world.clock.advance(NOTICED_MS);
    world.leader()?.sever();
    await world.clock.advance(2 * NOTICED_MS);
    expect(await shutGates()).toHaveLength(1);
    sick.clear();
    await world.clock.advance(NOTICED_MS);
    expect(await shutGates()).toEqual([]);
  });
});

async function pods(): Promise<Pod[]> {
  const found = (await world.pods()).filter(pod => pod.metadata.labels?.app === NAME);
  return found.sort((one, other) => one.metadata.name.localeCompare(other.metadata.name));
}

async function addressOf(index: number): Promise<string> {
  return (await pods())[index]?.status?.podIP ?? '';
}

async function shutGates() {
  const conditions = (await pods()).flatMap(({ status }) => status?.conditions ?? []);
  return conditions.filter(({ type, status }) => type === READINESS_GATE && status === 'False');
}
