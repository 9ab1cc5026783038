import type { Clock } from './clock.ts';

/** Lets one loop sleep until somebody has news or a time has come. News that come while it works are not lost. */
export class Wakeup {
  readonly #clock: Clock;
  #pending = false;
  #resume: (() => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  wake(): void {
    this.#pending = true;
    this.#resume?.();
  }

  /**
   * Resolves at the next `wake` (or at once if there was one since the last wait), after `timeoutMs`, or on abort;
   * never rejects. One waiter at a time.
   */
  async wait(signal: AbortSignal, timeoutMs?: number): Promise<void> {
    if (!this.#pending && !signal.aborted) await this.#sleep(signal, timeoutMs);
    this.#pending = false;
  }

  #sleep(signal: AbortSignal, timeoutMs: number | undefined): Promise<void> {
    return new Promise(resolve => {
      const resume = () => {
        timer?.cancel();
        signal.removeEventListener('abort', resume);
        this.#resume = undefined;
        resolve();
      };
      const timer = timeoutMs === undefined ? undefined : this.#clock.schedule(timeoutMs, resume);
      signal.addEventListener('abort', resume, { once: true });
      this.#resume = resume;
    });
  }
}
