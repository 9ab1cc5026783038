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
    expect(latches.look(podView({ addresses: ['fd00::1', '10.0.0.1'] }))).toBe('latched');
    expect(latches.look(podView({ uid: 'pod-2' }))).toBe('none');
  });

  test('does not hold for a new address: that is a new target', () => {
    latches.open(podView());
    expect(latches.look(podView({ addresses: ['10.0.0.2'] }))).toBe('none');
  });

  test('takes a gate that a former leader opened as opened for what the Pod has when it is first seen', () => {
    expect(latches.look(podView({ gate: GateState.OPEN }))).toBe('latched');
    expect(latches.look(podView({ gate: GateState.OPEN, addresses: ['10.0.0.2'] }))).toBe('none');
  });

  test('lets go of a gate that a former leader opened and shut again, once a report says so', () => {
    expect(latches.look(podView({ gate: GateState.OPEN }))).toBe('latched');
    expect(latches.look(podView({ gate: GateState.CLOSED }))).toBe('none');
    expect(latches.look(podView({ gate: GateState.CLOSED }))).toBe('none');
  });

  test('keeps a gate that was opened here whatever a late report says', () => {
    latches.open(podView({ gate: GateState.CLOSED }));
    expect(latches.look(podView({ gate: GateState.CLOSED }))).toBe('latched');
  });

  test('tells once of a gate that was opened here, and that somebody has shut since', () => {
    latches.open(podView());
    latches.look(podView({ gate: GateState.OPEN }));
    expect(latches.look(podView({ gate: GateState.CLOSED }))).toBe('shut');
    expect(latches.look(podView({ gate: GateState.CLOSED }))).toBe('none');
  });

  test('does not take over a closed gate, and forgets Pods that are gone', () => {
    expect(latches.look(podView())).toBe('none');
    latches.open(podView());
    latches.forget('pod-1');
    expect(latches.look(podView())).toBe('none');
  });
});
