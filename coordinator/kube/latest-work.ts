import type { BackoffLimits } from '../../common/backoff.ts';
import type { Clock } from '../../common/clock.ts';
import { deadline } from '../../common/deadline.ts';
import type { Random } from '../../common/random.ts';
import { WorkQueue, type WorkQueueObserver } from '../../common/work-queue.ts';
import { runWorkers, TerminalError } from '../../common/workers.ts';

export interface LatestWorkOptions<V> {
  readonly clock: Clock;
  readonly random: Random;
  /** For messages: `gate of Pod`. */
  readonly what: string;
  readonly keysMax: number;
  readonly concurrency: number;
  readonly backoff: BackoffLimits;
  /** Of one call of `work`. */
  readonly timeoutMs: number;
  /** Errors are reported and retried with back-off; a TerminalError is reported and the value dropped. */
  readonly work: (value: V, signal: AbortSignal) => Promise<void>;
  readonly onError: (value: V, error: unknown) => void;
  readonly observer?: WorkQueueObserver;
}

/**
 * Work on the latest value of each key: a value replaces the one before it that is still waiting, and is worked on until
 * it succeeds, fails for good, or is replaced.
 */
export class LatestWork<V> {
  readonly #options: LatestWorkOptions<V>;
  readonly #queue: WorkQueue;
  /** Wrapped, so that a value submitted again during its work is told from the one in work. */
  readonly #values = new Map<string, { readonly value: V }>();

  constructor(options: LatestWorkOptions<V>) {
    this.#options = options;
    this.#queue = new WorkQueue(options);
  }

  /** @returns false when there is no room: the value is not taken. */
  submit(key: string, value: V, delayMs = 0): boolean {
    const isTaken = delayMs > 0 ? this.#queue.addAfter(key, delayMs) : this.#queue.add(key);
    if (isTaken) this.#values.set(key, { value });
    return isTaken;
  }

  /** What waits under this key is not worked on any more; what is in work goes on. */
  drop(key: string): void {
    this.#values.delete(key);
  }

  /** The value of this key that is not done yet. */
  pending(key: string): V | undefined {
    return this.#values.get(key)?.value;
  }

  /** Works until `signal` aborts and resolves when the calls in flight have ended; what was not done is dropped. */
  async run(signal: AbortSignal): Promise<void> {
    const { concurrency, onError } = this.#options;
    await runWorkers(
      {
        queue: this.#queue,
        concurrency,
        work: (key, workSignal) => this.#workOn(key, workSignal),
        onError: (key, error) => {
          const submitted = this.#values.get(key);
          if (error instanceof TerminalError) this.#values.delete(key);
          if (submitted) onError(submitted.value, error);
        },
      },
      signal,
    );
    this.#queue.clear();
    this.#values.clear();
  }

  async #workOn(key: string, signal: AbortSignal): Promise<'done'> {
    const submitted = this.#values.get(key);
    if (!submitted) return 'done';
    const { clock, what, timeoutMs, work } = this.#options;
    using limit = deadline(clock, `${what} ${key}`, timeoutMs, signal);
    await work(submitted.value, limit.signal);
    if (this.#values.get(key) === submitted) this.#values.delete(key);
    return 'done';
  }
}
