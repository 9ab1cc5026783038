import type { Clock } from '../../common/clock.ts';

/** Every round of a part ends by its deadlines within a fraction of this. */
const STUCK_AFTER_MS = 60_000;

/** Parts that go round by themselves. One that has not for a minute hangs on something that never comes. */
export class Pulses {
  readonly #clock: Clock;
  readonly #lastAt = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** From now on this part has to go round; call the result each time it does. */
  follow(part: string): () => void {
    const beat = () => void this.#lastAt.set(part, this.#clock.now());
    beat();
    return beat;
  }

  /** Parts that hang, for people. */
  stuck(): string[] {
    const now = this.#clock.now();
    return [...this.#lastAt]
      .filter(([, lastAt]) => now - lastAt >= STUCK_AFTER_MS)
      .map(([part, lastAt]) => `${part} did nothing for ${Math.round((now - lastAt) / 1_000)} s`);
  }
}
