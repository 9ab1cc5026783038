import { beforeEach, expect, test } from 'vitest';
import { VirtualClock } from '../../../common/virtual-clock.ts';
import { ProcessClock } from './process-clock.ts';

let world: VirtualClock;
let clock: ProcessClock;

beforeEach(() => {
  world = new VirtualClock();
  clock = new ProcessClock(world);
});

test('a clock that runs fast fires early, by the world', async () => {
  await world.advance(1_000);
  clock.drift(1.25);
  let firedAt = 0;
  clock.schedule(1_000, () => {
    firedAt = world.now();
  });
  await world.advance(1_000);
  expect(firedAt).toBeCloseTo(1_800);
  expect(clock.now()).toBe(2_250);
});

test('a frozen process does what was due when it wakes, in order, and sees the time that has passed', async () => {
  const done: string[] = [];
  for (const ms of [200, 100]) clock.schedule(ms, () => done.push(`${ms} at ${clock.now()}`));
  const cancelled = clock.schedule(150, () => done.push('cancelled'));
  clock.freeze();
  void clock.awake().then(() => done.push('awake'));
  await world.advance(5_000);
  expect(done).toEqual([]);
  cancelled.cancel();
  clock.wake();
  await world.advance(0);
  expect(done).toEqual(['100 at 5000', '200 at 5000', 'awake']);
});

test('a step moves wall time only', () => {
  const before = clock.wallNow();
  clock.step(-3_600_000);
  expect([clock.wallNow() - before, clock.now()]).toEqual([-3_600_000, 0]);
});

test('nothing of a process that has ended fires, and nothing wakes it', async () => {
  const done: string[] = [];
  clock.schedule(100, () => done.push('fired'));
  clock.end();
  void clock.awake().then(() => done.push('awake'));
  clock.wake();
  await world.advance(1_000);
  expect(done).toEqual([]);
});

test('timers are counted until they fire or are cancelled', async () => {
  clock.schedule(100, () => undefined);
  clock.schedule(200, () => undefined).cancel();
  expect(clock.pending).toBe(1);
  await world.advance(100);
  expect(clock.pending).toBe(0);
});

test('no timer fires before its time by a clock that drifts', async () => {
  await world.advance(1_234.567);
  for (const rate of [0.9, 0.95, 1.05, 1.1, 1]) {
    clock.drift(rate);
    const due = clock.now() + 333.3;
    clock.schedule(333.3, () => expect(clock.now()).toBeGreaterThanOrEqual(due));
    await world.advance(1_000.1);
  }
});
