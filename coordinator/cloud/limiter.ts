import type { Clock, Timer } from '../../common/clock.ts';
import { type AdaptiveRate, afterThrottled, fullRate, rateAt, restsUntil } from './adaptive-rate.ts';
import { PriorityQueues } from './priority-queues.ts';
import type { CallPriority } from './types.ts';

export interface RateLimiterOptions {
  readonly clock: Clock;
  /** The highest sustained rate of each action. */
  readonly requestsPerSecond: number;
  /** How many may go at once after a pause. At most `burst` + `requestsPerSecond` pass in any one second. */
  readonly burst: number;
  /** How many callers of one class may wait for one action. */
  readonly waitingMax: number;
}

/**
 * Keeps each CLB action under its rate with a token bucket, and finds what other users of the account leave of it.
 * Callers of one action and class pass in the order they came; urgent ones first, but no class starves.
 */
export interface RateLimiter {
  /**
   * Resolves when one request of `action` may be sent.
   * @throws RateLimiterFullError at once when `waitingMax` callers of the class wait already, the signal's reason on abort.
   */
  acquire(action: string, priority: CallPriority, signal: AbortSignal): Promise<void>;
  /** CLB refused a request of `action`, sent at `sentAt`, because the account is over the rate. */
  throttled(action: string, sentAt: number): void;
  /** Requests per second that each action called so far may send now. */
  rates(): ReadonlyMap<string, number>;
  /** Callers of a class that wait now, over all actions. */
  waiting(priority: CallPriority): number;
}

export class RateLimiterFullError extends Error {
  override readonly name = 'RateLimiterFullError';
  constructor(action: string, waitingMax: number) {
    super(`${action}: ${waitingMax} calls wait for the rate limit already`);
  }
}

export function rateLimiter(options: RateLimiterOptions): RateLimiter {
  const buckets = new Map<string, Bucket>();
  const bucket = (action: string) => {
    const known = buckets.get(action) ?? new Bucket(action, options);
    buckets.set(action, known);
    return known;
  };
  return {
    acquire: (action, priority, signal) => bucket(action).acquire(priority, signal),
    throttled: (action, sentAt) => bucket(action).throttled(sentAt),
    rates: () => new Map([...buckets].map(([action, each]) => [action, each.rate])),
    waiting: priority => [...buckets.values()].reduce((sum, each) => sum + each.waiting(priority), 0),
  };
}

class Bucket {
  readonly #action: string;
  readonly #options: RateLimiterOptions;
  /** Not empty only while `#timer` is set. */
  readonly #grants = new PriorityQueues<() => void>();
  #rate: AdaptiveRate;
  #tokens: number;
  /** Monotonic milliseconds; in the future while it rests. */
  #refilledAt: number;
  #timer: Timer | undefined;

  constructor(action: string, options: RateLimiterOptions) {
    this.#action = action;
    this.#options = options;
    this.#rate = fullRate(options.requestsPerSecond);
    this.#tokens = options.burst;
    this.#refilledAt = options.clock.now();
  }

  get rate(): number {
    return rateAt(this.#rate, this.#options.clock.now());
  }

  waiting(priority: CallPriority): number {
    return this.#grants.length(priority);
  }

  async acquire(priority: CallPriority, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#grants.isEmpty && this.#take()) return;
    const { waitingMax } = this.#options;
    if (this.waiting(priority) >= waitingMax) throw new RateLimiterFullError(this.#action, waitingMax);
    await this.#wait(priority, signal);
  }

  throttled(sentAt: number): void {
    const cut = afterThrottled(this.#rate, { sentAt, now: this.#options.clock.now() });
    if (cut === this.#rate) return;
    this.#rate = cut;
    this.#tokens = 0;
    this.#refilledAt = restsUntil(cut);
  }

  #wait(priority: CallPriority, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const grant = () => {
        signal.removeEventListener('abort', onAbort);
        resolve();
      };
      const onAbort = () => {
        this.#grants.remove(priority, grant);
        reject(signal.reason);
      };
      signal.addEventListener('abort', onAbort, { once: true });
      this.#grants.push(priority, grant);
      this.#arm();
    });
  }

  #arm(): void {
    if (this.#timer || this.#grants.isEmpty) return;
    this.#timer = this.#options.clock.schedule(this.#nextTokenMs(), () => {
      this.#timer = undefined;
      while (!this.#grants.isEmpty && this.#take()) this.#grants.take()?.();
      this.#arm();
    });
  }

  #take(): boolean {
    this.#refill();
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }

  #refill(): void {
    const now = this.#options.clock.now();
    if (now <= this.#refilledAt) return;
    const meanRate = (rateAt(this.#rate, this.#refilledAt) + rateAt(this.#rate, now)) / 2;
    this.#tokens = Math.min(this.#options.burst, this.#tokens + ((now - this.#refilledAt) * meanRate) / 1000);
    this.#refilledAt = now;
  }

  #nextTokenMs(): number {
    const missing = Math.max(0, 1 - this.#tokens);
    const restMs = Math.max(0, this.#refilledAt - this.#options.clock.now());
    // Rounded up, so that a timer never fires a fraction of a token early.
    return Math.ceil(restMs + (missing * 1000) / this.rate);
  }
}
