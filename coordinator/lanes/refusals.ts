import type { CloudError } from '../cloud/types.ts';
import type { BindingPlace } from '../core/binding-key.ts';
import type { TargetOperation } from '../core/target-operation.ts';
import { type LearntQuotas, learnQuota, NO_QUOTAS, nextQuotaEnd, quotaOf } from './learnt-quotas.ts';
import { operationId } from './operation-id.ts';
import {
  acquit,
  condemn,
  forgetUnwanted,
  NO_QUARANTINE,
  nextDue,
  nextReleaseAt,
  type Quarantine,
  reconsider,
  refusedKeys,
} from './quarantine.ts';
import {
  afterRead,
  halveGroup,
  isSuspect,
  keepWanted,
  nextGroup,
  nextGroupAt,
  putOff,
  type Suspects,
  suspectBatch,
  withoutOperations,
} from './suspects.ts';

/** A listener, or a forwarding rule on layer 7. */
export type TargetsPlace = Pick<BindingPlace, 'listenerId' | 'locationId'>;

export interface Refusal {
  readonly error: CloudError;
  /** The same would be refused again; otherwise it may have been bad luck. */
  readonly isFinal: boolean;
  readonly now: number;
}

/** CLB has no room for another target. The only code that lanes act on by itself. */
const QUOTA_CODE = 'CD2014';

/** What CLB has refused of a lane's operations, and how each of them is tried again (law L10). */
export class Refusals {
  #suspects: Suspects = [];
  #quarantine: Quarantine = NO_QUARANTINE;
  #quotas: LearntQuotas = NO_QUOTAS;
  #keys: { readonly of: Quarantine; readonly until: number; readonly codes: ReadonlyMap<string, string> } = {
    of: NO_QUARANTINE,
    until: Number.POSITIVE_INFINITY,
    codes: new Map(),
  };

  /** Our codes by binding key, of the targets that are left alone now; the same object while nothing changes. */
  refusedKeys(now: number): ReadonlyMap<string, string> {
    if (this.#keys.of !== this.#quarantine || now >= this.#keys.until) {
      const until = nextReleaseAt(this.#quarantine, now) ?? Number.POSITIVE_INFINITY;
      this.#keys = { of: this.#quarantine, until, codes: refusedKeys(this.#quarantine, now) };
    }
    return this.#keys.codes;
  }

  quotaOf(place: TargetsPlace, now: number): number | undefined {
    return quotaOf(this.#quotas, place, now);
  }

  /** When something may be tried that waits now. */
  nextLookAt(now: number): number | undefined {
    const times = [
      nextGroupAt(this.#suspects, now),
      nextReleaseAt(this.#quarantine, now),
      nextQuotaEnd(this.#quotas, now),
    ];
    const next = Math.min(...times.map(time => time ?? Number.POSITIVE_INFINITY));
    return Number.isFinite(next) ? next : undefined;
  }

  /** Whether the operation may travel with others. */
  mayMingle(operation: TargetOperation): boolean {
    const convicted = this.#quarantine.get(operation.key)?.operation;
    if (convicted && operationId(convicted) === operationId(operation)) return false;
    return !isSuspect(this.#suspects, operation);
  }

  /** What is to be tried apart from all others now; none when nothing is. */
  nextApart(operations: readonly TargetOperation[], now: number): readonly TargetOperation[] {
    const due = nextDue(this.#quarantine, now);
    const again = due && operations.filter(operation => operationId(operation) === operationId(due));
    return again && again.length > 0 ? again : nextGroup(this.#suspects, operations, now);
  }

  /** A batch was refused. @returns the listeners to be read before any of it is tried again */
  refusedTogether(operations: readonly TargetOperation[], refusal: Refusal): ReadonlySet<string> {
    this.#suspects = suspectBatch(this.#suspects, operations, refusal);
    return new Set(operations.map(operation => operation.place.listenerId));
  }

  /**
   * What was tried apart was refused again.
   * @param boundAt how many targets CLB holds at the place
   * @returns the operation that has failed alone for the first time
   */
  refusedApart(
    operations: readonly TargetOperation[],
    refusal: Refusal,
    boundAt: (place: TargetsPlace) => number,
  ): TargetOperation | undefined {
    const [only] = operations;
    if (!only || operations.length > 1) {
      this.#suspects = halveGroup(this.#suspects, operations, refusal);
      return undefined;
    }
    return refusal.isFinal ? this.#convict(only, refusal, boundAt) : this.#putOff(only, refusal);
  }

  #putOff(only: TargetOperation, refusal: Refusal): TargetOperation | undefined {
    const { suspects, isFirst } = putOff(this.#suspects, only, refusal);
    this.#suspects = suspects;
    return isFirst ? only : undefined;
  }

  #convict(
    only: TargetOperation,
    refusal: Refusal,
    boundAt: (place: TargetsPlace) => number,
  ): TargetOperation | undefined {
    this.#suspects = withoutOperations(this.#suspects, new Set([operationId(only)]));
    const bound = boundAt(only.place);
    if (only.kind === 'register' && refusal.error.code === QUOTA_CODE && bound > 0) {
      this.#quarantine = acquit(this.#quarantine, [only]);
      this.#quotas = learnQuota(this.#quotas, only.place, bound, refusal.now);
      return undefined;
    }
    this.#quarantine = condemn(this.#quarantine, only, refusal);
    return this.#quarantine.get(only.key)?.refusals === 1 ? only : undefined;
  }

  /** CLB took these. */
  accepted(operations: readonly TargetOperation[]): void {
    if (this.#suspects.length > 0) {
      this.#suspects = withoutOperations(this.#suspects, new Set(operations.map(operationId)));
    }
    this.#quarantine = acquit(this.#quarantine, operations);
  }

  wasRead(isRead: (listenerId: string) => boolean, startedAt: number): void {
    this.#suspects = afterRead(this.#suspects, { isRead, startedAt });
  }

  /** Something changed about these targets: what is in quarantine is tried again, apart. */
  reconsider(isMeant: (operation: TargetOperation) => boolean, now: number): void {
    this.#quarantine = reconsider(this.#quarantine, isMeant, now);
  }

  /** Forgets what is wanted no more. @param wantedIds asked only when something is known that may be forgotten */
  keepWanted(wantedIds: () => ReadonlySet<string>, now: number): void {
    if (this.#suspects.length === 0 && nextDue(this.#quarantine, now) === undefined) return;
    const ids = wantedIds();
    this.#suspects = keepWanted(this.#suspects, ids);
    this.#quarantine = forgetUnwanted(this.#quarantine, ids, now);
  }
}
