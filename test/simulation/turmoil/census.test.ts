import { expect, test } from 'vitest';
import { leaksBetween } from './census.ts';

test('what a process holds beyond a new one with the same to do is a leak; a few timers more are not', () => {
  const fresh = new Map([
    ['leader, timers', 20],
    ['follower, Pods', 10],
  ]);
  const after = (timers: number, pods: number) =>
    leaksBetween(new Map([...fresh, ['leader, timers', timers], ['follower, Pods', pods]]), fresh);
  expect(after(32, 12)).toEqual([]);
  expect(after(33, 13)).toEqual([
    { law: 'leak', message: 'leader, timers: 33, and 20 in a new process' },
    { law: 'leak', message: 'follower, Pods: 13, and 10 in a new process' },
  ]);
});
