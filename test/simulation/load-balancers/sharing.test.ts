import { describe, expect, test } from 'vitest';
import { Estate, MINUTE_MS, UNHARMED } from './estate.ts';

const SHARED = 'lb-shared';

async function estateWithShared(seed: number): Promise<Estate> {
  const estate = await Estate.make({ seed });
  estate.account.addLoadBalancer(SHARED);
  return estate;
}

/** The names of the Pods' Deployments that are open on a port. */
function servedOn(estate: Estate, port: number, protocol: 'TCP' | 'UDP' = 'TCP'): readonly string[] {
  const open = estate.account.targetsOn(SHARED, port, protocol).filter(({ weight }) => weight > 0);
  return open.map(({ podName }) => podName.split('-')[0] ?? '').toSorted();
}

/** `first` has port 80 under load, and `second` wants it, too. */
async function clash(seed: number): Promise<Estate> {
  const estate = await estateWithShared(seed);
  await estate.open('first', 2, { on: SHARED });
  await estate.load('first');
  await estate.deploy('second', { replicas: 2 });
  await estate.serve('second', { on: SHARED, ports: [{ port: 80 }, { port: 81 }] });
  await estate.until('the other port of the second is served', () => servedOn(estate, 81).length === 2);
  return estate;
}

describe('Services that share an existing load balancer', () => {
  test('have a listener each, with their own Pods, under one address', async () => {
    const estate = await estateWithShared(1);
    await estate.open('red', 2, { on: SHARED, ports: [{ port: 80 }] });
    await estate.open('blue', 3, { on: SHARED, ports: [{ port: 81 }] });
    await estate.load('red');
    await estate.load('blue', { port: 81 });
    expect(estate.account.listenersOf(SHARED).map(({ port }) => port)).toEqual([80, 81]);
    expect(servedOn(estate, 80)).toEqual(['red', 'red']);
    expect(servedOn(estate, 81)).toEqual(['blue', 'blue', 'blue']);
    expect(await estate.addressesOf('blue')).toEqual(await estate.addressesOf('red'));
    await estate.passes(MINUTE_MS);
    expect(await estate.end()).toEqual(UNHARMED);
  });

  test('may have TCP and UDP on one port, be it of one Service or of two', async () => {
    const estate = await estateWithShared(2);
    const both = [
      { port: 53, protocol: 'TCP' },
      { port: 53, protocol: 'UDP' },
    ] as const;
    await estate.open('dns', 2, { on: SHARED, ports: both });
    await estate.open('tcp', 1, { on: SHARED, ports: [{ port: 80, protocol: 'TCP' }] });
    await estate.open('udp', 1, { on: SHARED, ports: [{ port: 80, protocol: 'UDP' }] });
    expect([servedOn(estate, 53, 'TCP'), servedOn(estate, 53, 'UDP')]).toEqual([
      ['dns', 'dns'],
      ['dns', 'dns'],
    ]);
    expect([servedOn(estate, 80, 'TCP'), servedOn(estate, 80, 'UDP')]).toEqual([['tcp'], ['udp']]);
    expect(await estate.end()).toEqual(UNHARMED);
  });

  test('leave the load balancer and the others in peace when one of them is deleted', async () => {
    const estate = await estateWithShared(3);
    await estate.open('red', 2, { on: SHARED, ports: [{ port: 80 }] });
    await estate.open('blue', 2, { on: SHARED, ports: [{ port: 81 }] });
    await estate.load('red');
    await estate.deleteService('blue');
    await estate.until('it is gone', async () => (await estate.serviceOf('blue')) === undefined);
    await estate.passes(MINUTE_MS);
    expect(estate.account.listenersOf(SHARED).map(({ port }) => port)).toEqual([80]);
    expect(servedOn(estate, 80)).toEqual(['red', 'red']);
    await estate.deleteService('red');
    await estate.until('it is gone', async () => (await estate.serviceOf('red')) === undefined);
    expect(estate.account.loadBalancers().map(({ id }) => id)).toEqual([SHARED]);
    expect(estate.account.listenersOf(SHARED)).toEqual([]);
    await estate.world.close();
  });
});

