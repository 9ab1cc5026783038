import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { cloudError } from './fake-cloud.ts';
import { LaneBench } from './lane.fixture.ts';

let bench: LaneBench;
beforeEach(() => {
  bench = new LaneBench();
});
afterEach(() => bench.close());

function pausesBetweenWrites(): number[] {
  const { writes } = bench.cloud;
  return writes
    .slice(1)
    .map(({ startedAt }, index) => startedAt - (writes[index]?.startedAt ?? 0) - bench.cloud.writeMs);
}

describe('an urgent weight 0', () => {
  test('waits for no read, though the write before it is not read back yet', async () => {
    const [first = 0] = bench.addReadyPods(3);
    bench.start();
    await bench.clock.advance(10_000);
    bench.cloud.readMs = 2_000;
    bench.addReadyPods(20, 1);
    bench.demand();
    await bench.clock.advance(300);
    const deletedAt = bench.clock.now();
    bench.delete(first);
    await bench.clock.advance(100);
    expect((bench.writes('weights')[0]?.startedAt ?? Number.POSITIVE_INFINITY) - deletedAt).toBeLessThan(10);
  });

  test('goes next when it comes while a bulk write is in flight, before the rest of the bulk', async () => {
    const [first = 0] = bench.addReadyPods(3);
    bench.start();
    await bench.clock.advance(10_000);
    bench.addReadyPods(700, 1);
    bench.demand();
    await bench.clock.advance(100);
    bench.delete(first);
    await bench.clock.advance(5_000);
    expect(
      bench
        .writes()
        .slice(1, 4)
        .map(({ kind }) => kind),
    ).toEqual(['register', 'weights', 'register']);
  });

  test('that comes while additions are gathered does not wait for their company', async () => {
    const [first = 0] = bench.addReadyPods(3);
    bench.start();
    await bench.clock.advance(10_000);
    bench.addReadyPods(5, 1);
    bench.demand();
    await bench.clock.advance(2);
    const deletedAt = bench.clock.now();
    bench.delete(first);
    await bench.clock.advance(1_000);
    expect((bench.writes('weights')[0]?.startedAt ?? 0) - deletedAt).toBeLessThan(10);
  });
});

describe('the size of batches', () => {
  test('is all that CLB takes while nothing drains', async () => {
    bench.cloud.perTargetMs = 10;
    bench.addReadyPods(600);
    bench.start();
    await bench.clock.advance(30_000);
    expect(bench.sizes('register')).toEqual([500, 100]);
  });

  test('lets each write end within about 1.5 s while a rollout is under way', async () => {
    const [first = 0] = bench.addReadyPods(3);
    bench.cloud.perTargetMs = 10;
    bench.start();
    await bench.clock.advance(10_000);
    bench.delete(first);
    await bench.clock.advance(1_000);
    bench.addReadyPods(600, 1);
    bench.demand();
    await bench.clock.advance(30_000);
    const later = bench.sizes('register').slice(1);
    expect(later.length).toBeGreaterThan(3);
    expect(Math.max(...later) * 10 + 200).toBeLessThanOrEqual(1_600);
  });

  test('grows to full batches on a load balancer that is fast, rollout or not', async () => {
    const [first = 0] = bench.addReadyPods(3);
    bench.cloud.writeMs = 5;
    bench.start();
    await bench.clock.advance(10_000);
    bench.delete(first);
    await bench.clock.advance(100);
    bench.addReadyPods(1_500, 1);
    bench.demand();
    await bench.clock.advance(3_000);
    expect(Math.max(...bench.sizes('register'))).toBe(500);
  });
});

describe('a busy load balancer', () => {
  test('is asked again soon, then a third more rarely each time, so that its end is noticed soon after it came', async () => {
    bench.addReadyPods(1);
    bench.start();
    await bench.clock.advance(10_000);
    bench.cloud.answers.push(
      ...Array.from({ length: 25 }, () => cloudError({ class: 'busy', blames: 'load-balancer' })),
    );
    bench.addReadyPods(1, 1);
    bench.demand();
    await bench.clock.advance(90_000);
    const pauses = pausesBetweenWrites().slice(1);
    expect(pauses.slice(0, 3).map(Math.round)).toEqual([80, 95, 115]);
    expect(Math.max(...pauses)).toBeLessThanOrEqual(5_000 + 30);
    expect(bench.cloud.bindings.size).toBe(2);
  });

  test('of which the limiter says "not now" is left to the limiter: the lane asks again soon, and never at once', async () => {
    bench.addReadyPods(1);
    bench.cloud.writeMs = 0;
    bench.cloud.answers.push(
      ...Array.from({ length: 20 }, () => cloudError({ class: 'throttled', blames: 'account' })),
    );
    bench.start();
    await bench.clock.advance(10_000);
    expect(Math.min(...pausesBetweenWrites())).toBeGreaterThanOrEqual(100);
    expect(Math.max(...pausesBetweenWrites())).toBeLessThanOrEqual(150);
    expect(bench.cloud.bindings.size).toBe(1);
  });
});

describe('changes of listeners', () => {
  test('that are independent go one after another, without a read between them', async () => {
    bench.listenerWork = [
      { kind: 'create', request: { name: 'a', protocol: 'TCP', ports: [91] }, ruleIds: ['a'] },
      { kind: 'create', request: { name: 'b', protocol: 'UDP', ports: [92, 93] }, ruleIds: ['b', 'c'] },
    ];
    bench.cloud.readMs = 500;
    bench.start();
    await bench.clock.advance(1_450);
    expect(bench.writes().map(({ kind, keys, startedAt }) => [kind, keys.length, startedAt])).toEqual([
      ['createListeners', 1, 1_000],
      ['createListeners', 2, 1_200],
    ]);
  });

  test('get their turn by age, though targets wait all the time', async () => {
    bench.start();
    await bench.clock.advance(1_000);
    bench.wantedPort = 81;
    for (let block = 1; block < 24; block += 1) {
      bench.addReadyPods(5, block);
      bench.demand();
      await bench.clock.advance(180);
    }
    const created = bench.writes('createListeners')[0]?.startedAt ?? Number.POSITIVE_INFINITY;
    expect(created).toBeGreaterThan(2_500);
    expect(created).toBeLessThan(3_700);
  });

  test('make many forwarding rules in one call', async () => {
    const requests = Array.from({ length: 50 }, (_, index) => ({ domain: 'a.example', url: `/${index}` }));
    const ruleIds = requests.map(({ url }) => `rule ${url}`);
    bench.start();
    await bench.clock.advance(1_000);
    bench.listenerWork = [{ kind: 'create-rules', listenerId: 'lbl-0', requests, ruleIds }];
    bench.demand();
    bench.listenerWork = [];
    await bench.clock.advance(1_000);
    expect(bench.writes().map(({ kind, keys }) => [kind, keys.length])).toEqual([['createRules', 50]]);
    expect(bench.lane.listeners[0]?.forwardingRules).toHaveLength(50);
  });
});
