import { expect, test } from 'vitest';
import { leaksBetween } from './census.ts';

test('what a process holds beyond a new one with the same to do is a leak; a timer or two more are not', () => {
  const fresh = new Map([
    ['leader, timers', 20],
    ['follower, Pods', 10],
  ]);
  const after = (timers: number, pods: number) =>
    leaksBetween(new Map([...fresh, ['leader, timers', timers], ['follower, Pods', pods]]), fresh);
  expect(after(22, 10)).toEqual([]);
  expect(after(30, 14)).toEqual([
    { law: 'leak', message: 'leader, timers: 30, and 20 in a new process' },
    { law: 'leak', message: 'follower, Pods: 14, and 10 in a new process' },
  ]);
});
