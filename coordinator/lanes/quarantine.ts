import { backoffBoundMs } from '../../common/backoff.ts';
import type { CloudError } from '../cloud/types.ts';
import type { TargetOperation } from '../core/target-operation.ts';
import { operationId } from './operation-id.ts';

/** Targets that CLB refuses even alone: left alone until their next try (law L10). By binding key. */
export type Quarantine = ReadonlyMap<string, QuarantinedTarget>;

export interface QuarantinedTarget {
  readonly operation: TargetOperation;
  readonly error: CloudError;
  readonly refusals: number;
  /** When it is tried again, alone. */
  readonly retryAt: number;
}

export const NO_QUARANTINE: Quarantine = new Map();

const RETRY = { initialMs: 30_000, maximumMs: 600_000 };
/** A Pod that leaves waits for it, and has little time. */
const CLOSE_RETRY = { initialMs: 1_000, maximumMs: 30_000 };

/** CLB refused the operation alone. */
export function condemn(
  quarantine: Quarantine,
  operation: TargetOperation,
  refusal: { readonly error: CloudError; readonly now: number },
): Quarantine {
  const before = quarantine.get(operation.key);
  const isSame = before && operationId(before.operation) === operationId(operation);
  const refusals = (isSame ? before.refusals : 0) + 1;
  const waitMs = backoffBoundMs(refusals - 1, operation.kind === 'close' ? CLOSE_RETRY : RETRY);
  const entry = { operation, error: refusal.error, refusals, retryAt: refusal.now + waitMs };
  return new Map(quarantine).set(operation.key, entry);
}

export function acquit(quarantine: Quarantine, operations: readonly TargetOperation[]): Quarantine {
  if (!operations.some(operation => quarantine.has(operation.key))) return quarantine;
  const left = new Map(quarantine);
  for (const operation of operations) left.delete(operation.key);
  return left;
}

/** Something changed that may have been what CLB was against: these are tried again at once, still alone. */
export function reconsider(
  quarantine: Quarantine,
  isMeant: (operation: TargetOperation) => boolean,
  now: number,
): Quarantine {
  const meant = [...quarantine].filter(([, entry]) => entry.retryAt > now && isMeant(entry.operation));
  if (meant.length === 0) return quarantine;
  const changed = new Map(quarantine);
  for (const [key, entry] of meant) changed.set(key, { ...entry, refusals: 0, retryAt: now });
  return changed;
}

/** Forgets those whose next try has come and whose operation is not wanted any more. */
export function forgetUnwanted(quarantine: Quarantine, wantedIds: ReadonlySet<string>, now: number): Quarantine {
  const isForgotten = ({ retryAt, operation }: QuarantinedTarget) =>
    retryAt <= now && !wantedIds.has(operationId(operation));
  const left = [...quarantine].filter(([, entry]) => !isForgotten(entry));
  return left.length === quarantine.size ? quarantine : new Map(left);
}

/** Our codes by binding key, of the targets that are left alone now. */
export function refusedKeys(quarantine: Quarantine, now: number): ReadonlyMap<string, string> {
  const waiting = [...quarantine].filter(([, entry]) => entry.retryAt > now);
  return new Map(waiting.map(([key, { error }]) => [key, error.code]));
}

/** The next one whose time has come. */
export function nextDue(quarantine: Quarantine, now: number): TargetOperation | undefined {
  for (const { operation, retryAt } of quarantine.values()) if (retryAt <= now) return operation;
  return undefined;
}

/** When the next one is to be tried, or undefined when none waits. */
export function nextReleaseAt(quarantine: Quarantine, now: number): number | undefined {
  const times = [...quarantine.values()].map(({ retryAt }) => retryAt).filter(at => at > now);
  return times.length === 0 ? undefined : Math.min(...times);
}
