import type { CallPriority } from './types.ts';

const PRIORITIES: readonly CallPriority[] = ['urgent', 'normal', 'background'];
/** A class that waits is passed over at most so often in a row, plus once for each other class that is due as well. */
const PASSED_OVER_MAX: Readonly<Record<CallPriority, number>> = { urgent: 1, normal: 4, background: 16 };

/** Three queues served as one: by class, in a class by arrival, and none waits for ever. */
export class PriorityQueues<T> {
  readonly #queues: Readonly<Record<CallPriority, T[]>> = { urgent: [], normal: [], background: [] };
  /** How many others were taken since the class was served last or began to wait. */
  readonly #passedOver: Record<CallPriority, number> = { urgent: 0, normal: 0, background: 0 };

  get isEmpty(): boolean {
    return PRIORITIES.every(priority => this.#queues[priority].length === 0);
  }

  length(priority: CallPriority): number {
    return this.#queues[priority].length;
  }

  push(priority: CallPriority, item: T): void {
    this.#queues[priority].push(item);
  }

  remove(priority: CallPriority, item: T): void {
    const index = this.#queues[priority].indexOf(item);
    if (index >= 0) this.#queues[priority].splice(index, 1);
  }

  /** The next one, or undefined when all queues are empty. */
  take(): T | undefined {
    const waiting = PRIORITIES.filter(priority => this.#queues[priority].length > 0);
    const isDue = (priority: CallPriority) => this.#passedOver[priority] >= PASSED_OVER_MAX[priority];
    const next = waiting.find(isDue) ?? waiting[0];
    if (next === undefined) return undefined;
    for (const priority of PRIORITIES) {
      this.#passedOver[priority] = priority !== next && waiting.includes(priority) ? this.#passedOver[priority] + 1 : 0;
    }
    return this.#queues[next].shift();
  }
}
