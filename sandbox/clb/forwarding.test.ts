import { describe, expect, it } from 'vitest';
import { type Fixture, type FixtureOptions, fixture, recordsOf, targets, withListener } from './server-fixture.ts';
import { virtualDataPlane } from './virtual-data-plane.ts';

const CLIENT = '10.9.9.9';
const NO_CHECK = { HealthCheck: { HealthSwitch: 0 } };
const DELAY_MAX_MS = 2_000;
/** Interval times threshold of the default check. */
const HEALTHY_WITHIN_MS = 15_000;

async function bound(clb: Fixture, weights: readonly number[], listener: object = NO_CHECK) {
  const ids = await withListener(clb, listener);
  const bindings = targets(ids.listenerId, weights.length).map((target, index) => ({
    ...target,
    Weight: weights[index],
  }));
  await clb.call('BatchRegisterTargets', { LoadBalancerId: ids.loadBalancerId, Targets: bindings });
  const endpoint = { vip: ids.vip, port: 80, protocol: 'TCP' as const };
  const plane = virtualDataPlane(clb.server);
  return {
    ...ids,
    plane,
    endpoint,
    chosen: (times: number, client = CLIENT) =>
      Array.from({ length: times }, () => plane.choose(endpoint, client)?.address ?? 'refused'),
    async reweigh(address: string, weight: number) {
      const entry = { ListenerId: ids.listenerId, Targets: [{ EniIp: address, Port: 8080, Weight: weight }] };
      await clb.finished(
        await clb.call('BatchModifyTargetWeight', { LoadBalancerId: ids.loadBalancerId, ModifyList: [entry] }),
      );
    },
    async deregister(address: string) {
      const target = { ListenerId: ids.listenerId, EniIp: address, Port: 8080 };
      await clb.call('BatchDeregisterTargets', { LoadBalancerId: ids.loadBalancerId, Targets: [target] });
    },
  };
}

describe('forwarders', () => {
  it('go on with what they knew until each has followed the API after its own delay', async () => {
    const clb = fixture({ forwarding: { delayMinMs: 200 } });
    const { chosen } = await bound(clb, [10]);
    expect(new Set(chosen(20))).toEqual(new Set(['refused']));
    await clb.clock.advance(DELAY_MAX_MS);
    expect(new Set(chosen(20))).toEqual(new Set(['10.0.0.1']));
    const moments = recordsOf(clb.server, 'forwarded').filter(({ targets }) => targets.length > 0);
    expect(moments.map(({ forwarder }) => forwarder).sort()).toEqual([0, 1]);
    expect(moments[0]?.at).not.toBe(moments[1]?.at);
  });

  it('never let a later change overtake an earlier one', async () => {
    for (let seed = 1; seed <= 20; seed += 1) {
      const clb = fixture({ seed });
      const { loadBalancerId, listenerId } = await withListener(clb, NO_CHECK);
      const [target] = targets(listenerId, 1);
      await clb.call('BatchRegisterTargets', { LoadBalancerId: loadBalancerId, Targets: [target] });
      await clb.clock.advance(50);
      await clb.call('BatchDeregisterTargets', { LoadBalancerId: loadBalancerId, Targets: [target] });
      await clb.clock.advance(DELAY_MAX_MS);
      expect(clb.server.forwarding.view().map(({ weights }) => weights)).toEqual([
        { [listenerId]: {} },
        { [listenerId]: {} },
      ]);
    }
  });

  it('share new connections by weight', async () => {
    const clb = fixture({ forwarding: { forwarders: 1 } });
    const { chosen } = await bound(clb, [30, 10]);
    await clb.clock.advance(DELAY_MAX_MS);
    const picks = chosen(40);
    expect(picks.filter(address => address === '10.0.0.1')).toHaveLength(30);
    expect(picks.filter(address => address === '10.0.0.2')).toHaveLength(10);
  });

  it('keep live connections at weight 0 and open no new ones', async () => {
    const clb = fixture();
    const { plane, endpoint, chosen, reweigh } = await bound(clb, [10]);
    await clb.clock.advance(DELAY_MAX_MS);
    let cuts = 0;
    expect(plane.connect(endpoint, CLIENT, () => cuts++)?.target.address).toBe('10.0.0.1');
    await reweigh('10.0.0.1', 0);
    await clb.clock.advance(60_000);
    expect(cuts).toBe(0);
    expect(new Set(chosen(10))).toEqual(new Set(['refused']));
  });

  it('cut live connections of a deregistered target, each when its own forwarder follows', async () => {
    const clb = fixture();
    const { plane, endpoint, deregister } = await bound(clb, [10]);
    await clb.clock.advance(DELAY_MAX_MS);
    const cutAt: number[] = [];
    for (let index = 0; index < 20; index += 1) plane.connect(endpoint, CLIENT, () => cutAt.push(clb.clock.now()));
    const closed = plane.connect(endpoint, CLIENT, () => expect.unreachable('a closed connection is not cut'));
    closed?.close();
    await deregister('10.0.0.1');
    const visibleAt = clb.clock.now();
    await clb.clock.advance(DELAY_MAX_MS);
    expect(cutAt).toHaveLength(20);
    expect(new Set(cutAt).size).toBe(2);
    expect(Math.min(...cutAt)).toBeGreaterThanOrEqual(visibleAt);
    const removals = recordsOf(clb.server, 'forwarded')
      .flatMap(record => record.targets)
      .slice(-2);
    expect(removals.reduce((sum, target) => sum + target.liveConnections, 0)).toBe(20);
  });

  it('cut everything when the listener is deleted, and refuse from then on', async () => {
    const clb = fixture();
    const { plane, endpoint, chosen, loadBalancerId, listenerId } = await bound(clb, [10]);
    await clb.clock.advance(DELAY_MAX_MS);
    let cuts = 0;
    plane.connect(endpoint, CLIENT, () => cuts++);
    await clb.finished(await clb.call('DeleteListener', { LoadBalancerId: loadBalancerId, ListenerId: listenerId }));
    await clb.clock.advance(DELAY_MAX_MS);
    expect(cuts).toBe(1);
    expect(chosen(1)).toEqual(['refused']);
  });
});

