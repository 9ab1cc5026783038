import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { exited } from '../../test/property/pod-changes.ts';
import { cloudError } from './fake-cloud.ts';
import { LaneBench } from './lane.fixture.ts';

let bench: LaneBench;
beforeEach(() => {
  bench = new LaneBench();
});
afterEach(() => bench.close());

describe('a batch that CLB refuses for what is in it', () => {
  test('is halved until the bad target stands alone; the rest is bound, and the bad one told once', async () => {
    bench.addReadyPods(64);
    bench.cloud.refusedAddresses.add('10.0.0.20');
    bench.start();
    await bench.clock.advance(20_000);
    expect(bench.cloud.bindings.size).toBe(63);
    expect(bench.failures).toHaveLength(1);
    expect(bench.failures[0]).toMatchObject({
      error: { code: 'CD2020' },
      ruleIds: ['s0/TCP/80'],
      targets: [{ place: { address: '10.0.0.20', port: 80 }, podUid: bench.podUid(19) }],
    });
  });

  test('is found with few calls: one more of the whole, then two for each halving', async () => {
    bench.addReadyPods(64);
    bench.cloud.refusedAddresses.add('10.0.0.20');
    bench.start();
    await bench.clock.advance(20_000);
    expect(bench.sizes('register').length).toBeLessThanOrEqual(2 + 2 * 6);
  });

  test('does not make later batches smaller', async () => {
    bench.addReadyPods(64);
    bench.cloud.refusedAddresses.add('10.0.0.20');
    bench.start();
    await bench.clock.advance(600);
    bench.addReadyPods(100, 1);
    bench.demand();
    await bench.clock.advance(20_000);
    expect(bench.sizes('register')).toContain(100);
    expect(bench.cloud.bindings.size).toBe(163);
  });

  test('is read once and sent again without what is gone: CLB unbinds released machines itself', async () => {
    const pods = bench.addReadyPods(10);
    bench.start();
    await bench.clock.advance(5_000);
    bench.cloud.bindings.delete('lbl-0||10.0.0.1|80');
    bench.cloud.refusesUnbound = true;
    const reads = bench.cloud.reads.filter(read => read.action === 'targets').length;
    bench.delete(...pods.slice(0, 9));
    await bench.clock.advance(400);
    expect(bench.sizes('weights')).toEqual([9, 8]);
    expect(bench.cloud.reads.filter(read => read.action === 'targets').length - reads).toBe(1);
    expect(bench.failures).toEqual([]);
  });

  test('keeps no drain of another Pod waiting for longer than one call', async () => {
    const [first = 0] = bench.addReadyPods(3);
    bench.start();
    await bench.clock.advance(10_000);
    bench.addReadyPods(64, 1);
    bench.cloud.refusedAddresses.add('10.0.1.20');
    bench.demand();
    await bench.clock.advance(1_000);
    const deletedAt = bench.clock.now();
    bench.delete(first);
    await bench.clock.advance(5_000);
    expect((bench.writes('weights')[0]?.startedAt ?? 0) - deletedAt).toBeLessThanOrEqual(250);
  });
});

describe('a target in quarantine', () => {
  beforeEach(async () => {
    bench.addReadyPods(2);
    bench.cloud.refusedAddresses.add('10.0.0.1');
    bench.start();
    await bench.clock.advance(10_000);
  });

  test('is tried again ever more rarely, alone, and bound once CLB takes it', async () => {
    const before = bench.writes().length;
    await bench.clock.advance(20_000);
    expect(bench.writes().length).toBe(before);
    await bench.clock.advance(3_600_000);
    expect(bench.writes().length - before).toBeLessThan(12);
    bench.cloud.refusedAddresses.clear();
    await bench.clock.advance(610_000);
    expect(bench.cloud.bindings.size).toBe(2);
    expect(bench.failures).toHaveLength(1);
  });

  test('tells its code in the plan, so that its gate need not wait for it', () => {
    const targets = bench.lane.targetsOf(bench.podUid(0));
    expect(targets.map(({ target }) => target.refusal)).toEqual(['CD2020']);
  });

  test('is told of whenever it is refused again', async () => {
    const told = bench.changes.length;
    bench.lane.podsChanged(new Set([bench.podUid(0)]));
    await bench.clock.advance(1_000);
    expect(bench.changes.slice(told).some(({ podUids }) => podUids.has(bench.podUid(0)))).toBe(true);
  });

  test('is forgotten with its Pod', async () => {
    bench.delete(0);
    bench.world.change(0, exited);
    bench.world.finish(0);
    bench.world.reportOne(0);
    bench.demand();
    const before = bench.writes().length;
    await bench.clock.advance(3_600_000);
    expect(bench.writes().length).toBe(before);
  });

  test('is tried again as soon as something is known that is new about its Pod', async () => {
    bench.cloud.refusedAddresses.clear();
    bench.lane.podsChanged(new Set([bench.podUid(0)]));
    await bench.clock.advance(1_000);
    expect(bench.cloud.bindings.size).toBe(2);
  });
});

