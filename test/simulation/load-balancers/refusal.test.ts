import { describe, expect, test } from 'vitest';
import { Estate, MINUTE_MS, UNHARMED } from './estate.ts';

const LB = 'lb-picky';

/** A Deployment whose Pods run and are not served yet. */
async function running(options: { seed: number; replicas: number }): Promise<{ estate: Estate; addresses: string[] }> {
  const { seed, replicas } = options;
  const estate = await Estate.make({ seed });
  estate.account.addLoadBalancer(LB);
  await estate.deploy('web', { replicas });
  await estate.untilReady('web', replicas);
  return { estate, addresses: [...(await estate.addressesOfPods('web'))].toSorted() };
}

function without(addresses: readonly string[], left: readonly string[]): readonly string[] {
  return addresses.filter(address => !left.includes(address));
}

describe('an address that CLB refuses', () => {
  test.each([1, 4])('is left out and told of, and all others are bound within seconds (%i of 40)', async count => {
    const { estate, addresses } = await running({ seed: 1, replicas: 40 });
    const refused = addresses.slice(0, count);
    estate.account.refuse(refused);
    await estate.serve('web', { on: LB });
    const others = without(addresses, refused);
    const areBound = () => estate.account.openOn(LB, 80).join() === others.join();
    expect(await estate.until('all others are bound', areBound)).toBeLessThan(20_000);
    await estate.passes(5_000);
    expect(await estate.codesOf('web')).toEqual(['CD2013']);
    expect(await estate.end()).toEqual(UNHARMED);
  });

  test('is tried again now and then, and bound once CLB takes it', async () => {
    const { estate, addresses } = await running({ seed: 2, replicas: 6 });
    const refused = addresses.slice(0, 1);
    estate.account.refuse(refused);
    await estate.serve('web', { on: LB });
    await estate.passes(5 * MINUTE_MS);
    const calls = estate.world.journal.filter(record => record.kind === 'call' && record.action.startsWith('Batch'));
    expect(calls.length).toBeLessThan(20);
    estate.account.accept(refused);
    const areBound = () => estate.account.openOn(LB, 80).length === 6;
    expect(await estate.until('all are bound', areBound)).toBeLessThan(5 * MINUTE_MS);
    expect(await estate.end()).toEqual(UNHARMED);
  });

  test('keeps the gate of its Pod shut, with the code, and holds up nobody else in a rolling update', async () => {
    const { estate, addresses } = await running({ seed: 3, replicas: 6 });
    await estate.serve('web', { on: LB });
    await estate.until('all are bound', () => estate.account.openOn(LB, 80).length === 6);
    await estate.passes(20_000);
    await estate.load('web');
    // What new Pods on one of the nodes are going to get.
    const next = Array.from({ length: 20 }, (_, index) => `10.0.1.${index + 2}`);
    estate.account.refuse(without(next, addresses));
    await estate.restart('web');
    await estate.passes(2 * MINUTE_MS);
    const shut = (await estate.gatesOf('web')).filter(({ status }) => status !== 'True');
    expect(shut.length).toBeGreaterThan(0);
    for (const { reason, message } of shut) {
      expect(reason).toBe('WaitingForRegistration');
      expect(message).toMatch(/CLB refuses the target: CD2013/);
    }
    expect(estate.account.openOn(LB, 80).length).toBeGreaterThanOrEqual(6);
    estate.account.accept(next);
    await estate.untilRolledOut('web');
    expect(await estate.end()).toEqual(UNHARMED);
  });
});

describe('machines that are gone, so that CLB has unbound their addresses by itself', () => {
  test('hold up nobody when their Pods are deleted together with others', async () => {
    const { estate, addresses } = await running({ seed: 4, replicas: 12 });
    await estate.serve('web', { on: LB });
    await estate.until('all are bound', () => estate.account.openOn(LB, 80).length === 12);
    const gone = addresses.slice(0, 4);
    estate.account.release(gone);
    await estate.patchDeployment('web', { spec: { replicas: 2 } });
    await estate.until('the Pods are gone', async () => (await estate.world.pods()).length === 2);
    const left = without([...(await estate.addressesOfPods('web'))], gone);
    await estate.until(
      'what lives is bound',
      () => estate.account.openOn(LB, 80).join() === [...left].toSorted().join(),
    );
    const { breaches } = await estate.end();
    expect(breaches).toEqual([]);
  });

  test('are told of, and take nothing with them', async () => {
    const { estate, addresses } = await running({ seed: 5, replicas: 8 });
    await estate.serve('web', { on: LB });
    await estate.until('all are bound', () => estate.account.openOn(LB, 80).length === 8);
    await estate.passes(20_000);
    const gone = addresses.slice(0, 2);
    estate.account.release(gone);
    await estate.load('web');
    await estate.passes(2 * MINUTE_MS);
    expect(estate.account.openOn(LB, 80)).toEqual(without(addresses, gone));
    expect(await estate.codesOf('web')).toContain('CD2013');
    // The addresses belong to other machines now.
    estate.account.accept(gone);
    await estate.roll('web');
    expect(estate.account.openOn(LB, 80)).toHaveLength(8);
    expect(await estate.end()).toEqual(UNHARMED);
  });

  test('between a batch and its arrival take only their own targets out of it', async () => {
    const { estate, addresses } = await running({ seed: 6, replicas: 30 });
    const gone = addresses.slice(0, 3);
    await estate.serve('web', { on: LB });
    await estate.until('the listener is there', () => estate.account.listenersOf(LB).length === 1);
    estate.account.release(gone);
    const others = without(addresses, gone);
    const areBound = () => estate.account.openOn(LB, 80).join() === others.join();
    expect(await estate.until('all others are bound', areBound)).toBeLessThan(20_000);
    expect(await estate.end()).toEqual(UNHARMED);
  });
});

describe('a port or listener that CLB refuses', () => {
  test('harms no other port of the Service, nor other Services, and is told of', async () => {
    const estate = await Estate.make({ seed: 7 });
    estate.account.addLoadBalancer(LB);
    await estate.open('good', 2, { on: LB });
    await estate.load('good');
    await estate.deploy('bad', { replicas: 2 });
    const many = Array.from({ length: 60 }, (_, index) => ({ port: 100 + index }));
    await estate.serve('bad', { on: LB, ports: many });
    await estate.passes(2 * MINUTE_MS);
    expect(await estate.codesOf('bad')).toEqual(['CD2014']);
    expect(estate.account.listenersOf(LB)).toHaveLength(50);
    expect(estate.account.openOn(LB, 100)).toHaveLength(2);
    await estate.untilReady('bad', 2);
    await estate.roll('good');
    expect(await estate.end()).toEqual(UNHARMED);
  });
});
