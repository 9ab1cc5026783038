import type { Clock } from '../../common/clock.ts';

/** A reading that hung was no work for the node. */
const REST_MAX_MS = 100;

/**
 * Lets one reading run at a time, in the order asked for, and rests after each as long as it took: however many Pods drain,
 * reading takes at most half of the time. The waiting readings are bounded by who asks: one for each drain.
 */
export class PacedReadings {
  readonly #clock: Clock;
  #turn: Promise<void> = Promise.resolve();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async run<T>(read: () => Promise<T>): Promise<T> {
    const previous = this.#turn;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#turn = promise;
    await previous;
    const startedAt = this.#clock.now();
    try {
      return await read();
    } finally {
      const restMs = Math.min(this.#clock.now() - startedAt, REST_MAX_MS);
      if (restMs > 0) this.#clock.schedule(restMs, resolve);
      else resolve();
    }
  }
}
