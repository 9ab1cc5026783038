import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { silentLogger } from '../../common/logger.ts';
import { VirtualClock } from '../../common/virtual-clock.ts';
import { cloudError, FakeCloud, loadBalancer } from '../lanes/fake-cloud.ts';
import { LoadBalancerInventory } from './load-balancer-inventory.ts';

const MINUTE_MS = 60_000;

let clock: VirtualClock;
let cloud: FakeCloud;
let inventory: LoadBalancerInventory;
/** What was told to be known anew, in order. */
let told: string[];
let stop: AbortController;

beforeEach(() => {
  clock = new VirtualClock();
  cloud = new FakeCloud(clock);
  told = [];
  inventory = new LoadBalancerInventory({
    cloud,
    clock,
    cluster: 'c1',
    log: silentLogger,
    onChange: ({ ids, serviceUids }) => told.push(...ids, ...serviceUids),
  });
  stop = new AbortController();
  void inventory.run(stop.signal);
});
afterEach(() => stop.abort());

function made(id: string, serviceUid: string) {
  return loadBalancer({ id, tags: { 'clb-direct-cluster': 'c1', 'clb-direct-service': serviceUid } });
}

describe('two thousand load balancers', () => {
  const numbers = Array.from({ length: 2_000 }, (_, index) => String(index));

  test('that others made are looked up in a hundred calls, and again in about as many a minute', async () => {
    cloud.balancers = numbers.map(number => loadBalancer({ id: `lb-${number}` }));
    for (const number of numbers) inventory.watch(`lb-${number}`);
    await clock.advance(100);
    expect(numbers.every(number => inventory.look(`lb-${number}`).kind === 'found')).toBe(true);
    expect(cloud.balancerReads).toHaveLength(100);
    await clock.advance(3 * MINUTE_MS);
    expect((cloud.balancerReads.length - 100) / 3).toBeLessThanOrEqual(120);
    expect(told).toHaveLength(2_000);
  });

  test('that we made are found by one list, and again by one a minute', async () => {
    cloud.balancers = numbers.map(number => made(`lb-${number}`, `uid-${number}`));
    for (const number of numbers) inventory.watchService(`uid-${number}`);
    await clock.advance(100);
    expect(numbers.every(number => inventory.tagged(`uid-${number}`).ids.includes(`lb-${number}`))).toBe(true);
    for (const number of numbers) inventory.watch(`lb-${number}`);
    await clock.advance(3 * MINUTE_MS);
    expect(cloud.balancerReads).toHaveLength(4);
  });

  test('that are looked at in a minute are so in portions, and not all at once', async () => {
    cloud.balancers = numbers.map(number => loadBalancer({ id: `lb-${number}` }));
    for (const number of numbers) inventory.watch(`lb-${number}`);
    await clock.advance(MINUTE_MS);
    const before = cloud.balancerReads.length;
    await clock.advance(MINUTE_MS / 2);
    expect(cloud.balancerReads.length - before).toBeLessThan(70);
  });
});

test('a few Services are looked for one by one, without a list of everything', async () => {
  cloud.balancers = [made('lb-1', 'uid-1'), made('lb-2', 'uid-2')];
  inventory.watchService('uid-1');
  await clock.advance(10);
  expect(cloud.balancerReads).toEqual([{ tags: { 'clb-direct-cluster': 'c1', 'clb-direct-service': 'uid-1' } }]);
  expect(inventory.tagged('uid-1').ids).toEqual(['lb-1']);
});

test('a load balancer that the list no longer shows is asked for by its id before anything is believed', async () => {
  cloud.balancers = [made('lb-1', 'uid-1')];
  inventory.watchService('uid-1');
  await clock.advance(10);
  inventory.watch('lb-1');
  cloud.balancers = [];
  await clock.advanceUntil(() => inventory.tagged('uid-1').ids.length === 0, 2 * MINUTE_MS);
  expect(inventory.look('lb-1').kind).toBe('found');
  await clock.advance(10_000);
  expect(inventory.look('lb-1').kind).toBe('absent');
});

test('of one that is expected to go the first read without it is believed', async () => {
  cloud.balancers = [loadBalancer({ id: 'lb-1' })];
  inventory.watch('lb-1');
  await clock.advance(10);
  inventory.expect('lb-1', 'to-go');
  cloud.balancers = [];
  await clock.advance(1_100);
  expect(inventory.look('lb-1').kind).toBe('absent');
});

test('a failed look is told with its cause while nothing is known, is repeated more and more seldom, and takes nothing back', async () => {
  cloud.balancerError = cloudError({ code: 'CD2040' });
  inventory.watch('lb-1');
  await clock.advance(MINUTE_MS);
  expect(inventory.look('lb-1')).toMatchObject({ kind: 'unknown', error: { code: 'CD2040' } });
  expect(cloud.balancerReads.length).toBeLessThan(8);
  cloud.balancers = [loadBalancer({ id: 'lb-1' })];
  cloud.balancerError = undefined;
  await clock.advance(MINUTE_MS);
  expect(inventory.look('lb-1').kind).toBe('found');
  cloud.balancerError = cloudError({});
  await clock.advance(5 * MINUTE_MS);
  expect(inventory.look('lb-1').kind).toBe('found');
});

test('a Service whose look failed is known to have been looked for only when one has succeeded', async () => {
  cloud.balancerError = cloudError({ code: 'CD2040' });
  inventory.watchService('uid-1');
  await clock.advance(10);
  expect(inventory.tagged('uid-1')).toMatchObject({ lookedAt: undefined, error: { code: 'CD2040' } });
  cloud.balancerError = undefined;
  await clock.advance(2_000);
  expect(inventory.tagged('uid-1')).toMatchObject({ ids: [], error: undefined });
  expect(inventory.tagged('uid-1').lookedAt).toBeGreaterThan(0);
});

test('what nobody watches any more costs no calls', async () => {
  cloud.balancers = [loadBalancer({ id: 'lb-1' })];
  inventory.watch('lb-1');
  inventory.watchService('uid-1');
  await clock.advance(10);
  inventory.unwatch('lb-1');
  inventory.unwatchService('uid-1');
  const reads = cloud.balancerReads.length;
  await clock.advance(5 * MINUTE_MS);
  expect(cloud.balancerReads).toHaveLength(reads);
});
