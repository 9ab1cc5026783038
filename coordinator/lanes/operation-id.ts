import type { TargetOperation } from '../core/target-operation.ts';

/**
 * One text per change that is wanted of a binding: the same change for another Pod, or with another weight, is another
 * operation.
 */
export function operationId(operation: TargetOperation): string {
  const weight = operation.kind === 'open' || operation.kind === 'register' ? operation.weight : 0;
  return `${operation.kind}|${weight}|${operation.key}|${operation.podUid}`;
}
