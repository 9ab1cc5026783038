import { describe, expect, test } from 'vitest';
import type { TargetChange } from './target-operation.ts';
import { chooseWrite, NO_TURNS, type QueuedOperation, type TargetWrite, turnsAfter } from './write-choice.ts';

const AGING_MS = 3_000;
const DRAIN: TargetChange = { kind: 'close', evidence: 'deletion' };
const REGISTER: TargetChange = { kind: 'register', weight: 10, tag: 'tag' };
const OPEN: TargetChange = { kind: 'open', weight: 10 };
const AWAITED: TargetChange = { kind: 'deregister', evidence: 'connections-ended' };
let number = 0;

function queued(change: TargetChange, since = 0): QueuedOperation {
  number += 1;
  const place = { listenerId: 'lbl-1', locationId: '', address: `10.0.0.${number}`, port: 80 };
  const operation = { ...change, key: `k${number}`, place, ruleId: 'rule', podUid: `pod-${number}` };
  return { operation, since, makesRoom: false };
}

function many(count: number, change: TargetChange, since = 0): QueuedOperation[] {
  return Array.from({ length: count }, () => queued(change, since));
}

/** The kinds of so many writes in a row, while `queue` never gets empty. */
function kindsOf(count: number, queue: readonly QueuedOperation[], now: number): TargetWrite['kind'][] {
  let turns = NO_TURNS;
  return Array.from({ length: count }, () => {
    const write = chooseWrite(queue, { sizeMax: 500, agingMs: AGING_MS, now, turns });
    if (!write) throw new Error('something waits');
    turns = turnsAfter(turns, write);
    return write.kind;
  });
}

describe('a Pod that leaves', () => {
  test('goes before a backlog however old that is', () => {
    expect(kindsOf(1, [...many(900, REGISTER), queued(DRAIN, 60_000)], 60_000)).toEqual(['weights']);
  });

  test('lets what has waited long have every fifth turn, and nothing that is fresh', () => {
    const old = [queued(REGISTER), queued(DRAIN, 60_000)];
    expect(kindsOf(6, old, 60_000)).toEqual(['weights', 'weights', 'weights', 'weights', 'register', 'weights']);
    const fresh = [queued(REGISTER, 60_000), queued(DRAIN, 60_000)];
    expect(new Set(kindsOf(6, fresh, 60_000))).toEqual(new Set(['weights']));
  });

  test('waits for few others when it is their turn', () => {
    const turns = { lastKind: 'weights', urgentInRow: 4 } as const;
    const limits = { sizeMax: 500, agingMs: AGING_MS, now: 60_000, turns };
    const write = chooseWrite([...many(400, REGISTER), queued(DRAIN)], limits);
    expect(write).toMatchObject({ kind: 'register', urgent: false });
    expect(write?.operations.length).toBeLessThanOrEqual(20);
  });

  test('takes few others into its call, so that they do not make it long', () => {
    const write = chooseWrite([...many(400, OPEN), queued(DRAIN)], {
      sizeMax: 500,
      agingMs: AGING_MS,
      now: 0,
      turns: NO_TURNS,
    });
    expect(write?.urgent).toBe(true);
    expect(write?.operations[0]?.kind).toBe('close');
    expect(write?.operations.length).toBeLessThanOrEqual(21);
  });
});

test('a hook that waits for its deregistration gets every other turn beside an old backlog', () => {
  const queue = [...many(900, REGISTER), queued(AWAITED, 60_000)];
  expect(kindsOf(4, queue, 60_000)).toEqual(['register', 'deregister', 'register', 'deregister']);
});

test('two backlogs take turns once both are old', () => {
  expect(kindsOf(4, [...many(900, REGISTER), ...many(900, OPEN)], 60_000)).toEqual([
    'weights',
    'register',
    'weights',
    'register',
  ]);
});

test('fresh work goes by its priority', () => {
  expect(kindsOf(2, [queued(REGISTER), queued(OPEN)], 0)).toEqual(['weights', 'weights']);
});
