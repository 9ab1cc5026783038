import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { VirtualClock } from '../../common/virtual-clock.ts';
import { Account, otherUser, ourCallers } from './account.fixture.ts';
import { RateLimiterFullError, rateLimiter } from './limiter.ts';
import type { CallPriority } from './types.ts';

const OPTIONS = { requestsPerSecond: 18, burst: 2, waitingMax: 100 };
const never = new AbortController().signal;

function setUp(options: Partial<typeof OPTIONS> = {}) {
  const clock = new VirtualClock();
  const limiter = rateLimiter({ clock, ...OPTIONS, ...options });
  /** When each of `count` callers passes. */
  const passTimes = (action: string, count: number, priority: CallPriority = 'normal') => {
    const times: number[] = [];
    const push = () => times.push(clock.now());
    for (let index = 0; index < count; index += 1) void limiter.acquire(action, priority, never).then(push);
    return times;
  };
  return { clock, limiter, passTimes };
}

function mostInOneSecond(times: readonly number[]): number {
  return Math.max(0, ...times.map(start => times.filter(time => time >= start && time < start + 1000).length));
}

describe('rateLimiter', () => {
  test('never lets more than burst + rate pass in any one second', async () => {
    const { clock, passTimes } = setUp();
    const times = passTimes('A', 80);
    await clock.advance(10_000);
    expect(times).toHaveLength(80);
    expect(mostInOneSecond(times)).toBeLessThanOrEqual(20);
    expect(times.at(-1)).toBeLessThan(4600);
  });

  test('nor does it whatever callers come when, are refused or give up', async () => {
    const priority = fc.constantFrom<CallPriority>('urgent', 'normal', 'background');
    const event = fc.record({
      afterMs: fc.integer({ min: 0, max: 400 }),
      callers: fc.integer({ min: 0, max: 8 }),
      priority,
      what: fc.constantFrom('call', 'call', 'call', 'throttled', 'abort'),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(event, { maxLength: 60 }), async events => {
        const { clock, limiter } = setUp();
        const times: number[] = [];
        let controller = new AbortController();
        for (const { afterMs, callers, what, ...each } of events) {
          await clock.advance(afterMs);
          if (what === 'throttled') limiter.throttled('A', clock.now() - 50);
          if (what === 'abort') controller.abort(new Error('stopped'));
          if (what === 'abort') controller = new AbortController();
          const passed = () => times.push(clock.now());
          for (let caller = 0; caller < callers; caller += 1) {
            limiter.acquire('A', each.priority, controller.signal).then(passed, () => {});
          }
        }
        await clock.advance(120_000);
        expect(mostInOneSecond(times)).toBeLessThanOrEqual(20);
        expect(limiter.waiting('urgent') + limiter.waiting('normal') + limiter.waiting('background')).toBe(0);
      }),
      { numRuns: 60 },
    );
  });

  test('lets the first requests of an idle action pass at once, and one action does not wait for another', async () => {
    const { clock, passTimes } = setUp();
    passTimes('A', 50);
    const times = passTimes('B', 2);
    await clock.advance(0);
    expect(times).toEqual([0, 0]);
  });

  test('keeps the order of arrival', async () => {
    const { clock, limiter } = setUp();
    const order: number[] = [];
    for (const caller of [1, 2, 3, 4, 5]) void limiter.acquire('A', 'normal', never).then(() => order.push(caller));
    await clock.advance(1000);
    expect(order).toEqual([1, 2, 3, 4, 5]);
  });

  test('a caller that aborts leaves the queue and gives its place to the next', async () => {
    const { clock, limiter, passTimes } = setUp({ burst: 1 });
    await limiter.acquire('A', 'normal', never);
    const controller = new AbortController();
    const aborted = limiter.acquire('A', 'normal', controller.signal);
    const times = passTimes('A', 1);
    controller.abort(new Error('stopped'));
    await expect(aborted).rejects.toThrow('stopped');
    expect(limiter.waiting('normal')).toBe(1);
    await clock.advance(1000);
    expect(times).toEqual([56]);
  });

  test('refuses a caller when as many of its class as allowed wait already, but still takes an urgent one', async () => {
    const { clock, limiter, passTimes } = setUp({ burst: 1, waitingMax: 2 });
    passTimes('A', 3);
    await expect(limiter.acquire('A', 'normal', never)).rejects.toThrow(RateLimiterFullError);
    const urgent = passTimes('A', 1, 'urgent');
    await clock.advance(56);
    expect(urgent).toEqual([56]);
  });
});

