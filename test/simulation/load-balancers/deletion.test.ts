import { describe, expect, test } from 'vitest';
import { FINALIZER } from '../../../common/names.ts';
import { breaches } from '../laws.ts';
import { DEPLOYMENTS } from '../manifests.ts';
import { Estate, MINUTE_MS, UNHARMED } from './estate.ts';

const SERVICE = 'web';

/** A Service with a load balancer that was made for it. */
async function served(seed: number): Promise<{ estate: Estate; id: string }> {
  const estate = await Estate.make({ seed });
  await estate.open(SERVICE, 2);
  return { estate, id: estate.account.loadBalancers()[0]?.id ?? '' };
}

async function untilGone(estate: Estate, name = SERVICE): Promise<number> {
  return estate.until(
    `Service ${name} is gone`,
    async () => (await estate.serviceOf(name)) === undefined,
    15 * MINUTE_MS,
  );
}

/** It waits for its finalizer, and the load balancer is there. */
async function expectKept(estate: Estate, id: string): Promise<void> {
  const service = await estate.serviceOf(SERVICE);
  expect(service?.metadata.deletionTimestamp).toBeDefined();
  expect(service?.metadata.finalizers).toContain(FINALIZER);
  expect(estate.account.loadBalancers().map(found => found.id)).toContain(id);
}

describe('a deleted Service', () => {
  test('goes with its load balancer at once', async () => {
    const { estate } = await served(1);
    await estate.deleteService(SERVICE);
    expect(await untilGone(estate)).toBeLessThan(20_000);
    expect(estate.account.loadBalancers()).toEqual([]);
    expect(await estate.end()).toEqual(UNHARMED);
  });

  test('leaves Pods that need no load balancer to become Ready', async () => {
    const { estate } = await served(10);
    await estate.deleteService(SERVICE);
    await untilGone(estate);
    await estate.roll(SERVICE);
    expect((await estate.gatesOf(SERVICE)).map(({ reason }) => reason)).toEqual(['NotSelected', 'NotSelected']);
    await estate.world.close();
  });

  test('goes together with its Deployment, and nothing of either is left', async () => {
    const { estate } = await served(2);
    await Promise.all([estate.deleteService(SERVICE), estate.world.request('DELETE', `${DEPLOYMENTS}/${SERVICE}`)]);
    await untilGone(estate);
    await estate.until('the Pods are gone', async () => (await estate.world.pods()).length === 0);
    expect(estate.account.loadBalancers()).toEqual([]);
    await estate.world.close();
  });

  // The rule is gone from the plan at once, its listener 0.4 s later: a hook that is called in between has to wait.
  test.each([102, 302, 402, 502])(
    'has the SIGTERM of Pods that are deleted with it wait until reads show their listener gone, seed %i',
    async seed => {
      const { estate } = await served(seed);
      await Promise.all([estate.deleteService(SERVICE), estate.world.request('DELETE', `${DEPLOYMENTS}/${SERVICE}`)]);
      await untilGone(estate);
      await estate.until('the Pods are gone', async () => (await estate.world.pods()).length === 0);
      expect(breaches(estate.world)).toEqual([]);
      await estate.world.close();
    },
  );

  test.each([5, 500, 20_000, 31_500, 33_000])(
    'goes with its load balancer though the leader dies after %i ms',
    async afterMs => {
      const { estate } = await served(3);
      await estate.deleteService(SERVICE);
      await estate.passes(afterMs);
      estate.killLeader();
      await untilGone(estate);
      expect(estate.account.loadBalancers()).toEqual([]);
      expect((await estate.end()).breaches).toEqual([]);
    },
  );

  test.each([
    ['says success and does nothing', { kind: 'do-nothing', count: 2 }],
    ['loses its answers', { kind: 'lose-reply', count: 2 }],
    ['fails', { kind: 'error', code: 'InternalError', count: 3 }],
  ] as const)('goes with its load balancer though CLB %s', async (_, fault) => {
    const { estate } = await served(4);
    estate.world.clb.faults.add({ action: 'DeleteLoadBalancer', ...fault });
    await estate.deleteService(SERVICE);
    await untilGone(estate);
    expect(estate.account.loadBalancers()).toEqual([]);
    await estate.world.close();
  });
});

