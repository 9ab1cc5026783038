import { strict as assert } from 'node:assert';
import { backoffBoundMs } from '../../common/backoff.ts';
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
import { type Disputes, disputesAfter, isDisputed, NO_DISPUTES } from './disputes.ts';
import { effectOf, operationId, transactionId } from './operation-id.ts';

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
  /** When the list of listeners was last read. */
  readonly listedAt: number;
  /** Transactions, by binding key, whose write CLB called a success; `doubted` once a read showed nothing of it. */
  readonly successes: ReadonlyMap<string, 'unread' | 'doubted'>;
  /** Start of the last read of each listener: an earlier read that ends later says nothing new. */
  readonly readAt: ReadonlyMap<string, number>;
  /** Where health contradicts the bindings. */
  readonly disputes: Disputes;
}

export interface Attempt {
  readonly count: number;
  readonly lastAt: number;
  readonly notBefore: number;
}

/** A second try goes at once, later ones wait twice as long each time. */
const RETRY = { initialMs: 200, maximumMs: 10_000 };
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
  successes: new Map(),
  readAt: new Map(),
  disputes: NO_DISPUTES,
  listedAt: Number.NEGATIVE_INFINITY,
};

/** A write is about to be sent. */
export function beginWrite(state: LaneState, write: TargetWrite, now: number): LaneState {
  const transactions = new Map(state.transactions);
  const attempts = new Map([...state.attempts].filter(([, attempt]) => now - attempt.lastAt < ATTEMPT_LIFE_MS));
  for (const operation of write.operations) {
    assert(!transactions.has(operation.key), `two changes of ${operation.key} at once`);
    transactions.set(operation.key, transactionOf(operation, now));
    attempts.set(operationId(operation), nextAttempt(attempts.get(operationId(operation)), now));
  }
  return { ...state, transactions, attempts };
}

export interface WriteResult {
  /** It may have changed something, so that only a read settles it (law L8). */
  readonly done: boolean;
  /** It was a real attempt, not one that a busy load balancer or the rate limit turned away. */
  readonly counts: boolean;
  /** Which of its operations CLB called a success; none unless told. */
  readonly succeeded?: (operation: TargetOperation) => boolean;
  readonly now: number;
}

/** The call ended. */
export function endWrite(state: LaneState, write: TargetWrite, result: WriteResult): LaneState {
  const transactions = new Map(state.transactions);
  const attempts = new Map(state.attempts);
  const successes = new Map(state.successes);
  for (const operation of write.operations) {
    const transaction = transactions.get(operation.key);
    assert(transaction, `the change of ${operation.key} was begun`);
    if (result.done) transactions.set(operation.key, { ...transaction, endedAt: result.now });
    else transactions.delete(operation.key);
    if (!result.counts) attempts.delete(operationId(operation));
    if (result.done && result.succeeded?.(operation)) successes.set(operation.key, 'unread');
  }
  return { ...state, transactions, attempts, successes };
}

export interface BindingsRead {
  readonly listenerIds: readonly string[];
  readonly startedAt: number;
  readonly bindings: readonly Binding[];
}

/** A read of all bindings of some listeners. */
export function mergeBindings(state: LaneState, read: BindingsRead): LaneState {
  const listenerIds = new Set(
    read.listenerIds.filter(id => (state.readAt.get(id) ?? read.startedAt) <= read.startedAt),
  );
  const merged = mergeRead(state.observation, {
    listenerIds,
    startedAt: read.startedAt,
    bindings: read.bindings
      .filter(binding => listenerIds.has(binding.listenerId))
      .map(binding => [bindingKey(binding), binding] as const),
  });
  const { transactions, settled, successes } = settle(state, { listenerIds, startedAt: read.startedAt, merged });
  const changedAt = new Map([...state.changedAt].filter(([key]) => bindingAt(merged, key)));
  for (const { key } of settled) changedAt.set(key, read.startedAt);
  const settledKeys = settled.map(({ key }) => key);
  const observation = settled.length === 0 ? merged : withoutHealth(merged, settledKeys);
  const shown = settled.filter(transaction => shows(bindingAt(observation, transaction.key), transaction));
  const attempts = withoutKeys(state.attempts, new Set(shown.map(transactionId)));
  const readAt = new Map(state.readAt);
  for (const id of listenerIds) readAt.set(id, read.startedAt);
  return { ...state, observed: true, transactions, changedAt, attempts, observation, successes, readAt };
}

/**
 * CLB may answer with a state from before a write though the read began after it. So the first read that shows nothing at
 * all of a successful write settles none of it.
 */
