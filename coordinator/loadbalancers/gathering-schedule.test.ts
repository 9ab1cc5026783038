import { beforeEach, expect, test } from 'vitest';
import { VirtualClock } from '../../common/virtual-clock.ts';
import { GatheringSchedule } from './gathering-schedule.ts';

let clock: VirtualClock;
let told: string[][];
let schedule: GatheringSchedule;
beforeEach(() => {
  clock = new VirtualClock();
  told = [];
  schedule = new GatheringSchedule({
    clock,
    gatherMs: 5,
    onDue: () => {
      told.push([...schedule.due]);
      schedule.due.clear();
    },
  });
});

test('keys that become due within a moment are told together', async () => {
  schedule.set('a', 0);
  schedule.set('b', 0);
  schedule.set('c', 4);
  schedule.set('d', 100);
  await clock.advance(50);
  expect(told).toEqual([['a', 'b', 'c']]);
  await clock.advance(100);
  expect(told).toEqual([['a', 'b', 'c'], ['d']]);
});

test('of two times the one that was set last counts', async () => {
  schedule.set('a', 10);
  schedule.set('a', 1_000);
  await clock.advance(500);
  expect(told).toEqual([]);
  expect(schedule.isSet('a')).toBe(true);
  await clock.advance(600);
  expect(told).toEqual([['a']]);
});

test('a forgotten key is not told, waiting or gathered', async () => {
  schedule.set('a', 10);
  schedule.set('b', 0);
  await clock.advance(1);
  schedule.forget('a');
  schedule.forget('b');
  await clock.advance(100);
  expect(told).toEqual([]);
});
