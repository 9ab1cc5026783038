import { afterEach, expect, test } from 'vitest';
import { breaches } from './laws.ts';
import { DEPLOYMENTS, deployment, SERVICES, service } from './manifests.ts';
import { readyPods, untilServing } from './traffic.ts';
import { type CoordinatorProcess, World } from './world.ts';

let world: World;

afterEach(() => world.close());

/** Replicas each in a Pod of its own, on nodes whose agents hear of exits. */
async function deploy({ replicas = 2, restartPolicy = 'Never' as 'Always' | 'Never' } = {}): Promise<void> {
  world = new World({ seed: 1, coordinators: 0, hasRuntimes: true });
  await world.start();
  for (let count = 1; count <= replicas; count += 1) world.deployCoordinator(`node-${count}`, restartPolicy);
  await world.clock.advance(20_000);
}

function leaderNow(): CoordinatorProcess {
  const leader = world.leader();
  if (!leader) throw new Error('nobody leads');
  return leader;
}

async function podUidOf({ name }: CoordinatorProcess): Promise<string> {
  const pods = await world.pods('clb-direct');
  return pods.find(({ metadata }) => metadata.name === name)?.metadata.uid ?? '';
}

test('a leader whose container is killed is succeeded at once, on the word of its node', async () => {
  await deploy();
  const former = leaderNow();
  const killedAt = world.clock.now();
  world.crash(await podUidOf(former));
  await world.clock.advanceUntil(() => world.leader() !== undefined && world.leader() !== former, 20_000);
  expect(world.clock.now() - killedAt).toBeLessThan(2_000);
});

async function killAll(): Promise<number> {
  for (const { metadata } of await world.pods('clb-direct')) world.crash(metadata.uid ?? '');
  return world.clock.wallNow();
}

test.each([1, 2])('of %i replicas that were all killed and restart in place, one leads at once', async replicas => {
  await deploy({ replicas, restartPolicy: 'Always' });
  const former = leaderNow();
  const killedAt = await killAll();
  await world.clock.advanceUntil(() => world.leader() !== undefined && world.leader() !== former, 20_000);
  expect(world.clock.wallNow() - killedAt).toBeLessThan(1_000);
});

test('a drain goes on after all replicas were killed, and is over when the last write of the killed leader must be (L7)', async () => {
  await deploy({ restartPolicy: 'Always' });
  await world.create(DEPLOYMENTS, deployment('web', { replicas: 3, hooked: true }));
  await world.create(SERVICES, service('web'));
  await untilServing(world, 'web', 3);
  const [victim] = await readyPods(world, 'web');
  world.send('DELETE', `/api/v1/namespaces/default/pods/${victim?.metadata.name}`);
  await world.clock.advance(1_000);
  const killedAt = await killAll();
  const hookEnd = () => world.records.find(({ type }) => type === 'preStopEnded');
  await world.clock.advanceUntil(() => hookEnd() !== undefined, 60_000);
  expect(hookEnd()).toMatchObject({ outcome: { type: 'answered' } });
  const waitedMs = (hookEnd()?.atMs ?? 0) - killedAt;
  expect(waitedMs).toBeGreaterThan(10_000);
  expect(waitedMs).toBeLessThan(13_000);
  await untilServing(world, 'web', 3);
  expect(breaches(world)).toEqual([]);
});

test('a leader that is stopped soon after it followed a killed one leads on until the last write of that one must be over (L7)', async () => {
  await deploy({ restartPolicy: 'Always' });
  const killedAt = await killAll();
  await world.clock.advance(3_000);
  const leader = leaderNow();
  leader.stop.abort();
  await world.clock.advanceUntil(() => !leader.coordinator.isLeading, 30_000);
  expect(world.clock.wallNow() - killedAt).toBeGreaterThan(10_000);
  expect(world.clock.wallNow() - killedAt).toBeLessThan(11_000);
  await world.clock.advanceUntil(() => world.leader() !== undefined, 3_000);
  expect(world.leader()).toBeDefined();
});

test('an agent of another node that says so changes nothing (L12)', async () => {
  await deploy();
  const leader = leaderNow();
  const podUid = await podUidOf(leader);
  const incarnation = leader.coordinator.leadership.leader.slice(podUid.length + 1);
  const followers = world.coordinators.filter(({ name }) => name !== leader.name);
  for (const { coordinator } of followers) {
    const stop = new AbortController();
    const messages = [
      { $case: 'hello', value: { nodeName: 'node-3', epoch: 'liar', agentVersion: '', startedAtMs: 1 } },
      { $case: 'coordinatorEnded', value: { podUid, incarnation, podName: leader.name } },
    ] as const;
    const said = messages.map(message => ({ message }));
    const channel = {
      send: () => true,
      writable: async () => undefined,
      close: () => stop.abort(),
      received: async function* () {
        yield* said;
      },
    };
    const identity = { nodeName: 'node-3', podName: 'liar', podUid: 'liar' };
    await coordinator.reports.handle(identity, channel, stop.signal);
  }
  await world.clock.advance(5_000);
  expect(world.leader()).toBe(leader);
});
