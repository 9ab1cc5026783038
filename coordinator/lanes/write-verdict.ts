import { LISTENER_FAILED } from '../cloud/error-catalogue.ts';
import type { BatchOutcome, CloudError, CloudResult } from '../cloud/types.ts';
import type { TargetWrite } from '../core/lane-plan.ts';
import type { TargetOperation } from '../core/target-operation.ts';
import { cloudErrorOf } from './lane-errors.ts';

/** What follows from the answer to a write. */
export interface WriteVerdict {
  /** Some of it may have been done, so that only a read settles it (law L8). */
  readonly done: boolean;
  /** It was a real attempt, not one that a busy load balancer or the rate limit turned away. */
  readonly counts: boolean;
  readonly succeeded: readonly TargetOperation[];
  readonly refused: RefusedPart | undefined;
  /** What the lane does before its next write. */
  readonly pause: 'none' | 'busy' | 'throttled' | 'backoff';
}

export interface RefusedPart {
  readonly operations: readonly TargetOperation[];
  readonly error: CloudError;
  /** The same would be refused again; otherwise it may have been bad luck. */
  readonly isFinal: boolean;
}

export function judgeWrite(write: TargetWrite, result: CloudResult<BatchOutcome>): WriteVerdict {
  return result.ok ? judgeSuccess(write, result.value) : judgeError(write, result.error);
}

/** CLB names listeners only: of the others all was done, of these nothing may be assumed (clb-api section 1.1). */
function judgeSuccess({ operations, kind }: TargetWrite, outcome: BatchOutcome): WriteVerdict {
  const failedIds = new Set(outcome.failedListenerIds);
  const failed = operations.filter(operation => failedIds.has(operation.place.listenerId));
  const error = listenerFailed(kind, outcome.message, failed);
  return {
    done: true,
    counts: true,
    succeeded: failed.length === 0 ? operations : operations.filter(operation => !failed.includes(operation)),
    refused: failed.length === 0 ? undefined : { operations: failed, error, isFinal: false },
    pause: 'none',
  };
}

function judgeError({ operations }: TargetWrite, error: CloudError): WriteVerdict {
  const turnedAway = error.class === 'busy' || error.class === 'throttled';
  const blamesItems = error.blames === 'items' && !turnedAway;
  const isFinal = error.class === 'terminal';
  return {
    done: error.outcomeUnknown || error.notFound,
    counts: !turnedAway && !(isFinal && blamesItems),
    succeeded: [],
    refused: blamesItems ? { operations, error, isFinal } : undefined,
    pause:
      error.class === 'busy' || error.class === 'throttled' ? error.class : isFinal && blamesItems ? 'none' : 'backoff',
  };
}

function listenerFailed(kind: TargetWrite['kind'], message: string, failed: readonly TargetOperation[]): CloudError {
  const listenerIds = [...new Set(failed.map(operation => operation.place.listenerId))].join(', ');
  return cloudErrorOf(LISTENER_FAILED, {
    action: kind === 'deregister' ? 'BatchDeregisterTargets' : 'BatchRegisterTargets',
    message: `CLB failed for listeners ${listenerIds}${message === '' ? '' : `: ${message}`}`,
  });
}
