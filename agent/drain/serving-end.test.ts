import { beforeEach, expect, test } from 'vitest';
import { VirtualClock } from '../../common/virtual-clock.ts';
import { untilServingEnds } from './serving-end.ts';

let clock: VirtualClock;
let node: { isSuperseded: boolean; callsHeld: number; hookedPods: number; isNodeEnding: boolean };
let endedAt: number | undefined;
let stopping: AbortController;

beforeEach(() => {
  clock = new VirtualClock();
  node = { isSuperseded: false, callsHeld: 0, hookedPods: 3, isNodeEnding: false };
  endedAt = undefined;
  stopping = new AbortController();
  const options = {
    clock,
    lookAtRedirect: async () => {},
    isSuperseded: () => node.isSuperseded,
    callsHeld: () => node.callsHeld,
    hookedPods: () => node.hookedPods,
    isNodeEnding: () => node.isNodeEnding,
  };
  void untilServingEnds(options, stopping.signal).then(() => {
    endedAt = clock.now();
  });
});

test('calls are accepted until the agent is told to stop', async () => {
  await clock.advance(3_600_000);
  expect(endedAt).toBeUndefined();
  stopping.abort();
  await clock.advance(0);
  expect(endedAt).toBe(3_600_000);
});

test('an agent that is superseded accepts what was led to it before, and no more', async () => {
  [node.isSuperseded, node.callsHeld] = [true, 5];
  stopping.abort();
  await clock.advance(1_499);
  expect(endedAt).toBeUndefined();
  await clock.advance(1);
  expect(endedAt).toBe(1_500);
});

test('an agent that nobody replaces accepts calls while it holds any', async () => {
  node.callsHeld = 1;
  stopping.abort();
  await clock.advance(20_000);
  expect(endedAt).toBeUndefined();
  node.callsHeld = 0;
  await clock.advance(500);
  expect(endedAt).toBe(20_500);
});

test('on a node that goes down calls are accepted until no Pod is left that could call', async () => {
  node.isNodeEnding = true;
  stopping.abort();
  await clock.advance(60_000);
  expect(endedAt).toBeUndefined();
  node.hookedPods = 0;
  await clock.advance(500);
  expect(endedAt).toBe(60_500);
});
