import { describe, expect, test } from 'vitest';
import type { Fault } from '../../sandbox/clb/faults.ts';
import { LOSSLESS, Stage } from './stage.ts';
import type { CoordinatorProcess } from './world.ts';

const LEASE_MS = 10_000;

function leaderOf({ world }: Stage): CoordinatorProcess {
  const leader = world.leader();
  if (!leader) throw new Error('nobody leads');
  return leader;
}

/** How long until another replica leads. */
async function untilSucceeded({ world }: Stage, former: CoordinatorProcess): Promise<number> {
  const at = world.clock.now();
  await world.clock.advanceUntil(() => world.leader() !== undefined && world.leader() !== former, 60_000);
  return world.clock.now() - at;
}

describe.each([1, 2])('a rolling update under load, seed %i', seed => {
  test('in which the leader is stopped: the next one leads at once, and nothing is lost', async () => {
    const stage = await Stage.make(seed);
    await stage.restart();
    await stage.untilDraining();
    const leader = leaderOf(stage);
    leader.stop.abort();
    expect(await untilSucceeded(stage, leader)).toBeLessThan(3_000);
    stage.world.startCoordinator();
    expect(await stage.end()).toEqual(LOSSLESS);
  });

  test('in which the leader is killed: the next one leads once the lease has run out, and nothing is lost', async () => {
    const stage = await Stage.make(seed);
    await stage.restart();
    await stage.untilDraining();
    const leader = leaderOf(stage);
    leader.sever();
    expect(await untilSucceeded(stage, leader)).toBeLessThan(LEASE_MS + 2_000);
    stage.world.startCoordinator();
    expect(await stage.end()).toEqual(LOSSLESS);
  });

  test('in which every agent is upgraded during a drain: nothing is lost', async () => {
    const stage = await Stage.make(seed);
    await stage.restart();
    await stage.untilDraining();
    for (const [nodeName, agent] of [...stage.world.agents]) {
      stage.world.startAgent(nodeName);
      await stage.world.clock.advance(2_000);
      agent.stop.abort();
    }
    expect(await stage.end()).toEqual(LOSSLESS);
  });

  test('in which an agent dies during a drain: the hook fails open, and only on its Pod anything may be lost', async () => {
    const stage = await Stage.make(seed);
    const { world } = stage;
    await stage.restart();
    const { podName, nodeName, podIp } = await stage.untilDraining();
    world.agents.get(nodeName)?.sever();
    const from = world.clock.wallNow();
    await world.clock.advance(3_000);
    world.startAgent(nodeName);
    const moments = world.records.filter(record => record.podName === podName && record.atMs >= from);
    expect(moments.map(({ type }) => type).slice(0, 2)).toEqual(['preStopEnded', 'signalled']);
    expect(moments[0]).toMatchObject({ type: 'preStopEnded', outcome: { type: 'failed' } });
    expect((moments[1]?.atMs ?? 0) - from).toBeLessThan(100);
    const { replaced } = await stage.end();
    expect(replaced).toBe(LOSSLESS.replaced);
    expect(stage.traffic.tally.losses.filter(({ target }) => target !== podIp)).toEqual([]);
  });

  test.each(['refused', 'silent'] as const)(
    'in which the API server is %s to the coordinators for 30 s: nothing is lost',
    async reach => {
      const stage = await Stage.make(seed);
      await stage.restart();
      await stage.world.clock.advance(2_000);
      for (const { kube } of stage.world.coordinators) kube.set(reach);
      await stage.world.clock.advance(30_000);
      for (const { kube } of stage.world.coordinators) kube.set('open');
      expect(await stage.end()).toEqual(LOSSLESS);
    },
  );

  test.each<[string, readonly Fault[]]>([
    ['loses replies of what it did', [{ action: '*', kind: 'lose-reply', probability: 0.25 }]],
    ['says success and does nothing', [{ action: '*', kind: 'do-nothing', probability: 0.3 }]],
    ['fails tasks', [{ action: '*', kind: 'fail-task', probability: 0.3 }]],
    ['fails after it did', [{ action: '*', kind: 'late-error', code: 'InternalError', probability: 0.25 }]],
    [
      'is busy most of the time',
      [{ action: '*', kind: 'error', code: 'FailedOperation.ResourceInOperating', probability: 0.5 }],
    ],
    ['throttles', [{ action: '*', kind: 'error', code: 'RequestLimitExceeded', probability: 0.3 }]],
    ['answers late', [{ action: '*', kind: 'delay-reply', delayMs: 1_500, probability: 0.4 }]],
    ['acts late', [{ action: '*', kind: 'delay', delayMs: 1_500, probability: 0.4 }]],
  ])('during which CLB %s: nothing is lost', async (_, faults) => {
    const stage = await Stage.make(seed);
    for (const fault of faults) stage.world.clb.faults.add(fault);
    await stage.restart();
    await stage.world.clock.advance(100_000);
    stage.world.clb.faults.clear();
    expect(await stage.end()).toEqual(LOSSLESS);
  });
});
