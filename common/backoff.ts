import type { Clock } from './clock.ts';
import type { Random } from './random.ts';

export interface BackoffLimits {
  /** Upper bound of the first delay. */
  readonly initialMs: number;
  /** Upper bound of every delay. */
  readonly maximumMs: number;
}

/** The bound of the delay before retry number `attempt` (0 is the first); it doubles with each. */
export function backoffBoundMs(attempt: number, { initialMs, maximumMs }: BackoffLimits): number {
  return Math.min(maximumMs, initialMs * 2 ** attempt);
}

/**
 * The delay before retry number `attempt` (0 is the first): uniform between 0 and a bound that doubles with each attempt
 * (full jitter, so that many clients that failed together do not return together).
 */
export function backoffDelayMs(attempt: number, limits: BackoffLimits, random: Random): number {
  return random.next() * backoffBoundMs(attempt, limits);
}

export interface BackoffOptions extends BackoffLimits {
  readonly clock: Clock;
  readonly random: Random;
  /** A failure that comes this long after the last delay ended counts as the first again. */
  readonly resetAfterMs: number;
}

/** Counts the failures of one loop. */
export class Backoff {
  readonly #options: BackoffOptions;
  #attempt = 0;
  /** When the last delay ends. */
  #delayedUntil = Number.NEGATIVE_INFINITY;

  constructor(options: BackoffOptions) {
    this.#options = options;
  }

  /** The next failure counts as the first. */
  reset(): void {
    this.#attempt = 0;
  }

  /** The delay to sleep now, after a failure. */
  nextDelayMs(): number {
    const { clock, random, resetAfterMs } = this.#options;
    const now = clock.now();
    if (now - this.#delayedUntil >= resetAfterMs) this.#attempt = 0;
    const delayMs = backoffDelayMs(this.#attempt, this.#options, random);
    this.#attempt += 1;
    this.#delayedUntil = now + delayMs;
    return delayMs;
  }
}