test('a refusal that blames the account is repeated with growing pauses, told, and never halved', async () => {
  bench.addReadyPods(8);
  const refusal = cloudError({ class: 'terminal', blames: 'account', code: 'CD2027' });
  bench.cloud.answers.push(...Array.from({ length: 4 }, () => refusal));
  bench.start();
  await bench.clock.advance(10_000);
  expect(bench.sizes()).toEqual([8, 8, 8, 8, 8]);
  const pauses = bench.writes().map(({ startedAt }, index, all) => startedAt - (all[index - 1]?.startedAt ?? 0));
  expect(pauses[3]).toBeGreaterThan((pauses[2] ?? 0) + 100);
  expect(bench.failures.map(({ error }) => error.code)).toEqual(['CD2027', 'CD2027', 'CD2027', 'CD2027']);
  expect(bench.cloud.bindings.size).toBe(8);
});

test('a drain whose task fails again and again is tried again within seconds, however long it goes on (L4)', async () => {
  const [first = 0] = bench.addReadyPods(3);
  bench.start();
  await bench.clock.advance(10_000);
  const failed = cloudError({ code: 'CD2044', outcomeUnknown: true });
  bench.cloud.answers.push(...Array.from({ length: 20 }, () => failed));
  bench.delete(first);
  await bench.clock.advance(60_000);
  const times = bench.writes('weights').map(({ startedAt }) => startedAt);
  const pauses = times.slice(1).map((at, index) => at - (times[index] ?? 0));
  expect(times.length).toBeGreaterThan(10);
  expect(Math.max(...pauses)).toBeLessThanOrEqual(5_500);
  expect(bench.failures).toHaveLength(1);
});

describe('a rule that is full', () => {
  test('teaches its quota: as many as CLB takes are bound, and no more are sent', async () => {
    bench.addReadyPods(20);
    bench.cloud.targetsPerListenerMax = 13;
    bench.start();
    await bench.clock.advance(20_000);
    expect(bench.cloud.bindings.size).toBe(13);
    expect(bench.lane.plan?.leftOut.get('s0/TCP/80')).toBe(7);
    const before = bench.writes().length;
    await bench.clock.advance(300_000);
    expect(bench.writes().length).toBe(before);
    expect(bench.failures).toEqual([]);
  });

  test('is tried for more after a while, since a quota can be raised', async () => {
    bench.addReadyPods(20);
    bench.cloud.targetsPerListenerMax = 13;
    bench.start();
    await bench.clock.advance(20_000);
    bench.cloud.targetsPerListenerMax = 200;
    await bench.clock.advance(630_000);
    expect(bench.cloud.bindings.size).toBe(20);
  });
});

describe('a batch that fails for one of its listeners', () => {
  beforeEach(async () => {
    await bench.close();
    bench = new LaneBench([80, 81, 82]);
  });

  test('is done for the others: only that one is tried again, and holds up nobody', async () => {
    bench.addReadyPods(4);
    bench.cloud.failingListenerIds.add('lbl-1');
    bench.start();
    await bench.clock.advance(400);
    expect(bench.cloud.bindings.size).toBe(8);
    const deletedAt = bench.clock.now();
    bench.addReadyPods(2, 1);
    bench.demand();
    await bench.clock.advance(2_000);
    const later = bench.writes('register').filter(write => write.startedAt >= deletedAt);
    expect(later.some(write => write.keys.some(key => key.startsWith('lbl-0|')))).toBe(true);
    expect(bench.cloud.bindings.size).toBe(12);
  });

  test('and goes on to fail, finds its bad target by halving; each that fails alone is told once', async () => {
    bench.addReadyPods(4);
    const register = bench.cloud.registerTargets;
    bench.cloud.registerTargets = (id, targets, signal) => {
      const isBad = targets.some(({ listenerId, address }) => listenerId === 'lbl-1' && address === '10.0.0.3');
      if (isBad) bench.cloud.failingListenerIds.add('lbl-1');
      else bench.cloud.failingListenerIds.clear();
      return register(id, targets, signal);
    };
    bench.start();
    await bench.clock.advance(20_000);
    expect(bench.cloud.bindings.size).toBe(11);
    expect(bench.failures.map(({ error, targets }) => [error.code, targets.length])).toEqual([['CD2046', 1]]);
    expect(bench.failures[0]?.targets[0]?.place).toMatchObject({ listenerId: 'lbl-1', address: '10.0.0.3' });
  });
});