describe('two Services that want the same port', () => {
  test('the later one is told so, its gates open, and the earlier keeps serving', async () => {
    const estate = await clash(4);
    expect(await estate.codesOf('second')).toEqual(['CD1006']);
    const [event] = await estate.eventsOf('second');
    expect(event?.message).toMatch(/TCP:80 of Service default\/second.*Service default\/first has it/);
    expect(await estate.codesOf('first')).toEqual([]);
    await estate.untilReady('second', 2);
    await estate.roll('first');
    expect(servedOn(estate, 80)).toEqual(['first', 'first']);
    expect(await estate.end()).toEqual(UNHARMED);
  });

  test.each(['stopped', 'killed'] as const)('the earlier keeps it when the leader is %s', async how => {
    const estate = await clash(5);
    if (how === 'killed') estate.killLeader();
    else {
      estate.world.leader()?.stop.abort();
      estate.world.startCoordinator();
    }
    await estate.passes(2 * MINUTE_MS);
    expect(servedOn(estate, 80)).toEqual(['first', 'first']);
    expect(servedOn(estate, 81)).toEqual(['second', 'second']);
    expect(await estate.codesOf('first')).toEqual([]);
    expect(await estate.end()).toEqual(UNHARMED);
  });

  test('the later one takes over when the earlier is deleted', async () => {
    const estate = await clash(6);
    await estate.deleteService('first');
    const hasTaken = () => servedOn(estate, 80).join() === 'second,second';
    expect(await estate.until('the second serves the port', hasTaken)).toBeLessThan(30_000);
    await estate.world.close();
  });

  test('the later one takes over when the earlier moves to another port', async () => {
    const estate = await clash(7);
    await estate.patchService('first', {
      spec: { ports: [{ name: 'tcp', port: 90, protocol: 'TCP', targetPort: 80 }] },
    });
    const hasTaken = () => servedOn(estate, 80).join() === 'second,second';
    expect(await estate.until('the second serves the port', hasTaken)).toBeLessThan(30_000);
    await estate.until('the first serves the other', () => servedOn(estate, 90).join() === 'first,first');
    await estate.world.close();
  });

  test('of two that come at once, the one that was created first has it under every leader', async () => {
    const estate = await estateWithShared(8);
    for (const name of ['zebra', 'ant']) await estate.deploy(name, { replicas: 1 });
    estate.world.leader()?.stop.abort();
    await estate.serve('zebra', { on: SHARED });
    await estate.passes(1_000);
    await estate.serve('ant', { on: SHARED });
    estate.world.startCoordinator();
    await estate.until('the port is served', () => servedOn(estate, 80).length > 0);
    await estate.passes(MINUTE_MS);
    expect(servedOn(estate, 80)).toEqual(['zebra']);
    expect(await estate.codesOf('ant')).toEqual(['CD1006']);
    estate.killLeader();
    await estate.passes(MINUTE_MS);
    expect(servedOn(estate, 80)).toEqual(['zebra']);
    expect(await estate.end()).toEqual(UNHARMED);
  });

  test('a Service that names the load balancer that was made for another shares it', async () => {
    const estate = await Estate.make({ seed: 9 });
    await estate.open('owner', 2);
    await estate.load('owner');
    const [made] = estate.account.loadBalancers();
    const id = made?.id ?? '';
    await estate.open('guest', 2, { on: id, ports: [{ port: 81 }] });
    expect(estate.account.listenersOf(id).map(({ port }) => port)).toEqual([80, 81]);
    await estate.load('guest', { port: 81 });
    await estate.passes(MINUTE_MS);
    expect(await estate.end()).toEqual(UNHARMED);
  });
});
