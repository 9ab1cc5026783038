import { type BackoffLimits, backoffDelayMs } from '../../../common/backoff.ts';
import { type Clock, sleep } from '../../../common/clock.ts';
import type { Random } from '../../../common/random.ts';
import { Wakeup } from '../../../common/wakeup.ts';

const RETRY: BackoffLimits = { initialMs: 50, maximumMs: 10_000 };

export interface KeyLoopOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Brings one object to its wanted state; resolves with when to look again, if time alone will change it. */
  readonly reconcile: (key: string, signal: AbortSignal) => Promise<{ retryAfterMs: number } | undefined>;
  readonly onError: (key: string, error: unknown) => void;
}

/**
 * Reconciles keys one after the other, in the order in which they were added. A key waits at most once; added while it
 * is being worked on it is done again; after an error it comes back with back-off.
 */
export class KeyLoop {
  readonly #options: KeyLoopOptions;
  /** Bounded by the number of objects, since keys are unique. */
  readonly #waiting = new Set<string>();
  readonly #failures = new Map<string, number>();
  readonly #wakeup: Wakeup;

  constructor(options: KeyLoopOptions) {
    this.#options = options;
    this.#wakeup = new Wakeup(options.clock);
  }

  add(key: string): void {
    this.#waiting.add(key);
    this.#wakeup.wake();
  }

  addAfter(key: string, delayMs: number): void {
    this.#options.clock.schedule(delayMs, () => this.add(key));
  }

  /** Works until `signal` aborts; never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const [key] = this.#waiting;
      if (key === undefined) {
        await this.#wakeup.wait(signal);
        continue;
      }
      this.#waiting.delete(key);
      await this.#reconcile(key, signal);
    }
  }

  async #reconcile(key: string, signal: AbortSignal): Promise<void> {
    const { reconcile, onError, random } = this.#options;
    try {
      const result = await reconcile(key, signal);
      this.#failures.delete(key);
      if (result) this.addAfter(key, result.retryAfterMs);
    } catch (error) {
      if (signal.aborted) return;
      const failures = this.#failures.get(key) ?? 0;
      this.#failures.set(key, failures + 1);
      onError(key, error);
      this.addAfter(key, backoffDelayMs(failures, RETRY, random));
    }
  }
}

/** Calls `step` now and then every `periodMs`, until `signal` aborts; errors go to `onError`. */
export async function runPeriodically(
  options: { clock: Clock; periodMs: number; step: () => Promise<void>; onError: (error: unknown) => void },
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    await options.step().catch(error => {
      if (!signal.aborted) options.onError(error);
    });
    await sleep(options.clock, options.periodMs, signal).catch(() => undefined);
  }
}
