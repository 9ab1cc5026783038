import type { CloudError } from '../cloud/types.ts';
import type { TargetOperation } from '../core/target-operation.ts';
import { operationId } from './operation-id.ts';

/**
 * Operations that CLB refused in company. They are sent apart from all others, by ever smaller groups, until the one
 * that is to blame stands alone (law L10).
 */
export type Suspects = readonly SuspectGroup[];

export interface SuspectGroup {
  /** What CLB had against the batch. */
  readonly error: CloudError;
  /** By operation id. At most one batch of CLB. */
  readonly ids: ReadonlySet<string>;
  /**
   * Listeners to be read, by reads that start after `since`, before the group is tried again: CLB unbinds released
   * machines by itself, and what is gone is no longer wanted.
   */
  readonly unread: ReadonlySet<string>;
  readonly since: number;
}

/** A batch was refused for the first time. */
export function suspectBatch(
  suspects: Suspects,
  operations: readonly TargetOperation[],
  refusal: { readonly error: CloudError; readonly now: number },
): Suspects {
  const ids = new Set(operations.map(operationId));
  const unread = new Set(operations.map(operation => operation.place.listenerId));
  return [...withoutOperations(suspects, ids), { error: refusal.error, ids, unread, since: refusal.now }];
}

/**
 * A group was refused again, after it was read: it is halved. The halves keep rules together as far as they can, since
 * what CLB has against one target of a rule it often has against all (a quota).
 */
export function halveGroup(
  suspects: Suspects,
  operations: readonly TargetOperation[],
  refusal: { readonly error: CloudError; readonly now: number },
): Suspects {
  const ids = [...operations].sort((a, b) => (a.ruleId < b.ruleId ? -1 : a.ruleId > b.ruleId ? 1 : 0)).map(operationId);
  const middle = Math.ceil(ids.length / 2);
  const group = (half: readonly string[]): SuspectGroup => ({
    error: refusal.error,
    ids: new Set(half),
    unread: new Set(),
    since: refusal.now,
  });
  const halves = [ids.slice(0, middle), ids.slice(middle)].filter(half => half.length > 0).map(group);
  return [...withoutOperations(suspects, new Set(ids)), ...halves];
}

export function withoutOperations(suspects: Suspects, ids: ReadonlySet<string>): Suspects {
  return narrowed(suspects, id => !ids.has(id));
}

/** Forgets what nobody wants any more. */
export function keepWanted(suspects: Suspects, wantedIds: ReadonlySet<string>): Suspects {
  return narrowed(suspects, id => wantedIds.has(id));
}

export function afterRead(
  suspects: Suspects,
  read: { readonly isRead: (listenerId: string) => boolean; readonly startedAt: number },
): Suspects {
  if (suspects.length === 0) return suspects;
  return suspects.map(group => {
    if (group.unread.size === 0 || read.startedAt < group.since) return group;
    return { ...group, unread: new Set([...group.unread].filter(id => !read.isRead(id))) };
  });
}

export function isSuspect(suspects: Suspects, operation: TargetOperation): boolean {
  return suspects.length > 0 && suspects.some(group => group.ids.has(operationId(operation)));
}

/** The operations of the next group that may be tried; none when all wait to be read. */
export function nextGroup(suspects: Suspects, operations: readonly TargetOperation[]): readonly TargetOperation[] {
  for (const { ids, unread } of suspects) {
    const group = unread.size > 0 ? [] : operations.filter(operation => ids.has(operationId(operation)));
    if (group.length > 0) return group;
  }
  return [];
}

function narrowed(suspects: Suspects, isKept: (id: string) => boolean): Suspects {
  return suspects
    .map(group => ({ ...group, ids: new Set([...group.ids].filter(isKept)) }))
    .filter(group => group.ids.size > 0);
}
