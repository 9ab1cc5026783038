import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { chargeBrake } from './brake.ts';
import { type AilingRule, DEFAULT_LIVE_GATE as LIMITS, type LiveGateInput, liveGate } from './live-gate.ts';

const NOW = 1_000_000;
const RULE: AilingRule = { id: 'r', unhealthySince: NOW - 20_000, openPods: 10, healthyOthers: 9 };
const AILING: LiveGateInput = {
  rules: [RULE],
  history: { shutCount: 0, openedAt: undefined },
  charges: new Map(),
  now: NOW,
};

function decide(changes: Partial<LiveGateInput> = {}) {
  return liveGate({ ...AILING, ...changes }, LIMITS);
}

test('the gate of a Pod that is unhealthy for a while shuts', () => {
  expect(decide()).toEqual({ shuts: true });
});

test('it stays open while the target is unhealthy for a short time only', () => {
  const rules = [{ ...RULE, unhealthySince: NOW - 9_999 }];
  expect(decide({ rules })).toEqual({ shuts: false, lookAgainAt: NOW + 1 });
});

test('one rule on which it is unhealthy for long is enough', () => {
  expect(decide({ rules: [{ ...RULE, id: 'other', unhealthySince: NOW }, RULE] })).toEqual({ shuts: true });
});

test.each([
  [1, 60_000],
  [2, 120_000],
  [3, 240_000],
  [9, 960_000],
])('a gate that was shut %i times stays open for %i ms when it opened again', (shutCount, staysMs) => {
  const history = (openedMs: number) => ({ shutCount, openedAt: NOW - openedMs });
  expect(decide({ history: history(staysMs - 1) })).toEqual({ shuts: false, lookAgainAt: NOW + 1 });
  expect(decide({ history: history(staysMs) })).toEqual({ shuts: true });
});

test('the last Pod that others could turn to stays open, on each of its rules', () => {
  expect(decide({ rules: [{ ...RULE, healthyOthers: 0 }] })).toMatchObject({ shuts: false });
  expect(decide({ rules: [RULE, { ...RULE, id: 'other', healthyOthers: 0 }] })).toMatchObject({ shuts: false });
});

test('the brake lets a fifth of the Pods go in a minute', () => {
  const once = chargeBrake(new Map(), 'r', 1, { limits: LIMITS.brake, now: NOW - 30_000 });
  expect(decide({ charges: once })).toEqual({ shuts: true });
  const twice = chargeBrake(once, 'r', 1, { limits: LIMITS.brake, now: NOW - 10_000 });
  expect(decide({ charges: twice })).toEqual({ shuts: false, lookAgainAt: NOW + 30_000 });
});

test('whoever waits is told a later time to look again', () => {
  const input = fc.record({
    unhealthySince: fc.integer({ min: 0, max: NOW }),
    healthyOthers: fc.integer({ min: 0, max: 3 }),
    shutCount: fc.integer({ min: 0, max: 40 }),
    openedAt: fc.integer({ min: 0, max: NOW }),
    charged: fc.integer({ min: 0, max: 3 }),
  });
  fc.assert(
    fc.property(input, ({ unhealthySince, healthyOthers, shutCount, openedAt, charged }) => {
      const charges = chargeBrake(new Map(), 'r', charged, { limits: LIMITS.brake, now: NOW });
      const rules = [{ ...RULE, unhealthySince, healthyOthers }];
      const decision = decide({ rules, history: { shutCount, openedAt }, charges });
      expect(decision.shuts || (decision.lookAgainAt ?? 0) > NOW).toBe(true);
    }),
  );
});
