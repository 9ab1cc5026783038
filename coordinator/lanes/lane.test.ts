import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { cloudError } from './fake-cloud.ts';
import { LaneBench } from './lane.fixture.ts';

describe('Lane', () => {
  let bench: LaneBench;
  beforeEach(() => {
    bench = new LaneBench();
  });
  afterEach(() => bench.close());

  test('writes nothing before it has read what is bound', async () => {
    bench.addReadyPod('10.0.0.1');
    bench.start();
    await bench.clock.advance(bench.cloud.readMs * 2);
    expect(bench.cloud.writes).toEqual([]);
    await bench.clock.advance(1_000);
    expect(bench.cloud.writes.map(write => write.kind)).toEqual(['register']);
  });

  test('reads health as soon as it knows what is bound, though no gate waits', async () => {
    const place = { listenerId: 'lbl-0', locationId: '', address: '10.0.0.1', port: 80 };
    bench.cloud.bindings.set('known', { ...place, weight: 10, tag: 'cd1:c1:default/known:pod-9' });
    bench.start();
    await bench.clock.advance(200);
    expect(bench.lane.view().states[0]?.targets[0]?.bound?.health).toBe('healthy');
  });

  test('makes a listener once, however often it is asked for before a read shows it', async () => {
    bench.wantedPort = 81;
    bench.start();
    for (let passed = 0; passed < 1_000; passed += 5) {
      await bench.clock.advance(5);
      bench.demand();
    }
    expect(bench.cloud.writes.map(write => write.kind)).toEqual(['createListeners']);
  });

  test('gathers what comes while a write is in flight into one next batch', async () => {
    bench.addReadyPod('10.0.0.1');
    bench.start();
    await bench.clock.advance(100);
    for (const address of ['10.0.0.2', '10.0.0.3', '10.0.0.4']) bench.addReadyPod(address);
    bench.demand();
    await bench.clock.advance(2_000);
    expect(bench.cloud.writes.map(write => write.keys.length)).toEqual([1, 3]);
    expect(bench.cloud.inFlightMax).toBe(1);
  });

  test('tells how long each target has waited for its write, and since when the oldest waits', async () => {
    bench.addReadyPod('10.0.0.1');
    bench.start();
    await bench.clock.advance(100);
    bench.addReadyPods(2, 1);
    bench.demand();
    const since = bench.clock.now();
    expect(bench.lane.oldestWaitSince()).toBe(since);
    await bench.clock.advance(2_000);
    const startedAt = bench.cloud.writes.at(-1)?.startedAt ?? 0;
    expect(startedAt).toBeGreaterThan(since);
    expect(bench.waits.slice(1)).toEqual(Array(2).fill({ priority: 'register', waitedMs: startedAt - since }));
    expect(bench.lane.oldestWaitSince()).toBeUndefined();
  });

  test('sends the weight change for a deletion within 10 ms on an idle lane, without a read before it', async () => {
    const first = bench.addReadyPod('10.0.0.1');
    bench.addReadyPod('10.0.0.2');
    bench.start();
    await bench.clock.advance(10_000);
    const [writes, reads, at] = [bench.cloud.writes.length, bench.cloud.reads.length, bench.clock.now()];
    bench.delete(first);
    await bench.clock.advance(10);
    expect(bench.cloud.writes.slice(writes).map(write => write.kind)).toEqual(['weights']);
    expect((bench.cloud.writes.at(-1)?.startedAt ?? 0) - at).toBeLessThan(10);
    expect(bench.cloud.reads.length).toBe(reads);
  });

  test('believes a write only when a read that began after it shows it', async () => {
    bench.addReadyPod('10.0.0.1');
    bench.start();
    await bench.clock.advance(280);
    expect(bench.cloud.bindings.size).toBe(1);
    expect(bench.lane.view().transactions.size).toBe(1);
    await bench.clock.advance(100);
    expect(bench.lane.view().transactions.size).toBe(0);
    expect(bench.lane.view().states[0]?.targets[0]?.bound?.weight).toBe(10);
  });

  test('reads after an answer that was lost, and does not write again what was done', async () => {
    bench.addReadyPod('10.0.0.1');
    bench.cloud.answers.push(cloudError({ outcomeUnknown: true }));
    bench.start();
    await bench.clock.advance(5_000);
    expect(bench.cloud.writes.map(write => write.kind)).toEqual(['register', 'register']);
    expect(bench.cloud.bindings.size).toBe(1);
  });

  test('tries a busy load balancer again soon, and reads nothing for it', async () => {
    bench.addReadyPod('10.0.0.1');
    bench.cloud.answers.push(cloudError({ class: 'busy' }), cloudError({ class: 'busy' }));
    bench.start();
    await bench.clock.advance(2_000);
    expect(bench.cloud.writes.length).toBe(3);
    expect(bench.cloud.bindings.size).toBe(1);
  });

  test('halves a batch that is refused for good until the bad target stands alone, and serves the others', async () => {
    for (const address of ['10.0.0.1', '10.0.0.2', '10.0.0.3', '10.0.0.4']) bench.addReadyPod(address);
    const register = bench.cloud.registerTargets;
    bench.cloud.registerTargets = (id, targets, signal) => {
      if (targets.some(target => target.address === '10.0.0.3')) {
        bench.cloud.answers.push(cloudError({ class: 'terminal' }));
      }
      return register(id, targets, signal);
    };
    bench.start();
    await bench.clock.advance(30_000);
    expect(bench.cloud.bindings.size).toBe(3);
    expect(bench.failures.length).toBeGreaterThan(0);
    expect(bench.failures.every(failure => failure.ruleIds.includes('s0/TCP/80'))).toBe(true);
  });

  test('reads ever more rarely while every read is refused, and soon again once one is not', async () => {
    bench.start();
    await bench.clock.advance(1_000);
    const { describeListeners, describeTargetHealth } = bench.cloud;
    const refuse = async () => {
      bench.cloud.reads.push({ action: 'targets', startedAt: bench.clock.now(), ids: [] });
      return { ok: false, error: cloudError({ class: 'terminal' }) } as const;
    };
    Object.assign(bench.cloud, { describeListeners: refuse, describeTargetHealth: refuse });
    const before = bench.cloud.reads.length;
    await bench.clock.advance(360_000);
    expect(bench.cloud.reads.length - before).toBeLessThan(140);
    Object.assign(bench.cloud, { describeListeners, describeTargetHealth });
    bench.addReadyPod('10.0.0.1');
    bench.demand();
    await bench.clock.advance(6_000);
    expect(bench.cloud.bindings.size).toBe(1);
  });

  test('ends without an error when it is stopped in the middle of a read', async () => {
    bench.cloud.readMs = 400;
    bench.start();
    await bench.clock.advance(100);
    expect(bench.cloud.reads.length).toBe(1);
    await expect(bench.close()).resolves.toBeUndefined();
  });

  test('lets no drain wait behind a listener that CLB refuses (L4, L10)', async () => {
    const first = bench.addReadyPod('10.0.0.1');
    bench.addReadyPod('10.0.0.2');
    bench.start();
    await bench.clock.advance(10_000);
    bench.cloud.answers.push(...Array.from({ length: 50 }, () => cloudError({ class: 'terminal' })));
    bench.wantedPort = 81;
    bench.demand();
    await bench.clock.advance(20_000);
    expect(bench.failures.length).toBeGreaterThan(3);
    bench.cloud.answers.length = 0;
    const deletedAt = bench.clock.now();
    bench.delete(first);
    await bench.clock.advance(5_000);
    const close = bench.cloud.writes.find(write => write.kind === 'weights');
    expect((close?.startedAt ?? Number.POSITIVE_INFINITY) - deletedAt).toBeLessThan(50);
  });

  test('starts no write that the lease may not outlive', async () => {
    bench.leaseHeld = false;
    bench.addReadyPod('10.0.0.1');
    bench.start();
    await bench.clock.advance(10_000);
    expect(bench.cloud.writes).toEqual([]);
    bench.leaseHeld = true;
    await bench.clock.advance(1_000);
    expect(bench.cloud.writes.length).toBe(1);
  });

  test('does not hammer a write that succeeds and changes nothing', async () => {
    bench.addReadyPod('10.0.0.1');
    bench.cloud.registerTargets = async (id, targets, signal) => {
      const { modifyWeights } = bench.cloud;
      await modifyWeights(id, targets, signal);
      return { ok: true, value: { failedListenerIds: [], message: '' } };
    };
    bench.start();
    await bench.clock.advance(60_000);
    expect(bench.cloud.writes.length).toBeLessThan(20);
    expect(bench.cloud.writes.length).toBeGreaterThan(5);
  });
});
