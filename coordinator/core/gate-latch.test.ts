import { beforeEach, describe, expect, test } from 'vitest';
import { GateState } from '../../common/pod-record.ts';
import { GateLatches } from './gate-latch.ts';
import { podView } from './pod.fixture.ts';

let latches: GateLatches;
beforeEach(() => {
  latches = new GateLatches();
});

describe('the gate latch', () => {
  test('holds for the addresses for which the gate was opened, in any order', () => {
    latches.open(podView({ addresses: ['10.0.0.1', 'fd00::1'] }));
    expect(latches.isLatched(podView({ addresses: ['fd00::1', '10.0.0.1'] }))).toBe(true);
    expect(latches.isLatched(podView({ uid: 'pod-2' }))).toBe(false);
  });

  test('does not hold for a new address: that is a new target', () => {
    latches.open(podView());
    expect(latches.isLatched(podView({ addresses: ['10.0.0.2'] }))).toBe(false);
  });

  test('takes a gate that a former leader opened as opened for what the Pod has when it is first seen', () => {
    expect(latches.isLatched(podView({ gate: GateState.OPEN }))).toBe(true);
    expect(latches.isLatched(podView({ gate: GateState.OPEN, addresses: ['10.0.0.2'] }))).toBe(false);
  });

  test('lets go of a gate that a former leader opened and shut again, once a report says so', () => {
    expect(latches.isLatched(podView({ gate: GateState.OPEN }))).toBe(true);
    expect(latches.isLatched(podView({ gate: GateState.CLOSED }))).toBe(false);
    expect(latches.isLatched(podView({ gate: GateState.CLOSED }))).toBe(false);
  });

  test('keeps a gate that was opened here whatever a late report says', () => {
    latches.open(podView({ gate: GateState.CLOSED }));
    expect(latches.isLatched(podView({ gate: GateState.CLOSED }))).toBe(true);
  });

  test('does not take over a closed gate, and forgets Pods that are gone', () => {
    expect(latches.isLatched(podView())).toBe(false);
    latches.open(podView());
    latches.forget('pod-1');
    expect(latches.isLatched(podView())).toBe(false);
  });
});
