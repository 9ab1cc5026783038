import { describe, expect, test } from 'vitest';
import { mergeRead, type Observation, settleTransactions, type Transaction } from './observation.ts';

function transaction(listenerId: string, endedAt: number | undefined): readonly [string, Transaction] {
  const key = `${listenerId}||10.0.0.1|80`;
  return [key, { key, operation: 'reweight', podUid: 'pod-1', weight: 0, startedAt: 0, endedAt }];
}

describe('a read settles a change', () => {
  const read = { listenerIds: new Set(['lbl-0']), startedAt: 100 };

  test('when it began after the call had ended', () => {
    expect(settleTransactions(new Map([transaction('lbl-0', 100)]), read).size).toBe(0);
  });

  test('but not when it began before the end, while the call goes on, or of another listener (L8)', () => {
    for (const entry of [transaction('lbl-0', 101), transaction('lbl-0', undefined), transaction('lbl-1', 50)]) {
      expect(settleTransactions(new Map([entry]), read).size).toBe(1);
    }
  });
});

test('a read replaces what was known of its listeners and keeps the rest', () => {
  const binding = (listenerId: string, weight: number) =>
    [listenerId, { listenerId, locationId: '', address: '10.0.0.1', port: 80, weight, tag: '' }] as const;
  const known: Observation = {
    bindings: new Map([binding('lbl-0', 10), binding('lbl-1', 10)]),
    health: new Map(),
    readStartedAt: 0,
  };
  const merged = mergeRead(known, { listenerIds: new Set(['lbl-0']), startedAt: 7, bindings: [] });
  expect([...merged.bindings.keys()]).toEqual(['lbl-1']);
  expect(merged.readStartedAt).toBe(7);
});
