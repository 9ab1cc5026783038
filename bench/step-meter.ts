import type { Clock } from '../common/clock.ts';
import type { VirtualClock } from '../common/virtual-clock.ts';

/**
 * Real time of the work that one part does in virtual time. A step is a timer of that part's own clock and everything
 * that runs before virtual time goes on: its turn of the event loop.
 */
export class StepMeter {
  readonly #real: Clock;
  readonly #virtual: VirtualClock;
  #stepStartedAt: number | undefined;
  #totalMs = 0;
  #longestMs = 0;

  constructor(real: Clock, virtual: VirtualClock) {
    this.#real = real;
    this.#virtual = virtual;
  }

  /** The clock whose timers are counted. */
  readonly clock: Clock = {
    now: () => this.#virtual.now(),
    wallNow: () => this.#virtual.wallNow(),
    schedule: (delayMs, callback) =>
      this.#virtual.schedule(delayMs, () => {
        this.#stepStartedAt = this.#real.now();
        callback();
      }),
  };

  get totalMs(): number {
    return this.#totalMs;
  }
  get longestMs(): number {
    return this.#longestMs;
  }

  /** Does something now, and counts it. */
  perform(act: () => void): void {
    this.#stepStartedAt = this.#real.now();
    act();
    this.#endStep();
  }

  reset(): void {
    this.#totalMs = 0;
    this.#longestMs = 0;
  }

  /** Moves virtual time on until `condition` holds, and counts. @throws Error when it does not within `limitMs` */
  async advanceUntil(condition: () => boolean, limitMs: number): Promise<void> {
    await this.#virtual.advanceUntil(() => {
      this.#endStep();
      return condition();
    }, limitMs);
  }

  async advance(durationMs: number): Promise<void> {
    const end = this.#virtual.now() + durationMs;
    const timer = this.#virtual.schedule(durationMs, () => undefined);
    await this.advanceUntil(() => this.#virtual.now() >= end, durationMs);
    timer.cancel();
  }

  #endStep(): void {
    if (this.#stepStartedAt === undefined) return;
    const durationMs = this.#real.now() - this.#stepStartedAt;
    this.#stepStartedAt = undefined;
    this.#totalMs += durationMs;
    this.#longestMs = Math.max(this.#longestMs, durationMs);
  }
}
