import type { TargetWrite } from '../core/lane-plan.ts';
import { type CallTimes, expectedMs, learnCall, NO_CALL_TIMES, targetsWithin } from './call-times.ts';

/** While drains are active or a rollout is under way, a write is to end within this, so that the next drain gets in. */
const BULK_WRITE_MAX_MS = 1_500;
/** A rollout is taken to be under way for so long after the last target was closed. */
const ROLLOUT_LINGER_MS = 30_000;
/** A lane is saturated while its queue takes longer than this, until it takes less than half of it. */
const SATURATED_MS = 3_000;

/** How fast a load balancer takes writes, and what follows for the size of the next one. */
export class LanePace {
  readonly #batchSizeMax: number;
  #times: CallTimes = NO_CALL_TIMES;
  #lastCloseAt = Number.NEGATIVE_INFINITY;
  #isSaturated = false;

  /** @param batchSizeMax what CLB takes in one call */
  constructor(batchSizeMax: number) {
    this.#batchSizeMax = batchSizeMax;
  }

  /** There is more to send than can be sent soon. */
  get isSaturated(): boolean {
    return this.#isSaturated;
  }

  /** The part of a write that one call should carry now. */
  sized(write: TargetWrite, { isDraining, now }: { isDraining: boolean; now: number }): TargetWrite {
    const isRollout = isDraining || now - this.#lastCloseAt < ROLLOUT_LINGER_MS;
    const fitting = isRollout ? targetsWithin(this.#times, write.kind, BULK_WRITE_MAX_MS) : this.#batchSizeMax;
    const sizeMax = Math.min(fitting, this.#batchSizeMax);
    return write.operations.length <= sizeMax ? write : { ...write, operations: write.operations.slice(0, sizeMax) };
  }

  expectedMs(write: TargetWrite): number {
    return expectedMs(this.#times, write.kind, write.operations.length);
  }

  wasQueued(operationCount: number): void {
    const limitMs = this.#isSaturated ? SATURATED_MS / 2 : SATURATED_MS;
    this.#isSaturated = operationCount > targetsWithin(this.#times, 'register', limitMs);
  }

  hasBegun(write: TargetWrite, now: number): void {
    if (write.operations.some(operation => operation.kind === 'close')) this.#lastCloseAt = now;
  }

  /** The write did its work in so long. */
  hasSucceeded(write: TargetWrite, durationMs: number): void {
    this.#times = learnCall(this.#times, write.kind, { targets: write.operations.length, durationMs });
  }
}