describe('health checks', () => {
  it('keep a new target silent until it has passed three times', async () => {
    const clb = fixture();
    const { chosen, loadBalancerId } = await bound(clb, [10], {});
    await clb.clock.advance(9_000);
    expect(new Set(chosen(10))).toEqual(new Set(['refused']));
    expect(await healthOf(clb, loadBalancerId)).toEqual(['Unknown']);
    await clb.clock.advance(HEALTHY_WITHIN_MS - 9_000);
    expect(await healthOf(clb, loadBalancerId)).toEqual(['Alive']);
    expect(new Set(chosen(10))).toEqual(new Set(['10.0.0.1']));
  });

  it('probe targets of weight 0 as well', async () => {
    const clb = fixture();
    const { chosen, loadBalancerId } = await bound(clb, [0], {});
    await clb.clock.advance(HEALTHY_WITHIN_MS);
    expect(await healthOf(clb, loadBalancerId)).toEqual(['Alive']);
    expect(new Set(chosen(10))).toEqual(new Set(['refused']));
  });

  it('take an unhealthy target out and bring it back', async () => {
    const clb = fixture();
    const { chosen } = await bound(clb, [10, 10], {});
    await clb.clock.advance(HEALTHY_WITHIN_MS);
    clb.sick.add('10.0.0.1');
    await clb.clock.advance(HEALTHY_WITHIN_MS);
    expect(new Set(chosen(20))).toEqual(new Set(['10.0.0.2']));
    clb.sick.clear();
    await clb.clock.advance(HEALTHY_WITHIN_MS);
    expect(new Set(chosen(20))).toEqual(new Set(['10.0.0.1', '10.0.0.2']));
  });

  it('send traffic to all targets when all are unhealthy, but not to those of weight 0', async () => {
    const clb = fixture();
    clb.sick.add('10.0.0.1').add('10.0.0.2').add('10.0.0.3');
    const { chosen } = await bound(clb, [10, 10, 0], {});
    await clb.clock.advance(HEALTHY_WITHIN_MS);
    expect(new Set(chosen(20))).toEqual(new Set(['10.0.0.1', '10.0.0.2']));
  });

  it('count a probe that does not answer in time as failed', async () => {
    const clb = fixture();
    clb.mute.add('10.0.0.1');
    const { loadBalancerId } = await bound(clb, [10], {});
    await clb.clock.advance(HEALTHY_WITHIN_MS + 2_000);
    expect(await healthOf(clb, loadBalancerId)).toEqual(['Dead']);
  });

  it('that are switched off say Close and open a target at once', async () => {
    const clb = fixture();
    const { chosen, loadBalancerId } = await bound(clb, [10], NO_CHECK);
    await clb.clock.advance(DELAY_MAX_MS);
    expect(await healthOf(clb, loadBalancerId)).toEqual(['Close']);
    expect(chosen(1)).toEqual(['10.0.0.1']);
    expect(clb.probes).toEqual([]);
  });

  it('end with the target', async () => {
    const clb = fixture();
    const { deregister } = await bound(clb, [10], {});
    await clb.clock.advance(HEALTHY_WITHIN_MS);
    await deregister('10.0.0.1');
    const probes = clb.probes.length;
    await clb.clock.advance(HEALTHY_WITHIN_MS);
    expect(clb.probes.length).toBe(probes);
  });
});

describe('session persistence', () => {
  it.each<[string, FixtureOptions, string]>([
    ['still leads a client to a target of weight 0', {}, '10.0.0.1'],
    ['may respect weight 0', { manners: { sessionsIgnoreWeightZero: false } }, '10.0.0.2'],
  ])('%s', async (_, options, expected) => {
    const clb = fixture({ ...options, forwarding: { forwarders: 1 } });
    const { chosen, reweigh } = await bound(clb, [10, 10], { ...NO_CHECK, SessionExpireTime: 60 });
    await clb.clock.advance(DELAY_MAX_MS);
    expect(new Set(chosen(10))).toEqual(new Set(['10.0.0.1']));
    await reweigh('10.0.0.1', 0);
    await clb.clock.advance(DELAY_MAX_MS);
    expect(chosen(1)).toEqual([expected]);
    expect(chosen(1, '10.9.9.8')).toEqual(['10.0.0.2']);
  });
});

async function healthOf(clb: Fixture, loadBalancerId: string): Promise<string[]> {
  const { LoadBalancers: found } = await clb.call('DescribeTargetHealth', { LoadBalancerIds: [loadBalancerId] });
  type Health = { Listeners: { Rules: { Targets: { HealthStatusDetail: string }[] }[] }[] };
  const listeners = (found as Health[]).flatMap(({ Listeners }) => Listeners);
  return listeners.flatMap(({ Rules }) =>
    Rules.flatMap(({ Targets }) => Targets.map(target => target.HealthStatusDetail)),
  );
}
