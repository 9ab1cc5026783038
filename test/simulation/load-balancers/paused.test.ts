import { describe, expect, test } from 'vitest';
import { PAUSED_ANNOTATION } from '../../../common/names.ts';
import { readyPods } from '../traffic.ts';
import { Estate, MINUTE_MS, UNHARMED } from './estate.ts';
import { holdsSince } from './hook-holds.ts';

const LB = 'lb-shop';
const PAUSED = { [PAUSED_ANNOTATION]: 'true' };
const RESUMED = { [PAUSED_ANNOTATION]: null };

async function paused(seed: number): Promise<{ estate: Estate; at: number }> {
  const estate = await Estate.make({ seed });
  estate.account.addLoadBalancer(LB);
  await estate.open('web', 3, { on: LB });
  await estate.annotate('web', PAUSED);
  await estate.passes(5_000);
  return { estate, at: estate.world.clock.wallNow() };
}

function cloudWritesSince(estate: Estate, at: number): string[] {
  return estate.world.journal.flatMap(record =>
    record.kind === 'call' && record.at >= at && !record.action.startsWith('Describe') ? [record.action] : [],
  );
}

/** Every Pod of the Service is bound with weight, and nothing else is. */
async function untilRight(estate: Estate, name: string, port: number): Promise<void> {
  await estate.until(`what is bound for ${name} is right`, async () => {
    const addresses = new Set(await estate.addressesOfPods(name));
    const targets = estate.account.targetsOn(LB, port);
    return (
      targets.length === addresses.size && targets.every(({ address, weight }) => addresses.has(address) && weight > 0)
    );
  });
}

describe('a Service that is paused', () => {
  test('keeps its targets; hooks of its Pods return at once, gates of new ones stay shut and say why', async () => {
    const { estate, at } = await paused(1);
    const targets = estate.account.targetsOn(LB, 80);
    const [first] = await readyPods(estate.world, 'web');
    await estate.deletePod(first?.metadata.name ?? '');
    await estate.passes(2 * MINUTE_MS);
    expect(estate.account.targetsOn(LB, 80)).toEqual(targets);
    expect(cloudWritesSince(estate, at)).toEqual([]);
    expect(holdsSince(estate, at)).toHaveLength(1);
    expect(Math.max(...holdsSince(estate, at))).toBeLessThan(1_000);
    const shut = (await estate.gatesOf('web')).filter(({ status }) => status !== 'True');
    expect(shut.map(({ reason }) => reason)).toEqual(['Paused']);
    expect(await estate.codesOf('web')).toContain('CD1013');
    await estate.annotate('web', RESUMED);
    await untilRight(estate, 'web', 80);
    await estate.untilReady('web', 3);
    await estate.world.close();
  });

  test('lets the hooks go that wait for it when the pause begins', async () => {
    const estate = await Estate.make({ seed: 7 });
    estate.account.addLoadBalancer(LB);
    await estate.open('web', 3, { on: LB });
    const at = estate.world.clock.wallNow();
    const [first] = await readyPods(estate.world, 'web');
    estate.account.refuse([first?.status?.podIP ?? '']);
    await estate.deletePod(first?.metadata.name ?? '');
    await estate.passes(3_000);
    expect(holdsSince(estate, at)).toEqual([Number.POSITIVE_INFINITY]);
    await estate.annotate('web', PAUSED);
    await estate.passes(MINUTE_MS);
    expect(Math.max(...holdsSince(estate, at))).toBeLessThan(5_000);
    await estate.world.close();
  });

  test('is left alone by a new leader too', async () => {
    const { estate, at } = await paused(2);
    const targets = estate.account.targetsOn(LB, 80);
    await estate.patchDeployment('web', { spec: { replicas: 1 } });
    estate.killLeader();
    await estate.passes(2 * MINUTE_MS);
    expect(estate.account.targetsOn(LB, 80)).toEqual(targets);
    expect(cloudWritesSince(estate, at)).toEqual([]);
    await estate.annotate('web', RESUMED);
    await untilRight(estate, 'web', 80);
    await estate.world.close();
  });

  test('waits to be deleted, and hooks of its Pods do not', async () => {
    const { estate, at } = await paused(3);
    await estate.deleteService('web');
    await estate.passes(10_000);
    const [first] = await readyPods(estate.world, 'web');
    await estate.deletePod(first?.metadata.name ?? '');
    await estate.passes(MINUTE_MS);
    expect(cloudWritesSince(estate, at)).toEqual([]);
    expect(await estate.serviceOf('web')).toBeDefined();
    expect(Math.max(...holdsSince(estate, at))).toBeLessThan(1_000);
    await estate.annotate('web', RESUMED);
    await estate.until('the Service is gone', async () => (await estate.serviceOf('web')) === undefined);
    await estate.world.close();
  });

  test('that is deleted keeps the load balancer that was made for it, though nothing is left on it', async () => {
    const estate = await Estate.make({ seed: 6 });
    await estate.open('own', 1);
    const [made] = estate.account.loadBalancers();
    const id = made?.id ?? '';
    await estate.annotate('own', PAUSED);
    await estate.deleteService('own');
    await estate.passes(10_000);
    for (const listener of estate.account.listenersOf(id)) estate.account.removeListener(id, listener.id);
    await estate.passes(3 * MINUTE_MS);
    expect(estate.account.loadBalancers()).toHaveLength(1);
    await estate.annotate('own', RESUMED);
    await estate.until('the load balancer is gone', () => estate.account.loadBalancers().length === 0);
    await estate.world.close();
  });

  test('takes nothing from another Service on its load balancer', async () => {
    const { estate } = await paused(4);
    await estate.open('api', 3, { on: LB, ports: [{ port: 81 }] });
    await estate.load('api', { port: 81 });
    await estate.roll('api');
    await untilRight(estate, 'api', 81);
    expect(await estate.end()).toEqual(UNHARMED);
  });

  test('from the beginning gets nothing until it is paused no more', async () => {
    const estate = await Estate.make({ seed: 5 });
    await estate.deploy('web', { replicas: 1 });
    const at = estate.world.clock.wallNow();
    await estate.serve('web', { annotations: PAUSED });
    await estate.passes(MINUTE_MS);
    expect(cloudWritesSince(estate, at)).toEqual([]);
    expect((await estate.gatesOf('web')).map(({ reason }) => reason)).toEqual(['Paused']);
    await estate.annotate('web', RESUMED);
    await estate.untilReady('web', 1);
    expect(await estate.end()).toEqual(UNHARMED);
  });
});
