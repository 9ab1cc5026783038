import type { Clock, Timer } from '../../common/clock.ts';

export interface RateLimiterOptions {
  readonly clock: Clock;
  /** Sustained rate of each action. */
  readonly requestsPerSecond: number;
  /** How many may go at once after a pause. At most `burst` + `requestsPerSecond` pass in any one second. */
  readonly burst: number;
  /** How many callers may wait for one action. */
  readonly waitingMax: number;
}

/** Keeps each CLB action under its rate with a token bucket; callers of one action pass in the order they came. */
export interface RateLimiter {
  /**
   * Resolves when one request of `action` may be sent.
   * @throws RateLimiterFullError at once when `waitingMax` callers wait already, the signal's reason on abort.
   */
  acquire(action: string, signal: AbortSignal): Promise<void>;
  /** Lets nothing of `action` pass for `durationMs`: CLB itself said that the account is over the rate. */
  pause(action: string, durationMs: number): void;
  /** Callers waiting now, over all actions. */
  waiting(): number;
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
    acquire: (action, signal) => bucket(action).acquire(signal),
    pause: (action, durationMs) => bucket(action).pause(durationMs),
    waiting: () => [...buckets.values()].reduce((sum, each) => sum + each.waiting, 0),
  };
}

class Bucket {
  readonly #action: string;
  readonly #options: RateLimiterOptions;
  /** In order of arrival. Not empty only while `#timer` is set. */
  readonly #grants: (() => void)[] = [];
  #tokens: number;
  /** Monotonic milliseconds; in the future while paused. */
  #refilledAt: number;
  #timer: Timer | undefined;

  constructor(action: string, options: RateLimiterOptions) {
    this.#action = action;
    this.#options = options;
    this.#tokens = options.burst;
    this.#refilledAt = options.clock.now();
  }

  get waiting(): number {
    return this.#grants.length;
  }

  async acquire(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#grants.length === 0 && this.#take()) return;
    const { waitingMax } = this.#options;
    if (this.#grants.length >= waitingMax) throw new RateLimiterFullError(this.#action, waitingMax);
    await this.#wait(signal);
  }

  pause(durationMs: number): void {
    this.#tokens = 0;
    this.#refilledAt = Math.max(this.#refilledAt, this.#options.clock.now() + durationMs);
  }

  #wait(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const grant = () => {
        signal.removeEventListener('abort', onAbort);
        resolve();
      };
      const onAbort = () => {
        this.#grants.splice(this.#grants.indexOf(grant), 1);
        reject(signal.reason);
      };
      signal.addEventListener('abort', onAbort, { once: true });
      this.#grants.push(grant);
      this.#arm();
    });
  }

  #arm(): void {
    if (this.#timer || this.#grants.length === 0) return;
    this.#timer = this.#options.clock.schedule(this.#nextTokenMs(), () => {
      this.#timer = undefined;
      while (this.#grants.length > 0 && this.#take()) this.#grants.shift()?.();
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
    const { clock, requestsPerSecond, burst } = this.#options;
    const now = clock.now();
    if (now <= this.#refilledAt) return;
    this.#tokens = Math.min(burst, this.#tokens + ((now - this.#refilledAt) * requestsPerSecond) / 1000);
    this.#refilledAt = now;
  }

  #nextTokenMs(): number {
    const missing = Math.max(0, 1 - this.#tokens);
    const pausedMs = Math.max(0, this.#refilledAt - this.#options.clock.now());
    // Rounded up, so that a timer never fires a fraction of a token early.
    return Math.ceil(pausedMs + (missing * 1000) / this.#options.requestsPerSecond);
  }
}
