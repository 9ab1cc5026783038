import type { Clock, Timer } from '../../common/clock.ts';

export interface GatheringScheduleOptions {
  readonly clock: Clock;
  /** How long what became due waits for company. */
  readonly gatherMs: number;
  /** There is something in `due`. */
  readonly onDue: () => void;
}

/** Keys that become due, each at its own time; those that do so together are told together. */
export class GatheringSchedule {
  /** What is due; whoever works on a key takes it out. */
  readonly due = new Set<string>();
  readonly #options: GatheringScheduleOptions;
  readonly #timers = new Map<string, Timer>();
  readonly #gathering = new Set<string>();

  constructor(options: GatheringScheduleOptions) {
    this.#options = options;
  }

  /** The key becomes due after so long; a time that was set before no longer counts, but what is due already stays so. */
  set(key: string, delayMs: number): void {
    this.#timers.get(key)?.cancel();
    const timer = this.#options.clock.schedule(delayMs, () => {
      this.#timers.delete(key);
      this.#gather(key);
    });
    this.#timers.set(key, timer);
  }

  isSet(key: string): boolean {
    return this.#timers.has(key);
  }

  forget(key: string): void {
    this.#timers.get(key)?.cancel();
    this.#timers.delete(key);
    this.#gathering.delete(key);
    this.due.delete(key);
  }

  /** Nothing becomes due any more. */
  stop(): void {
    for (const timer of this.#timers.values()) timer.cancel();
    this.#timers.clear();
    this.#gathering.clear();
  }

  #gather(key: string): void {
    this.#gathering.add(key);
    if (this.#gathering.size > 1) return;
    this.#options.clock.schedule(this.#options.gatherMs, () => {
      if (this.#gathering.size === 0) return;
      for (const each of this.#gathering) this.due.add(each);
      this.#gathering.clear();
      this.#options.onDue();
    });
  }
}
