import type { BindingPlace } from './binding-key.ts';

/** A binding as CLB reported it. */
export interface ObservedBinding extends BindingPlace {
  readonly weight: number;
  readonly tag: string;
}

export interface ObservedHealth {
  readonly health: 'healthy' | 'unhealthy' | 'unknown' | 'closed';
  readonly weight: number;
}

/** What CLB said of one load balancer, by binding key. */
export interface Observation {
  readonly bindings: ReadonlyMap<string, ObservedBinding>;
  readonly health: ReadonlyMap<string, ObservedHealth>;
  /** Start of the read behind `bindings`, monotonic milliseconds. */
  readonly readStartedAt: number;
}

/** A change that was sent and not yet seen in a read that started after it ended (law L8). */
export interface Transaction {
  readonly key: string;
  readonly operation: 'register' | 'reweight' | 'deregister' | 'adopt';
  readonly podUid: string;
  /** After the change; meaningless for `deregister` and `adopt`. */
  readonly weight: number;
  readonly startedAt: number;
  /** When the call ended, well or not; undefined while it is in flight. */
  readonly endedAt: number | undefined;
}

export type TransactionTable = ReadonlyMap<string, Transaction>;

/**
 * The observation after a read of `bindings` of some listeners, and the transactions that this read does not settle.
 * A read settles a transaction only if it started after the call had ended.
 */
export function settleTransactions(
  table: TransactionTable,
  read: { listenerIds: ReadonlySet<string>; startedAt: number },
): TransactionTable {
  const open = new Map<string, Transaction>();
  for (const [key, transaction] of table) {
    const covered = read.listenerIds.has(key.slice(0, key.indexOf('|')));
    const settled = covered && transaction.endedAt !== undefined && transaction.endedAt <= read.startedAt;
    if (!settled) open.set(key, transaction);
  }
  return open;
}

/** Replaces what is known of the read listeners, keeps the rest. */
export function mergeRead(
  observation: Observation,
  read: {
    listenerIds: ReadonlySet<string>;
    startedAt: number;
    bindings: readonly (readonly [string, ObservedBinding])[];
  },
): Observation {
  const bindings = new Map(
    [...observation.bindings].filter(([, binding]) => !read.listenerIds.has(binding.listenerId)),
  );
  for (const [key, binding] of read.bindings) bindings.set(key, binding);
  return { ...observation, bindings, readStartedAt: read.startedAt };
}
