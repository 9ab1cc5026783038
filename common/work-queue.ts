import assert from 'node:assert/strict';
import { type BackoffLimits, backoffDelayMs } from './backoff.ts';
import type { Clock, Timer } from './clock.ts';
import type { Random } from './random.ts';

/** What of a queue can be read at any moment. */
export interface WorkQueueState {
  /** How many keys wait to be taken, without the delayed. */
  readonly length: number;
  /** How long the key that is longest in work has been so; 0 when none is. */
  longestWorkMs(): number;
  /** How long all keys in work have been so, added up. */
  unfinishedWorkMs(): number;
}

/** What a metric needs to know; every call is synchronous and must not throw. */
export interface WorkQueueObserver {
  /** The queue was made. */
  attached?(queue: WorkQueueState): void;
  added?(key: string): void;
  /** A worker took the key `queuedMs` after it became due. */
  started?(key: string, queuedMs: number): void;
  finished?(key: string, workMs: number): void;
  retried?(key: string, delayMs: number): void;
  /** The queue was full. */
  refused?(key: string): void;
}

export interface WorkQueueOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Keys that may be known at one time: waiting, delayed or in work. */
  readonly keysMax: number;
  readonly backoff: BackoffLimits;
  readonly observer?: WorkQueueObserver;
}

/**
 * A queue of keys with the semantics of client-go's:
 * - fair: keys are taken in the order they were added;
 * - deduplicating: a key that is added again before it is taken stands in the queue once;
 * - never is one key in work twice at a time: a key added while in work is queued again when that work is done, so the
 *   last addition is always followed by work that began after it.
 */
export class WorkQueue implements WorkQueueState {
  readonly #options: WorkQueueOptions;
  /** Waiting keys with the time they were queued, in the order to take them. */
  readonly #waiting = new Map<string, number>();
  /** Keys in work with the time they were taken. */
  readonly #working = new Map<string, number>();
  /** Keys in work that were added again. A subset of `#working`. */
  readonly #again = new Set<string>();
  readonly #delayed = new Map<string, { readonly timer: Timer; readonly dueAt: number }>();
  readonly #failures = new Map<string, number>();
  /** Workers that wait for a key. Not empty only while `#waiting` is empty. */
  readonly #takers = new Set<(key: string) => void>();

  constructor(options: WorkQueueOptions) {
    assert(options.keysMax > 0, 'keysMax must be positive');
    this.#options = options;
    options.observer?.attached?.(this);
  }

  get length(): number {
    return this.#waiting.size;
  }

  longestWorkMs(): number {
    const [oldest] = this.#working.values();
    return oldest === undefined ? 0 : this.#options.clock.now() - oldest;
  }

  unfinishedWorkMs(): number {
    const now = this.#options.clock.now();
    let sumMs = 0;
    for (const startedAt of this.#working.values()) sumMs += now - startedAt;
    return sumMs;
  }

  /** @returns false when the queue is full: the key is not queued, and only a later resync brings it back. */
  add(key: string): boolean {
    if (!this.#hasRoomFor(key)) return false;
    this.#options.observer?.added?.(key);
    this.#cancelDelay(key);
    if (this.#working.has(key)) this.#again.add(key);
    else if (!this.#waiting.has(key)) this.#enqueue(key);
    return true;
  }

  /** Adds the key after `delayMs`, or earlier if it is added in another way; of two delays the one that ends first holds. */
  addAfter(key: string, delayMs: number): boolean {
    if (!this.#hasRoomFor(key)) return false;
    const dueAt = this.#options.clock.now() + delayMs;
    const current = this.#delayed.get(key);
    if (this.#waiting.has(key) || (current && current.dueAt <= dueAt)) return true;
    current?.timer.cancel();
    const timer = this.#options.clock.schedule(delayMs, () => {
      this.#delayed.delete(key);
      this.add(key);
    });
    this.#delayed.set(key, { timer, dueAt });
    return true;
  }

  /** Adds the key after a delay that grows with each retry until `forget`. */
  retry(key: string): boolean {
    const failures = this.#failures.get(key) ?? 0;
    const delayMs = backoffDelayMs(failures, this.#options.backoff, this.#options.random);
    if (!this.addAfter(key, delayMs)) return false;
    this.#failures.set(key, failures + 1);
    this.#options.observer?.retried?.(key, delayMs);
    return true;
  }

  /** The next `retry` of this key is its first again. */
  forget(key: string): void {
    this.#failures.delete(key);
  }

  /** Takes the next key; `done` must follow. @throws the signal's reason on abort. */
  take(signal: AbortSignal): Promise<string> {
    if (signal.aborted) return Promise.reject(signal.reason);
    const [next] = this.#waiting.keys();
    if (next !== undefined) return Promise.resolve(this.#start(next));
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        this.#takers.delete(taker);
        reject(signal.reason);
      };
      const taker = (key: string) => {
        signal.removeEventListener('abort', onAbort);
        resolve(key);
      };
      this.#takers.add(taker);
      signal.addEventListener('abort', onAbort, { once: true });
    });
  }

  /** Ends the work on a key that was taken. */
  done(key: string): void {
    const startedAt = this.#working.get(key);
    assert(startedAt !== undefined, `done('${key}') without take`);
    this.#working.delete(key);
    this.#options.observer?.finished?.(key, this.#options.clock.now() - startedAt);
    if (this.#again.delete(key)) this.#enqueue(key);
  }

  /** Drops everything that waits or is delayed; what is in work stays. */
  clear(): void {
    for (const { timer } of this.#delayed.values()) timer.cancel();
    this.#delayed.clear();
    this.#waiting.clear();
    this.#again.clear();
    this.#failures.clear();
  }

  #enqueue(key: string): void {
    this.#waiting.set(key, this.#options.clock.now());
    const [taker] = this.#takers;
    if (!taker) return;
    this.#takers.delete(taker);
    taker(this.#start(key));
  }

  #start(key: string): string {
    const now = this.#options.clock.now();
    const queuedAt = this.#waiting.get(key) ?? now;
    this.#waiting.delete(key);
    this.#working.set(key, now);
    this.#options.observer?.started?.(key, now - queuedAt);
    return key;
  }

  #cancelDelay(key: string): void {
    this.#delayed.get(key)?.timer.cancel();
    this.#delayed.delete(key);
  }

  #hasRoomFor(key: string): boolean {
    const isKnown = this.#waiting.has(key) || this.#working.has(key) || this.#delayed.has(key);
    const size = this.#waiting.size + this.#working.size + this.#delayed.size;
    if (isKnown || size < this.#options.keysMax) return true;
    this.#options.observer?.refused?.(key);
    return false;
  }
}
