import { describe, expect, test } from 'vitest';
import { brakeAllowance, brakeEasesAt, chargeBrake, DEFAULT_BRAKE } from './brake.ts';

const limits = DEFAULT_BRAKE;
/** To each of these a minute can be added, and what is taken away again is not a minute. */
const FRACTIONS = [12_764.020164990165, 39_125.588149186144, 99_661.9985198884];

describe('the brake', () => {
  test.each([
    [100, 20],
    [9, 1],
    [1, 1],
  ])('lets weak evidence close a fifth of %i targets a minute: %i', (boundTargets, allowed) => {
    expect(brakeAllowance(new Map(), { id: 'rule', boundTargets }, limits, 0)).toBe(allowed);
  });

  test('counts what was closed in the last minute, and not below zero', () => {
    const history = chargeBrake(new Map(), 'rule', 3, { limits, now: 0 });
    expect(brakeAllowance(history, { id: 'rule', boundTargets: 25 }, limits, 59_999)).toBe(2);
    expect(brakeAllowance(history, { id: 'rule', boundTargets: 5 }, limits, 59_999)).toBe(0);
    expect(brakeAllowance(history, { id: 'rule', boundTargets: 5 }, limits, 60_000)).toBe(1);
  });

  test('is each rule’s own', () => {
    const history = chargeBrake(new Map(), 'rule', 1, { limits, now: 0 });
    expect(brakeAllowance(history, { id: 'other', boundTargets: 5 }, limits, 0)).toBe(1);
  });

  test('eases when the oldest closing that still counts is a minute old', () => {
    const first = chargeBrake(new Map(), 'rule', 1, { limits, now: 1_000 });
    const both = chargeBrake(first, 'rule', 1, { limits, now: 30_000 });
    expect(brakeEasesAt(both, 'rule', limits, 40_000)).toBe(61_000);
    expect(brakeEasesAt(both, 'rule', limits, 61_000)).toBe(90_000);
    expect(brakeEasesAt(both, 'rule', limits, 90_000)).toBeUndefined();
  });

  test.each(FRACTIONS)('has eased at the very moment that it tells: %d ms', at => {
    const history = chargeBrake(new Map(), 'rule', 1, { limits, now: at });
    const easesAt = brakeEasesAt(history, 'rule', limits, at) ?? 0;
    expect(brakeAllowance(history, { id: 'rule', boundTargets: 5 }, limits, easesAt)).toBe(1);
  });

  test('forgets what has left the window when it is charged again', () => {
    const first = chargeBrake(new Map(), 'rule', 5, { limits, now: 0 });
    expect(chargeBrake(first, 'rule', 1, { limits, now: 60_000 }).get('rule')).toEqual([60_000]);
  });
});
