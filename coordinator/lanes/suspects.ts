import { backoffBoundMs } from '../../common/backoff.ts';
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
  /** How often a single operation failed alone in a way that need not be final, and when it may be tried again. */
  readonly failuresAlone: number;
  readonly notBefore: number;
}

const RETRY = { initialMs: 200, maximumMs: 5_000 };
const NO_FAILURES = { failuresAlone: 0, notBefore: Number.NEGATIVE_INFINITY };

/** A batch was refused for the first time. */
export function suspectBatch(
  suspects: Suspects,
  operations: readonly TargetOperation[],
  refusal: { readonly error: CloudError; readonly now: number },
): Suspects {
  const ids = new Set(operations.map(operationId));
  const unread = new Set(operations.map(operation => operation.place.listenerId));
  return [
    ...withoutOperations(suspects, ids),
    { error: refusal.error, ids, unread, since: refusal.now, ...NO_FAILURES },
  ];
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
    ...NO_FAILURES,
  });
  const halves = [ids.slice(0, middle), ids.slice(middle)].filter(half => half.length > 0).map(group);
  return [...withoutOperations(suspects, new Set(ids)), ...halves];
}

/**
 * A group of one failed again, but the same may well succeed later: it stays apart, and is tried ever more rarely.
 * @returns also whether it failed alone for the first time
 */
export function putOff(
  suspects: Suspects,
  operation: TargetOperation,
  refusal: { readonly error: CloudError; readonly now: number },
): { readonly suspects: Suspects; readonly isFirst: boolean } {
  const ids = new Set([operationId(operation)]);
  const before = suspects.find(group => group.ids.has(operationId(operation)))?.failuresAlone ?? 0;
  const notBefore = refusal.now + backoffBoundMs(before, RETRY);
  const group = { error: refusal.error, ids, unread: new Set<string>(), since: refusal.now };
  const left = withoutOperations(suspects, ids);
  return { suspects: [...left, { ...group, failuresAlone: before + 1, notBefore }], isFirst: before === 0 };
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

/** The operations of the next group that may be tried; none when all wait. */
export function nextGroup(
  suspects: Suspects,
  operations: readonly TargetOperation[],
  now: number,
): readonly TargetOperation[] {
  for (const { ids, unread, notBefore } of suspects) {
    if (unread.size > 0 || notBefore > now) continue;
    const group = operations.filter(operation => ids.has(operationId(operation)));
    if (group.length > 0) return group;
  }
  return [];
}

/** When a group that was put off may be tried again, or undefined when none was. */
export function nextGroupAt(suspects: Suspects, now: number): number | undefined {
  const times = suspects.map(({ notBefore }) => notBefore).filter(at => at > now);
  return times.length === 0 ? undefined : Math.min(...times);
}

function narrowed(suspects: Suspects, isKept: (id: string) => boolean): Suspects {
  return suspects
    .map(group => ({ ...group, ids: new Set([...group.ids].filter(isKept)) }))
    .filter(group => group.ids.size > 0);
}