describe('priorities', () => {
  test('an urgent caller waits for one token however many others wait', async () => {
    const { clock, passTimes } = setUp();
    passTimes('A', 90);
    passTimes('A', 90, 'background');
    await clock.advance(1000);
    const urgent = passTimes('A', 1, 'urgent');
    await clock.advance(60);
    expect(urgent).toHaveLength(1);
  });

  test('no class starves: of 100 passes under an urgent flood at least 15 are normal and 4 background', async () => {
    const { clock, limiter, passTimes } = setUp();
    const normal = passTimes('A', 90);
    const background = passTimes('A', 90, 'background');
    let passed = 0;
    const flood = async (): Promise<void> => {
      await limiter.acquire('A', 'urgent', never);
      passed += 1;
      return flood();
    };
    for (let caller = 0; caller < 20; caller += 1) void flood();
    await clock.advance(30_000);
    const all = passed + normal.length + background.length;
    expect(normal.length / all).toBeGreaterThan(0.15);
    expect(background.length / all).toBeGreaterThan(0.04);
    expect(passed / all).toBeGreaterThan(0.7);
  });
});

describe('a refused rate', () => {
  test('is halved after a rest, and only once for the requests of one round trip', async () => {
    const { clock, limiter, passTimes } = setUp();
    passTimes('A', 2);
    await clock.advance(100);
    limiter.throttled('A', 0);
    const times = passTimes('A', 1);
    await clock.advance(50);
    for (const sentAt of [10, 50, 100]) limiter.throttled('A', sentAt);
    expect(limiter.rates().get('A')).toBe(9);
    await clock.advance(2000);
    expect(times[0]).toBeGreaterThanOrEqual(600);
  });

  test('never falls below one request per second, however often CLB refuses', async () => {
    const { clock, limiter } = setUp();
    for (let time = 0; time < 20; time += 1) {
      limiter.throttled('A', clock.now());
      await clock.advance(501);
    }
    expect(limiter.rates().get('A')).toBeGreaterThanOrEqual(1);
  });

  test('is back at the ceiling within a minute of peace, and other actions never left it', async () => {
    const { clock, limiter, passTimes } = setUp();
    passTimes('B', 1);
    for (let time = 0; time < 6; time += 1) {
      limiter.throttled('A', clock.now());
      await clock.advance(501);
    }
    expect(limiter.rates().get('A')).toBeLessThan(3);
    await clock.advance(60_000);
    expect(limiter.rates()).toEqual(
      new Map([
        ['A', 18],
        ['B', 18],
      ]),
    );
  });
});

/** Beside somebody who takes `takes(now)` of an account's 20 per second: our part of the rest, and of ours refused. */
async function beside(takes: (now: number) => number, gap: () => number = () => 1) {
  const { clock, limiter } = setUp();
  const load = { clock, account: new Account(clock, 20) };
  otherUser(load, () => takes(clock.now()), gap);
  const tally = ourCallers(load, limiter, { callers: 20, roundTripMs: 100 });
  await clock.advance(30_000);
  const before = { ...tally };
  let left = 0;
  for (let second = 0; second < 300; second += 1) {
    left += Math.min(18, 20 - takes(clock.now()));
    await clock.advance(1000);
  }
  const accepted = tally.accepted - before.accepted;
  const refused = tally.refused - before.refused;
  return { share: accepted / left, refusedShare: refused / (accepted + refused), clock, tally, limiter };
}

describe('beside another user of the account', () => {
  test.each([0, 5, 10, 15])(
    'who takes %d/s, at least 80 %% of the rest are used and at most 3 %% refused',
    async takes => {
      const { share, refusedShare } = await beside(() => takes);
      expect(share).toBeGreaterThan(0.8);
      expect(refusedShare).toBeLessThan(0.03);
    },
  );

  test('whose part swings between 3 and 15 per second, it follows down and up', async () => {
    const { share, refusedShare } = await beside(now => 9 + 6 * Math.sin(now / 20_000));
    expect(share).toBeGreaterThan(0.75);
    expect(refusedShare).toBeLessThan(0.02);
  });

  test('who comes irregularly, it does not collapse', async () => {
    let turn = 0;
    const { share, refusedShare } = await beside(
      () => 10,
      () => [0.5, 1.5, 0.7, 1.3, 1][turn++ % 5] ?? 1,
    );
    expect(share).toBeGreaterThan(0.7);
    expect(refusedShare).toBeLessThan(0.03);
  });

  test('who stops, the whole rate is ours again within a minute', async () => {
    const { clock, tally } = await beside(now => (now < 330_000 ? 15 : 0));
    await clock.advance(60_000);
    const before = tally.accepted;
    await clock.advance(10_000);
    expect(tally.accepted - before).toBeGreaterThanOrEqual(178);
  });
});
