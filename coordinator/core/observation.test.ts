import { describe, expect, test } from 'vitest';
import {
  bindingAt,
  bindingsOf,
  changedPlaces,
  EMPTY_OBSERVATION,
  healthAt,
  mergeHealthRead,
  mergeRead,
  type ObservedBinding,
  settleTransactions,
  type Transaction,
  withoutHealth,
} from './observation.ts';

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

const KEYS = ['lbl-0||10.0.0.1|80', 'lbl-1||10.0.0.1|80'] as const;

function binding(key: (typeof KEYS)[number], weight: number): readonly [string, ObservedBinding] {
  const place = { listenerId: key.slice(0, 5), locationId: '', address: '10.0.0.1', port: 80 };
  return [key, { ...place, weight, tag: '' }];
}

function readOf(listenerIds: readonly string[], bindings: readonly (readonly [string, ObservedBinding])[]) {
  return { listenerIds: new Set(listenerIds), startedAt: 7, bindings };
}

describe('a read', () => {
  const both = mergeRead(
    EMPTY_OBSERVATION,
    readOf(
      ['lbl-0', 'lbl-1'],
      KEYS.map(key => binding(key, 10)),
    ),
  );

  test('replaces what was known of its listeners and keeps the rest', () => {
    const merged = mergeRead(both, readOf(['lbl-0'], []));
    expect(bindingsOf(merged).map(([key]) => key)).toEqual([KEYS[1]]);
    expect(merged.readStartedAt).toBe(7);
  });

  test('changes only the places at which it found something new', () => {
    const merged = mergeRead(both, readOf(['lbl-0', 'lbl-1'], [binding(KEYS[0], 0), binding(KEYS[1], 10)]));
    expect([...changedPlaces(both, merged)]).toEqual(['lbl-0|']);
    expect(bindingAt(merged, KEYS[0])?.weight).toBe(0);
  });

  test('of health changes only the places whose health is another, and leaves bindings alone', () => {
    const healthy = { health: 'healthy', weight: 10 } as const;
    const first = mergeHealthRead(both, [[KEYS[0], healthy]]);
    expect([...changedPlaces(both, first)]).toEqual(['lbl-0|']);
    expect(changedPlaces(first, mergeHealthRead(first, [[KEYS[0], { ...healthy }]])).size).toBe(0);
    expect(healthAt(first, KEYS[0])?.health).toBe('healthy');
    expect(healthAt(withoutHealth(first, [KEYS[0]]), KEYS[0])).toBeUndefined();
    expect(bindingsOf(first)).toEqual(bindingsOf(both));
  });
});
