import type { Transaction } from '../core/observation.ts';
import type { TargetOperation } from '../core/target-operation.ts';

/**
 * One text per change that is wanted of a binding: the same change for another Pod, or with another weight, is another
 * operation.
 */
export function operationId(operation: TargetOperation): string {
  const { key, podUid } = operation;
  return transactionId({ ...effectOf(operation), key, podUid });
}

/** The id of the operation that the transaction carries out. */
export function transactionId(transaction: Pick<Transaction, 'operation' | 'weight' | 'key' | 'podUid'>): string {
  const { operation, weight, key, podUid } = transaction;
  return `${operation}|${weight}|${key}|${podUid}`;
}

/** What CLB should show once the operation was done. */
export function effectOf(operation: TargetOperation): Pick<Transaction, 'operation' | 'weight' | 'tag'> {
  switch (operation.kind) {
    case 'close':
      return { operation: 'reweight', weight: 0 };
    case 'open':
      return { operation: 'reweight', weight: operation.weight };
    case 'register':
      return { operation: 'register', weight: operation.weight };
    case 'adopt':
      return { operation: 'adopt', weight: 0, tag: operation.tag };
    case 'deregister':
      return { operation: 'deregister', weight: 0 };
  }
}
