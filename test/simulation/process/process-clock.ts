import { strict as assert } from 'node:assert';
import type { Clock, Timer } from '../../../common/clock.ts';

const ROUNDING_MS = 1e-6;
/** More than a run has. */
const SLEEPS_MAX = 10_000;

/** When a process was frozen, in the world's wall milliseconds. */
export interface Sleep {
  readonly from: number;
  readonly until: number;
}

/**
 * The clock of one simulated process, by the world's. It may run fast or slow, its wall time may be stepped, and while
 * the process is frozen (SIGSTOP, a long collection, a paused machine) nothing that is due fires before it wakes.
 */
export class ProcessClock implements Clock {
  readonly #world: Clock;
  /** Own seconds in one of the world's. */
  #rate = 1;
  /** What this clock showed when the rate was last changed, and what the world's did. */
  #anchor: { readonly own: number; readonly world: number };
  #wallStepMs = 0;
  #sleep: PromiseWithResolvers<void> | undefined;
  #frozenAt = 0;
  readonly #sleeps: Sleep[] = [];
  #hasEnded = false;
  #pending = 0;

  constructor(world: Clock) {
    this.#world = world;
    this.#anchor = { own: world.now(), world: world.now() };
  }

  now(): number {
    const { own, world } = this.#anchor;
    return own + (this.#world.now() - world) * this.#rate;
  }

  wallNow(): number {
    return this.#world.wallNow() + this.#wallStepMs;
  }

  schedule(delayMs: number, callback: () => void): Timer {
    let isPending = true;
    this.#pending += 1;
    const settle = () => {
      if (!isPending) return false;
      isPending = false;
      this.#pending -= 1;
      return true;
    };
    const fire = () => {
      if (!this.#hasEnded && settle()) callback();
    };
    const timer = this.#world.schedule(this.#byTheWorld(delayMs), () => {
      if (this.#sleep) void this.#sleep.promise.then(fire);
      else fire();
    });
    return { cancel: () => settle() && timer.cancel() };
  }

  /** Rounding must not let a timer fire before its time by this clock: whoever looks would set it again, for ever. */
  #byTheWorld(delayMs: number): number {
    const isExact = this.#rate === 1 && this.#anchor.own === this.#anchor.world;
    return delayMs / this.#rate + (isExact || delayMs === 0 ? 0 : ROUNDING_MS);
  }

  /** From now on `rate` of this clock's seconds pass in one of the world's; timers that are set already keep their time. */
  drift(rate: number): void {
    this.#anchor = { own: this.now(), world: this.#world.now() };
    this.#rate = rate;
  }

  /** Sets the wall time forward, or back. */
  step(byMs: number): void {
    this.#wallStepMs += byMs;
  }

  get isFrozen(): boolean {
    return this.#sleep !== undefined;
  }

  /** Timers that are set. */
  get pending(): number {
    return this.#pending;
  }

  /** Those that are over. */
  get sleeps(): readonly Sleep[] {
    return this.#sleeps;
  }

  freeze(): void {
    if (this.#sleep) return;
    this.#frozenAt = this.#world.wallNow();
    this.#sleep = Promise.withResolvers();
  }

  wake(): void {
    if (this.#hasEnded) return;
    const sleep = this.#sleep;
    if (!sleep) return;
    assert(this.#sleeps.length < SLEEPS_MAX, 'a process is not frozen without end');
    this.#sleeps.push({ from: this.#frozenAt, until: this.#world.wallNow() });
    this.#sleep = undefined;
    sleep.resolve();
  }

  /** The process is dead: nothing fires any more, and whatever reaches it waits for ever. */
  end(): void {
    this.freeze();
    this.#hasEnded = true;
  }

  /** Whatever reaches the process waits here: resolves at once unless it is frozen. */
  async awake(): Promise<void> {
    while (this.#sleep) await this.#sleep.promise;
  }
}
