import { describe, expect, test } from 'vitest';
import { INTERNAL_SUBNET_ANNOTATION } from '../../../common/names.ts';
import type { ClbSettings } from '../../../sandbox/clb/settings.ts';
import { Estate, MINUTE_MS, UNHARMED } from './estate.ts';

/** No read shows a new load balancer for 10 s, and nobody is told its id at once. */
function secretive(settings: ClbSettings): ClbSettings {
  return {
    ...settings,
    latency: { ...settings.latency, createLoadBalancerMs: 20_000 },
    manners: { ...settings.manners, createAnswersIds: 'never' },
  };
}

async function estateOf(seed: number): Promise<Estate> {
  const estate = await Estate.make({ seed, clb: secretive });
  await estate.deploy('web', { replicas: 2 });
  return estate;
}

/** Load balancers that ever came to be. */
function created({ world }: Estate): number {
  const changes = world.journal.flatMap(record => (record.kind === 'change' ? record.changes : []));
  return changes.filter(({ kind }) => kind === 'load-balancer-created').length;
}

/** Virtual time moves on until the cloud noted such a call, answered or not. */
async function untilCalled({ world }: Estate, action: string): Promise<void> {
  const isNoted = () => world.journal.some(record => record.kind === 'call' && record.action === action);
  await world.clock.advanceUntil(isNoted, MINUTE_MS);
}

/** One load balancer was made, and it is the one that the Service tells. */
async function expectOne(estate: Estate): Promise<void> {
  await estate.untilReady('web', 2);
  await estate.until('the address is told', async () => (await estate.addressesOf('web')).length > 0);
  await estate.passes(2 * MINUTE_MS);
  expect(created(estate)).toBe(1);
  const [made] = estate.account.loadBalancers();
  expect(await estate.addressesOf('web')).toEqual(made?.vips);
  expect(estate.account.openOn(made?.id ?? '', 80)).toHaveLength(2);
  expect(await estate.end()).toEqual(UNHARMED);
}

describe('exactly one load balancer is made for a Service', () => {
  test('when the answer is lost', async () => {
    const estate = await estateOf(1);
    estate.world.clb.faults.add({ action: 'CreateLoadBalancer', kind: 'lose-reply' });
    await estate.serve('web');
    await expectOne(estate);
  });

  test.each([
    ['lost', 'lose-reply'],
    ['given', 'delay-reply'],
  ] as const)('when the leader dies as soon as it was accepted, its answer %s', async (_, kind) => {
    const estate = await estateOf(2);
    const fault = kind === 'delay-reply' ? { kind, delayMs: 1 } : { kind };
    estate.world.clb.faults.add({ action: 'CreateLoadBalancer', count: 1, ...fault });
    await estate.serve('web');
    await untilCalled(estate, 'CreateLoadBalancer');
    estate.killLeader();
    await expectOne(estate);
  });

  test.each([10, 50, 100, 1_000, 9_000, 10_500, 19_000, 20_100, 20_500])(
    'when the leader dies after %i ms',
    async afterMs => {
      const estate = await estateOf(3);
      await estate.serve('web');
      await estate.passes(afterMs);
      estate.killLeader();
      await expectOne(estate);
    },
  );

  test('when one leader after the other dies', async () => {
    const estate = await estateOf(4);
    estate.world.clb.faults.add({ action: 'CreateLoadBalancer', kind: 'lose-reply' });
    await estate.serve('web');
    for (let death = 0; death < 4; death += 1) {
      await estate.until('somebody leads', () => estate.world.leader() !== undefined);
      await estate.passes(700);
      estate.killLeader();
    }
    estate.world.clb.faults.clear();
    await expectOne(estate);
  });

  test('when the leader hands over in the middle', async () => {
    const estate = await estateOf(5);
    await estate.serve('web');
    await estate.passes(70);
    estate.world.leader()?.stop.abort();
    estate.world.startCoordinator();
    await expectOne(estate);
  });

  test('when the API server is away between the creation and the status', async () => {
    const estate = await estateOf(6);
    await estate.serve('web');
    await untilCalled(estate, 'CreateLoadBalancer');
    for (const { kube } of estate.world.coordinators) kube.set('refused');
    await estate.passes(30_000);
    for (const { kube } of estate.world.coordinators) kube.set('open');
    await expectOne(estate);
  });

  test('when CLB takes it and answers with an error', async () => {
    const estate = await estateOf(7);
    estate.world.clb.faults.add({ action: 'CreateLoadBalancer', kind: 'late-error', code: 'InternalError', count: 2 });
    await estate.serve('web');
    await expectOne(estate);
  });
});

describe('no load balancer is left', () => {
  test.each([10, 70, 1_000, 12_000])('when the Service is deleted %i ms after it came', async afterMs => {
    const estate = await estateOf(8);
    await estate.serve('web');
    await estate.passes(afterMs);
    await estate.deleteService('web');
    await estate.until('the Service is gone', async () => (await estate.serviceOf('web')) === undefined);
    await estate.passes(MINUTE_MS);
    expect(estate.account.loadBalancers()).toEqual([]);
    await estate.world.close();
  });

  test('when it is deleted after the answer was lost, and the leader dies', async () => {
    const estate = await estateOf(9);
    estate.world.clb.faults.add({ action: 'CreateLoadBalancer', kind: 'lose-reply', count: 1 });
    await estate.serve('web');
    await untilCalled(estate, 'CreateLoadBalancer');
    await estate.deleteService('web');
    estate.killLeader();
    await estate.until('the Service is gone', async () => (await estate.serviceOf('web')) === undefined);
    await estate.passes(MINUTE_MS);
    expect(created(estate)).toBe(1);
    expect(estate.account.loadBalancers()).toEqual([]);
    await estate.world.close();
  });
});

test('each of many Services gets its own, internal where it names a subnet', async () => {
  const estate = await Estate.make({ seed: 10 });
  await estate.deploy('web', { replicas: 1 });
  for (let index = 0; index < 5; index += 1) {
    const annotations: Record<string, string> = index === 0 ? { [INTERNAL_SUBNET_ANNOTATION]: 'subnet-inner' } : {};
    await estate.serve(`web-${index}`, { annotations });
  }
  await estate.until('all have an address', async () => {
    const told = await Promise.all([0, 1, 2, 3, 4].map(index => estate.addressesOf(`web-${index}`)));
    return new Set(told.flat()).size === 5;
  });
  const types = estate.account.loadBalancers().map(({ type }) => type);
  expect(types.toSorted()).toEqual(['INTERNAL', 'OPEN', 'OPEN', 'OPEN', 'OPEN']);
  expect(await estate.end()).toEqual(UNHARMED);
});

test('one that somebody deletes in the console is made again, and the new address is told', async () => {
  const estate = await Estate.make({ seed: 11 });
  await estate.open('web', 2);
  const [made] = estate.account.loadBalancers();
  estate.account.removeLoadBalancer(made?.id ?? '');
  await estate.until('another one is there', () => {
    const [now] = estate.account.loadBalancers();
    return now !== undefined && now.id !== made?.id && estate.account.openOn(now.id, 80).length === 2;
  });
  await estate.until('its address is told', async () => {
    return (await estate.addressesOf('web')).join() === estate.account.loadBalancers()[0]?.vips.join();
  });
  expect(estate.account.loadBalancers()).toHaveLength(1);
  await estate.world.close();
});
