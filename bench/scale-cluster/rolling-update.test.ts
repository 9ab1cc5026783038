import { expect, test } from 'vitest';
import type { FollowedPod } from './pod-follower.ts';
import { gateTimes } from './rolling-update.ts';

const pod = (moments: Partial<FollowedPod>): FollowedPod => ({
  uid: 'uid-1',
  name: 'web-1',
  app: 'web',
  node: 'node-1',
  address: '10.0.0.1',
  seenAtMs: 100,
  readyAtMs: 200,
  gateAtMs: 900,
  ...moments,
});
const healthy = (...moments: number[]) => new Map([['10.0.0.1', moments]]);

test('a gate is timed from the later of healthy and ready', () => {
  expect(gateTimes([pod({})], healthy(800))).toEqual([100]);
  expect(gateTimes([pod({ readyAtMs: 850 })], healthy(800))).toEqual([50]);
});

test('what was found healthy at the address before the Pod was there does not count', () => {
  expect(gateTimes([pod({})], healthy(50, 800))).toEqual([100]);
});

test('a Pod that ended before its gate opened has no time', () => {
  expect(gateTimes([pod({ gateAtMs: undefined })], healthy(800))).toEqual([]);
});

test('an open gate without a healthy target is told, not timed', () => {
  expect(() => gateTimes([pod({})], healthy())).toThrow('the gate of web-1 opened, and CLB never found it healthy');
});