describe('a load balancer that may not go', () => {
  test.each([
    ['has many targets by its own count', 'FailedOperation.TargetNumCheckRisk', 'CD2021'],
    ['has traffic by its own count', 'FailedOperation.TrafficCheckRisk', 'CD2032'],
    ['saw many deletions', 'FailedOperation.FrequencyCheckRisk', 'CD2033'],
    ['has a policy against it', 'OperationDenied', 'CD2022'],
  ])('since CLB %s is told of on the Service, and goes when it may', async (_, code, ours) => {
    const { estate, id } = await served(5);
    estate.world.clb.faults.add({ action: 'DeleteLoadBalancer', kind: 'error', code });
    await estate.deleteService(SERVICE);
    await estate.passes(3 * MINUTE_MS);
    await expectKept(estate, id);
    expect(await estate.codesOf(SERVICE)).toEqual([ours]);
    estate.world.clb.faults.clear();
    expect(await untilGone(estate)).toBeLessThan(6 * MINUTE_MS);
    expect(estate.account.loadBalancers()).toEqual([]);
    await estate.world.close();
  });

  test('since its deletion protection is on is told of, and goes within two minutes of its being off', async () => {
    const { estate, id } = await served(6);
    estate.account.edit(id, { deleteProtected: true });
    await estate.passes(2 * MINUTE_MS);
    const at = estate.world.clock.wallNow();
    await estate.deleteService(SERVICE);
    await estate.passes(5 * MINUTE_MS);
    await expectKept(estate, id);
    expect(await estate.codesOf(SERVICE)).toEqual(['CD1010']);
    const tries = estate.world.journal.filter(
      record => record.kind === 'call' && record.action === 'DeleteLoadBalancer' && record.at >= at,
    );
    expect(tries).toEqual([]);
    estate.account.edit(id, { deleteProtected: false });
    expect(await untilGone(estate)).toBeLessThan(2 * MINUTE_MS);
    expect(estate.account.loadBalancers()).toEqual([]);
    await estate.world.close();
  });

  test('since somebody made a listener on it is told of, and goes with the last foreign listener', async () => {
    const { estate, id } = await served(7);
    const listenerId = estate.account.addListener(id, { port: 8_443 });
    await estate.deleteService(SERVICE);
    await estate.passes(5 * MINUTE_MS);
    await expectKept(estate, id);
    expect(await estate.codesOf(SERVICE)).toEqual(['CD1007']);
    expect(estate.account.listenersOf(id).map(listener => listener.id)).toEqual([listenerId]);
    estate.account.removeListener(id, listenerId);
    await untilGone(estate);
    expect(estate.account.loadBalancers()).toEqual([]);
    await estate.world.close();
  });

  test('since another Service uses it by its id is told of, and goes with that one', async () => {
    const { estate, id } = await served(8);
    await estate.open('guest', 2, { on: id, ports: [{ port: 81 }] });
    await estate.load('guest', { port: 81 });
    await estate.deleteService(SERVICE);
    await estate.passes(3 * MINUTE_MS);
    await expectKept(estate, id);
    expect(await estate.codesOf(SERVICE)).toEqual(['CD1007']);
    await estate.roll('guest');
    expect(await estate.stopLoad()).toEqual([]);
    await estate.deleteService('guest');
    await untilGone(estate, 'guest');
    await untilGone(estate);
    expect(estate.account.loadBalancers()).toEqual([]);
    expect((await estate.end()).breaches).toEqual([]);
  });
});

test('thirty Services that are deleted at once all go, as fast as the guard against mass deletion lets them', async () => {
  const estate = await Estate.make({ seed: 9 });
  await estate.deploy('one', { replicas: 1 });
  const names = Array.from({ length: 35 }, (_, index) => `one-${index}`);
  for (const name of names) await estate.serve(name);
  await estate.until('all are made', () => estate.account.loadBalancers().length === 35);
  await estate.passes(30_000);
  for (const name of names) await estate.deleteService(name);
  await estate.until('all are gone', () => estate.account.loadBalancers().length === 0, 30 * MINUTE_MS);
  await estate.until('all Services are gone', async () => {
    const left = await Promise.all(names.map(name => estate.serviceOf(name)));
    return left.every(service => service === undefined);
  });
  expect(await estate.end()).toEqual(UNHARMED);
});
