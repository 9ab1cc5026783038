import { describe, expect, test } from 'vitest';
import { VirtualClock } from '../../common/virtual-clock.ts';
import { RateLimiterFullError, rateLimiter } from './limiter.ts';

const OPTIONS = { requestsPerSecond: 18, burst: 2, waitingMax: 100 };
const never = new AbortController().signal;

function passTimes(limiter: ReturnType<typeof rateLimiter>, clock: VirtualClock, action: string, count: number) {
  const times: number[] = [];
  for (let index = 0; index < count; index += 1) {
    void limiter.acquire(action, never).then(() => times.push(clock.now()));
  }
  return times;
}

describe('rateLimiter', () => {
  test('never lets more than burst + rate pass in any one second', async () => {
    const clock = new VirtualClock();
    const times = passTimes(rateLimiter({ clock, ...OPTIONS }), clock, 'A', 80);
    await clock.advance(10_000);
    expect(times).toHaveLength(80);
    for (const start of times) {
      expect(times.filter(time => time >= start && time < start + 1000).length).toBeLessThanOrEqual(20);
    }
    expect(times.at(-1)).toBeLessThan(4600);
  });

  test('lets the first requests of an idle action pass at once, and one action does not wait for another', async () => {
    const clock = new VirtualClock();
    const limiter = rateLimiter({ clock, ...OPTIONS });
    passTimes(limiter, clock, 'A', 50);
    const times = passTimes(limiter, clock, 'B', 2);
    await clock.advance(0);
    expect(times).toEqual([0, 0]);
  });

  test('keeps the order of arrival', async () => {
    const clock = new VirtualClock();
    const limiter = rateLimiter({ clock, ...OPTIONS });
    const order: number[] = [];
    for (const caller of [1, 2, 3, 4, 5]) void limiter.acquire('A', never).then(() => order.push(caller));
    await clock.advance(1000);
    expect(order).toEqual([1, 2, 3, 4, 5]);
  });

  test('a caller that aborts leaves the queue and gives its place to the next', async () => {
    const clock = new VirtualClock();
    const limiter = rateLimiter({ clock, ...OPTIONS, burst: 1 });
    await limiter.acquire('A', never);
    const controller = new AbortController();
    const aborted = limiter.acquire('A', controller.signal);
    const times = passTimes(limiter, clock, 'A', 1);
    controller.abort(new Error('stopped'));
    await expect(aborted).rejects.toThrow('stopped');
    expect(limiter.waiting()).toBe(1);
    await clock.advance(1000);
    expect(times).toEqual([56]);
  });

  test('refuses a caller when as many as allowed wait already', async () => {
    const clock = new VirtualClock();
    const limiter = rateLimiter({ clock, ...OPTIONS, burst: 1, waitingMax: 2 });
    passTimes(limiter, clock, 'A', 3);
    await expect(limiter.acquire('A', never)).rejects.toThrow(RateLimiterFullError);
  });

  test('a pause holds everything back for its length', async () => {
    const clock = new VirtualClock();
    const limiter = rateLimiter({ clock, ...OPTIONS });
    limiter.pause('A', 500);
    const times = passTimes(limiter, clock, 'A', 1);
    await clock.advance(2000);
    expect(times[0]).toBeGreaterThanOrEqual(500);
  });
});
