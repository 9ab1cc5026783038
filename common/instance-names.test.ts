import { describe, expect, test } from 'vitest';
import { DEFAULT_INSTANCE, instanceNames, isOurGate } from './instance-names.ts';
import { namesFrom } from './instance-options.ts';

const INNER = instanceNames({ name: 'inner', hookPort: 19_450 });

describe('an instance', () => {
  test('without a name has the words that it had before there were names', () => {
    expect(instanceNames({ name: '', hookPort: 19_440 })).toEqual(DEFAULT_INSTANCE);
  });

  test('with a name shares no word with the default one, nor with one of another name', () => {
    const others = [DEFAULT_INSTANCE, instanceNames({ name: 'inner-2', hookPort: 19_460 })].flatMap(Object.values);
    expect(Object.values(INNER).filter(word => others.includes(word))).toEqual([]);
  });

  test('has a chain that iptables takes, however long the name', () => {
    const { redirectChain } = instanceNames({ name: 'a234567890123456', hookPort: 19_450 });
    expect(redirectChain.length).toBeLessThanOrEqual(28);
  });

  test.each(['Inner', 'a_b', '-a', 'a-', '1a', 'a2345678901234567', 'a.b'])('cannot be called %s', name => {
    expect(() => namesFrom({ instance: name, hookPort: 19_450 })).toThrow(/--instance: .* is not a word/);
  });

  test('with a name needs another port for hooks than the default one', () => {
    expect(() => namesFrom({ instance: 'inner', hookPort: 19_440 })).toThrow(/--hook-port: .* needs a port of its own/);
  });
});

test('the gates of all instances are ours, and no others', () => {
  const gates = [DEFAULT_INSTANCE.readinessGate, INNER.readinessGate];
  expect(gates.every(isOurGate)).toBe(true);
  expect(['clb-direct.io/load-balancer', 'example.com/ready'].some(isOurGate)).toBe(false);
});
