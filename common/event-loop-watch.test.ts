import { expect, test } from 'vitest';
import type { Clock } from './clock.ts';
import { runEventLoopWatch } from './event-loop-watch.ts';
import { VirtualClock } from './virtual-clock.ts';

test('tells once a second how late its timer fired', async () => {
  const virtual = new VirtualClock();
  let lateMs = 0;
  const clock: Clock = {
    now: () => virtual.now(),
    wallNow: () => virtual.wallNow(),
    schedule: (delayMs, callback) => virtual.schedule(delayMs + lateMs, callback),
  };
  const delays: number[] = [];
  const stop = new AbortController();
  const ended = runEventLoopWatch({ clock, onDelay: delayMs => delays.push(delayMs) }, stop.signal);
  await virtual.advance(999);
  lateMs = 40;
  await virtual.advance(1);
  await virtual.advance(1_040);
  expect(delays).toEqual([0, 40]);
  stop.abort();
  await ended;
  expect(delays).toHaveLength(2);
});
