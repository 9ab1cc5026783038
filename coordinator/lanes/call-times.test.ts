import { expect, test } from 'vitest';
import { type CallTimes, expectedMs, learnCall, NO_CALL_TIMES, targetsWithin } from './call-times.ts';

/** Calls of a load balancer that takes `baseMs + perTargetMs * targets`, each as large as fits in `limitMs`. */
function rollout(model: { baseMs: number; perTargetMs: number }, limitMs: number, start = NO_CALL_TIMES) {
  let times: CallTimes = start;
  const durations: number[] = [];
  for (let call = 0; call < 12; call += 1) {
    const targets = Math.min(500, targetsWithin(times, 'register', limitMs));
    const durationMs = model.baseMs + model.perTargetMs * targets;
    durations.push(durationMs);
    times = learnCall(times, 'register', { targets, durationMs });
  }
  return { times, durations };
}

test('before anything was seen, calls are taken to be slow', () => {
  expect(expectedMs(NO_CALL_TIMES, 'register', 100)).toBeCloseTo(1_200);
  expect(targetsWithin(NO_CALL_TIMES, 'register', 1_500)).toBe(130);
});

test('a slow load balancer is never asked for more than fits, from the first call on', () => {
  for (const model of [
    { baseMs: 200, perTargetMs: 10 },
    { baseMs: 300, perTargetMs: 8 },
    { baseMs: 50, perTargetMs: 3 },
  ]) {
    const { durations } = rollout(model, 1_500);
    expect(Math.max(...durations)).toBeLessThanOrEqual(1_600);
    expect(durations.at(-1)).toBeGreaterThan(1_000);
  }
});

test('a fast one soon gets full batches', () => {
  const { times } = rollout({ baseMs: 5, perTargetMs: 0 }, 1_500);
  expect(targetsWithin(times, 'register', 1_500)).toBeGreaterThanOrEqual(500);
});

test('small calls alone say little about large ones', () => {
  let times: CallTimes = NO_CALL_TIMES;
  for (let call = 0; call < 50; call += 1) times = learnCall(times, 'weights', { targets: 1, durationMs: 20 });
  expect(expectedMs(times, 'weights', 1)).toBeLessThan(40);
  expect(targetsWithin(times, 'weights', 1_500)).toBeLessThan(200);
});

test('a load balancer that becomes slower is noticed within a few calls', () => {
  const fast = rollout({ baseMs: 20, perTargetMs: 1 }, 1_500).times;
  const { durations } = rollout({ baseMs: 300, perTargetMs: 10 }, 1_500, fast);
  expect(Math.max(...durations.slice(5))).toBeLessThan(1_700);
});

test('each kind of write is learnt by itself', () => {
  const { times } = rollout({ baseMs: 5, perTargetMs: 0 }, 1_500);
  expect(targetsWithin(times, 'deregister', 1_500)).toBe(130);
});

test('a base that alone takes too long still lets one target through', () => {
  const times = learnCall(NO_CALL_TIMES, 'weights', { targets: 1, durationMs: 4_000 });
  expect(targetsWithin(times, 'weights', 1_500)).toBe(1);
});
