import { describe, expect, test } from 'vitest';
import { ADOPT_LISTENER_ANNOTATION, READINESS_GATE } from '../../../common/names.ts';
import { DEPLOYMENTS, deployment } from '../manifests.ts';
import { readyPods } from '../traffic.ts';
import type { CoordinatorProcess } from '../world.ts';
import { Estate, MINUTE_MS } from './estate.ts';
import { holdsSince } from './hook-holds.ts';

const LB = 'lb-shop';
const ALLOWED = [{ TagKey: 'clb-direct-allow', TagValue: 'simulation' }];

/** What the product's coordinators changed, in CLB and in the cluster, since a moment of wall time. */
function writesSince(estate: Estate, at: number): string[] {
  const { journal, apiWrites } = estate.world;
  const clb = journal.flatMap(record =>
    record.kind === 'call' && !record.foreign && record.at >= at && !record.action.startsWith('Describe')
      ? [record.action]
      : [],
  );
  const cluster = apiWrites.filter(write => write.at >= at && write.username.startsWith('coordinator'));
  return [...clb, ...cluster.map(({ method, path }) => `${method} ${path}`)];
}

function intended({ coordinator }: CoordinatorProcess): string[] {
  return [...(coordinator.work?.intendedChanges() ?? [])].map(({ text }) => text);
}

function observer(estate: Estate): CoordinatorProcess {
  const found = estate.world.coordinators.findLast(({ coordinator }) => coordinator.isObserving);
  if (!found) throw new Error('nobody observes');
  return found;
}

/** As a rolling update of the coordinators goes: the new ones are up before the old ones stop. */
async function switchTo(estate: Estate, mode: 'active' | 'observe'): Promise<void> {
  const { world } = estate;
  const before = world.coordinators.filter(({ stop }) => !stop.signal.aborted);
  world.mode = mode;
  for (const old of before) {
    world.startCoordinator();
    await estate.passes(5_000);
    old.stop.abort();
  }
  await estate.passes(20_000);
}

describe('coordinators that observe from the beginning', () => {
  test('write nothing, hold no Pod back, and tell what they would make', async () => {
    const estate = await Estate.make({ seed: 1, mode: 'observe' });
    const at = estate.world.clock.wallNow();
    estate.account.addLoadBalancer(LB);
    await estate.open('web', 3, { on: LB });
    await estate.open('own', 1);
    await estate.passes(MINUTE_MS);
    expect(intended(observer(estate))).toEqual([
      'create a load balancer for Service default/own',
      'create TCP listeners on ports 80',
    ]);
    expect(writesSince(estate, at)).toEqual([]);
    await estate.world.close();
  });

  test('tell which targets they would put on a listener that they would adopt', async () => {
    const estate = await Estate.make({ seed: 2, mode: 'observe' });
    const at = estate.world.clock.wallNow();
    estate.account.addLoadBalancer(LB, { tags: ALLOWED });
    const listenerId = estate.account.addListener(LB, { port: 80 });
    await estate.open('web', 2, { on: LB, annotations: { [ADOPT_LISTENER_ANNOTATION]: 'true' } });
    await estate.passes(MINUTE_MS);
    const addresses = await estate.addressesOfPods('web');
    const told = intended(observer(estate));
    expect(told).toHaveLength(2);
    for (const address of addresses) {
      expect(told).toContainEqual(
        expect.stringMatching(`^register with weight \\d+ ${address}:80 of Pod default/web-.* on ${listenerId}$`),
      );
    }
    expect(writesSince(estate, at)).toEqual([]);
    await estate.world.close();
  });
});

test('a coordinator that observes beside an active one takes nothing from it', async () => {
  const estate = await Estate.make({ seed: 3 });
  estate.account.addLoadBalancer(LB);
  await estate.open('web', 3, { on: LB });
  estate.world.mode = 'observe';
  const { name } = estate.world.startCoordinator();
  estate.world.mode = 'active';
  await estate.load('web');
  await estate.roll('web');
  expect(estate.world.leader()?.coordinator.isObserving).toBe(false);
  expect(estate.world.apiWrites.filter(({ username }) => username === name)).toEqual([]);
  expect(await estate.end()).toEqual({ lost: [], breaches: [] });
});

describe('a running installation that is switched to observe', () => {
  async function observed(seed: number): Promise<{ estate: Estate; at: number }> {
    const estate = await Estate.make({ seed });
    estate.account.addLoadBalancer(LB);
    await estate.open('web', 3, { on: LB });
    await switchTo(estate, 'observe');
    return { estate, at: estate.world.clock.wallNow() };
  }

  test('leaves the load balancer as it is whatever happens to Pods, whose hooks are not held', async () => {
    const { estate, at } = await observed(4);
    const targets = estate.account.targetsOn(LB, 80);
    const [first] = await readyPods(estate.world, 'web');
    await estate.deletePod(first?.metadata.name ?? '');
    await estate.passes(2 * MINUTE_MS);
    expect(estate.account.targetsOn(LB, 80)).toEqual(targets);
    expect(writesSince(estate, at)).toEqual([]);
    expect(Math.max(...holdsSince(estate, at))).toBeLessThan(100);
    expect(intended(observer(estate)).map(text => text.split(' ')[0])).toEqual(
      expect.arrayContaining(['set', 'register']),
    );
    await estate.world.close();
  });

  test('lets a gate that stands in the manifest wait, and opens it when it is active again', async () => {
    const { estate, at } = await observed(5);
    await estate.world.create(DEPLOYMENTS, deployment('gated', { replicas: 1, hooked: false, app: 'web' }));
    await estate.passes(MINUTE_MS);
    const gated = async () => {
      const pods = await estate.world.pods();
      const own = pods.filter(({ metadata }) => metadata.labels?.deployment === 'gated');
      return own.map(({ status }) => status?.conditions?.find(({ type }) => type === READINESS_GATE)?.status);
    };
    expect(await gated()).toEqual([undefined]);
    expect(writesSince(estate, at)).toEqual([]);
    await switchTo(estate, 'active');
    await estate.until('the gate is open', async () => (await gated())[0] === 'True');
    await estate.end();
  });

  test('catches up when it is active again', async () => {
    const { estate } = await observed(6);
    await estate.roll('web');
    await switchTo(estate, 'active');
    const isRight = async () => {
      const addresses = new Set(await estate.addressesOfPods('web'));
      const targets = estate.account.targetsOn(LB, 80);
      return (
        targets.length === addresses.size &&
        targets.every(({ address, weight }) => addresses.has(address) && weight > 0)
      );
    };
    await estate.until('the new Pods are all that is bound', isRight);
    await estate.world.close();
  });
});
