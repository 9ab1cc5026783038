import { describe, expect, test } from 'vitest';
import { GateState } from '../../common/pod-record.ts';
import { isLatched, latchOpen, refreshLatch } from './gate-latch.ts';
import { podView } from './pod.fixture.ts';

const EMPTY = new Map<string, string>();

describe('the gate latch', () => {
  test('holds for the addresses for which the gate was opened, in any order', () => {
    const latch = latchOpen(EMPTY, podView({ addresses: ['10.0.0.1', 'fd00::1'] }));
    expect(isLatched(latch, podView({ addresses: ['fd00::1', '10.0.0.1'] }))).toBe(true);
    expect(isLatched(latch, podView({ uid: 'pod-2' }))).toBe(false);
  });

  test('does not hold for a new address: that is a new target', () => {
    const latch = latchOpen(EMPTY, podView());
    expect(isLatched(latch, podView({ addresses: ['10.0.0.2'] }))).toBe(false);
  });

  test('takes a gate that a former leader opened as opened for what the Pod has now', () => {
    const open = podView({ gate: GateState.OPEN });
    const latch = refreshLatch(EMPTY, [open]);
    expect(isLatched(latch, open)).toBe(true);
    const moved = podView({ gate: GateState.OPEN, addresses: ['10.0.0.2'] });
    expect(isLatched(refreshLatch(latch, [moved]), moved)).toBe(false);
  });

  test('does not take over a closed gate, and forgets Pods that are gone', () => {
    expect(isLatched(refreshLatch(EMPTY, [podView()]), podView())).toBe(false);
    expect(refreshLatch(latchOpen(EMPTY, podView()), []).size).toBe(0);
  });
});
