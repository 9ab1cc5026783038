import { describe, expect, test } from 'vitest';
import type { Binding } from '../cloud/types.ts';
import type { TargetWrite } from '../core/lane-plan.ts';
import { healthAt } from '../core/observation.ts';
import type { TargetChange, TargetOperation } from '../core/target-operation.ts';
import { LAST_WORD_MS } from './disputes.ts';
import {
  beginWrite,
  EMPTY_LANE_STATE,
  endWrite,
  type LaneState,
  mayTry,
  mergeBindings,
  mergeHealth,
  nextTryAt,
} from './lane-state.ts';

const PLACE = { listenerId: 'lbl-0', locationId: '', address: '10.0.0.1', port: 80 };
const KEY = 'lbl-0||10.0.0.1|80';
const REGISTER = operation({ kind: 'register', weight: 10, tag: 't' });
const CLOSE = operation({ kind: 'close', evidence: 'exit' });
const OPEN = operation({ kind: 'open', weight: 10 });

function operation(fields: TargetChange): TargetOperation {
  return { ...fields, key: KEY, place: PLACE, ruleId: 'rule', podUid: 'pod-1' };
}

function write(operation: TargetOperation): TargetWrite {
  return { kind: operation.kind === 'register' ? 'register' : 'weights', operations: [operation], urgent: false };
}

/** A write from `now` to `now + 10`. */
function attempt(
  state: LaneState,
  one: TargetOperation,
  now: number,
  result = { done: true, counts: true },
): LaneState {
  return endWrite(beginWrite(state, write(one), now), write(one), { ...result, now: now + 10 });
}

/** A read that shows the binding with a weight, or no binding. */
function read(state: LaneState, startedAt: number, weight: number | undefined): LaneState {
  const bindings: Binding[] = weight === undefined ? [] : [{ ...PLACE, weight, tag: 't' }];
  return mergeBindings(state, { listenerIds: ['lbl-0'], startedAt, bindings });
}

function health(state: LaneState, startedAt: number): string | undefined {
  const merged = mergeHealth(state, { startedAt, health: [{ ...PLACE, health: 'healthy', weight: 10 }] });
  return healthAt(merged.observation, KEY)?.health;
}

describe('a change', () => {
  test('is under way from its call until a read that began after the call', () => {
    const sent = attempt(EMPTY_LANE_STATE, REGISTER, 100);
    expect(sent.transactions.size).toBe(1);
    expect(read(sent, 109, 10).transactions.size).toBe(1);
    expect(read(sent, 110, 10).transactions.size).toBe(0);
  });

  test('that surely did nothing is not under way', () => {
    expect(attempt(EMPTY_LANE_STATE, REGISTER, 100, { done: false, counts: true }).transactions.size).toBe(0);
  });

  test('is never begun twice at once: that is a mistake of ours', () => {
    const begun = beginWrite(EMPTY_LANE_STATE, write(CLOSE), 0);
    expect(() => beginWrite(begun, write(OPEN), 1)).toThrow(/two changes/);
  });
});

describe('health', () => {
  const bound = read(attempt(EMPTY_LANE_STATE, REGISTER, 100), 110, 10);

  test('read after the binding last changed counts', () => {
    expect(health(bound, 110)).toBe('healthy');
  });

  test('read before, or while a change is under way, speaks of something else (L3)', () => {
    expect(health(bound, 109)).toBeUndefined();
    expect(health(attempt(bound, CLOSE, 200), 300)).toBeUndefined();
  });

  test('that shows another weight counts only once bindings show it too, or contradict for long (L3)', () => {
    const show = (state: LaneState, startedAt: number) =>
      mergeHealth(state, { startedAt, health: [{ ...PLACE, health: 'healthy', weight: 3 }] });
    const disputed = show(bound, 120);
    expect(healthAt(disputed.observation, KEY)).toBeUndefined();
    expect(healthAt(show(disputed, 130).observation, KEY)).toBeUndefined();
    expect(healthAt(show(read(disputed, 140, 3), 150).observation, KEY)?.health).toBe('healthy');
    const contradicted = show(read(disputed, 140, 10), 150);
    expect(healthAt(contradicted.observation, KEY)).toBeUndefined();
    const later = 120 + LAST_WORD_MS;
    expect(healthAt(show(read(contradicted, later, 10), later + 10).observation, KEY)?.health).toBe('healthy');
  });

  test('is forgotten when the binding changes hands', () => {
    const healthy = mergeHealth(bound, { startedAt: 120, health: [{ ...PLACE, health: 'healthy', weight: 10 }] });
    const changed = read(attempt(healthy, CLOSE, 200), 210, 0);
    expect(healthAt(changed.observation, KEY)).toBeUndefined();
  });
});

describe('an operation that does not show', () => {
  test('may be tried a second time at once, and then waits twice as long each time, 10 s at most', () => {
    let state = EMPTY_LANE_STATE;
    const waits: number[] = [];
    for (let now = 0; waits.length < 9; now += 20_000) {
      state = read(attempt(state, REGISTER, now), now + 10, undefined);
      waits.push((nextTryAt(state, [REGISTER], now) ?? now) - now);
    }
    expect(waits).toEqual([0, 200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000]);
  });

  test('is held back until its time, while the others of the batch may go', () => {
    let state = EMPTY_LANE_STATE;
    for (const now of [0, 20]) state = read(attempt(state, REGISTER, now), now + 10, undefined);
    expect(mayTry(state, REGISTER, 219)).toBe(false);
    expect(mayTry(state, REGISTER, 220)).toBe(true);
    expect(mayTry(state, { ...REGISTER, podUid: 'pod-2' }, 219)).toBe(true);
  });

  test('is not held back for a load balancer that was only busy', () => {
    let state = EMPTY_LANE_STATE;
    for (const now of [0, 20, 40]) state = attempt(state, REGISTER, now, { done: false, counts: false });
    expect(mayTry(state, REGISTER, 50)).toBe(true);
  });
});

test('a change that showed is done: the next one of its kind does not wait, however often a Pod opens and closes', () => {
  let state = read(attempt(EMPTY_LANE_STATE, REGISTER, 0), 10, 10);
  for (let now = 1_000; now < 8_000; now += 1_000) {
    state = read(attempt(state, CLOSE, now), now + 10, 0);
    expect(mayTry(state, CLOSE, now + 20)).toBe(true);
    state = read(attempt(state, OPEN, now + 500), now + 510, 10);
    expect(mayTry(state, OPEN, now + 520)).toBe(true);
  }
});
