import { strict as assert } from 'node:assert';
import type { Binding, Listener, TargetHealth } from '../cloud/types.ts';
import { bindingKey } from '../core/binding-key.ts';
import { EMPTY_MEMORY, type LaneMemory, type TargetWrite } from '../core/lane-plan.ts';
import {
  bindingAt,
  EMPTY_OBSERVATION,
  mergeHealthRead,
  mergeRead,
  type Observation,
  type ObservedBinding,
  type ObservedHealth,
  settleTransactions,
  type Transaction,
  type TransactionTable,
  withoutHealth,
} from '../core/observation.ts';
import type { TargetOperation } from '../core/target-operation.ts';

/** Everything a lane knows of its load balancer. Changed only by the functions of this file. */
export interface LaneState {
  /** True once listeners and all bindings were read by this leader. */
  readonly observed: boolean;
  readonly listeners: readonly Listener[];
  readonly observation: Observation;
  readonly transactions: TransactionTable;
  readonly memory: LaneMemory;
  /** When the last change of a binding was settled: health read before it speaks of the one before. */
  readonly changedAt: ReadonlyMap<string, number>;
  /** Changes that were sent and did not show: when the same may be tried again. */
  readonly attempts: ReadonlyMap<string, Attempt>;
}

export interface Attempt {
  readonly count: number;
  readonly lastAt: number;
  readonly notBefore: number;
}

/** A second try goes at once, later ones wait twice as long each time. */
const RETRY_BASE_MS = 200;
const RETRY_MAX_MS = 10_000;
/** An attempt is forgotten after this long without another one. */
const ATTEMPT_LIFE_MS = 60_000;

export const EMPTY_LANE_STATE: LaneState = {
  observed: false,
  listeners: [],
  observation: EMPTY_OBSERVATION,
  transactions: new Map(),
  memory: EMPTY_MEMORY,
  changedAt: new Map(),
  attempts: new Map(),
};

/** A write is about to be sent. */
export function beginWrite(state: LaneState, write: TargetWrite, now: number): LaneState {
  const transactions = new Map(state.transactions);
  const attempts = new Map([...state.attempts].filter(([, attempt]) => now - attempt.lastAt < ATTEMPT_LIFE_MS));
  for (const operation of write.operations) {
    assert(!transactions.has(operation.key), `two changes of ${operation.key} at once`);
    transactions.set(operation.key, transactionOf(operation, now));
    const attempt = attemptKey(transactionOf(operation, now));
    attempts.set(attempt, nextAttempt(attempts.get(attempt), now));
  }
  return { ...state, transactions, attempts };
}

/**
 * The call ended. `done`: it may have changed something, so that only a read settles it (law L8). `counts`: it was a
 * real attempt, not one that a busy load balancer or the rate limit turned away.
 */
export function endWrite(
  state: LaneState,
  write: TargetWrite,
  result: { done: boolean; counts: boolean; now: number },
): LaneState {
  const transactions = new Map(state.transactions);
  const attempts = new Map(state.attempts);
  for (const operation of write.operations) {
    const transaction = transactions.get(operation.key);
    assert(transaction, `the change of ${operation.key} was begun`);
    if (result.done) transactions.set(operation.key, { ...transaction, endedAt: result.now });
    else transactions.delete(operation.key);
    if (!result.counts) attempts.delete(attemptKey(transaction));
  }
  return { ...state, transactions, attempts };
}

/** A read of all bindings of `listenerIds`. */
export function mergeBindings(
  state: LaneState,
  read: { listenerIds: readonly string[]; startedAt: number; bindings: readonly Binding[] },
): LaneState {
  const listenerIds = new Set(read.listenerIds);
  const transactions = settleTransactions(state.transactions, { listenerIds, startedAt: read.startedAt });
  const merged = mergeRead(state.observation, {
    listenerIds,
    startedAt: read.startedAt,
    bindings: read.bindings.map(binding => [bindingKey(binding), binding] as const),
  });
  const settled = [...state.transactions.values()].filter(({ key }) => !transactions.has(key));
  const changedAt = new Map([...state.changedAt].filter(([key]) => bindingAt(merged, key)));
  for (const { key } of settled) changedAt.set(key, read.startedAt);
  const settledKeys = settled.map(({ key }) => key);
  const observation = settled.length === 0 ? merged : withoutHealth(merged, settledKeys);
  const shown = settled.filter(transaction => shows(bindingAt(observation, transaction.key), transaction));
  const attempts = withoutKeys(state.attempts, new Set(shown.map(attemptKey)));
  return { ...state, observed: true, transactions, changedAt, attempts, observation };
}

function shows(bound: ObservedBinding | undefined, { operation, weight }: Transaction): boolean {
  switch (operation) {
    case 'deregister':
      return bound === undefined;
    case 'adopt':
      return bound !== undefined;
    case 'register':
    case 'reweight':
      return bound?.weight === weight;
  }
}

/** A read of health. What it says of a binding that changed since it started is dropped. */
export function mergeHealth(
  state: LaneState,
  read: { startedAt: number; health: readonly Omit<TargetHealth, 'loadBalancerId'>[] },
): LaneState {
  const health = new Map<string, ObservedHealth>();
  for (const entry of read.health) {
    const key = bindingKey(entry);
    const changedAt = state.changedAt.get(key) ?? Number.NEGATIVE_INFINITY;
    if (state.transactions.has(key) || read.startedAt < changedAt) continue;
    health.set(key, { health: entry.health, weight: entry.weight });
  }
  return { ...state, observation: mergeHealthRead(state.observation, health) };
}

export function mergeListeners(state: LaneState, listeners: readonly Listener[]): LaneState {
  return { ...state, listeners };
}

/** Whether the operation may be tried now; a fresh one always may. */
export function mayTry(state: LaneState, operation: TargetOperation, now: number): boolean {
  return now >= (state.attempts.get(attemptKey(transactionOf(operation, now)))?.notBefore ?? now);
}

/** The earliest time at which an operation that is held back may be tried again. */
export function nextTryAt(state: LaneState, operations: readonly TargetOperation[], now: number): number | undefined {
  const times = operations
    .map(operation => state.attempts.get(attemptKey(transactionOf(operation, now)))?.notBefore ?? 0)
    .filter(time => time > now);
  return times.length === 0 ? undefined : Math.min(...times);
}

function transactionOf(operation: TargetOperation, now: number): Transaction {
  const base = { key: operation.key, podUid: operation.podUid, startedAt: now, endedAt: undefined };
  switch (operation.kind) {
    case 'close':
      return { ...base, operation: 'reweight', weight: 0 };
    case 'open':
      return { ...base, operation: 'reweight', weight: operation.weight };
    case 'register':
      return { ...base, operation: 'register', weight: operation.weight };
    case 'adopt':
      return { ...base, operation: 'adopt', weight: 0 };
    case 'deregister':
      return { ...base, operation: 'deregister', weight: 0 };
  }
}

function nextAttempt(last: Attempt | undefined, now: number): Attempt {
  const count = (last?.count ?? 0) + 1;
  const waitMs = count < 2 ? 0 : Math.min(RETRY_BASE_MS * 2 ** (count - 2), RETRY_MAX_MS);
  return { count, lastAt: now, notBefore: now + waitMs };
}

function attemptKey({ operation, weight, key, podUid }: Transaction): string {
  return `${operation}|${weight}|${key}|${podUid}`;
}

function withoutKeys<V>(map: ReadonlyMap<string, V>, keys: ReadonlySet<string>): ReadonlyMap<string, V> {
  return keys.size === 0 ? map : new Map([...map].filter(([key]) => !keys.has(key)));
}
