import type { Clock } from '../../common/clock.ts';

/** Of a message on a report stream: `up` to the coordinator, `down` to the agent. */
export type Direction = 'up' | 'down';

/** The way between two machines. It can be held up, in one direction or both, slowed, and cut. */
export class Route {
  readonly clock: Clock;
  readonly #held: Record<Direction, (() => void)[] | undefined> = { up: undefined, down: undefined };
  readonly #onCut = new Set<() => void>();
  #waiting: (() => void)[] = [];
  /** Drawn for each message, and added to its delay. */
  extraMs: () => number = () => 0;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** Delivers now, or when the way is free again: a connection sends again what nobody has confirmed. */
  pass(direction: Direction, deliver: () => void): void {
    const held = this.#held[direction];
    if (held) held.push(deliver);
    else deliver();
  }

  /** Nothing gets through until `release`; nobody is told. */
  hold(direction: Direction): void {
    this.#held[direction] ??= [];
  }

  release(): void {
    for (const direction of ['up', 'down'] as const) {
      const held = this.#held[direction];
      this.#held[direction] = undefined;
      for (const deliver of held ?? []) deliver();
    }
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resume of waiting) resume();
  }

  /** Resolves when a new connection can be made: at once unless something is held. */
  async opened(): Promise<void> {
    while (this.#held.up || this.#held.down) await new Promise<void>(resolve => this.#waiting.push(resolve));
  }

  /** Breaks every stream that is open now; both ends are told. */
  cut(): void {
    for (const react of [...this.#onCut]) react();
  }

  /** @returns what takes `react` back */
  onCut(react: () => void): () => void {
    this.#onCut.add(react);
    return () => this.#onCut.delete(react);
  }
}
