import { afterEach, beforeEach, expect, test } from 'vitest';
import { type CoordinatorProcess, World } from './world.ts';

let world: World;

/** Two replicas, each in a Pod of its own, on nodes whose agents hear of exits. */
beforeEach(async () => {
  world = new World({ seed: 1, coordinators: 0, hasRuntimes: true });
  await world.start();
  for (const nodeName of ['node-1', 'node-2']) await world.deployCoordinator(nodeName);
  await world.clock.advance(20_000);
});
afterEach(() => world.close());

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
  const former = leaderNow();
  const killedAt = world.clock.now();
  world.crash(await podUidOf(former));
  await world.clock.advanceUntil(() => world.leader() !== undefined && world.leader() !== former, 20_000);
  expect(world.clock.now() - killedAt).toBeLessThan(2_000);
});

test('an agent of another node that says so changes nothing (L12)', async () => {
  const leader = leaderNow();
  const podUid = await podUidOf(leader);
  const incarnation = leader.coordinator.leadership.leader.slice(podUid.length + 1);
  const followers = world.coordinators.filter(({ name }) => name !== leader.name);
  for (const { coordinator } of followers) {
    const stop = new AbortController();
    const messages = [
      { $case: 'hello', value: { nodeName: 'node-3', epoch: 'liar', agentVersion: '', startedAtMs: 1 } },
      { $case: 'coordinatorEnded', value: { podUid, incarnation } },
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