function settle(
  state: LaneState,
  read: { listenerIds: ReadonlySet<string>; startedAt: number; merged: Observation },
): { transactions: TransactionTable; settled: readonly Transaction[]; successes: LaneState['successes'] } {
  const open = settleTransactions(state.transactions, read);
  if (open === state.transactions) return { transactions: open, settled: [], successes: state.successes };
  const ended = [...state.transactions.values()].filter(({ key }) => !open.has(key));
  const shownWrites = new Set(
    ended.filter(transaction => shows(bindingAt(read.merged, transaction.key), transaction)).map(writeOf),
  );
  const isDoubtful = (transaction: Transaction) =>
    state.successes.get(transaction.key) === 'unread' && !shownWrites.has(writeOf(transaction));
  const transactions = new Map(open);
  const successes = new Map(state.successes);
  for (const transaction of ended) {
    if (isDoubtful(transaction)) {
      transactions.set(transaction.key, transaction);
      successes.set(transaction.key, 'doubted');
    } else successes.delete(transaction.key);
  }
  return { transactions, settled: ended.filter(transaction => !isDoubtful(transaction)), successes };
}

/** A lane has one write at a time, so its start names it. */
function writeOf({ startedAt }: Transaction): number {
  return startedAt;
}

/** The listeners to be read again soon, because the last read showed nothing of a successful write. */
export function doubtedListeners(state: LaneState): Set<string> {
  const doubted = [...state.successes].filter(([, success]) => success === 'doubted');
  return new Set(doubted.map(([key]) => key.slice(0, key.indexOf('|'))));
}

/** Successes of CLB that `after` has settled without having seen them, with how often each was tried in a row. */
export function unshownSuccesses(before: LaneState, after: LaneState): { transaction: Transaction; tries: number }[] {
  return [...before.successes.keys()].flatMap(key => {
    const transaction = before.transactions.get(key);
    if (!transaction || after.transactions.has(key)) return [];
    const attempt = after.attempts.get(transactionId(transaction));
    return attempt ? [{ transaction, tries: attempt.count }] : [];
  });
}

function shows(bound: ObservedBinding | undefined, { operation, weight, tag }: Transaction): boolean {
  switch (operation) {
    case 'deregister':
      return bound === undefined;
    case 'adopt':
      return bound?.tag === tag;
    case 'register':
    case 'reweight':
      return bound?.weight === weight;
  }
}

/**
 * A read of health. What it says of a binding that changed since it started is dropped, and so is what it says of one that
 * it shows with another weight, until the bindings that are read show the same or go on to contradict.
 */
export function mergeHealth(
  state: LaneState,
  read: { startedAt: number; health: readonly Omit<TargetHealth, 'loadBalancerId'>[] },
): LaneState {
  const covers = (key: string) =>
    !state.transactions.has(key) && read.startedAt >= (state.changedAt.get(key) ?? Number.NEGATIVE_INFINITY);
  const told = new Map(read.health.map(entry => [bindingKey(entry), entry] as const).filter(([key]) => covers(key)));
  const disputes = disputesAfter(state.disputes, { told, startedAt: read.startedAt, covers }, state);
  const health = new Map<string, ObservedHealth>();
  for (const [key, entry] of told) {
    if (!isDisputed(disputes, key, state.readAt)) health.set(key, { health: entry.health, weight: entry.weight });
  }
  return { ...state, disputes, observation: mergeHealthRead(state.observation, health) };
}

export function mergeListeners(state: LaneState, listeners: readonly Listener[], startedAt: number): LaneState {
  const ids = new Set(listeners.map(listener => listener.id));
  const readAt = new Map([...state.readAt].filter(([id]) => ids.has(id)));
  return { ...state, listeners, readAt, listedAt: startedAt };
}

/** Whether the operation may be tried now; a fresh one always may. */
export function mayTry(state: LaneState, operation: TargetOperation, now: number): boolean {
  return now >= (state.attempts.get(operationId(operation))?.notBefore ?? now);
}

/** How often the operation was tried without showing. */
export function triesOf(state: LaneState, operation: TargetOperation): number {
  return state.attempts.get(operationId(operation))?.count ?? 0;
}

/** The earliest time at which an operation that is held back may be tried again. */
export function nextTryAt(state: LaneState, operations: readonly TargetOperation[], now: number): number | undefined {
  if (state.attempts.size === 0) return undefined;
  const times = operations
    .map(operation => state.attempts.get(operationId(operation))?.notBefore ?? 0)
    .filter(time => time > now);
  return times.length === 0 ? undefined : Math.min(...times);
}

function transactionOf(operation: TargetOperation, now: number): Transaction {
  const { key, podUid } = operation;
  return { ...effectOf(operation), key, podUid, startedAt: now, endedAt: undefined };
}

function nextAttempt(last: Attempt | undefined, now: number): Attempt {
  const count = (last?.count ?? 0) + 1;
  const waitMs = count < 2 ? 0 : backoffBoundMs(count - 2, RETRY);
  return { count, lastAt: now, notBefore: now + waitMs };
}

function withoutKeys<V>(map: ReadonlyMap<string, V>, keys: ReadonlySet<string>): ReadonlyMap<string, V> {
  return keys.size === 0 ? map : new Map([...map].filter(([key]) => !keys.has(key)));
}
