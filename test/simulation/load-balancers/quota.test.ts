import { describe, expect, test } from 'vitest';
import type { ClbSettings } from '../../../sandbox/clb/settings.ts';
import { Estate, MINUTE_MS, UNHARMED } from './estate.ts';

const QUOTA = 10;
const FULL = 'lb-full';

/** What DescribeQuota tells. */
function accountQuota(targetsPerListener: number) {
  return (settings: ClbSettings): ClbSettings => ({ ...settings, quota: { ...settings.quota, targetsPerListener } });
}

/** Calls since then that change targets. `at`: wall milliseconds. */
function targetWritesSince({ world }: Estate, at: number): number {
  const isTargetWrite = /^Batch(Register|Deregister|Modify)/;
  return world.journal.filter(record => record.kind === 'call' && record.at >= at && isTargetWrite.test(record.action))
    .length;
}

async function shutGates(estate: Estate): Promise<number> {
  return (await estate.gatesOf('web')).filter(({ status }) => status !== 'True').length;
}

/** More replicas than there are places, until everybody's gate is open and nothing is written any more. */
async function crowded(options: { replicas: number; seed: number }): Promise<Estate> {
  const estate = await Estate.make({ seed: options.seed, clb: accountQuota(QUOTA) });
  estate.account.addLoadBalancer(FULL);
  await estate.deploy('web', { replicas: options.replicas });
  await estate.serve('web', { on: FULL });
  await estate.untilReady('web', options.replicas);
  await estate.passes(MINUTE_MS);
  return estate;
}

describe('a Deployment with as many replicas as the quota has targets', () => {
  test.each([1, '25%'])(
    'completes a rolling update with maxUnavailable 0 and maxSurge %s, and loses nothing',
    async maxSurge => {
      const estate = await Estate.make({ seed: 1, clb: accountQuota(QUOTA) });
      estate.account.addLoadBalancer(FULL);
      await estate.deploy('web', { replicas: QUOTA, maxSurge, maxUnavailable: 0 });
      await estate.serve('web', { on: FULL });
      await estate.untilReady('web', QUOTA);
      await estate.load('web');
      await estate.roll('web');
      expect(estate.account.openOn(FULL, 80)).toHaveLength(QUOTA);
      expect(await shutGates(estate)).toBe(0);
      expect(await estate.end({ targetsMax: QUOTA })).toEqual(UNHARMED);
    },
  );

  test('completes it, too, when CLB alone knows of the quota', async () => {
    const estate = await Estate.make({ seed: 2 });
    estate.account.addLoadBalancer(FULL, { targetQuota: QUOTA });
    await estate.deploy('web', { replicas: QUOTA, maxSurge: 1, maxUnavailable: 0 });
    await estate.serve('web', { on: FULL });
    await estate.untilReady('web', QUOTA);
    await estate.load('web');
    await estate.roll('web');
    expect(estate.account.openOn(FULL, 80)).toHaveLength(QUOTA);
    expect(await estate.end({ targetsMax: QUOTA })).toEqual(UNHARMED);
  });
});

describe('a Deployment with more replicas than the quota has targets', () => {
  test('has all its gates open in the end, and as many Pods bound as there is room for', async () => {
    const estate = await crowded({ replicas: QUOTA + 3, seed: 3 });
    expect(await shutGates(estate)).toBe(0);
    expect(estate.account.openOn(FULL, 80)).toHaveLength(QUOTA);
    expect(await estate.end({ targetsMax: QUOTA })).toEqual(UNHARMED);
  });

  test('has an Event that says how many Pods are left out', async () => {
    const estate = await crowded({ replicas: QUOTA + 3, seed: 3 });
    const messages = (await estate.eventsOf('web')).map(({ message }) => message);
    const told = /^CD1011: Service default\/web: port TCP:80 on lb-full may have 10 targets, and 3 Pods are left out/;
    expect(messages).toContainEqual(expect.stringMatching(told));
    expect(await estate.codesOf('web')).toEqual(['CD1011']);
    expect(await estate.end({ targetsMax: QUOTA })).toEqual(UNHARMED);
  });

  test('keeps the same Pods bound while nothing changes, and nothing is written', async () => {
    const estate = await crowded({ replicas: QUOTA + 3, seed: 4 });
    const bound = estate.account.openOn(FULL, 80);
    const at = estate.world.clock.wallNow();
    await estate.passes(12 * MINUTE_MS);
    expect(targetWritesSince(estate, at)).toBe(0);
    expect(estate.account.openOn(FULL, 80)).toEqual(bound);
    expect(await estate.end({ targetsMax: QUOTA })).toEqual(UNHARMED);
  });

  test('keeps them across a leader change', async () => {
    const estate = await crowded({ replicas: QUOTA + 3, seed: 5 });
    const bound = estate.account.openOn(FULL, 80);
    const at = estate.world.clock.wallNow();
    estate.killLeader();
    await estate.passes(3 * MINUTE_MS);
    expect(targetWritesSince(estate, at)).toBe(0);
    expect(estate.account.openOn(FULL, 80)).toEqual(bound);
    expect(await estate.end({ targetsMax: QUOTA })).toEqual(UNHARMED);
  });

  test('has a Pod that was left out bound as soon as a place is free', async () => {
    const estate = await crowded({ replicas: QUOTA + 1, seed: 6 });
    await estate.load('web');
    const before = new Set(estate.account.openOn(FULL, 80));
    const [victim] = estate.account.targetsOn(FULL, 80);
    await estate.deletePod(victim?.podName ?? '');
    const hasNewcomer = () => {
      const open = estate.account.openOn(FULL, 80);
      return open.length === QUOTA && open.some(address => !before.has(address));
    };
    expect(await estate.until('another one has the place', hasNewcomer)).toBeLessThan(45_000);
    await estate.untilReady('web', QUOTA + 1);
    expect(await estate.end({ targetsMax: QUOTA })).toEqual(UNHARMED);
  });

  test('has all of them bound once the tag of the load balancer tells of a higher quota', async () => {
    const estate = await crowded({ replicas: QUOTA + 3, seed: 7 });
    const tags = [{ TagKey: 'clb-direct-target-quota', TagValue: String(2 * QUOTA) }];
    estate.account.edit(FULL, { targetQuota: 2 * QUOTA, tags });
    const areBound = () => estate.account.openOn(FULL, 80).length === QUOTA + 3;
    expect(await estate.until('all are bound', areBound)).toBeLessThan(2 * MINUTE_MS);
    expect(await estate.end({ targetsMax: QUOTA })).toEqual(UNHARMED);
  });
});
